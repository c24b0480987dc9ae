//! Where the time of a pass went.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// Where the time went. Reading and computing run side by side: `compute_seconds` and
/// `waiting_seconds` are times of the clock and make up most of `wall_seconds`, the others are
/// summed over the threads that read.
#[derive(Copy, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Seconds spent reading and decoding, summed over threads.
    pub decode_seconds: f64,
    /// Seconds spent resizing what was decoded, summed over threads.
    pub resize_seconds: f64,
    /// Seconds in which an encoder had tiles in hand.
    pub compute_seconds: f64,
    /// Seconds in which every encoder waited for tiles.
    pub waiting_seconds: f64,
    /// Seconds from start to end.
    pub wall_seconds: f64,
    /// Tiles that were encoded in this run, once for each encoder.
    pub tiles: usize,
}

impl Timing {
    /// Share of the time between first and last tile in which the encoders waited for tiles.
    #[must_use]
    pub fn waiting_share(&self) -> f64 {
        let both = self.compute_seconds + self.waiting_seconds;
        if both > 0.0 { self.waiting_seconds / both } else { 0.0 }
    }

    /// Both passes as one.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        Self {
            decode_seconds: self.decode_seconds + later.decode_seconds,
            resize_seconds: self.resize_seconds + later.resize_seconds,
            compute_seconds: self.compute_seconds + later.compute_seconds,
            waiting_seconds: self.waiting_seconds + later.waiting_seconds,
            wall_seconds: self.wall_seconds + later.wall_seconds,
            tiles: self.tiles + later.tiles,
        }
    }
}

/// Measures when at least one of several callers was at work.
pub(super) struct BusyClock(Mutex<Busy>);

struct Busy {
    callers: usize,
    since: Instant,
    total: Duration,
}

impl BusyClock {
    pub(super) fn start() -> Self {
        Self(Mutex::new(Busy { callers: 0, since: Instant::now(), total: Duration::ZERO }))
    }

    /// Runs a caller's work.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.change(|busy| {
            if busy.callers == 0 {
                busy.since = Instant::now();
            }
            busy.callers += 1;
        });
        let result = work();
        self.change(|busy| {
            busy.callers -= 1;
            if busy.callers == 0 {
                busy.total += busy.since.elapsed();
            }
        });
        result
    }

    pub(super) fn seconds(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).total.as_secs_f64()
    }

    fn change(&self, change: impl FnOnce(&mut Busy)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_at_the_same_time_count_once() {
        let clock = BusyClock::start();
        let nap = || std::thread::sleep(Duration::from_millis(40));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| clock.during(nap));
            }
        });
        assert!((0.04..0.15).contains(&clock.seconds()), "{}", clock.seconds());
    }

    #[test]
    fn the_share_of_waiting_is_of_the_clock() {
        let timing = Timing { compute_seconds: 3.0, waiting_seconds: 1.0, ..Timing::default() };
        assert!((timing.waiting_share() - 0.25).abs() < 1e-12);
        assert!((timing.and(timing).waiting_share() - 0.25).abs() < 1e-12);
        assert!(Timing::default().waiting_share().abs() < 1e-12);
    }
}

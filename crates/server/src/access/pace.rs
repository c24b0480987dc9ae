//! How often logins may be tried. The record locks an account after failures; this keeps guessing
//! over many accounts, and hashing for it, slow.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// Tries that may come at once.
const BURST: f64 = 20.0;
/// Tries a second after that.
const A_SECOND: f64 = 1.0;

/// A bucket of tries, shared by everybody: behind a proxy all callers look alike.
pub(crate) struct Pace(Mutex<(f64, Instant)>);

impl Default for Pace {
    fn default() -> Self {
        Self(Mutex::new((BURST, Instant::now())))
    }
}

impl Pace {
    /// Takes one try, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = now.saturating_duration_since(held.1).as_secs_f64();
        *held = ((held.0 + since * A_SECOND).min(BURST), now);
        let there = held.0 >= 1.0;
        if there {
            held.0 -= 1.0;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_let_in_and_then_one_a_second() {
        let (pace, start) = (Pace::default(), Instant::now());
        assert_eq!((0..50).filter(|_| pace.take_at(start)).count(), 20);
        assert!(pace.take_at(start + Duration::from_millis(1100)));
        assert!(!pace.take_at(start + Duration::from_millis(1200)));
    }
}

//! How often something may be done: a bucket that fills slowly, and one for each address or caller.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A burst, and how many a second after that.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) burst: f64,
    pub(crate) a_second: f64,
}

/// Logins, links and refused tokens from one address.
pub(crate) const LOGINS: Rate = Rate { burst: 20.0, a_second: 1.0 };
/// All logins together: hashing of passwords must not take the machine.
pub(crate) const ALL_LOGINS: Rate = Rate { burst: 100.0, a_second: 10.0 };
/// Requests of whoever is logged in: a screen of tiles is a hundred, and many screens a minute.
pub(crate) const REQUESTS: Rate = Rate { burst: 3000.0, a_second: 300.0 };
/// Requests of nobody, from one address: the page and its files.
pub(crate) const STRANGERS: Rate = Rate { burst: 600.0, a_second: 30.0 };

/// Full buckets are looked for no oftener: a flood must not make every request look at all.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Keys that are told apart at once; the others share one bucket.
const MOST: usize = 10_000;

#[derive(Copy, Clone, Debug)]
struct Bucket {
    held: f64,
    at: Instant,
}

impl Bucket {
    fn filled(&self, rate: Rate, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.held + since * rate.a_second).min(rate.burst)
    }

    fn take(&mut self, rate: Rate, now: Instant) -> bool {
        self.held = self.filled(rate, now);
        self.at = now;
        let there = self.held >= 1.0;
        if there {
            self.held -= 1.0;
        }
        there
    }
}

/// One bucket for everybody.
pub(crate) struct Pace {
    rate: Rate,
    bucket: Mutex<Bucket>,
}

impl Pace {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, bucket: Mutex::new(Bucket { held: rate.burst, at: Instant::now() }) }
    }

    /// Takes one, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(self.rate, now)
    }
}

/// Buckets, and when full ones were last forgotten.
struct Kept<K> {
    buckets: HashMap<K, Bucket>,
    looked: Option<Instant>,
}

/// A bucket for each key.
pub(crate) struct Paces<K> {
    rate: Rate,
    kept: Mutex<Kept<K>>,
    others: Pace,
}

impl<K: Eq + Hash> Paces<K> {
    pub(crate) fn new(rate: Rate) -> Self {
        let kept = Kept { buckets: HashMap::new(), looked: None };
        Self { rate, kept: Mutex::new(kept), others: Pace::new(rate) }
    }

    /// Takes one of a key's, if there is one.
    pub(crate) fn take(&self, key: K) -> bool {
        self.take_at(key, Instant::now())
    }

    fn take_at(&self, key: K, now: Instant) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { buckets, looked } = &mut *kept;
        if let Some(bucket) = buckets.get_mut(&key) {
            return bucket.take(self.rate, now);
        }
        let is_due = looked.is_none_or(|at| now.saturating_duration_since(at) >= LOOK_EVERY);
        if buckets.len() >= MOST && is_due {
            *looked = Some(now);
            // A full bucket is as good as none.
            buckets.retain(|_, bucket| bucket.filled(self.rate, now) < self.rate.burst);
        }
        if buckets.len() >= MOST {
            return self.others.take_at(now);
        }
        let mut bucket = Bucket { held: self.rate.burst, at: now };
        let there = bucket.take(self.rate, now);
        buckets.insert(key, bucket);
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_in_and_then_one_a_second_for_each_address() {
        let (paces, start) = (Paces::new(LOGINS), Instant::now());
        assert_eq!((0..50).filter(|_| paces.take_at("a", start)).count(), 20);
        assert!(paces.take_at("b", start), "another address is not slowed by it");
        assert!(paces.take_at("a", start + Duration::from_millis(1100)));
        assert!(!paces.take_at("a", start + Duration::from_millis(1200)));
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_forgotten() {
        let (paces, start) = (Paces::new(LOGINS), Instant::now());
        let let_in = (0..2 * MOST).filter(|number| paces.take_at(*number, start)).count();
        assert!(let_in <= MOST + LOGINS.burst as usize + 1, "{let_in}");
        assert!(paces.kept.lock().unwrap().buckets.len() <= MOST);
        assert!(paces.take_at(usize::MAX, start + Duration::from_secs(60)));
        assert!(paces.kept.lock().unwrap().buckets.len() < 10, "full buckets are forgotten");
    }
}

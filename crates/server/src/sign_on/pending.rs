//! Sign-ons that have begun here and whose people are at the provider.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use openidconnect::{Nonce, PkceCodeVerifier};

/// For so long somebody may be at the provider.
const LASTS: Duration = Duration::from_secs(600);
/// So many at once; the oldest give way.
const MOST: usize = 1024;

/// What the provider's answer is checked with.
pub(super) struct Waiting {
    pub(super) nonce: Nonce,
    pub(super) verifier: PkceCodeVerifier,
    pub(super) role: Option<String>,
    since: Instant,
}

impl Waiting {
    pub(super) fn new(nonce: Nonce, verifier: PkceCodeVerifier, role: Option<String>) -> Self {
        Self { nonce, verifier, role, since: Instant::now() }
    }
}

/// Every sign-on under way, by its state.
#[derive(Default)]
pub(super) struct Pending(Mutex<HashMap<String, Waiting>>);

impl Pending {
    pub(super) fn keep(&self, state: &str, waiting: Waiting) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, waiting| waiting.since.elapsed() < LASTS);
        if kept.len() >= MOST {
            let oldest = kept.iter().min_by_key(|(_, waiting)| waiting.since);
            if let Some(oldest) = oldest.map(|(state, _)| state.clone()) {
                kept.remove(&oldest);
            }
        }
        kept.insert(state.to_owned(), waiting);
    }

    /// Takes one out: it works once.
    pub(super) fn take(&self, state: &str) -> Option<Waiting> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(state).filter(|waiting| waiting.since.elapsed() < LASTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_works_once_and_there_are_never_too_many() {
        let pending = Pending::default();
        let waiting =
            || Waiting::new(Nonce::new("n".into()), PkceCodeVerifier::new("v".repeat(43)), None);
        for i in 0..MOST + 5 {
            pending.keep(&i.to_string(), waiting());
        }
        assert_eq!(pending.0.lock().unwrap().len(), MOST);
        assert!(pending.take("0").is_none(), "the oldest gave way");
        let newest = (MOST + 4).to_string();
        assert!(pending.take(&newest).is_some());
        assert!(pending.take(&newest).is_none());
    }
}

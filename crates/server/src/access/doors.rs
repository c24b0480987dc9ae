//! What was found open a moment ago: a page of tiles asks for the same session and slide hundreds
//! of times, and the record need not look each time.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bianque_core::Digest;
use bianque_record::{Actor, Role, identity::UserId};

use crate::library::SlideKey;

/// A session that was ended elsewhere still reads pictures for so long.
const SESSION: Duration = Duration::from_secs(5);
/// For so long an opened slide needs no further entry in the audit.
const SLIDE: Duration = Duration::from_secs(600);
/// Doors remembered at once.
const MOST: usize = 4096;

/// Sessions and slides that were found open.
#[derive(Default)]
pub(crate) struct Doors {
    sessions: Remembered<Digest, Actor>,
    slides: Remembered<(UserId, Role, SlideKey), ()>,
}

impl Doors {
    pub(super) fn session(&self, token: &str) -> Option<Actor> {
        self.sessions.get(&Digest::of(token.as_bytes()))
    }

    pub(super) fn keep_session(&self, token: &str, actor: Actor) {
        self.sessions.keep(Digest::of(token.as_bytes()), actor, SESSION);
    }

    /// Forgets a session that has ended.
    pub(crate) fn close_session(&self, token: &str) {
        self.sessions.forget(&Digest::of(token.as_bytes()));
    }

    pub(super) fn is_open(&self, actor: &Actor, slide: SlideKey) -> bool {
        self.slides.get(&(actor.user(), actor.role(), slide)).is_some()
    }

    pub(super) fn keep_open(&self, actor: &Actor, slide: SlideKey) {
        self.slides.keep((actor.user(), actor.role(), slide), (), SLIDE);
    }
}

/// Values that are forgotten after a while.
struct Remembered<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Eq + Hash, V: Copy> Remembered<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|(until, _)| *until > Instant::now()).map(|(_, value)| *value)
    }

    fn keep(&self, key: K, value: V, lasts: Duration) {
        let now = Instant::now();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, (until, _)| *until > now);
        }
        if kept.len() < MOST {
            kept.insert(key, (now + lasts, value));
        }
    }

    fn forget(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

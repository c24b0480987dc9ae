//! What the audit has said a moment ago: a page asks for the same thing many times, and whoever is
//! turned away may try as often as a machine can. Neither may fill the audit.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{Event, Object};
use crate::{identity::Moment, people::Actor};

/// A reading is in the audit once in so long, by reader, role and object.
const READING: Duration = Duration::from_secs(600);
/// A refusal is in the audit once in so long, by who was refused what and why.
const REFUSAL: Duration = Duration::from_secs(60);
/// The most that is remembered of each; what does not fit is in the audit each time.
const MOST: usize = 8192;

/// Who read what.
type Reading = (String, Event, &'static str, String);
/// Who was refused what, and why.
type Refused = (String, Event, String);

/// What was said a moment ago.
#[derive(Default)]
pub(crate) struct Recent {
    readings: Mutex<HashMap<Reading, Moment>>,
    refusals: Mutex<HashMap<Refused, (Moment, u64)>>,
}

fn reading(actor: &Actor, event: Event, object: &Object) -> Reading {
    (format!("{} {}", actor.user(), actor.role()), event, object.kind, object.id.clone())
}

impl Recent {
    /// Whether a reading stands in the audit already.
    pub(crate) fn has(&self, now: Moment, actor: &Actor, event: Event, object: &Object) -> bool {
        let kept = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&reading(actor, event, object)).is_some_and(|until| *until > now)
    }

    /// Remembers a reading whose entry was written.
    pub(crate) fn remember(&self, now: Moment, actor: &Actor, event: Event, object: &Object) {
        let mut kept = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, until| *until > now);
        }
        if kept.len() < MOST {
            kept.insert(reading(actor, event, object), now.after(READING));
        }
    }

    /// Whether a refusal is to be written now, and how many like it were not since the last.
    pub(crate) fn refusal(&self, now: Moment, who: &str, event: Event, why: &str) -> Option<u64> {
        let mut kept = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (who.to_owned(), event, why.to_owned());
        if kept.len() >= MOST && !kept.contains_key(&key) {
            kept.retain(|_, (until, _)| *until > now);
            if kept.len() >= MOST {
                // So many at once are an attack: they are counted together.
                key = ("many".to_owned(), event, "too many to tell apart".to_owned());
            }
        }
        match kept.get_mut(&key) {
            Some((until, more)) if *until > now => {
                *more += 1;
                None
            }
            Some((until, more)) => {
                *until = now.after(REFUSAL);
                Some(std::mem::take(more))
            }
            None => {
                kept.insert(key, (now.after(REFUSAL), 0));
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::UserId, people::Role};

    fn at(seconds: i64) -> Moment {
        Moment::from_microseconds(seconds * 1_000_000)
    }

    #[test]
    fn a_reading_is_said_again_after_ten_minutes_and_for_each_role() {
        let (recent, object) = (Recent::default(), Object::new("case", "1"));
        let actor = Actor::new(UserId::CONSOLE, Role::Pathologist);
        recent.remember(at(0), &actor, Event::CaseRead, &object);
        assert!(recent.has(at(599), &actor, Event::CaseRead, &object));
        assert!(!recent.has(at(600), &actor, Event::CaseRead, &object));
        let other = Actor::new(UserId::CONSOLE, Role::Technician);
        assert!(!recent.has(at(1), &other, Event::CaseRead, &object));
        assert!(!recent.has(at(1), &actor, Event::SlideOpened, &object));
        assert!(!recent.has(at(1), &actor, Event::CaseRead, &Object::new("case", "2")));
    }

    #[test]
    fn refusals_are_counted_and_the_count_is_told_with_the_next() {
        let recent = Recent::default();
        let refusal = |second| recent.refusal(at(second), "a", Event::CaseRead, "no");
        assert_eq!(refusal(0), Some(0));
        assert!((1..60).all(|second| refusal(second).is_none()));
        assert_eq!(refusal(60), Some(59));
        assert_eq!(recent.refusal(at(60), "b", Event::CaseRead, "no"), Some(0));
    }

    #[test]
    fn a_flood_of_names_does_not_grow_without_bound() {
        let recent = Recent::default();
        let said = (0..3 * MOST).filter(|number| {
            recent.refusal(at(0), &number.to_string(), Event::CaseRead, "no").is_some()
        });
        assert!(said.count() <= MOST + 1);
        assert!(recent.refusals.lock().unwrap().len() <= MOST + 1);
    }
}

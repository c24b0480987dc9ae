//! Appending to the chain, inside the transaction of the deed.

use bianque_core::Digest;
use serde_json::{Value as Json, json};

use super::{Entry, Event, Object, Outcome};
use crate::{
    RecordError, Result,
    canonical::canonical,
    identity::{Token, UserId},
    people::Role,
    store::Unit,
};

/// The first entry, with a random mark: two records never have the same chain.
pub(crate) fn open_chain(unit: &mut Unit<'_>) -> Result<()> {
    unit.execute(
        "INSERT INTO audit_head (the_only_one, sequence, hash) VALUES (1, 0, ?1)",
        &[Entry::before_the_first().into()],
    )?;
    let mark = Digest::of(Token::fresh()?.reveal().as_bytes());
    let (who, role) = (UserId::CONSOLE.to_string(), Role::Administrator);
    let object = Object::new("record", mark);
    unit.append_entry(&who, role, Event::ChainOpened, Outcome::Done, &object, &json!({}))
}

impl Unit<'_> {
    /// Appends an entry. Writers take turns, so the head that is read here is still the head when
    /// the entry is written.
    pub(crate) fn append_entry(
        &mut self,
        actor: &str,
        role: Role,
        event: Event,
        outcome: Outcome,
        object: &Object,
        detail: &Json,
    ) -> Result<()> {
        let head = self.one("SELECT sequence, hash FROM audit_head WHERE the_only_one = 1", &[])?;
        let head = head.ok_or_else(|| RecordError::damaged("audit head", 1, "it is gone"))?;
        let last = u64::try_from(head.integer(0)?)
            .map_err(|_| RecordError::damaged("audit head", 1, "its number is negative"))?;
        let mut entry = Entry {
            sequence: last + 1,
            at: self.now().microseconds(),
            actor: actor.to_owned(),
            role: role.name().to_owned(),
            event: event.name().to_owned(),
            outcome: outcome.name().to_owned(),
            object_kind: object.kind.to_owned(),
            object: object.id.clone(),
            detail: bounded(detail),
            previous: head.text(1)?.to_owned(),
            hash: String::new(),
        };
        entry.hash = entry.computed_hash();
        self.insert_entry(entry)
    }

    fn insert_entry(&mut self, entry: Entry) -> Result<()> {
        let sequence = i64::try_from(entry.sequence)
            .map_err(|_| RecordError::damaged("audit head", 1, "its number is too large"))?;
        self.execute(
            "UPDATE audit_head SET sequence = ?1, hash = ?2 WHERE the_only_one = 1",
            &[sequence.into(), entry.hash.as_str().into()],
        )?;
        self.execute(
            "INSERT INTO audit_entry (sequence, at, actor, role, event, outcome, object_kind, \
             object, detail, previous, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            &[
                sequence.into(),
                entry.at.into(),
                entry.actor.into(),
                entry.role.into(),
                entry.event.into(),
                entry.outcome.into(),
                entry.object_kind.into(),
                entry.object.into(),
                entry.detail.into(),
                entry.previous.into(),
                entry.hash.into(),
            ],
        )?;
        Ok(())
    }
}

/// A detail that is too long is replaced by its digest and length.
fn bounded(detail: &Json) -> String {
    let text = canonical(detail);
    if text.len() <= Entry::LONGEST_DETAIL {
        return text;
    }
    canonical(&json!({ "bytes": text.len(), "digest": Digest::of(text.as_bytes()).to_string() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_never_exceeds_its_bound() {
        assert_eq!(bounded(&json!({ "b": 1, "a": "x" })), r#"{"a":"x","b":1}"#);
        let long = bounded(&json!({ "a": "x".repeat(Entry::LONGEST_DETAIL) }));
        assert!(long.len() < 200 && long.contains("blake3:"), "{long}");
    }
}

//! One entry and its digest.

use std::fmt;

use bianque_core::Digest;
use serde::{Deserialize, Serialize};

/// Whether what was tried was done.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// An entry of the audit. Its fields are texts as they are stored, since an entry that makes no
/// sense must be shown and not rejected.
///
/// # Its digest, byte by byte
///
/// `hash` is the BLAKE3 digest of these bytes, in this order:
///
/// 1. the 16 ASCII bytes `bianque audit 1` and a line feed;
/// 2. `sequence`: 8 bytes, unsigned, most significant first;
/// 3. `at`: 8 bytes, two's complement, most significant first;
/// 4. `actor`, `role`, `event`, `outcome`, `object_kind`, `object`, `detail`, `previous`: each as 8
///    bytes of its length in bytes, unsigned, most significant first, then its UTF-8 bytes.
///
/// `previous` is the text of the preceding entry's `hash` (`blake3:` and 64 hexadecimal digits in
/// lower case); of the first entry, the digest of no bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 1 and without gaps.
    pub sequence: u64,
    /// Microseconds since 1970-01-01 00:00 UTC.
    pub at: i64,
    /// The account's id, or `unknown`.
    pub actor: String,
    /// The role in which it acted.
    pub role: String,
    /// What was done or tried; see [`super::Event`].
    pub event: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// What kind of thing it was done to.
    pub object_kind: String,
    /// Its id.
    pub object: String,
    /// More of it, as JSON with sorted keys; at most [`Entry::LONGEST_DETAIL`] bytes, no names.
    pub detail: String,
    /// The digest of the entry before.
    pub previous: String,
    /// The digest of this entry.
    pub hash: String,
}

impl Entry {
    /// The longest detail in bytes.
    pub const LONGEST_DETAIL: usize = 8 << 10;

    /// What the first entry names as the one before it.
    #[must_use]
    pub fn before_the_first() -> String {
        Digest::of(b"").to_string()
    }

    /// The digest that this entry must have.
    #[must_use]
    pub fn computed_hash(&self) -> String {
        let mut digest = Digest::builder();
        digest.update(b"bianque audit 1\n");
        digest.update(&self.sequence.to_be_bytes());
        digest.update(&self.at.to_be_bytes());
        for text in [
            &self.actor,
            &self.role,
            &self.event,
            &self.outcome,
            &self.object_kind,
            &self.object,
            &self.detail,
            &self.previous,
        ] {
            digest.update(&(text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        digest.finish().to_string()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = crate::identity::Moment::from_microseconds(self.at);
        let Self { sequence, actor, role, event, outcome, object_kind, object, .. } = self;
        write!(f, "{sequence} {at} {actor} ({role}) {event} {object_kind} {object}: {outcome}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn entry() -> Entry {
        Entry {
            sequence: 1,
            at: -2,
            actor: "a".into(),
            role: "program".into(),
            event: "case.read".into(),
            outcome: "done".into(),
            object_kind: "case".into(),
            object: "1".into(),
            detail: "{}".into(),
            previous: Entry::before_the_first(),
            hash: String::new(),
        }
    }

    #[test]
    fn the_digest_is_that_of_the_documented_bytes() {
        let mut bytes = b"bianque audit 1\n".to_vec();
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend([255, 255, 255, 255, 255, 255, 255, 254]);
        for text in ["a", "program", "case.read", "done", "case", "1", "{}"] {
            bytes.extend([0, 0, 0, 0, 0, 0, 0, text.len() as u8]);
            bytes.extend(text.bytes());
        }
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 71]);
        // The digest of no bytes, from BLAKE3's own test vectors.
        bytes.extend(
            b"blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262".iter(),
        );
        assert_eq!(entry().computed_hash(), Digest::of(&bytes).to_string());
    }

    #[test]
    fn moving_a_letter_from_one_field_to_the_next_changes_the_digest() {
        let mut moved = entry();
        moved.actor = "ap".into();
        moved.role = "rogram".into();
        assert_ne!(moved.computed_hash(), entry().computed_hash());
    }
}

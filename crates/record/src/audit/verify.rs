//! Going along a chain and naming the first entry that does not fit.

use std::fmt;

use serde::Serialize;

use super::{Entry, Head};

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// Another number was expected here: an entry is missing, came twice, or was moved.
    Order {
        /// The number that must stand here.
        expected: u64,
        /// The number that stands here.
        found: u64,
    },
    /// The entry does not name the digest of the one before it.
    Link {
        /// The entry.
        sequence: u64,
    },
    /// The entry's content does not have its digest: it was changed.
    Content {
        /// The entry.
        sequence: u64,
    },
    /// The chain ends elsewhere than a head that was kept says: its tail is cut or was rewritten.
    Tail {
        /// The last entry that the head names.
        expected: u64,
        /// The last entry of the chain.
        found: u64,
    },
    /// The chain has other content at the place that a kept head names.
    Sealed {
        /// The entry.
        sequence: u64,
    },
    /// A row or line is no entry.
    Unreadable {
        /// The number that must stand here.
        expected: u64,
        /// What is wrong with it.
        why: String,
    },
    /// What an entry testifies to, a decision or a signed case, is no longer as it was.
    Deed {
        /// The entry.
        sequence: u64,
        /// What differs.
        what: String,
    },
    /// A state beside the chain, such as roles or where a proposal stands, is not what the entries
    /// make of it.
    State {
        /// Which row, and what of it.
        what: String,
    },
    /// An object that the record names is gone or was changed.
    Object {
        /// Which one, and how.
        what: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { expected, found } => {
                write!(f, "entry {expected} is expected where entry {found} stands")
            }
            Self::Link { sequence } => {
                write!(f, "entry {sequence} does not follow from the entry before it")
            }
            Self::Content { sequence } => write!(f, "entry {sequence} was changed"),
            Self::Tail { expected, found } => {
                write!(f, "the chain ends at entry {found}; a kept head names entry {expected}")
            }
            Self::Sealed { sequence } => {
                write!(f, "entry {sequence} is not the one that a kept head names")
            }
            Self::Unreadable { expected, why } => {
                write!(f, "entry {expected} cannot be read: {why}")
            }
            Self::Deed { sequence, what } => {
                write!(f, "what entry {sequence} testifies to was changed: {what}")
            }
            Self::State { what } => write!(f, "a state beside the chain was changed: {what}"),
            Self::Object { what } => write!(f, "an object was changed: {what}"),
        }
    }
}

/// What came of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether the whole chain holds.
    pub whole: bool,
    /// Entries that hold, from the first on.
    pub entries: u64,
    /// The end of what holds.
    pub head: Head,
    /// The first thing that is wrong.
    #[serde(flatten)]
    pub fault: Option<Fault>,
}

impl Report {
    /// Notes what is wrong beside the chain, if anything.
    pub(super) fn blame(&mut self, fault: Option<Fault>) {
        self.whole &= fault.is_none();
        self.fault = self.fault.take().or(fault);
    }
}

/// Takes entries in their order; keeps nothing but the end of what holds.
#[derive(Debug)]
pub struct Verifier {
    sequence: u64,
    hash: String,
    kept: Vec<Head>,
    fault: Option<Fault>,
}

impl Verifier {
    /// A verifier that also holds the chain against heads that were kept.
    #[must_use]
    pub fn new(kept: &[Head]) -> Self {
        let mut kept = kept.to_vec();
        kept.sort_by_key(|head| head.sequence);
        Self { sequence: 0, hash: Entry::before_the_first(), kept, fault: None }
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.fault.is_none()
    }

    /// Takes the next entry; after a fault, nothing more.
    pub fn take(&mut self, entry: &Entry) {
        if self.holds() {
            self.fault = self.judge(entry);
        }
        if self.holds() {
            self.sequence = entry.sequence;
            self.hash.clone_from(&entry.hash);
        }
    }

    /// Takes what should be the next entry and is none.
    pub fn take_unreadable(&mut self, why: impl fmt::Display) {
        let expected = self.sequence + 1;
        self.blame(Fault::Unreadable { expected, why: why.to_string() });
    }

    /// Notes a fault, unless there is one already.
    pub fn blame(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn judge(&self, entry: &Entry) -> Option<Fault> {
        let sequence = entry.sequence;
        if sequence != self.sequence + 1 {
            return Some(Fault::Order { expected: self.sequence + 1, found: sequence });
        }
        if entry.computed_hash() != entry.hash {
            return Some(Fault::Content { sequence });
        }
        if entry.previous != self.hash {
            return Some(Fault::Link { sequence });
        }
        let mut named = self.kept.iter().filter(|head| head.sequence == sequence);
        named.any(|head| head.hash != entry.hash).then_some(Fault::Sealed { sequence })
    }

    /// What came of it, after the last entry. `end` is the end that the chain's own keeper states.
    #[must_use]
    pub fn finish(mut self, end: Option<&Head>) -> Report {
        if let Some(end) = end {
            if end.sequence != self.sequence {
                self.blame(Fault::Tail { expected: end.sequence, found: self.sequence });
            } else if end.hash != self.hash {
                self.blame(Fault::Sealed { sequence: self.sequence });
            }
        }
        if let Some(last) = self.kept.last()
            && last.sequence > self.sequence
        {
            self.fault.get_or_insert(Fault::Tail { expected: last.sequence, found: self.sequence });
        }
        Report {
            whole: self.fault.is_none(),
            entries: self.sequence,
            head: Head::new(self.sequence, self.hash),
            fault: self.fault,
        }
    }
}

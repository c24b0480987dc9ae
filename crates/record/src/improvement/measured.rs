//! What was measured when a head was refitted: how it agrees with the doctors' decisions that it
//! did not learn from, beside the head that was in use.

use serde::{Deserialize, Serialize};

/// How a head agrees with decisions.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Decisions that the head agrees with.
    pub agrees: u64,
    /// Decisions in all.
    pub of: u64,
    /// The share of decisions that it agrees with, averaged over their kinds.
    pub balanced: f64,
    /// The mean logarithmic loss of a decision, averaged over their kinds.
    pub log_loss: f64,
}

/// How many decisions of a kind there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCount {
    /// A label that was confirmed, or `refused`.
    pub kind: String,
    /// Decisions that were learned from.
    pub learned: u64,
    /// Decisions that were held out.
    pub held_out: u64,
}

/// What was measured when a head was refitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The head that was in use, on the held-out decisions.
    pub before: Agreement,
    /// The refitted head, on the same.
    pub after: Agreement,
    /// Held-out decisions that only the refitted head agrees with.
    pub mended: u64,
    /// Held-out decisions that only the head in use agreed with.
    pub spoilt: u64,
    /// Decisions by kind.
    pub kinds: Vec<KindCount>,
    /// How strongly the weights were pulled to the task's own; found on the learned cases alone.
    pub pull: f64,
    /// Cases that were learned from.
    pub learned_cases: u64,
    /// Cases that were held out.
    pub held_out_cases: u64,
    /// Tiles that were learned from.
    pub learned_tiles: u64,
    /// Decisions that neither part has: no features are kept of their slide, no tile lies in their
    /// outline by more than half, or the head does not know their label.
    pub left_out: LeftOut,
    /// Slides of which features are kept.
    pub slides: u64,
    /// Their tiles.
    pub tiles: u64,
    /// Of those, tiles that the refitted head gives another label.
    pub changed_tiles: u64,
}

/// Decisions that could not be used, by what was missing.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// No features of the slide are kept.
    pub no_features: u64,
    /// No tile lies in the outline by more than half.
    pub no_tile: u64,
    /// The head does not know the label.
    pub unknown_label: u64,
}

impl LeftOut {
    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.no_features + self.no_tile + self.unknown_label
    }
}

impl Measured {
    /// Whether the refitted head is worse on the held-out decisions: it agrees with fewer, or with
    /// as many and is less sure of them.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let agreement = self.after.balanced.total_cmp(&self.before.balanced);
        agreement.then(self.before.log_loss.total_cmp(&self.after.log_loss)).is_lt()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn measured(before: (f64, f64), after: (f64, f64)) -> Measured {
        let agreement = |(balanced, log_loss)| Agreement { agrees: 1, of: 2, balanced, log_loss };
        Measured {
            before: agreement(before),
            after: agreement(after),
            mended: 0,
            spoilt: 0,
            kinds: Vec::new(),
            pull: 0.1,
            learned_cases: 1,
            held_out_cases: 1,
            learned_tiles: 1,
            left_out: LeftOut::default(),
            slides: 1,
            tiles: 1,
            changed_tiles: 0,
        }
    }

    #[test]
    fn agreement_decides_and_then_the_loss() {
        for (before, after, worse) in [
            ((0.5, 0.7), (0.75, 0.9), false),
            ((0.75, 0.7), (0.5, 0.2), true),
            ((0.5, 0.7), (0.5, 0.7), false),
            ((0.5, 0.7), (0.5, 0.8), true),
            ((0.5, 0.7), (0.5, 0.6), false),
        ] {
            assert_eq!(measured(before, after).is_worse(), worse, "{before:?} {after:?}");
        }
    }
}

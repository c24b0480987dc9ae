//! What is wrong with a slide and what is to be done about it.

use bianque_core::{Level0, PixelRect};
use serde::{Deserialize, Serialize};

use super::{Field, ProposalContent};
use crate::{
    identity::{Label, SlideId},
    names::named,
};

/// What happens to a slide; the same words as the checker's.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Nothing to say.
    Pass,
    /// Good for diagnosis; some places are marked.
    PassMarked,
    /// Scan the same glass again.
    Rescan,
    /// Stain again.
    Restain,
    /// Cut, mount or clean again.
    Recut,
    /// The file cannot be judged.
    Unreadable,
}
named!(Verdict, "verdict", {
    Pass => "pass",
    PassMarked => "pass-marked",
    Rescan => "rescan",
    Restain => "restain",
    Recut => "recut",
    Unreadable => "unreadable",
});

/// A fault and where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityReason {
    /// The fault's stable name.
    pub fault: Label,
    /// Where, in level-0 pixels; the whole slide if nowhere in particular.
    pub region: Option<PixelRect<Level0>>,
}

/// A verdict about a slide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityVerdict {
    /// Which slide.
    pub slide: SlideId,
    /// What happens to it.
    pub verdict: Verdict,
    /// Why, the gravest first; at most 1000.
    pub reasons: Vec<QualityReason>,
}

impl ProposalContent for QualityVerdict {
    const KIND: &'static str = "quality-verdict";
    const VERSION: u32 = 1;
    const FIELD: Field = Field::Quality;

    fn headline(&self) -> String {
        match self.reasons.first() {
            Some(reason) => format!("{}: {}", self.verdict, reason.fault),
            None => self.verdict.to_string(),
        }
    }

    fn bad_slide(&self) -> bool {
        self.verdict > Verdict::PassMarked
    }

    fn check(&self) -> Result<(), String> {
        if self.reasons.len() > 1000 {
            return Err("more than 1000 reasons".to_owned());
        }
        if self.bad_slide() && self.reasons.is_empty() {
            return Err(format!("the verdict {} has no reason", self.verdict));
        }
        Ok(())
    }
}

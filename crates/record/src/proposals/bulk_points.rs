//! Very many points of a slide, such as nuclei: what they are stands here, where they are in an
//! object that is named by its content.

use bianque_core::{Digest, Level0, PixelRect};
use serde::{Deserialize, Serialize};

use super::{Field, ProposalContent};
use crate::identity::{Label, SlideId};

/// Points of a slide, proposed and decided about together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulkPoints {
    /// The slide that they lie on.
    pub slide: SlideId,
    /// What they are together.
    pub label: Label,
    /// What each may be; a point names its class by place in this list.
    pub classes: Vec<Label>,
    /// Where coordinates and classes are kept.
    pub object: Digest,
    /// How many.
    pub count: u64,
    /// The smallest rectangle around them, in level-0 pixels.
    pub bounds: PixelRect<Level0>,
}

impl BulkPoints {
    /// The most points of one proposal.
    pub const MOST: u64 = 5_000_000;
}

impl ProposalContent for BulkPoints {
    const KIND: &'static str = "bulk-points";
    const VERSION: u32 = 1;
    const FIELD: Field = Field::Diagnosis;

    fn headline(&self) -> String {
        format!("{}: {} points", self.label, self.count)
    }

    fn check(&self) -> Result<(), String> {
        if self.count == 0 || self.count > Self::MOST {
            return Err(format!("a set has 1 to {} points", Self::MOST));
        }
        if self.classes.is_empty() || self.classes.len() > 64 {
            return Err("points have 1 to 64 classes".to_owned());
        }
        Ok(())
    }
}

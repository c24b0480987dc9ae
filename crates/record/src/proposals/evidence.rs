//! What a proposal rests on.

use bianque_core::{Digest, Level0, PixelRect, Producer};
use serde::{Deserialize, Serialize};

use crate::identity::SlideId;

/// A place where somebody can look, or what was computed before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Evidence {
    /// A region of a slide.
    SlideRegion {
        /// Which slide of the case.
        slide: SlideId,
        /// Where, in level-0 pixels.
        region: PixelRect<Level0>,
    },
    /// A line of a report.
    ReportLine {
        /// The digest of the report's text.
        report: Digest,
        /// Which line, from 1.
        line: u32,
    },
    /// A passage of a source: a guideline, an article.
    Passage {
        /// The digest of the source's text.
        source: Digest,
        /// Where it begins, in bytes.
        start: u64,
        /// Where it ends, in bytes, exclusive.
        end: u64,
    },
    /// The features that an encoder made of the slide, which the producer judged.
    Features {
        /// The encoder, with the digest of its weights and its licence.
        encoder: Producer,
    },
}

impl Evidence {
    /// The encoder, where this is its features.
    #[must_use]
    pub fn encoder(&self) -> Option<&Producer> {
        match self {
            Self::Features { encoder } => Some(encoder),
            Self::SlideRegion { .. } | Self::ReportLine { .. } | Self::Passage { .. } => None,
        }
    }
}

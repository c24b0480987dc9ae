//! New slides become cases and are examined in the background. What examines them is given from
//! outside: no tensor and no check lives here.

mod keep;
mod lone;
mod watch;

use std::{path::Path, sync::atomic::AtomicBool};

use bianque_core::{Level0, PixelRect, Polygon, Producer};
use bianque_record::{identity::Label, proposals::SlideVerdict};

pub(crate) use lone::own_case;
pub(crate) use watch::Watch;

/// What examines slides.
pub trait Examiner: Send + Sync {
    /// A short text that changes with weights, rules or version: a slide that the same producer has
    /// examined is not examined again.
    fn producer(&self) -> Label;

    /// Examines a slide. `progress` is told how much is done of how much; `stop` ends it early.
    ///
    /// # Errors
    /// Why it cannot be examined, without the file's name.
    fn examine(
        &self,
        slide: &Path,
        progress: &(dyn Fn(u64, u64) + Sync),
        stop: &AtomicBool,
    ) -> Result<Examined, ExamineError>;
}

/// Why a slide was not examined.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// The program is ending: the slide's turn comes again.
    #[error("it was stopped")]
    Stopped,
    /// It cannot be examined. The text goes to the reader: it must not have the file's name.
    #[error("{0}")]
    Failed(String),
}

/// What was found on a slide. Everything in it is a proposal.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What the slide is good for.
    pub quality: FoundQuality,
    /// What may be lesions.
    pub lesions: Vec<FoundLesion>,
    /// What produced the lesions.
    pub lesions_by: Producer,
    /// The encoder whose features that judged.
    pub features_by: Option<Producer>,
    /// Where lesions are probable.
    pub heatmap: Option<Heatmap>,
    /// Why no lesions were looked for, and what to do about it. It must not have the file's name.
    pub nothing_sought: Option<String>,
}

/// What a slide is good for.
#[derive(Clone, Debug)]
pub struct FoundQuality {
    /// What happens to it.
    pub verdict: SlideVerdict,
    /// Why: fault and place, the gravest first.
    pub reasons: Vec<(Label, Option<PixelRect<Level0>>)>,
    /// What judged it.
    pub by: Producer,
    /// The worst place as JPEG.
    pub crop: Option<Vec<u8>>,
}

/// What may be a lesion.
#[derive(Clone, Debug)]
pub struct FoundLesion {
    /// Its label, of the controlled list.
    pub label: Label,
    /// Its outline, in level-0 pixels.
    pub outline: Vec<Polygon<Level0>>,
    /// How sure the producer is, 0 to 1.
    pub score: f64,
    /// Where it is surest.
    pub evidence: Vec<PixelRect<Level0>>,
}

/// A map of probabilities: one byte a pixel, 0 where nothing was judged, else 1 to 255.
#[derive(Clone, Debug)]
pub struct Heatmap {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Level-0 pixels a pixel.
    pub downsample: f64,
    /// Row after row.
    pub values: Vec<u8>,
    /// Of what it is the probability.
    pub label: String,
}

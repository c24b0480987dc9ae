//! Intervals of what is measured of lesions, by resampling slides: lesions of one slide are found or
//! missed together.

use serde::{Deserialize, Serialize};

use super::{
    bootstrap::{Estimate, PatientBootstrap},
    froc::{FALSE_POSITIVES, SlideDetections, froc},
    lesions::{LesionOutcome, by_size},
    raster::Overlap,
};

/// Slides from which on an interval is worth anything at all.
const FEWEST: usize = 2;
/// What is estimated at once: the score, a sensitivity each, the Dice.
const MEASURES: usize = FALSE_POSITIVES.len() + 2;
/// Classes of size at most.
const SIZES: usize = 4;

/// 95 % intervals over slides; absent where resampled slides do not have what a measure needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LesionIntervals {
    /// The FROC's score.
    pub score: Option<Estimate>,
    /// The sensitivities in the FROC's order.
    pub sensitivities: Vec<Option<Estimate>>,
    /// The shared area's Dice.
    pub dice: Option<Estimate>,
    /// Recall, in the order of the size classes.
    pub recall_by_size: Vec<Option<Estimate>>,
}

/// One slide's part of an evaluation.
pub(super) struct SlidePart<'a> {
    pub(super) detections: &'a SlideDetections,
    pub(super) lesions: &'a [LesionOutcome],
    pub(super) overlap: &'a Overlap,
}

impl LesionIntervals {
    /// Resamples slides; none of too few of them.
    pub(super) fn measure(
        parts: &[SlidePart<'_>],
        mpp: Option<f64>,
        (rounds, seed): (usize, u64),
    ) -> Option<Self> {
        if rounds == 0 || parts.len() < FEWEST {
            return None;
        }
        let own: Vec<usize> = (0..parts.len()).collect();
        let bootstrap = PatientBootstrap::new(&own, rounds, seed);
        let measures: [_; MEASURES] = bootstrap.estimates(|drawn| found(parts, drawn));
        let sizes: [_; SIZES] = bootstrap.estimates(|drawn| recalls(parts, drawn, mpp));
        let [score, sensitivities @ .., dice] = measures;
        let classes = if mpp.is_some() { SIZES } else { 1 };
        Some(Self {
            score,
            sensitivities: sensitivities.to_vec(),
            dice,
            recall_by_size: sizes.into_iter().take(classes).collect(),
        })
    }
}

fn found(parts: &[SlidePart<'_>], drawn: &[usize]) -> [Option<f64>; MEASURES] {
    let detections: Vec<SlideDetections> =
        drawn.iter().map(|slide| parts[*slide].detections.clone()).collect();
    let mut all = [None; MEASURES];
    if let Ok(froc) = froc(&detections) {
        all[0] = Some(froc.score);
        for (to, sensitivity) in all[1..].iter_mut().zip(froc.sensitivities) {
            *to = Some(sensitivity);
        }
    }
    all[MEASURES - 1] = Overlap::sum(drawn.iter().map(|slide| parts[*slide].overlap)).dice;
    all
}

fn recalls(parts: &[SlidePart<'_>], drawn: &[usize], mpp: Option<f64>) -> [Option<f64>; SIZES] {
    let lesions: Vec<LesionOutcome> =
        drawn.iter().flat_map(|slide| parts[*slide].lesions).cloned().collect();
    let mut all = [None; SIZES];
    for (to, class) in all.iter_mut().zip(by_size(&lesions, mpp)) {
        *to = class.recall;
    }
    all
}

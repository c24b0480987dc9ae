//! Measures: of tile classification, of calibration, of lesion finding.

mod auroc;
mod calibration;
mod classification;
mod froc;
mod lesions;
mod raster;

pub use auroc::auroc;
pub(crate) use calibration::at_the_end;
pub use calibration::fit_temperature;
pub use classification::{ClassificationMetrics, PairwiseAuroc};
pub use froc::{Detection, FALSE_POSITIVES, Froc, FrocPoint, SlideDetections, froc};
pub use lesions::{
    LesionEvaluation, LesionOutcome, LesionSettings, SizeClass, SlideLesions, evaluate_lesions,
};
pub use raster::Overlap;

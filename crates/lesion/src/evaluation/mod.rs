//! Measures: of tile and slide classification, of calibration, of lesion finding.

mod abstention;
mod agreement;
mod auroc;
mod bootstrap;
mod calibrated;
mod calibration;
mod classification;
mod comparison;
mod conformal;
mod delong;
mod familiarity;
mod froc;
mod lesion_intervals;
mod lesions;
mod novelty;
mod novelty_model;
mod ranking;
mod raster;
mod reliability;
mod shipped;
mod site_shift;
mod slides;
#[cfg(test)]
mod slides_tests;
mod stain;
mod tiles;

pub use abstention::Abstention;
pub use agreement::{balanced_accuracy, confusion_counts, mcnemar, quadratic_kappa, weighted_f1};
pub use auroc::auroc;
pub use bootstrap::{Estimate, PatientBootstrap};
pub use calibrated::Calibration;
pub(crate) use calibration::at_the_end;
pub use calibration::fit_temperature;
pub use classification::{ClassificationMetrics, PairwiseAuroc};
pub use comparison::{ClassDeLong, McNemar, PairedMeasure, SlideComparison};
pub use conformal::{AbstentionGroup, ConformalThresholds, wilson};
pub use delong::{DeLong, delong};
pub use familiarity::Familiarity;
pub use froc::{Detection, FALSE_POSITIVES, Froc, FrocPoint, SlideDetections, froc};
pub use lesion_intervals::LesionIntervals;
pub use lesions::{
    LesionEvaluation, LesionOutcome, LesionSettings, SizeClass, SlideLesions, evaluate_lesions,
};
pub use novelty::{Novelty, NoveltyGroup, novelty, site_novelty};
pub use novelty_model::NoveltyModel;
pub use ranking::{CurvePoint, average_precision, concordance, concordance_within, curve};
pub use raster::Overlap;
pub use reliability::{Isotonic, Reliability, ReliabilityBin, reliability};
pub use shipped::ShippedAbstention;
pub use site_shift::{SiteShift, site_shift};
pub use slides::{
    ClassCurve, EvaluationUnit, SlideEvaluation, SlideEvaluationSettings, SlideGroup, SlideMeasure,
};
pub use stain::{StainRobustness, StainStep, stain_robustness};
pub use tiles::{TileGrouping, TileGroups};

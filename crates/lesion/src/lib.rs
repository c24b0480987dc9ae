//! Tiles to features to heads to regions: training, calibration, metrics, FROC.
//!
//! Two ways lead in: [`tile_features`] encodes a folder of tiles, [`slide_features`] the tissue of
//! a slide; both keep what they made. [`train_head`] makes a calibrated head of features and
//! labels, a [`Task`] carries it with everything that is needed to use it. On a slide,
//! [`Head::probabilities`] become a [`ProbabilityMap`], and [`find_regions`] outlines lesions in
//! it. [`ClassificationMetrics`] and [`evaluate_lesions`] say how good that is.

mod annotated;
mod attention;
mod coverage_table;
mod error;
mod evaluation;
#[cfg(test)]
mod fakes;
mod files;
mod head;
mod matrix;
mod regions;
mod second_look;
mod slide_features;
mod slide_head;
mod slide_training;
mod splits;
mod tape;
mod task;
mod tiles;
mod train;

pub use annotated::{AnnotationMap, LabelledTiles, label_tiles};
pub use attention::{ATTENTION_NOTICE, AttentionMap};
pub use coverage_table::*;
pub use error::{LesionError, Result};
pub use evaluation::*;
pub use head::*;
pub use matrix::{FeatureMatrix, Probabilities};
pub use regions::*;
pub use second_look::{SecondBudget, SecondLook, most_informative};
pub use slide_features::*;
pub use slide_head::{
    SlideGradient, SlideHead, SlideHeadFacts, SlideHeadKind, SlidePrediction, SlidePurpose,
    SlideTarget, slide_head_from_bytes, slide_head_to_bytes,
};
pub use slide_training::*;
pub use splits::*;
pub use task::*;
pub use tiles::*;
pub use train::{
    HeadSettings, TrainedHead, TrainingData, TrainingReport, cross_validate, train_head,
};

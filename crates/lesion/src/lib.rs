//! Tiles to features to heads to regions: training, calibration, metrics, FROC.

mod error;
mod evaluation;
mod files;
mod head;
mod matrix;
mod regions;
mod slide_features;
mod task;

pub use error::{LesionError, Result};
pub use evaluation::*;
pub use head::*;
pub use matrix::{FeatureMatrix, Probabilities};
pub use regions::*;
pub use slide_features::*;
pub use task::*;

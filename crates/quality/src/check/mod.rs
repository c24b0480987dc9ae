//! A verdict on a slide: pass, rescan, recut or restain, with the place and the reason.
//!
//! [`check_slide`] reads the slide twice: at low power for everything that has a shape (folds,
//! bubbles, ink, stain, borders), and field by field near full resolution, on tissue only, for
//! focus, seams and exposure. Every measure is a module; every limit stands in `thresholds.toml`.

mod border;
mod bubbles;
mod checker;
mod coarse;
mod coding;
mod dirt;
mod edges;
mod explain;
mod exposure;
mod fault;
mod fields;
mod focus;
mod focus_map;
mod folds;
mod grey;
mod missing;
mod nuclear_stain;
mod on_tissue;
mod pen;
mod recoding;
mod run;
mod scene;
mod seam_border;
mod seam_lines;
mod seam_offset;
mod seam_profile;
mod seam_steps;
mod seams;
mod stain;
mod tears;
mod thresholds;
mod unmixing;
mod verdict;

pub use explain::{Explanation, explain};
pub use fault::{Fault, Remedy};
pub use run::{Check, CheckSettings, check_slide};
pub use thresholds::{DEFAULT_THRESHOLDS, Limits, Thresholds, holds_below};
pub use verdict::{Finding, Measures, Verdict};

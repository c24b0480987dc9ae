//! A verdict on a slide: pass, rescan, recut or restain, with the place and the reason.

mod fault;
mod thresholds;
mod verdict;

pub use fault::{Fault, Remedy};
pub use thresholds::{DEFAULT_THRESHOLDS, Limits, Thresholds, holds_below};
pub use verdict::{Finding, Measures, Verdict};

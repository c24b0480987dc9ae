//! What a site remembers of its slides, and the control charts that it draws from that.
//!
//! A [`SiteFile`] keeps one [`SlideRecord`] a slide: its measures, its scanner, its stainer, its day;
//! no patient, and no file name unless asked for. [`SiteReport::of`] reads the [`SiteLog`] and draws
//! for every scanner and stainer two charts a measure: single slides (Shewhart) and daily means
//! (EWMA). A [`Drift`] says in words which of them has left its limits and since when, so that a
//! scanner is serviced before its slides fail. A [`StainReference`] holds a single slide against the
//! latest of its own scanner and stainer.

mod baseline;
mod change;
mod chart;
mod constant;
mod daily;
mod day;
mod drift;
mod file;
mod individuals;
mod log;
mod record;
mod reference;
mod report;
mod rules;
#[cfg(test)]
mod simulated;

pub use baseline::BaselineSpan;
pub use chart::{ChartSettings, ControlChart, Group, GroupKind, Side, Signal};
pub use constant::Constant;
pub use daily::{Daily, DayPoint};
pub use day::Day;
pub use drift::{Drift, DriftLevel};
pub use file::{ReadLimits, SiteFile};
pub use individuals::{Individuals, SlidePoint};
pub use log::{SiteLog, SiteRow};
pub use record::SlideRecord;
pub use reference::{Departure, StainReference, TooFewSlides};
pub use report::{SiteReport, VerdictDay, Waiting};
pub use rules::Rule;

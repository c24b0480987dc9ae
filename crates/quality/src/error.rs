//! What can go wrong. A slide without tissue is a finding, not an error.

use bianque_slide::SlideError;

/// Why a slide could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum QualityError {
    /// The slide's low-power pixels cannot be read.
    #[error("the low-power view cannot be read: {0}")]
    Slide(#[from] SlideError),
    /// The slide or image has no pixel.
    #[error("the slide has no pixels: its level 0 is {width} x {height}")]
    Empty {
        /// Width of level 0.
        width: u32,
        /// Height of level 0.
        height: u32,
    },
    /// A setting makes no sense.
    #[error("tissue setting {name} is {value}: it must be finite and {must}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// What it is.
        value: f64,
        /// What it must be.
        must: &'static str,
    },
    /// A file of thresholds makes no sense.
    #[error("the thresholds cannot be used: {what}")]
    Thresholds {
        /// What is wrong with them.
        what: String,
    },
    /// The file of a site's memory cannot be used.
    #[error("the site's memory cannot be {doing}: {what}")]
    Site {
        /// `read`, `written` or `charted`.
        doing: &'static str,
        /// What went wrong.
        what: String,
    },
}

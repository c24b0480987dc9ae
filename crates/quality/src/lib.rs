//! What a slide is good for, before anything else looks at it: tissue, faults with their places, a verdict, a site's memory.
//!
//! [`find_tissue`] reads a slide at low power and says for every pixel what it is: tissue, glass,
//! ink and of which colour, a dark edge, or dust. The answer is a raster, outlines in level-0
//! pixels, an area, and fast queries for a tile grid. It needs no weights and gives the same bytes
//! for the same slide.
//!
//! The steps: [`Overview`] reads; `glass` finds the colour of empty glass; `density` turns pixels
//! into optical density against it; `ink` and `debris` take out what is no tissue; `tissue` keeps
//! what is coloured like a stain; `outline` and `coverage` make the result usable.

mod check;
mod components;
mod coverage;
mod debris;
mod density;
mod error;
mod glass;
mod ink;
mod morphology;
mod outline;
mod overview;
mod plane;
mod reasons;
mod settings;
pub mod site;
mod stained;
mod threshold;
mod tissue;

pub use check::{
    Check, CheckSettings, DEFAULT_THRESHOLDS, Explanation, Fault, Finding, Limits, Measures,
    Remedy, Thresholds, Verdict, check_slide, explain, holds_below,
};
pub use error::QualityError;
pub use glass::GlassColour;
pub use overview::Overview;
pub use reasons::{InkColour, Reason};
pub use settings::TissueSettings;
pub use tissue::{InkArea, Tissue, TissueWarning, find_tissue};

/// The crate's result.
pub type Result<T> = std::result::Result<T, QualityError>;

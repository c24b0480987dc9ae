//! Synthetic sections of colon in haematoxylin and eosin, with planted lesions and exact truth.

pub(crate) mod noise;
mod paint;
mod plane;
mod recipe;
mod scene;
mod slide;

pub use recipe::{Content, InkColour, SlideRecipe, Stain};
pub use slide::{SyntheticSlide, TileClass, Truth, render_region};

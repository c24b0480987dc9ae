//! Any vendor's whole-slide image as one pyramid: raw tile bytes first, pixels second.
//!
//! [`open()`] recognises the format and gives a [`Slide`]. Its calls go from cheap to dear:
//! [`Slide::raw_tile`] hands out the bytes as they lie in the file with the name of their codec,
//! [`Slide::read_region`] pixels of one level, [`Slide::read_at_mpp`] pixels at a wanted
//! resolution. Opening costs file access; keep a slide open. All calls may come from many threads.

mod cache;
mod codec;
mod container;
mod content;
mod dicom;
mod error;
mod facts;
mod file;
mod folder;
mod open;
mod pyramid;
mod resolution;
mod slide;
mod tiff;

pub use content::content_digest;
pub use error::SlideError;
pub use facts::{Format, Level, Scanner, SlideFacts};
pub use folder::{find_slides, find_unread_slides, only_dicom};
#[doc(hidden)]
pub use open::open_bytes;
pub use open::{OpenOptions, open};
pub use slide::{Codec, RawTile, Slide, TileIndex};

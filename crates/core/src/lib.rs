//! Ids, units, geometry, raster, provenance and digests: no I/O, no async.
//!
//! Everything that two crates must agree on stands here: which frame a coordinate is in, where a
//! micron-per-pixel value came from, what produced a result. Nothing here opens a file.

pub mod digest;
pub mod geojson;
pub mod geometry;
pub mod provenance;
pub mod raster;
pub mod units;

pub use digest::Digest;
pub use geometry::{PixelRect, Point, Polygon, Rect};
pub use provenance::Producer;
pub use raster::{GrayImage, RgbImage};
pub use units::{
    AtLevel, Confidence, Frame, Level0, Magnification, Millimetre, Mpp, MppSource,
    SquareMillimetres,
};

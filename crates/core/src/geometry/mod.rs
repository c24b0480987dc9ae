//! Points, rectangles and polygons, each tied to its frame by type.

mod polygon;
mod rect;
mod trace;

pub use polygon::{Polygon, Ring};
pub use rect::{PixelRect, Point, Rect};
pub use trace::trace_mask;

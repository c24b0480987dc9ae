//! Deep Zoom (DZI): a descriptor in XML and levels that halve down to one pixel.
//!
//! Format: Microsoft Deep Zoom File Format Overview; as OpenSeadragon reads it. Without overlap, so
//! that a tile can be the slide's own.

use bianque_core::Point;
use bianque_slide::Slide;

use super::{Piece, tile_edge};
use crate::answer::Refusal;

/// A slide's Deep Zoom pyramid.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeepZoom {
    width: u32,
    height: u32,
    edge: u32,
}

impl DeepZoom {
    pub(crate) fn of(slide: &dyn Slide) -> Self {
        let bounds = slide.facts().bounds();
        Self { width: bounds.width, height: bounds.height, edge: tile_edge(slide) }
    }

    /// The descriptor.
    pub(crate) fn xml(&self) -> String {
        let Self { width, height, edge } = self;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Image \
             xmlns=\"http://schemas.microsoft.com/deepzoom/2008\" Format=\"jpeg\" Overlap=\"0\" \
             TileSize=\"{edge}\"><Size Height=\"{height}\" Width=\"{width}\"/></Image>\n"
        )
    }

    /// The number of the level in full size; level 0 has one pixel.
    pub(crate) fn last_level(&self) -> u32 {
        self.width.max(self.height).max(1).next_power_of_two().trailing_zeros()
    }

    /// A tile's piece of the slide.
    pub(crate) fn piece(&self, level: u32, column: u32, row: u32) -> Result<Piece, Refusal> {
        let absent = || Refusal::NotFound("tile");
        let halvings = self.last_level().checked_sub(level).ok_or_else(absent)?;
        let step = 1_u64 << halvings;
        let length = |full: u32| u64::from(full).div_ceil(step);
        let part = |full: u32, number: u32| {
            let start = u64::from(number) * u64::from(self.edge);
            let left = length(full).checked_sub(start).filter(|left| *left > 0)?;
            Some((start, left.min(u64::from(self.edge)) as u32))
        };
        let (x, width) = part(self.width, column).ok_or_else(absent)?;
        let (y, height) = part(self.height, row).ok_or_else(absent)?;
        let origin = Point::new((x * step) as f64, (y * step) as f64);
        Ok(Piece { origin, step: step as f64, width, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZOOM: DeepZoom = DeepZoom { width: 1000, height: 600, edge: 256 };

    #[test]
    fn levels_halve_down_to_one_pixel() {
        assert_eq!(ZOOM.last_level(), 10);
        let one = ZOOM.piece(0, 0, 0).unwrap();
        assert_eq!((one.width, one.height, one.step), (1, 1, 1024.0));
        let last = ZOOM.piece(10, 3, 2).unwrap();
        assert_eq!((last.width, last.height), (1000 - 768, 600 - 512));
        assert_eq!(last.origin, Point::new(768.0, 512.0));
        let half = ZOOM.piece(9, 1, 1).unwrap();
        assert_eq!((half.width, half.height, half.step), (244, 44, 2.0));
    }

    #[test]
    fn what_lies_outside_does_not_exist() {
        for (level, column, row) in
            [(11, 0, 0), (10, 4, 0), (10, 0, 3), (0, 1, 0), (10, u32::MAX, 0)]
        {
            assert!(ZOOM.piece(level, column, row).is_err(), "{level} {column} {row}");
        }
        let pixel = DeepZoom { width: 1, height: 1, edge: 256 };
        assert_eq!(pixel.last_level(), 0);
    }
}

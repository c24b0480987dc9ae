//! Reads a slide through every call, as far as a bounded number of pixels goes.

use bianque_core::{PixelRect, Point};
use bianque_slide::{Slide, TileIndex};

/// Pixels after which an input has shown what it can: a small file may state a large slide.
const PIXELS: u64 = 1 << 22;

/// Reads tiles, regions at a resolution and associated images; errors are what is expected.
pub fn read(slide: &dyn Slide) {
    let mut left = PIXELS;
    for (number, level) in slide.facts().levels.iter().enumerate() {
        let places = (0..level.rows()).flat_map(|y| (0..level.columns()).map(move |x| (x, y)));
        for (column, row) in places {
            let area = u64::from(level.tile_width) * u64::from(level.tile_height);
            let Some(rest) = left.checked_sub(area) else { break };
            left = rest;
            let _ = slide.raw_tile(number, TileIndex { column, row });
            let x = i64::from(column) * i64::from(level.tile_width);
            let y = i64::from(row) * i64::from(level.tile_height);
            let region = PixelRect::new(x, y, level.tile_width, level.tile_height);
            let _ = slide.read_region(number, region);
        }
    }
    if let Some(mpp) = slide.facts().mpp.as_ref().map(|mpp| mpp.x()) {
        let _ = slide.read_at_mpp(Point::new(-3.0, 5.0), mpp * 3.1, 40, 30);
    }
    for name in &slide.facts().associated {
        let _ = slide.associated_image(name);
    }
}

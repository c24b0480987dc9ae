//! Outlines as rasters, to hold one against another.

use bianque_core::{Level0, Polygon, Rect};

/// Places along each side of a raster.
const SIDE: usize = 768;

/// The rectangle around some polygons.
pub(crate) fn around<'a>(
    polygons: impl Iterator<Item = &'a Polygon<Level0>>,
) -> Option<Rect<Level0>> {
    Rect::around(polygons.filter_map(Polygon::bounds).flat_map(|rect| [rect.min, rect.max]))
}

/// Which places of a grid over a rectangle lie in any of some polygons (even-odd by scan line).
pub(crate) fn raster(polygons: &[&Polygon<Level0>], bounds: Rect<Level0>) -> Vec<bool> {
    let mut out = vec![false; SIDE * SIDE];
    let column = |x: f64| (x - bounds.min.x) / bounds.width().max(1e-9) * SIDE as f64 - 0.5;
    let row = |y: f64| (y - bounds.min.y) / bounds.height().max(1e-9) * SIDE as f64 - 0.5;
    for polygon in polygons {
        let mut crossings = vec![Vec::new(); SIDE];
        for (a, b) in polygon.edges() {
            let (top, bottom) = if a.y < b.y { (a, b) } else { (b, a) };
            let first = row(top.y).ceil().max(0.0) as usize;
            let end = row(bottom.y).ceil().clamp(0.0, SIDE as f64) as usize;
            for (at, line) in crossings.iter_mut().enumerate().take(end).skip(first) {
                let t = (at as f64 - row(top.y)) / (row(bottom.y) - row(top.y));
                line.push(column(top.x + t * (bottom.x - top.x)));
            }
        }
        for (line, places) in crossings.iter_mut().zip(out.chunks_exact_mut(SIDE)) {
            line.sort_by(f64::total_cmp);
            for pair in line.chunks_exact(2) {
                let start = pair[0].ceil().max(0.0) as usize;
                let end = pair[1].ceil().clamp(0.0, SIDE as f64) as usize;
                places[start.min(end)..end].fill(true);
            }
        }
    }
    out
}

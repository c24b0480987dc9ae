//! Outlines laid on a grid, to measure areas and what two sets of outlines share.

use bianque_core::{Level0, Point, Polygon, Rect};
use serde::{Deserialize, Serialize};

use crate::error::{LesionError, Result};

/// Most cells of a grid; the grid is made coarser where an extent would need more.
const MAX_CELLS: f64 = 33_554_432.0;
/// Most crossings of outlines with grid rows: outlines beyond that are no drawing.
const MAX_CROSSINGS: usize = 1 << 26;

/// How much two sets of outlines cover together.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// `2 * both / (truth + found)`; absent where both are empty.
    pub dice: Option<f64>,
    /// `both / either`; absent where both are empty.
    pub iou: Option<f64>,
    /// Area of the truth in level-0 pixels.
    pub truth_area: f64,
    /// Area of what was found in level-0 pixels.
    pub found_area: f64,
    /// Area of both in level-0 pixels.
    pub shared_area: f64,
}

impl Overlap {
    /// From areas in level-0 pixels.
    #[must_use]
    pub fn new(truth_area: f64, found_area: f64, shared_area: f64) -> Self {
        let ratio = |above: f64, below: f64| (below > 0.0).then(|| above / below);
        Self {
            dice: ratio(2.0 * shared_area, truth_area + found_area),
            iou: ratio(shared_area, truth_area + found_area - shared_area),
            truth_area,
            found_area,
            shared_area,
        }
    }

    /// The areas of several, together.
    pub(super) fn sum<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let (truth, found, shared) = parts.fold((0.0, 0.0, 0.0), |(truth, found, shared), own| {
            (truth + own.truth_area, found + own.found_area, shared + own.shared_area)
        });
        Self::new(truth, found, shared)
    }
}

/// A grid of square cells over level 0. A cell belongs to an outline when its centre does.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    origin: Point<Level0>,
    /// Edge of a cell in level-0 pixels.
    pub(crate) step: f64,
    columns: usize,
    rows: usize,
}

impl Grid {
    /// The grid over some outlines, of cells of `step` level-0 pixels or, where that would be too
    /// many, coarser by a whole factor. Cell borders lie at multiples of the step.
    pub(crate) fn over<'a>(
        polygons: impl Iterator<Item = &'a Polygon<Level0>>,
        step: f64,
    ) -> Result<Self> {
        if !(step.is_finite() && step > 0.0) {
            return Err(LesionError::Setting(format!("a grid of {step} px is not possible")));
        }
        let corners = polygons.filter_map(Polygon::bounds).flat_map(|b| [b.min, b.max]);
        let Some(bounds) = Rect::around(corners) else {
            return Ok(Self { origin: Point::new(0.0, 0.0), step, columns: 0, rows: 0 });
        };
        let cells = |step: f64| (bounds.width() / step + 2.0) * (bounds.height() / step + 2.0);
        let mut step = step;
        for _ in 0..64 {
            if cells(step) <= MAX_CELLS {
                break;
            }
            step *= 2.0;
        }
        if cells(step).is_nan() || cells(step) > MAX_CELLS {
            return Err(LesionError::Data("outlines reach too far for any slide".into()));
        }
        let floor = |value: f64| (value / step).floor() * step;
        let origin = Point::new(floor(bounds.min.x), floor(bounds.min.y));
        let count = |from: f64, to: f64| ((to - from) / step).ceil().max(1.0) as usize;
        let (columns, rows) = (count(origin.x, bounds.max.x), count(origin.y, bounds.max.y));
        Ok(Self { origin, step, columns, rows })
    }

    /// An empty mask.
    pub(crate) fn mask(&self) -> Vec<bool> {
        vec![false; self.columns * self.rows]
    }

    /// The level-0 area of a number of cells.
    pub(crate) fn area(&self, cells: usize) -> f64 {
        cells as f64 * self.step * self.step
    }

    /// Sets the cells inside any of the polygons.
    pub(crate) fn fill(&self, polygons: &[Polygon<Level0>], mask: &mut [bool]) -> Result<()> {
        for polygon in polygons {
            for (row, crossings) in self.crossings(polygon)?.into_iter().enumerate() {
                for span in crossings.chunks_exact(2) {
                    let (from, to) = (self.column(span[0]), self.column(span[1]));
                    mask[row * self.columns..][from..to.max(from)].fill(true);
                }
            }
        }
        Ok(())
    }

    /// The first column whose centre is at or right of `x`.
    fn column(&self, x: f64) -> usize {
        ((x - self.origin.x) / self.step - 0.5).ceil().clamp(0.0, self.columns as f64) as usize
    }

    /// For each row the sorted places where the rings cross the line through its cell centres.
    fn crossings(&self, polygon: &Polygon<Level0>) -> Result<Vec<Vec<f64>>> {
        let mut crossings = vec![Vec::new(); self.rows];
        let mut count = 0_usize;
        for (a, b) in polygon.edges() {
            let (top, bottom) = if a.y < b.y { (a, b) } else { (b, a) };
            let (from, to) = (self.row(top.y), self.row(bottom.y));
            count = count.saturating_add(to - from);
            if count > MAX_CROSSINGS {
                return Err(LesionError::Data("an outline has too many points".into()));
            }
            for (row, crossings) in crossings.iter_mut().enumerate().take(to).skip(from) {
                let y = self.origin.y + (row as f64 + 0.5) * self.step;
                // The same arithmetic as `Polygon::contains`, so that both agree to the last bit.
                crossings.push((b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x);
            }
        }
        crossings.iter_mut().for_each(|row| row.sort_by(f64::total_cmp));
        Ok(crossings)
    }

    /// The first row whose centre is at or below `y`.
    fn row(&self, y: f64) -> usize {
        ((y - self.origin.y) / self.step - 0.5).ceil().clamp(0.0, self.rows as f64) as usize
    }
}

/// A point inside a polygon: the middle of the longest stretch on one of a few lines across it.
pub(crate) fn point_inside(polygon: &Polygon<Level0>) -> Option<Point<Level0>> {
    const LINES: usize = 17;
    let bounds = polygon.bounds()?;
    let mut best: Option<(f64, Point<Level0>)> = None;
    for line in 0..LINES {
        let y = bounds.min.y + bounds.height() * (line as f64 + 0.5) / LINES as f64;
        let mut crossings: Vec<f64> = polygon
            .edges()
            .filter(|(a, b)| (a.y > y) != (b.y > y))
            .map(|(a, b)| a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y))
            .collect();
        crossings.sort_by(f64::total_cmp);
        for span in crossings.chunks_exact(2) {
            let length = span[1] - span[0];
            if best.as_ref().is_none_or(|(longest, _)| length > *longest) {
                best = Some((length, Point::new(f64::midpoint(span[0], span[1]), y)));
            }
        }
    }
    best.map(|(_, point)| point)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Polygon<Level0> {
        Polygon::simple(vec![
            Point::new(x, y),
            Point::new(x + width, y),
            Point::new(x + width, y + height),
            Point::new(x, y + height),
        ])
    }

    fn count(polygons: &[Polygon<Level0>], step: f64) -> (usize, Grid) {
        let grid = Grid::over(polygons.iter(), step).unwrap();
        let mut mask = grid.mask();
        grid.fill(polygons, &mut mask).unwrap();
        (mask.iter().filter(|set| **set).count(), grid)
    }

    #[test]
    fn rectangles_on_the_grid_are_exact_and_overlaps_count_once() {
        let (cells, _) = count(&[rectangle(16.0, 32.0, 64.0, 16.0)], 8.0);
        assert_eq!(cells, 16);
        let twice = [rectangle(0.0, 0.0, 20.0, 10.0), rectangle(10.0, 0.0, 20.0, 10.0)];
        let (cells, grid) = count(&twice, 1.0);
        assert!((grid.area(cells) - 300.0).abs() < 1e-9);
    }

    #[test]
    fn holes_are_not_filled() {
        let mut polygon = rectangle(0.0, 0.0, 10.0, 10.0);
        polygon.holes.push(rectangle(2.0, 2.0, 4.0, 4.0).outer);
        assert_eq!(count(&[polygon.clone()], 1.0).0, 84);
        assert!(polygon.contains(point_inside(&polygon).unwrap()));
    }

    #[test]
    fn an_extent_too_large_is_made_coarser_or_refused() {
        let (_, grid) = count(&[rectangle(0.0, 0.0, 1e6, 1e6)], 1.0);
        assert!(grid.step >= 128.0);
        let far = [rectangle(0.0, 0.0, 1e300, 1e300)];
        assert!(Grid::over(far.iter(), 1.0).is_err());
        assert!(Grid::over(far.iter(), f64::NAN).is_err());
        assert!(Grid::over([].iter(), 1.0).unwrap().mask().is_empty());
    }

    #[test]
    fn ratios_of_nothing_are_absent() {
        assert_eq!(Overlap::new(0.0, 0.0, 0.0).dice, None);
        let half = Overlap::new(100.0, 100.0, 50.0);
        assert_eq!(half.dice, Some(0.5));
        assert!((half.iou.unwrap() - 1.0 / 3.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_mask_is_the_centres_inside(
            points in proptest::collection::vec((0_i16..400, 0_i16..400), 3..9)
        ) {
            let ring = points.iter().map(|(x, y)| Point::new(f64::from(*x) / 7.0, f64::from(*y) / 7.0));
            let polygon = Polygon::simple(ring.collect());
            let grid = Grid::over([&polygon].into_iter(), 3.0).unwrap();
            let mut mask = grid.mask();
            grid.fill(std::slice::from_ref(&polygon), &mut mask).unwrap();
            for row in 0..grid.rows {
                for column in 0..grid.columns {
                    let x = grid.origin.x + (column as f64 + 0.5) * grid.step;
                    let y = grid.origin.y + (row as f64 + 0.5) * grid.step;
                    let inside = polygon.contains(Point::new(x, y));
                    prop_assert_eq!(mask[row * grid.columns + column], inside);
                }
            }
            if polygon.area() > 1.0 {
                let _ = point_inside(&polygon);
            }
        }
    }
}

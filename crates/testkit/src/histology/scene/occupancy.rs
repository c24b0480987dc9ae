//! Which part of a piece of tissue is already taken by a gland or vessel.

use crate::histology::plane::{Bounds, Vec2, along, length, sub};

/// Side of a cell in microns.
const CELL: f32 = 4.0;

/// A grid of taken places.
pub(crate) struct Occupancy {
    origin: Vec2,
    columns: i32,
    rows: i32,
    taken: Vec<bool>,
}

impl Occupancy {
    pub(super) fn new(bounds: Bounds) -> Self {
        let size = sub(bounds.max, bounds.min);
        let (columns, rows) = ((size[0] / CELL) as i32 + 2, (size[1] / CELL) as i32 + 2);
        let taken = vec![false; columns as usize * rows as usize];
        Self { origin: bounds.min, columns, rows, taken }
    }

    pub(super) fn is_taken(&self, place: Vec2) -> bool {
        let at = sub(place, self.origin).map(|value| (value / CELL) as i32);
        self.index(at[0], at[1]).is_none_or(|index| self.taken[index])
    }

    fn index(&self, column: i32, row: i32) -> Option<usize> {
        ((0..self.columns).contains(&column) && (0..self.rows).contains(&row))
            .then(|| row as usize * self.columns as usize + column as usize)
    }

    /// Takes an outline and a seam of `gap` microns around it, unless any of it is taken.
    pub(super) fn take(&mut self, outline: &[Vec2], centre: Vec2, gap: f32) -> bool {
        let grown: Vec<Vec2> = outline
            .iter()
            .map(|point| {
                let offset = sub(*point, centre);
                along(*point, offset, gap / length(offset).max(1.0))
            })
            .collect();
        let mut cells = Vec::new();
        let bounds = Bounds::around(&grown);
        let first = ((bounds.min[1] - self.origin[1]) / CELL).floor() as i32;
        let last = ((bounds.max[1] - self.origin[1]) / CELL).ceil() as i32;
        for row in first..=last {
            let y = self.origin[1] + (row as f32 + 0.5) * CELL;
            for span in crossings(&grown, y).chunks_exact(2) {
                let from = ((span[0] - self.origin[0]) / CELL).floor() as i32;
                let to = ((span[1] - self.origin[0]) / CELL).floor() as i32;
                for column in from..=to {
                    match self.index(column, row) {
                        Some(index) if !self.taken[index] => cells.push(index),
                        _ => return false,
                    }
                }
            }
        }
        cells.into_iter().for_each(|index| self.taken[index] = true);
        true
    }
}

/// Where a horizontal line crosses a closed outline, from the left; always an even number.
pub(crate) fn crossings(outline: &[Vec2], y: f32) -> Vec<f32> {
    let mut found = Vec::new();
    let Some(mut previous) = outline.last() else { return found };
    for point in outline {
        if (point[1] > y) != (previous[1] > y) {
            let t = (y - previous[1]) / (point[1] - previous[1]);
            found.push(previous[0] + t * (point[0] - previous[0]));
        }
        previous = point;
    }
    found.sort_by(f32::total_cmp);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histology::plane::wavy_circle;

    #[test]
    fn what_is_taken_is_taken_once() {
        let mut occupancy = Occupancy::new(Bounds { min: [0.0; 2], max: [400.0; 2] });
        let circle = |x: f32| wavy_circle([x, 200.0], 40.0, (1.0, 0.0), &[], 60);
        assert!(occupancy.take(&circle(100.0), [100.0, 200.0], 5.0));
        assert!(!occupancy.take(&circle(170.0), [170.0, 200.0], 5.0));
        assert!(occupancy.take(&circle(220.0), [220.0, 200.0], 5.0));
        assert!(!occupancy.take(&circle(380.0), [380.0, 200.0], 5.0), "it reaches outside");
        assert!(occupancy.is_taken([100.0, 200.0]) && !occupancy.is_taken([160.0, 200.0]));
    }
}

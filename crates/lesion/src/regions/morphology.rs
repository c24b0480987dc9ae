//! Connected parts, hysteresis and hole filling on a raster of cells.

/// The size of a raster.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Size {
    fn cells(self) -> usize {
        self.columns * self.rows
    }

    /// The cells that share an edge with a cell; with `corners` those that share a corner as well.
    pub(crate) fn neighbours(self, at: usize, corners: bool) -> impl Iterator<Item = usize> {
        const STEPS: [(isize, isize); 8] =
            [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)];
        let (column, row) = (at % self.columns, at / self.columns);
        STEPS.iter().take(if corners { 8 } else { 4 }).filter_map(move |(dx, dy)| {
            let column = column.checked_add_signed(*dx).filter(|c| *c < self.columns)?;
            let row = row.checked_add_signed(*dy).filter(|r| *r < self.rows)?;
            Some(row * self.columns + column)
        })
    }

    fn is_border(self, at: usize) -> bool {
        let (column, row) = (at % self.columns, at / self.columns);
        column == 0 || row == 0 || column + 1 == self.columns || row + 1 == self.rows
    }
}

/// The connected parts of the cells that have a label: lists of cells of equal label, in raster
/// order of their first cell. Cells are connected over edges; with `corners` over corners too.
pub(crate) fn components(labels: &[Option<usize>], size: Size, corners: bool) -> Vec<Vec<usize>> {
    let mut seen = vec![false; size.cells()];
    let mut parts = Vec::new();
    for start in 0..size.cells() {
        if seen[start] || labels[start].is_none() {
            continue;
        }
        seen[start] = true;
        let mut part = vec![start];
        let mut next = 0;
        while let Some(&at) = part.get(next) {
            next += 1;
            for neighbour in size.neighbours(at, corners) {
                if !seen[neighbour] && labels[neighbour] == labels[start] {
                    seen[neighbour] = true;
                    part.push(neighbour);
                }
            }
        }
        parts.push(part);
    }
    parts
}

/// Cells at or above `low` that are connected to one at or above `high`.
pub(crate) fn hysteresis(values: &[Option<f64>], size: Size, low: f64, high: f64) -> Vec<bool> {
    let labels: Vec<Option<usize>> =
        values.iter().map(|value| value.is_some_and(|v| v >= low).then_some(0)).collect();
    let mut mask = vec![false; size.cells()];
    for part in components(&labels, size, false) {
        if part.iter().any(|at| values[*at].is_some_and(|value| value >= high)) {
            part.iter().for_each(|at| mask[*at] = true);
        }
    }
    mask
}

/// Fills holes of at most `largest` cells. What touches the raster's border is no hole.
pub(crate) fn fill_holes(mask: &mut [bool], size: Size, largest: usize) {
    let labels: Vec<Option<usize>> = mask.iter().map(|set| (!set).then_some(0)).collect();
    // The mask is connected over edges, so what is not mask is connected over corners as well.
    for hole in components(&labels, size, true) {
        if hole.len() <= largest && !hole.iter().any(|at| size.is_border(*at)) {
            hole.iter().for_each(|at| mask[*at] = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> (Vec<bool>, Size) {
        let size = Size { columns: rows[0].len(), rows: rows.len() };
        (rows.iter().flat_map(|row| row.bytes().map(|b| b == b'#')).collect(), size)
    }

    #[test]
    fn parts_meet_over_edges_or_corners() {
        let (mask, size) = mask(&["#.#", ".#.", "..#"]);
        let labels: Vec<Option<usize>> = mask.iter().map(|set| set.then_some(0)).collect();
        assert_eq!(components(&labels, size, false).len(), 4);
        assert_eq!(components(&labels, size, true).len(), 1);
    }

    #[test]
    fn weak_cells_live_by_a_strong_neighbour() {
        let values = [0.5, 0.7, 0.5, 0.1, 0.5].map(Some);
        let size = Size { columns: 5, rows: 1 };
        assert_eq!(hysteresis(&values, size, 0.4, 0.6), [true, true, true, false, false]);
        assert_eq!(hysteresis(&values, size, 0.4, 0.8), [false; 5]);
        assert_eq!(
            hysteresis(&[None, Some(0.9)], Size { columns: 2, rows: 1 }, 0.4, 0.6),
            [false, true]
        );
    }

    #[test]
    fn only_small_closed_holes_are_filled() {
        let (mut open, size) = mask(&["####.", "#..#.", "####.", "#.##.", "#.##."]);
        fill_holes(&mut open, size, 2);
        assert_eq!(open, mask(&["####.", "####.", "####.", "#.##.", "#.##."]).0);
        let (mut large, size) = mask(&["####", "#..#", "####"]);
        fill_holes(&mut large, size, 1);
        assert_eq!(large.iter().filter(|set| **set).count(), 10);
    }

    #[test]
    fn a_gap_at_a_corner_lets_the_outside_in() {
        let (mut mask, size) = mask(&["##..", "#.#.", "###.", "...."]);
        let before = mask.clone();
        fill_holes(&mut mask, size, 9);
        assert_eq!(mask, before);
    }
}

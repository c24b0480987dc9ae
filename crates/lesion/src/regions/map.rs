//! Class probabilities over the slide, one row of them a grid cell.

use crate::{
    error::{LesionError, Result},
    matrix::Probabilities,
    slide_features::{Cell, TileGrid},
};

/// Class probabilities on the tile grid. A cell that no tile covers, or that is no tissue, has
/// none.
#[derive(Clone, Debug)]
pub struct ProbabilityMap {
    grid: TileGrid,
    classes: usize,
    /// Cell after cell, `classes` values each; 0 where absent.
    values: Vec<f32>,
    present: Vec<bool>,
    fineness: u32,
}

impl ProbabilityMap {
    /// Lays tiles on the grid. Where tiles overlap, a cell has the mean of the tiles over it.
    /// Cells for which `is_tissue` is false stay without probabilities.
    ///
    /// # Errors
    /// When there is not one row of probabilities a tile, or a tile lies outside the grid.
    pub fn from_tiles(
        grid: &TileGrid,
        tiles: &[Cell],
        probabilities: &Probabilities,
        is_tissue: impl Fn(Cell) -> bool,
    ) -> Result<Self> {
        Self::from_judged_tiles(grid, tiles, probabilities, &[], is_tissue)
    }

    /// As [`ProbabilityMap::from_tiles`]; where one of the tiles over a cell was judged again by a
    /// second encoder, only those count that were. `again` is empty or has one entry a tile.
    ///
    /// # Errors
    /// As [`ProbabilityMap::from_tiles`].
    pub fn from_judged_tiles(
        grid: &TileGrid,
        tiles: &[Cell],
        probabilities: &Probabilities,
        again: &[bool],
        is_tissue: impl Fn(Cell) -> bool,
    ) -> Result<Self> {
        let (rows, tile_count) = (probabilities.rows(), tiles.len());
        if rows != tile_count || !(again.is_empty() || again.len() == tile_count) {
            let what = format!("{rows} rows of probabilities for {tile_count} tiles");
            return Err(LesionError::Data(what));
        }
        let (columns, classes) = (grid.columns() as usize, probabilities.classes());
        let cells = columns * grid.rows() as usize;
        let mut values = vec![0.0_f32; cells * classes];
        let mut counts = vec![0_u16; cells];
        let mut judged_again = vec![false; cells];
        for (index, tile) in tiles.iter().enumerate() {
            let is_again = again.get(index).copied().unwrap_or(false);
            if tile.column >= grid.columns() || tile.row >= grid.rows() {
                return Err(LesionError::Data(format!("tile {tile:?} lies outside the grid")));
            }
            for at in covered(grid, *tile) {
                let to = &mut values[at * classes..][..classes];
                match (judged_again[at], is_again) {
                    (true, false) => continue,
                    (false, true) => {
                        judged_again[at] = true;
                        counts[at] = 0;
                        to.fill(0.0);
                    }
                    _ => {}
                }
                counts[at] = counts[at].saturating_add(1);
                to.iter_mut().zip(probabilities.row(index)).for_each(|(to, p)| *to += p);
            }
        }
        let mut present = vec![false; cells];
        for (at, cell) in grid.cells().enumerate() {
            let of = &mut values[at * classes..][..classes];
            present[at] = counts[at] > 0 && is_tissue(cell);
            let scale = if present[at] { 1.0 / f32::from(counts[at]) } else { 0.0 };
            of.iter_mut().for_each(|value| *value *= scale);
        }
        Ok(Self { grid: grid.clone(), classes, values, present, fineness: 1 })
    }

    /// The map on cells cut into `factor` x `factor`, interpolated between the centres of present
    /// cells; fewer parts where the grid would become too large. Only cells within a present cell
    /// and for which `is_tissue` holds have probabilities. Outlines then follow the tissue and the
    /// slope between tiles, not the grid.
    #[must_use]
    pub fn refined(&self, factor: u32, is_tissue: impl Fn(&TileGrid, Cell) -> bool) -> Self {
        let fitting = (1..=factor).rev().find_map(|f| Some((f, self.grid.refined(f)?)));
        let Some((factor, grid)) = fitting.filter(|(factor, _)| *factor > 1) else {
            return self.clone();
        };
        let cells = grid.columns() as usize * grid.rows() as usize;
        let mut values = vec![0.0; cells * self.classes];
        let mut present = vec![false; cells];
        for (at, cell) in grid.cells().enumerate() {
            let within = Cell { row: cell.row / factor, column: cell.column / factor };
            if self.at(within).is_some() && is_tissue(&grid, cell) {
                present[at] = true;
                self.interpolate(cell, factor, &mut values[at * self.classes..][..self.classes]);
            }
        }
        Self { grid, classes: self.classes, values, present, fineness: self.fineness * factor }
    }

    /// Mixes other probabilities in, by the logarithm: `share` of them, given as sums that are
    /// brought to 1 first; cells whose sums are 0 stay as they are.
    pub(super) fn blend(&mut self, share: f32, sums: &[f32]) {
        /// A probability of nothing would outweigh everything.
        const LEAST: f32 = 1e-4;
        let rows = self.values.chunks_exact_mut(self.classes).zip(sums.chunks_exact(self.classes));
        for ((own, other), _) in rows.zip(&self.present).filter(|(_, present)| **present) {
            let total: f32 = other.iter().sum();
            if total <= 0.0 {
                continue;
            }
            for (own, other) in own.iter_mut().zip(other) {
                let (own_log, other_log) = (own.max(LEAST).ln(), (other / total).max(LEAST).ln());
                *own = ((1.0 - share) * own_log + share * other_log).exp();
            }
            let total: f32 = own.iter().sum();
            own.iter_mut().for_each(|value| *value /= total);
        }
    }

    /// The bilinear mean of the present ones of the four cells around a refined cell's centre.
    fn interpolate(&self, cell: Cell, factor: u32, to: &mut [f32]) {
        // The place between centres in halves of a refined cell: never negative by adding a cell.
        let place = |at: u32| {
            let halves = 2 * at + 1 + factor;
            (halves / (2 * factor), (halves % (2 * factor)) as f32 / (2 * factor) as f32)
        };
        let ((row, down), (column, across)) = (place(cell.row), place(cell.column));
        let mut sum = 0.0;
        for (row, weight) in [(row, 1.0 - down), (row + 1, down)] {
            for (column, weight) in
                [(column, weight * (1.0 - across)), (column + 1, weight * across)]
            {
                let (Some(row), Some(column)) = (row.checked_sub(1), column.checked_sub(1)) else {
                    continue;
                };
                if let Some(values) = self.at(Cell { row, column }) {
                    to.iter_mut().zip(values).for_each(|(to, value)| *to += weight * value);
                    sum += weight;
                }
            }
        }
        // The cell that it lies in is present and always has a weight.
        to.iter_mut().for_each(|to| *to /= sum);
    }

    /// Into how many parts the edge of a grid's cell was cut.
    #[must_use]
    pub fn fineness(&self) -> u32 {
        self.fineness
    }

    /// The grid under the map.
    #[must_use]
    pub fn grid(&self) -> &TileGrid {
        &self.grid
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// A cell's probabilities; `None` outside the map and where there is no judged tissue.
    #[must_use]
    pub fn at(&self, cell: Cell) -> Option<&[f32]> {
        if cell.column >= self.grid.columns() || cell.row >= self.grid.rows() {
            return None;
        }
        let at = cell.row as usize * self.grid.columns() as usize + cell.column as usize;
        self.value(at)
    }

    /// The probabilities of the cell at an index in raster order.
    pub(crate) fn value(&self, at: usize) -> Option<&[f32]> {
        self.present[at].then(|| &self.values[at * self.classes..][..self.classes])
    }

    /// Number of cells.
    pub(crate) fn cells(&self) -> usize {
        self.present.len()
    }

    /// The map smoothed by a Gaussian of a standard deviation in cells. Absent cells neither give
    /// nor take, so that glass does not pale the tissue beside it.
    #[must_use]
    pub fn smoothed(&self, deviation: f64) -> Self {
        if deviation.is_nan() || deviation <= 0.05 {
            return self.clone();
        }
        // Beyond three deviations nothing is left; beyond the map nothing is at all.
        let extent = self.grid.columns().max(self.grid.rows()) as usize;
        let radius = ((3.0 * deviation).ceil() as usize).min(extent);
        let kernel: Vec<f32> =
            (0..=radius).map(|d| (-0.5 * (d as f64 / deviation).powi(2)).exp() as f32).collect();
        let (columns, rows) = (self.grid.columns() as usize, self.grid.rows() as usize);
        let planes = self.classes + 1;
        // The last plane is the presence itself: dividing by its smoothed value renormalises.
        let mut data = vec![0.0_f32; self.present.len() * planes];
        for at in 0..self.present.len() {
            if let Some(values) = self.value(at) {
                data[at * planes..][..self.classes].copy_from_slice(values);
                data[at * planes + self.classes] = 1.0;
            }
        }
        let across = convolve(&data, planes, (columns, rows), (1, columns), &kernel);
        let data = convolve(&across, planes, (rows, columns), (columns, 1), &kernel);
        let mut smooth = self.clone();
        for at in 0..self.present.len() {
            let weight = data[at * planes + self.classes];
            if self.present[at] && weight > 0.0 {
                let from = &data[at * planes..][..self.classes];
                let to = &mut smooth.values[at * self.classes..][..self.classes];
                to.iter_mut().zip(from).for_each(|(to, from)| *to = from / weight);
            }
        }
        smooth
    }
}

/// Indices of the cells that a tile covers and the grid has.
fn covered(grid: &TileGrid, tile: Cell) -> impl Iterator<Item = usize> {
    let columns = grid.columns();
    let right = (tile.column + grid.steps()).min(columns);
    let bottom = (tile.row + grid.steps()).min(grid.rows());
    (tile.row..bottom).flat_map(move |row| {
        (tile.column..right).map(move |column| row as usize * columns as usize + column as usize)
    })
}

/// Convolves along lines of `length` cells that lie `stride` apart, `lines` of them `next` apart.
fn convolve(
    data: &[f32],
    planes: usize,
    (length, lines): (usize, usize),
    (stride, next): (usize, usize),
    kernel: &[f32],
) -> Vec<f32> {
    let mut out = vec![0.0; data.len()];
    for line in 0..lines {
        for at in 0..length {
            let to = (line * next + at * stride) * planes;
            let first = at.saturating_sub(kernel.len() - 1);
            for from in first..(at + kernel.len()).min(length) {
                let weight = kernel[at.abs_diff(from)];
                let source = (line * next + from * stride) * planes;
                for plane in 0..planes {
                    out[to + plane] += weight * data[source + plane];
                }
            }
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::slide_features::grid_tests::grid;

    /// Probabilities of two classes from those of the second.
    pub(crate) fn two(second: &[f32]) -> Probabilities {
        let logits = second.iter().flat_map(|p| [(1.0 - p).ln(), p.ln()]).collect();
        Probabilities::from_logits(2, logits, 1.0).unwrap()
    }

    fn cell(column: u32, row: u32) -> Cell {
        Cell { row, column }
    }

    #[test]
    fn overlapping_tiles_are_averaged() {
        let grid = grid(896, 448, 2);
        assert_eq!((grid.columns(), grid.rows()), (4, 2));
        let map = ProbabilityMap::from_tiles(
            &grid,
            &[cell(0, 0), cell(1, 0)],
            &two(&[0.2, 0.6]),
            |cell| cell != Cell { row: 1, column: 1 },
        )
        .unwrap();
        let second = |c, r| map.at(cell(c, r)).map(|p| (p[1] * 1e4).round() / 1e4);
        assert_eq!(second(0, 0), Some(0.2));
        assert_eq!(second(1, 0), Some(0.4));
        assert_eq!(second(2, 1), Some(0.6));
        assert_eq!(second(1, 1), None);
        assert_eq!(second(3, 0), None);
        assert_eq!(second(9, 9), None);
    }

    #[test]
    fn where_a_second_encoder_judged_it_alone_counts() {
        let grid = grid(896, 448, 2);
        let tiles = [cell(0, 0), cell(1, 0), cell(2, 0)];
        let map = |again: &[bool]| {
            let p = two(&[0.2, 0.6, 0.4]);
            ProbabilityMap::from_judged_tiles(&grid, &tiles, &p, again, |_| true).unwrap()
        };
        let row = |map: &ProbabilityMap| -> Vec<f32> {
            (0..4).map(|c| (map.at(cell(c, 0)).unwrap()[1] * 1e4).round() / 1e4).collect()
        };
        assert_eq!(row(&map(&[])), [0.2, 0.4, 0.5, 0.4]);
        assert_eq!(row(&map(&[false, true, false])), [0.2, 0.6, 0.6, 0.4]);
        assert_eq!(row(&map(&[true, false, false])), [0.2, 0.2, 0.5, 0.4]);
    }

    #[test]
    fn tiles_that_do_not_fit_are_refused() {
        let grid = grid(448, 448, 1);
        assert!(ProbabilityMap::from_tiles(&grid, &[], &two(&[0.5]), |_| true).is_err());
        assert!(ProbabilityMap::from_tiles(&grid, &[cell(1, 0)], &two(&[0.5]), |_| true).is_err());
    }

    #[test]
    fn a_refined_map_slopes_between_tiles_and_ends_at_the_tissue() {
        let grid = grid(448 * 3, 448, 1);
        let tiles: Vec<Cell> = [cell(0, 0), cell(1, 0)].to_vec();
        let map = ProbabilityMap::from_tiles(&grid, &tiles, &two(&[0.2, 0.6]), |_| true).unwrap();
        let fine = map.refined(4, |_, cell| cell.row != 3);
        assert_eq!((fine.grid().columns(), fine.grid().rows(), fine.fineness()), (12, 4, 4));
        let second = |column| fine.at(cell(column, 1)).map(|p| (p[1] * 1e4).round() / 1e4);
        let seen: Vec<_> = (0..9).map(second).collect();
        let slope = [0.2, 0.2, 0.25, 0.35, 0.45, 0.55, 0.6, 0.6].map(Some);
        assert_eq!(seen[..8], slope);
        assert_eq!((seen[8], fine.at(cell(1, 3))), (None, None));
        assert_eq!(fine.grid().tile_rect(cell(1, 0).refined(4)), grid.tile_rect(cell(1, 0)));
        assert_eq!(map.refined(1, |_, _| true).fineness(), 1);
    }

    #[test]
    fn smoothing_keeps_a_constant_map_and_sums_of_one() {
        let grid = grid(448 * 6, 448 * 5, 1);
        let tiles: Vec<Cell> = grid.cells().filter(|c| (c.column + c.row) % 3 != 0).collect();
        let even = two(&vec![0.7; tiles.len()]);
        let map = ProbabilityMap::from_tiles(&grid, &tiles, &even, |_| true).unwrap();
        let smooth = map.smoothed(1.0);
        for cell in grid.cells() {
            assert_eq!(map.at(cell).is_some(), smooth.at(cell).is_some());
            if let Some(p) = smooth.at(cell) {
                assert!((p[1] - 0.7).abs() < 1e-5);
                assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn smoothing_pulls_an_outlier_towards_its_neighbours() {
        let grid = grid(448 * 5, 448, 1);
        let tiles: Vec<Cell> = grid.cells().collect();
        let p = two(&[0.1, 0.1, 0.9, 0.1, 0.1]);
        let map = ProbabilityMap::from_tiles(&grid, &tiles, &p, |_| true).unwrap();
        let middle = map.smoothed(1.0).at(cell(2, 0)).unwrap()[1];
        // Weights 1, e^-1/2 twice, e^-2 twice.
        let side = 2.0 * ((-0.5_f32).exp() + (-2.0_f32).exp());
        assert!((middle - (0.9 + side * 0.1) / (1.0 + side)).abs() < 1e-5);
        assert_eq!(map.smoothed(0.0).at(cell(2, 0)), map.at(cell(2, 0)));
    }
}

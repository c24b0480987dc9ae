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
        let (rows, tile_count) = (probabilities.rows(), tiles.len());
        if rows != tile_count {
            let what = format!("{rows} rows of probabilities for {tile_count} tiles");
            return Err(LesionError::Data(what));
        }
        let (columns, classes) = (grid.columns() as usize, probabilities.classes());
        let cells = columns * grid.rows() as usize;
        let mut values = vec![0.0_f32; cells * classes];
        let mut counts = vec![0_u16; cells];
        for (index, tile) in tiles.iter().enumerate() {
            if tile.column >= grid.columns() || tile.row >= grid.rows() {
                return Err(LesionError::Data(format!("tile {tile:?} lies outside the grid")));
            }
            for at in covered(grid, *tile) {
                counts[at] = counts[at].saturating_add(1);
                let to = &mut values[at * classes..][..classes];
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
        Ok(Self { grid: grid.clone(), classes, values, present })
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
    fn tiles_that_do_not_fit_are_refused() {
        let grid = grid(448, 448, 1);
        assert!(ProbabilityMap::from_tiles(&grid, &[], &two(&[0.5]), |_| true).is_err());
        assert!(ProbabilityMap::from_tiles(&grid, &[cell(1, 0)], &two(&[0.5]), |_| true).is_err());
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

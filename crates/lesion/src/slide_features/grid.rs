//! Where a slide's tiles lie, at the encoder's resolution.

use bianque_core::{Level0, Mpp, PixelRect, Point};
use serde::{Deserialize, Serialize};

use crate::error::{LesionError, Result};

/// Most tile positions on a slide: 8 million, that is 100,000 x 100,000 px at a stride of 36 px.
const MAX_CELLS: u64 = 8 << 20;

/// A place in the grid: the tile whose left top corner it is, and one stride of that tile.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// From the top, from 0. First, so that cells sort in raster order.
    pub row: u32,
    /// From the left, from 0.
    pub column: u32,
}

impl Cell {
    /// The left top one of the cells that lie here in a grid refined by `factor`.
    #[must_use]
    pub fn refined(self, factor: u32) -> Self {
        Self { row: self.row * factor, column: self.column * factor }
    }
}

/// Tile positions over a slide: a tile every stride, the stride a whole fraction of the tile.
///
/// Every position is computed from its index by one multiplication; nothing is added up, so the
/// last tile lies as exactly as the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TileGrid {
    tile: (f64, f64),
    tile_px: u32,
    mpp: f64,
    steps: u32,
    columns: u32,
    rows: u32,
    width: u32,
    height: u32,
}

impl TileGrid {
    /// The grid over a slide of `bounds` whose level 0 has `slide_mpp`: tiles of `tile_px` pixels
    /// at `tile_mpp` microns per pixel, `steps` positions along a tile's edge (1: tiles meet, 2:
    /// they overlap by half).
    ///
    /// # Errors
    /// When a setting is out of range or the slide would have more than eight million positions.
    pub fn over(
        bounds: PixelRect<Level0>,
        slide_mpp: &Mpp,
        tile_px: u32,
        tile_mpp: f64,
        steps: u32,
    ) -> Result<Self> {
        if tile_px == 0 || !Mpp::PLAUSIBLE.contains(&tile_mpp) || !(1..=16).contains(&steps) {
            return Err(LesionError::Setting(format!(
                "tiles of {tile_px} px at {tile_mpp} um/px in {steps} steps are not possible"
            )));
        }
        let edge = f64::from(tile_px) * tile_mpp;
        let tile = (edge / slide_mpp.x(), edge / slide_mpp.y());
        let count = |extent: u32, tile: f64| {
            (f64::from(extent) * f64::from(steps) / tile).ceil().max(1.0) as u64
        };
        let (columns, rows) = (count(bounds.width, tile.0), count(bounds.height, tile.1));
        if columns.saturating_mul(rows) > MAX_CELLS {
            return Err(LesionError::Setting(format!(
                "tiles of {edge:.1} um give {columns} x {rows} positions on this slide, at most \
                 {MAX_CELLS} are possible: check the slide's microns per pixel"
            )));
        }
        let (columns, rows) = (columns as u32, rows as u32);
        let (width, height) = (bounds.width, bounds.height);
        Ok(Self { tile, tile_px, mpp: tile_mpp, steps, columns, rows, width, height })
    }

    /// Whether this is the grid of a slide of that extent and scale: for grids that were read from
    /// a file.
    #[must_use]
    pub fn belongs_to(&self, bounds: PixelRect<Level0>, slide_mpp: &Mpp) -> bool {
        let own = Self::over(bounds, slide_mpp, self.tile_px, self.mpp, self.steps);
        own.is_ok_and(|own| own == *self)
    }

    /// The same grid with cells cut into `factor` x `factor`; tiles stay as they are. A tile's cell
    /// is then [`Cell::refined`]. `None` when there would be too many cells.
    #[must_use]
    pub fn refined(&self, factor: u32) -> Option<Self> {
        let cells = u64::from(self.columns) * u64::from(self.rows);
        let refined = cells.checked_mul(u64::from(factor) * u64::from(factor))?;
        (factor > 0 && refined <= MAX_CELLS).then(|| Self {
            steps: self.steps * factor,
            columns: self.columns * factor,
            rows: self.rows * factor,
            ..self.clone()
        })
    }

    /// The slide that the grid lies over.
    #[must_use]
    pub fn bounds(&self) -> PixelRect<Level0> {
        PixelRect::new(0, 0, self.width, self.height)
    }

    /// Positions from left to right.
    #[must_use]
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// Positions from top to bottom.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Positions along a tile's edge.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Edge of a tile in its own pixels.
    #[must_use]
    pub fn tile_px(&self) -> u32 {
        self.tile_px
    }

    /// Microns per pixel of a tile.
    #[must_use]
    pub fn mpp(&self) -> f64 {
        self.mpp
    }

    /// Edge of a cell in microns: a tile's edge over the steps.
    #[must_use]
    pub fn cell_um(&self) -> f64 {
        f64::from(self.tile_px) * self.mpp / f64::from(self.steps)
    }

    /// Width and height of a tile in level-0 pixels.
    #[must_use]
    pub fn tile_level0(&self) -> (f64, f64) {
        self.tile
    }

    /// The level-0 point at a real-valued place in the grid, in cells.
    #[must_use]
    pub fn point(&self, column: f64, row: f64) -> Point<Level0> {
        let steps = f64::from(self.steps);
        Point::new(column * self.tile.0 / steps, row * self.tile.1 / steps)
    }

    /// As [`TileGrid::point`], moved onto the slide where it lies beyond its right or lower edge.
    #[must_use]
    pub fn point_on_slide(&self, column: f64, row: f64) -> Point<Level0> {
        let point = self.point(column, row);
        Point::new(point.x.min(f64::from(self.width)), point.y.min(f64::from(self.height)))
    }

    /// The left top corner of a tile.
    #[must_use]
    pub fn origin(&self, cell: Cell) -> Point<Level0> {
        self.point(f64::from(cell.column), f64::from(cell.row))
    }

    /// What a tile covers, to the nearest level-0 pixel; tiles at the edge reach outside.
    #[must_use]
    pub fn tile_rect(&self, cell: Cell) -> PixelRect<Level0> {
        self.rect(cell, f64::from(self.steps))
    }

    /// What a cell covers, to the nearest level-0 pixel.
    #[must_use]
    pub fn cell_rect(&self, cell: Cell) -> PixelRect<Level0> {
        self.rect(cell, 1.0)
    }

    fn rect(&self, cell: Cell, cells: f64) -> PixelRect<Level0> {
        let from = self.origin(cell);
        let to = self.point(f64::from(cell.column) + cells, f64::from(cell.row) + cells);
        let (x, y) = (from.x.round(), from.y.round());
        PixelRect::new(x as i64, y as i64, (to.x.round() - x) as u32, (to.y.round() - y) as u32)
    }

    /// Every position in raster order.
    pub fn cells(&self) -> impl Iterator<Item = Cell> + use<> {
        let columns = self.columns;
        (0..self.rows).flat_map(move |row| (0..columns).map(move |column| Cell { row, column }))
    }
}

/// What is known of the slide before a tile is cut: where tissue is and what lies over it.
pub trait TissueMap: Sync {
    /// Share of a rectangle that is tissue, 0 to 1; what lies outside the slide is none.
    fn tissue_fraction(&self, rect: PixelRect<Level0>) -> f64;

    /// Share of a rectangle that is covered by ink, 0 to 1.
    fn ink_fraction(&self, rect: PixelRect<Level0>) -> f64;
}

impl TissueMap for bianque_quality::Tissue {
    fn tissue_fraction(&self, rect: PixelRect<Level0>) -> f64 {
        bianque_quality::Tissue::tissue_fraction(self, rect)
    }

    fn ink_fraction(&self, rect: PixelRect<Level0>) -> f64 {
        bianque_quality::Tissue::ink_fraction(self, rect)
    }
}

/// Takes every tile as tissue, for slides that are known to be nothing else.
#[derive(Copy, Clone, Debug)]
pub struct TissueEverywhere;

impl TissueMap for TissueEverywhere {
    fn tissue_fraction(&self, _: PixelRect<Level0>) -> f64 {
        1.0
    }

    fn ink_fraction(&self, _: PixelRect<Level0>) -> f64 {
        0.0
    }
}

/// Share of ink from which on a tile is not judged.
const MOST_INK: f64 = 0.25;

/// Positions whose tile has at least `share` tissue and is covered by ink to less than a quarter.
#[must_use]
pub fn tissue_cells(grid: &TileGrid, tissue: &dyn TissueMap, share: f64) -> Vec<Cell> {
    grid.cells()
        .filter(|cell| {
            let rect = grid.tile_rect(*cell);
            tissue.tissue_fraction(rect) >= share && tissue.ink_fraction(rect) < MOST_INK
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use bianque_core::{Confidence, MppSource};
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn mpp(value: f64) -> Mpp {
        Mpp::new(value, value, MppSource::User, Confidence::High).unwrap()
    }

    pub(crate) fn grid(width: u32, height: u32, steps: u32) -> TileGrid {
        TileGrid::over(PixelRect::new(0, 0, width, height), &mpp(0.5), 224, 1.0, steps).unwrap()
    }

    #[test]
    fn tiles_meet_and_reach_the_edge() {
        let grid = grid(1000, 448, 1);
        assert_eq!((grid.columns(), grid.rows()), (3, 1));
        let last = grid.tile_rect(Cell { row: 0, column: 2 });
        assert_eq!((last.x, last.width, last.right()), (896, 448, 1344));
        assert!((grid.cell_um() - 224.0).abs() < 1e-12);
    }

    #[test]
    fn an_uneven_scale_gives_uneven_tiles() {
        let mpp = Mpp::new(0.5, 0.25, MppSource::User, Confidence::High).unwrap();
        let grid = TileGrid::over(PixelRect::new(0, 0, 4480, 4480), &mpp, 224, 1.0, 2).unwrap();
        assert_eq!(grid.tile_level0(), (448.0, 896.0));
        assert_eq!((grid.columns(), grid.rows()), (20, 10));
    }

    #[test]
    fn senseless_settings_and_endless_grids_are_refused() {
        let over = |width, mpp_value: f64, px, tile_mpp, steps| {
            TileGrid::over(PixelRect::new(0, 0, width, width), &mpp(mpp_value), px, tile_mpp, steps)
        };
        assert!(over(1000, 0.5, 0, 1.0, 1).is_err());
        assert!(over(1000, 0.5, 224, f64::NAN, 1).is_err());
        assert!(over(1000, 0.5, 224, 1.0, 0).is_err());
        assert!(over(u32::MAX, 0.5, 224, 1.0, 1).is_err());
        assert!(over(100_000, 100.0, 1, 0.1, 1).is_err());
    }

    #[test]
    fn tissue_decides() {
        struct Left;
        impl TissueMap for Left {
            fn tissue_fraction(&self, rect: PixelRect<Level0>) -> f64 {
                f64::from(u8::from(rect.x < 448))
            }
            fn ink_fraction(&self, rect: PixelRect<Level0>) -> f64 {
                if rect.y == 0 { 0.0 } else { 0.5 }
            }
        }
        let cells = tissue_cells(&grid(1344, 1344, 1), &Left, 0.25);
        assert_eq!(cells, [Cell { row: 0, column: 0 }]);
    }

    proptest! {
        #[test]
        fn the_last_tile_lies_as_exactly_as_the_first(
            slide in 0.2_f64..0.6, tile in 0.2_f64..2.0, steps in 1_u32..4, column in 0_u32..2000
        ) {
            let bounds = PixelRect::new(0, 0, 200_000, 1);
            let grid = TileGrid::over(bounds, &mpp(slide), 224, tile, steps).unwrap();
            let want = f64::from(column) * 224.0 * tile / slide / f64::from(steps);
            let rect = grid.tile_rect(Cell { row: 0, column });
            prop_assert!((rect.x as f64 - want).abs() <= 0.500_001);
            let next = grid.cell_rect(Cell { row: 0, column: column + 1 });
            prop_assert_eq!(grid.cell_rect(Cell { row: 0, column }).right(), next.x);
        }
    }
}

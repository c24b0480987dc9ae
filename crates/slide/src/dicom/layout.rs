//! Which frame lies where in the total pixel matrix.

use crate::{error::Result, file::SlideFile};

use super::{
    data_set::{DataSet, FramePosition},
    dictionary::{COLUMNS, ROWS, TOTAL_PIXEL_MATRIX_COLUMNS, TOTAL_PIXEL_MATRIX_ROWS},
};

/// The largest frame that is read, in pixels: a label photographed as one frame has some 10 million.
const MAX_FRAME_PIXELS: u64 = 1 << 26;
/// The largest side of a matrix: ten times the longest scan at 0.1 microns per pixel.
const MAX_SIDE: u32 = 1 << 24;

/// Tiles that a sparse level may have for each frame, beside some: a scanner leaves out glass, not
/// all but nothing.
const MOST_TILES_PER_FRAME: u64 = 1000;
const MOST_TILES_OF_NO_FRAME: u64 = 1 << 16;

/// The total pixel matrix and how frames tile it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) tile_width: u32,
    pub(super) tile_height: u32,
}

impl Grid {
    /// Reads and checks the sizes; a single frame may leave its matrix unstated.
    pub(super) fn read(file: &SlideFile, data_set: &DataSet, frames: u32) -> Result<Self> {
        let side = |tag, name| match data_set.count(tag) {
            None => Err(file.broken(format!("it lacks {name} {tag}"))),
            Some(0) => Err(file.broken(format!("{name} {tag} is 0"))),
            Some(side) if side > MAX_SIDE => {
                Err(file.broken(format!("{name} {tag} is {side}, beyond {MAX_SIDE}")))
            }
            Some(side) => Ok(side),
        };
        let tile_width = side(COLUMNS, "Columns")?;
        let tile_height = side(ROWS, "Rows")?;
        if u64::from(tile_width) * u64::from(tile_height) > MAX_FRAME_PIXELS {
            return Err(file.unsupported(format!("frames of {tile_width} x {tile_height} pixels")));
        }
        let unstated = data_set.count(TOTAL_PIXEL_MATRIX_COLUMNS).is_none();
        if frames == 1 && unstated {
            return Ok(Self { width: tile_width, height: tile_height, tile_width, tile_height });
        }
        let width = side(TOTAL_PIXEL_MATRIX_COLUMNS, "TotalPixelMatrixColumns")?;
        let height = side(TOTAL_PIXEL_MATRIX_ROWS, "TotalPixelMatrixRows")?;
        Ok(Self { width, height, tile_width, tile_height })
    }

    /// Tiles in a row.
    pub(super) fn columns(self) -> u32 {
        self.width.div_ceil(self.tile_width)
    }

    /// Rows of tiles.
    pub(super) fn rows(self) -> u32 {
        self.height.div_ceil(self.tile_height)
    }

    /// All tiles.
    pub(super) fn tiles(self) -> u64 {
        u64::from(self.columns()) * u64::from(self.rows())
    }

    /// The tile at a column and row, counted row by row; `None` outside.
    pub(super) fn tile(self, column: u32, row: u32) -> Option<u64> {
        (column < self.columns() && row < self.rows())
            .then(|| u64::from(row) * u64::from(self.columns()) + u64::from(column))
    }

    /// The tile whose left top pixel is at a position.
    fn tile_at(self, (column, row): FramePosition) -> std::result::Result<u64, Misplaced> {
        let from_zero = |position: i32| u32::try_from(i64::from(position) - 1).ok();
        let (Some(x), Some(y)) = (from_zero(column), from_zero(row)) else {
            return Err(Misplaced::Outside);
        };
        if x % self.tile_width != 0 || y % self.tile_height != 0 {
            return Err(Misplaced::OffGrid);
        }
        self.tile(x / self.tile_width, y / self.tile_height).ok_or(Misplaced::Outside)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Misplaced {
    Outside,
    OffGrid,
}

/// What one instance says of the order of its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Row by row without gaps.
    Full,
    /// For each frame its tile in [`Grid`]'s count.
    Placed(Vec<u64>),
    /// Neither said nor placed.
    Unstated,
}

impl Layout {
    /// The layout by the stated positions.
    ///
    /// # Errors
    /// Broken where positions are missing or outside, unsupported where frames do not lie on one
    /// grid.
    pub(super) fn read(
        file: &SlideFile,
        grid: Grid,
        full: bool,
        frames: u32,
        positions: &[Option<FramePosition>],
    ) -> Result<Self> {
        if full {
            return Ok(Self::Full);
        }
        if positions.iter().all(Option::is_none) {
            return Ok(Self::Unstated);
        }
        if positions.len() as u64 != u64::from(frames) {
            let what = format!("{} frame positions for {frames} frames", positions.len());
            return Err(file.broken(what));
        }
        let place = |(index, position): (usize, &Option<FramePosition>)| {
            let frame = index + 1;
            let position =
                position.ok_or_else(|| file.broken(format!("frame {frame} states no position")))?;
            grid.tile_at(position).map_err(|misplaced| {
                let (column, row) = position;
                let what = format!("frame {frame} at column {column}, row {row}");
                match misplaced {
                    Misplaced::Outside => file.broken(format!("{what} is outside the matrix")),
                    Misplaced::OffGrid => file.unsupported(format!("{what} is off the tile grid")),
                }
            })
        };
        Ok(Self::Placed(positions.iter().enumerate().map(place).collect::<Result<_>>()?))
    }
}

/// Which frame holds a tile, over all instances of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// The tile's number is the frame's.
    Full,
    /// Pairs of tile and frame, sorted by tile.
    Sparse(Vec<(u64, u32)>),
}

impl Placement {
    /// The placement of frames whose tiles are listed in frame order.
    ///
    /// # Errors
    /// Unsupported where two frames lie at one place: several focal planes or optical paths.
    /// Broken where the frames do not justify the size of the grid.
    pub(super) fn sparse(
        file: &SlideFile,
        grid: Grid,
        tiles: impl Iterator<Item = u64>,
    ) -> Result<Self> {
        let mut pairs: Vec<(u64, u32)> = tiles.zip(0..).collect();
        pairs.sort_unstable();
        let frames = pairs.len() as u64;
        if grid.tiles() > frames * MOST_TILES_PER_FRAME + MOST_TILES_OF_NO_FRAME {
            let (columns, rows) = (grid.columns(), grid.rows());
            let what =
                format!("{frames} frames for {columns} x {rows} tiles are too few to believe");
            return Err(file.broken(what));
        }
        let twice = pairs.windows(2).filter(|pair| matches!(pair, [a, b] if a.0 == b.0)).count();
        if twice > 0 {
            let what = format!(
                "{twice} frames at places that are taken: several focal planes or optical paths"
            );
            return Err(file.unsupported(what));
        }
        Ok(Self::Sparse(pairs))
    }

    /// The frame of a tile; `None` where the slide leaves it out.
    pub(super) fn frame(&self, tile: u64) -> Option<u32> {
        match self {
            Self::Full => u32::try_from(tile).ok(),
            Self::Sparse(pairs) => {
                let at = pairs.binary_search_by_key(&tile, |pair| pair.0).ok()?;
                pairs.get(at).map(|pair| pair.1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SlideError;

    const GRID: Grid = Grid { width: 500, height: 300, tile_width: 256, tile_height: 256 };

    fn file() -> SlideFile {
        SlideFile::from_bytes("layout", Vec::new())
    }

    fn read(frames: u32, positions: &[Option<FramePosition>]) -> Result<Layout> {
        Layout::read(&file(), GRID, false, frames, positions)
    }

    #[test]
    fn positions_give_tiles() {
        let layout = read(2, &[Some((257, 257)), Some((1, 1))]).unwrap();
        assert_eq!(layout, Layout::Placed(vec![3, 0]));
        assert_eq!(read(4, &[]).unwrap(), Layout::Unstated);
        let placement = Placement::sparse(&file(), GRID, [3, 0].into_iter()).unwrap();
        assert_eq!([0, 1, 3].map(|tile| placement.frame(tile)), [Some(1), None, Some(0)]);
    }

    #[test]
    fn bad_positions_are_typed_errors() {
        for positions in [[None, Some((1, 1))], [Some((0, 1)), None], [Some((513, 1)), None]] {
            assert!(matches!(read(2, &positions), Err(SlideError::Broken { .. })), "{positions:?}");
        }
        let wrong_count = read(3, &[Some((1, 1))]);
        assert!(matches!(wrong_count, Err(SlideError::Broken { .. })));
        let off_grid = read(1, &[Some((2, 1))]);
        assert!(matches!(off_grid, Err(SlideError::Unsupported { .. })));
        let smallest = read(1, &[Some((i32::MIN, i32::MAX))]);
        assert!(matches!(smallest, Err(SlideError::Broken { .. })));
        let huge = Grid { width: 1 << 24, height: 1 << 24, ..GRID };
        let empty = Placement::sparse(&file(), huge, [3].into_iter());
        assert!(matches!(empty, Err(SlideError::Broken { .. })));
        let twice = Placement::sparse(&file(), GRID, [3, 3].into_iter());
        assert!(matches!(twice, Err(SlideError::Unsupported { .. })));
    }
}

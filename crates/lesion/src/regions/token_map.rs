//! Probabilities at the resolution of an encoder's tokens.
//!
//! A head of tiles applied to the parts of a tile says where in the tile its evidence lies: where a
//! tile's vector is the mean of its parts', a linear head's logits are means as well (class
//! activation maps: Zhou et al. 2016). How sure it is of a part was never measured: probabilities
//! of parts are *not calibrated*. They only move outlines; a region's score stays the tiles'.

use super::map::ProbabilityMap;
use crate::{
    error::{LesionError, Result},
    matrix::softmax,
    slide_features::{Cell, SlideFeatures, TileGrid},
};

/// Logits of the tokens of a slide's tiles.
#[derive(Copy, Clone, Debug)]
pub struct TokenLogits<'a> {
    /// `edge x edge x classes` values a tile.
    pub logits: &'a SlideFeatures,
    /// Tokens along a tile's edge.
    pub edge: usize,
    /// What logits are divided by.
    pub temperature: f64,
}

impl TokenLogits<'_> {
    /// Into how many parts the edge of a grid's cell must be cut so that no token is cut.
    #[must_use]
    pub fn fineness(&self) -> u32 {
        let (edge, steps) = (self.edge as u32, self.logits.facts.grid.steps());
        edge / gcd(edge, steps)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl ProbabilityMap {
    /// The map on cells so small that each lies in one token of every tile over it. A cell's
    /// probabilities are `share` the tokens' (the mean over the tiles on it) and for the rest the
    /// map's own, interpolated; both by the logarithm, so that one that is sure outweighs one that
    /// is not. `None` where the grid would become too large.
    ///
    /// # Errors
    /// When the tokens are of another grid or of other classes.
    pub fn refined_by_tokens(
        &self,
        tokens: &TokenLogits<'_>,
        share: f32,
        is_tissue: impl Fn(&TileGrid, Cell) -> bool,
    ) -> Result<Option<Self>> {
        let facts = &tokens.logits.facts;
        let values = tokens.edge * tokens.edge * self.classes();
        if facts.grid != *self.grid() || facts.dimension != values {
            let what = "the tokens' logits are of another grid or of other classes than the map";
            return Err(LesionError::Data(what.into()));
        }
        let factor = tokens.fineness();
        let Some(grid) = self.grid().refined(factor) else { return Ok(None) };
        let sums = token_sums(tokens, &grid, factor, self.classes())?;
        let mut fine = self.refined(factor, is_tissue);
        if fine.fineness() != self.fineness() * factor {
            return Ok(None);
        }
        fine.blend(share, &sums);
        Ok(Some(fine))
    }
}

/// Probabilities of tokens, summed over the tiles on each cell.
fn token_sums(
    tokens: &TokenLogits<'_>,
    grid: &TileGrid,
    factor: u32,
    classes: usize,
) -> Result<Vec<f32>> {
    let (columns, rows) = (grid.columns() as usize, grid.rows() as usize);
    let per_token = grid.steps() as usize / tokens.edge;
    let mut sums = vec![0.0_f32; columns * rows * classes];
    let matrix = tokens.logits.matrix()?;
    for (tile, cell) in tokens.logits.cells().iter().enumerate() {
        let corner = cell.refined(factor);
        let mut own = matrix.row(tile).to_vec();
        for (at, token) in own.chunks_exact_mut(classes).enumerate() {
            softmax(token, tokens.temperature as f32);
            let top = corner.row as usize + at / tokens.edge * per_token;
            let left = corner.column as usize + at % tokens.edge * per_token;
            for row in top..(top + per_token).min(rows) {
                for column in left..(left + per_token).min(columns) {
                    let to = &mut sums[(row * columns + column) * classes..][..classes];
                    to.iter_mut().zip(&*token).for_each(|(to, p)| *to += p);
                }
            }
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        matrix::FeatureMatrix,
        regions::map_tests::two,
        slide_features::{grid_tests::grid, store_tests},
    };

    /// Tokens of two by two a tile; of two classes, the second's probability by token.
    fn logits(grid: &TileGrid, cells: Vec<Cell>, second: &[f32]) -> SlideFeatures {
        let mut facts = store_tests::features(0).facts;
        (facts.grid, facts.dimension) = (grid.clone(), 8);
        let values = second.iter().flat_map(|p| [(1.0 - p).ln(), p.ln()]).collect();
        SlideFeatures::new(facts, cells, &FeatureMatrix::new(8, values).unwrap()).unwrap()
    }

    #[test]
    fn tokens_say_where_in_a_tile_it_is() {
        let grid = grid(448, 448, 1);
        let cells = vec![Cell { row: 0, column: 0 }];
        let map = ProbabilityMap::from_tiles(&grid, &cells, &two(&[0.5]), |_| true).unwrap();
        let logits = logits(&grid, cells, &[0.9, 0.1, 0.1, 0.1]);
        let tokens = TokenLogits { logits: &logits, edge: 2, temperature: 1.0 };
        let at = |share, column, row| {
            let fine = map.refined_by_tokens(&tokens, share, |_, _| true).unwrap().unwrap();
            assert_eq!((fine.grid().columns(), fine.fineness()), (2, 2));
            (fine.at(Cell { row, column }).unwrap()[1] * 1e3).round() / 1e3
        };
        assert_eq!((at(1.0, 0, 0), at(1.0, 1, 0), at(1.0, 1, 1)), (0.9, 0.1, 0.1));
        assert_eq!((at(0.0, 0, 0), at(0.0, 1, 1)), (0.5, 0.5));
        // The odds of both by the root: 9 and 1 give 3.
        assert_eq!((at(0.5, 0, 0), at(0.5, 1, 1)), (0.75, 0.25));
    }

    #[test]
    fn tokens_of_overlapping_tiles_are_averaged_on_cells_that_cut_none() {
        let grid = grid(896, 448, 2);
        let cells = vec![Cell { row: 0, column: 0 }, Cell { row: 0, column: 1 }];
        let map = ProbabilityMap::from_tiles(&grid, &cells, &two(&[0.5, 0.5]), |_| true).unwrap();
        let logits = logits(&grid, cells, &[0.2, 0.4, 0.2, 0.4, 0.6, 0.8, 0.6, 0.8]);
        let tokens = TokenLogits { logits: &logits, edge: 2, temperature: 1.0 };
        let fine = map.refined_by_tokens(&tokens, 1.0, |_, _| true).unwrap().unwrap();
        assert_eq!(fine.fineness(), 1);
        let row: Vec<f32> = (0..3)
            .map(|column| fine.at(Cell { row: 0, column }).unwrap()[1])
            .map(|p| (p * 1e3).round() / 1e3)
            .collect();
        assert_eq!(row, [0.2, 0.5, 0.8]);
    }

    #[test]
    fn other_grids_and_classes_are_refused() {
        let (grid, other) = (grid(448, 448, 1), grid(896, 448, 1));
        let cells = vec![Cell { row: 0, column: 0 }];
        let map = ProbabilityMap::from_tiles(&grid, &cells, &two(&[0.5]), |_| true).unwrap();
        let logits = logits(&other, cells, &[0.5; 4]);
        let tokens = |edge| TokenLogits { logits: &logits, edge, temperature: 1.0 };
        assert!(map.refined_by_tokens(&tokens(2), 1.0, |_, _| true).is_err());
        assert!(map.refined_by_tokens(&tokens(1), 1.0, |_, _| true).is_err());
    }
}

//! Two-stage runs: a small encoder sees every tile, a large one the few that tell most.
//!
//! Which tiles tell most is decided by the small encoder's head: those that it is unsure of (the
//! entropy of its probabilities) and that are unlike each other (greedy k-centre, Gonzalez 1985:
//! the next one is the farthest from all chosen so far), the distance weighted by the entropy.

use std::collections::BTreeSet;

use bianque_core::{Level0, PixelRect};
use rayon::prelude::*;

use crate::{
    error::{LesionError, Result},
    head::Standardisation,
    matrix::{FeatureMatrix, Probabilities},
    slide_features::{Cell, SlideFeatures, TileGrid},
};

/// Added to the entropy, so that where the head is sure everywhere the unlike are still chosen.
const LEAST_WEIGHT: f32 = 0.01;
/// Candidates for each tile that is chosen; the surest tiles beyond are not compared.
const CANDIDATES: usize = 16;

/// The tiles that tell most, the most telling first: indices of rows.
#[must_use]
pub fn most_informative(
    features: &FeatureMatrix,
    probabilities: &Probabilities,
    count: usize,
) -> Vec<usize> {
    let rows = features.rows().min(probabilities.rows());
    let weights: Vec<f32> =
        (0..rows).map(|row| entropy(probabilities.row(row)) + LEAST_WEIGHT).collect();
    let mut candidates: Vec<usize> = (0..rows).collect();
    candidates.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b)));
    candidates.truncate(count.saturating_mul(CANDIDATES));
    let chosen_rows = features.select(&candidates);
    let standard = Standardisation::measure(&chosen_rows);
    let mut values = chosen_rows.into_values();
    standard.apply_in_place(&mut values);
    let vectors: Vec<&[f32]> = values.chunks_exact(features.dimension()).collect();
    let mut nearest = vec![f32::INFINITY; candidates.len()];
    let mut open = vec![true; candidates.len()];
    let mut chosen = Vec::new();
    let mut next = (!candidates.is_empty()).then_some(0);
    while let Some(at) = next.filter(|_| chosen.len() < count) {
        chosen.push(candidates[at]);
        open[at] = false;
        nearest.par_iter_mut().zip(&vectors).for_each(|(nearest, vector)| {
            *nearest = nearest.min(distance(vector, vectors[at]));
        });
        let score = |at: usize| weights[candidates[at]] * nearest[at];
        // Of equals the first, so that the choice does not depend on threads.
        next = (0..candidates.len())
            .filter(|at| open[*at])
            .reduce(|best, at| if score(at) > score(best) { at } else { best });
    }
    chosen
}

/// The entropy of probabilities, 0 (sure) to 1 (all equal).
fn entropy(probabilities: &[f32]) -> f32 {
    let terms = probabilities.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln());
    let most = (probabilities.len().max(2) as f32).ln();
    terms.sum::<f32>() / most
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f32>().sqrt()
}

/// How much a second encoder may see of a slide.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SecondBudget {
    /// Tiles of the first encoder that are judged again.
    pub places: usize,
    /// Tiles of the second encoder, where they are limited too.
    pub tiles: Option<usize>,
}

/// What a second encoder is to see of a slide, place by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondLook {
    /// Tiles of the first encoder that are looked at again, the most telling first.
    places: Vec<usize>,
    /// For each of them the second encoder's tiles that lie on it; neighbours may share some.
    cells: Vec<Vec<Cell>>,
    skipped: usize,
}

impl SecondLook {
    /// Chooses places within the budget; the second encoder's tiles lie on `grid`. A place whose
    /// tiles are too many is skipped, a later one may still fit.
    ///
    /// # Errors
    /// When features or probabilities are not those of one slide.
    pub fn plan(
        first: &SlideFeatures,
        probabilities: &Probabilities,
        grid: &TileGrid,
        budget: SecondBudget,
    ) -> Result<Self> {
        if first.cells().len() != probabilities.rows() {
            let what = "the first encoder's features and probabilities are not of one slide";
            return Err(LesionError::Data(what.into()));
        }
        let mut look = Self { places: Vec::new(), cells: Vec::new(), skipped: 0 };
        let mut seen = BTreeSet::new();
        for place in most_informative(&first.matrix()?, probabilities, budget.places) {
            let cells = cells_on(grid, first.facts.grid.tile_rect(first.cells()[place]));
            let new = cells.iter().filter(|cell| !seen.contains(*cell)).count();
            if budget.tiles.is_some_and(|most| seen.len() + new > most) {
                look.skipped += 1;
                continue;
            }
            seen.extend(cells.iter().copied());
            look.places.push(place);
            look.cells.push(cells);
        }
        Ok(look)
    }

    /// Indices of the first encoder's tiles, the most telling first.
    #[must_use]
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// How many places were left out because the budget has no room for their tiles.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The second encoder's tiles on some of the places, each once, in raster order.
    #[must_use]
    pub fn cells(&self, places: std::ops::Range<usize>) -> Vec<Cell> {
        let mut cells: Vec<Cell> =
            self.cells.get(places).unwrap_or_default().iter().flatten().copied().collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    /// The first encoder's probabilities with those of the first `places` places that the second
    /// one has judged put in: the mean of its tiles on the place. Tells for each tile whether the
    /// second one did. A later place may share tiles with these and has still to wait for its own.
    ///
    /// # Errors
    /// When classes differ, or the second's tiles and probabilities do not belong together.
    pub fn refined(
        &self,
        places: usize,
        first: &Probabilities,
        (cells, second): (&[Cell], &Probabilities),
    ) -> Result<(Probabilities, Vec<bool>)> {
        if first.classes() != second.classes() || cells.len() != second.rows() {
            let what = "the second encoder's probabilities are of other classes or tiles";
            return Err(LesionError::Data(what.into()));
        }
        let mut refined = first.clone();
        let mut judged = vec![false; first.rows()];
        for (place, own) in self.places.iter().zip(&self.cells).take(places) {
            let rows: Vec<usize> =
                own.iter().filter_map(|cell| cells.binary_search(cell).ok()).collect();
            let Some(flag) = judged.get_mut(*place).filter(|_| !rows.is_empty()) else { continue };
            *flag = true;
            let mut mean = vec![0.0; second.classes()];
            for row in &rows {
                mean.iter_mut().zip(second.row(*row)).for_each(|(m, p)| *m += p);
            }
            mean.iter_mut().for_each(|m| *m /= rows.len() as f32);
            refined.set_row(*place, &mean);
        }
        Ok((refined, judged))
    }
}

/// The tiles of a grid that cover a rectangle and meet, as near to its middle as the grid has them.
/// Overlapping ones would cost the square of their steps and show no other tissue.
fn cells_on(grid: &TileGrid, rect: PixelRect<Level0>) -> Vec<Cell> {
    let (width, height) = grid.tile_level0();
    let along = |from: i64, length: u32, tile: f64, positions: u32| {
        let length = f64::from(length);
        let count = (length / tile).round().clamp(1.0, f64::from(positions));
        let begin = from as f64 + (length - count * tile) / 2.0;
        let first = (begin * f64::from(grid.steps()) / tile).round().max(0.0) as u32;
        let first = first.min(positions.saturating_sub(1));
        (first..positions).step_by(grid.steps() as usize).take(count as usize)
    };
    let columns = along(rect.x, rect.width, width, grid.columns());
    let rows = along(rect.y, rect.height, height, grid.rows());
    rows.flat_map(|row| columns.clone().map(move |column| Cell { row, column })).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use bianque_core::PixelRect;

    use super::*;
    use crate::{
        fakes::{MeanColourEncoder, PaintedSlide},
        regions::map_tests::two,
        slide_features::{
            EncoderRequest, PassRequest, ReadAhead, TissueEverywhere, encode_slide,
            grid_tests::grid,
        },
    };

    #[test]
    fn the_unsure_and_the_unlike_are_chosen() {
        // Five alike that are unsure, one unlike that is unsure, one unlike that is sure.
        let values = [0.0, 0.1, 0.05, 0.0, 0.1, 9.0, -9.0];
        let features = FeatureMatrix::new(1, values.to_vec()).unwrap();
        let probabilities = two(&[0.5, 0.45, 0.4, 0.5, 0.4, 0.4, 1e-6]);
        assert_eq!(most_informative(&features, &probabilities, 2), [0, 5]);
        let all = most_informative(&features, &probabilities, 99);
        assert_eq!(all.len(), 7);
        assert!(most_informative(&features, &probabilities, 0).is_empty());
    }

    #[test]
    fn the_choice_does_not_depend_on_threads() {
        let values: Vec<f32> = (0..900).map(|i| ((i * 7919) % 101) as f32).collect();
        let features = FeatureMatrix::new(3, values).unwrap();
        let probabilities = two(&(1..=300).map(|i| i as f32 / 301.0).collect::<Vec<_>>());
        let choose = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| most_informative(&features, &probabilities, 40))
        };
        assert_eq!(choose(1), choose(4));
    }

    #[test]
    fn a_grid_s_own_tile_is_itself_and_smaller_ones_lie_inside() {
        let coarse = grid(4480, 4480, 2);
        let rect = coarse.tile_rect(Cell { row: 3, column: 5 });
        assert_eq!(cells_on(&coarse, rect), [Cell { row: 3, column: 5 }]);
        let fine = |size, steps| {
            let mpp = crate::slide_features::grid_tests::mpp(0.5);
            TileGrid::over(PixelRect::new(0, 0, 4480, 4480), &mpp, size, 1.0, steps).unwrap()
        };
        assert_eq!(cells_on(&fine(112, 1), rect).len(), 4);
        assert!(cells_on(&fine(112, 1), rect).iter().all(|cell| {
            rect.intersection(&fine(112, 1).tile_rect(*cell)) == Some(fine(112, 1).tile_rect(*cell))
        }));
        // Those that meet, where the grid has overlapping ones.
        assert_eq!(cells_on(&fine(112, 2), rect).len(), 4);
        assert_eq!(cells_on(&fine(112, 4), rect).len(), 4);
        // One that is larger than the place: the nearest.
        assert_eq!(cells_on(&fine(2240, 1), rect).len(), 1);
        // Beyond the last position there is none.
        let last = coarse.tile_rect(Cell { row: coarse.rows() - 1, column: 5 });
        assert_eq!(cells_on(&fine(112, 1), last).len(), 2);
    }

    /// What a head that knows the truth says of a mean colour: lesion where it is red.
    fn redness(features: &SlideFeatures) -> Probabilities {
        let matrix = features.matrix().unwrap();
        let red = |row: usize| matrix.row(row)[0].clamp(0.02, 0.98);
        two(&(0..matrix.rows()).map(red).collect::<Vec<_>>())
    }

    /// The features of a slide's tiles, or of some of them.
    fn encoded(
        slide: &PaintedSlide,
        encoder: &MeanColourEncoder,
        steps: u32,
        only: Option<&[Cell]>,
    ) -> SlideFeatures {
        let request = PassRequest {
            slide,
            identity: "slide",
            tissue: &TissueEverywhere,
            encoders: &[EncoderRequest {
                encoder,
                steps,
                tissue_share: 0.0,
                only,
                file: None,
                tokens: &[],
            }],
        };
        let stop = AtomicBool::new(false);
        encode_slide(&request, ReadAhead::default(), &|_| (), &stop).unwrap().remove(0).features
    }

    #[test]
    fn shared_tiles_count_once_and_what_does_not_fit_is_skipped() {
        let slide = PaintedSlide::new(512, 512, |x, y| [(x / 2) as u8, (y / 2) as u8, 90]);
        let (first, second) = (MeanColourEncoder::new(16), MeanColourEncoder::new(8));
        let features = encoded(&slide, &first, 2, None);
        let probabilities = redness(&features);
        let grid = encoded(&slide, &second, 2, Some(&[])).facts.grid;
        let plan = |places, tiles| {
            let budget = SecondBudget { places, tiles };
            SecondLook::plan(&features, &probabilities, &grid, budget).unwrap()
        };
        let seen = |look: &SecondLook| look.cells(0..look.places().len()).len();
        let places = features.cells().len();
        let all = plan(places, None);
        assert_eq!((all.places().len(), all.skipped()), (places, 0));
        // Half of the positions along each edge: tiles of the second encoder that meet.
        assert_eq!(seen(&all), (grid.columns() * grid.rows() / 4) as usize);
        assert!(all.cells.iter().map(Vec::len).sum::<usize>() > 3 * seen(&all));
        // So many tiles are enough for every place.
        assert_eq!(plan(places, Some(seen(&all))), all);
        assert_eq!(plan(20, None).places().len(), 20);

        let few = plan(places, Some(6));
        assert!(few.places().len() > 1 && seen(&few) <= 6, "{few:?}");
        assert_eq!(few.places().len() + few.skipped(), places);
        assert!(plan(places, Some(0)).places().is_empty());

        // What a later place shares with an earlier one does not make it judged.
        let part = all.cells(0..3);
        let some = encoded(&slide, &second, 2, Some(&part));
        let judged = all.refined(3, &probabilities, (some.cells(), &redness(&some))).unwrap().1;
        assert_eq!(judged.iter().filter(|judged| **judged).count(), 3);
    }

    #[test]
    fn a_second_encoder_corrects_where_it_looked_and_nowhere_else() {
        // The first encoder sees a pale red in the left half and is unsure; the second one cuts
        // tiles of half the size and sees a checker of red and nothing.
        let slide = PaintedSlide::new(1024, 512, |x, y| {
            let strong = (x / 16 + y / 16) % 2 == 0;
            if x >= 512 {
                [4, 4, 4]
            } else if strong {
                [255, 0, 0]
            } else {
                [0, 0, 0]
            }
        });
        let (first, second) = (MeanColourEncoder::new(16), MeanColourEncoder::new(8));
        let encode = |encoder, only| encoded(&slide, encoder, 1, only);
        let features = encode(&first, None);
        let unsure = redness(&features);
        let grid = encode(&second, Some(&[])).facts.grid;
        let budget = SecondBudget { places: 60, tiles: Some(60) };
        let look = SecondLook::plan(&features, &unsure, &grid, budget).unwrap();
        assert_eq!(look.places().len(), 15, "four small tiles on each");
        assert_eq!(look.skipped(), 45);
        // One of the sure half as well, for it is unlike all others.
        let is_left = |tile: &&usize| features.cells()[**tile].column < 16;
        assert_eq!(look.places().iter().filter(is_left).count(), 14, "{:?}", look.places());
        assert_eq!(look, SecondLook::plan(&features, &unsure, &grid, budget).unwrap());

        let cells = look.cells(0..look.places().len());
        assert_eq!(cells.len(), 60);
        let again = encode(&second, Some(&cells));
        let all = look.places().len();
        let red = redness(&again);
        let (refined, judged) = look.refined(all, &unsure, (again.cells(), &red)).unwrap();
        for (tile, judged) in judged.iter().enumerate() {
            assert_eq!(*judged, look.places().contains(&tile));
            if !judged {
                assert_eq!(refined.row(tile), unsure.row(tile));
            }
        }
        // Part by part: what was judged in the first round stays as it was.
        let part = look.cells(0..5);
        let some = encode(&second, Some(&part));
        let (_, judged) = look.refined(5, &unsure, (some.cells(), &redness(&some))).unwrap();
        assert_eq!(judged.iter().filter(|judged| **judged).count(), 5);
        assert!(look.refined(5, &unsure, (&part[1..], &redness(&some))).is_err());
    }
}

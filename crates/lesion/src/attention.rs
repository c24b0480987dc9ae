//! What an encoder or a slide head looked at.
//!
//! Attention explains a model, it finds nothing: it is high on folds and fat as well. An
//! [`AttentionMap`] therefore has a type of its own, with no way to a [`crate::ProbabilityMap`],
//! a [`crate::Region`] or GeoJSON; it can be drawn and nothing else. Regions come of probabilities:
//!
//! ```
//! use bianque_lesion::{Probabilities, ProbabilityMap, RegionSettings, find_regions};
//! fn outline(map: &ProbabilityMap, own: &Probabilities, settings: &RegionSettings) {
//!     let _ = find_regions(map, &[], own, &[], settings);
//! }
//! ```
//!
//! and never of attention:
//!
//! ```compile_fail,E0308
//! use bianque_lesion::{AttentionMap, Probabilities, RegionSettings, find_regions};
//! fn outline(map: &AttentionMap, own: &Probabilities, settings: &RegionSettings) {
//!     let _ = find_regions(map, &[], own, &[], settings);
//! }
//! ```

use std::sync::atomic::{AtomicBool, Ordering};

use bianque_core::{Level0, PixelRect, RgbImage};
use bianque_slide::{Slide, SlideError};
use bianque_vision::{Encoder, VisionError};
use rayon::prelude::*;

use crate::{
    error::{LesionError, Result},
    slide_features::{Cell, SlideFeatures, TileGrid},
    slide_head::SlideHead,
};

/// What every picture and page says of attention.
pub const ATTENTION_NOTICE: &str = "attention, not a lesion";

/// Tiles that one thread reads and encodes together.
const BATCH: usize = 16;
/// Shares above this part of all are drawn alike: a few places take most of the attention.
const BRIGHTEST: f64 = 0.99;

/// Relative attention over a slide, for the eye alone: 0 none, 1 the highest hundredth.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionMap {
    places: Vec<(PixelRect<Level0>, f32)>,
}

impl AttentionMap {
    /// Each place with its strength, 0 to 1.
    #[must_use]
    pub fn places(&self) -> &[(PixelRect<Level0>, f32)] {
        &self.places
    }

    /// What a slide head looked at: the mean over its branches, and over the tiles that lie on a
    /// cell.
    ///
    /// # Errors
    /// When the head has no attention or takes other features.
    pub fn of_slide_head(head: &SlideHead, features: &SlideFeatures) -> Result<Self> {
        if features.cells().is_empty() {
            return Ok(Self { places: Vec::new() });
        }
        let branches = head.predict(&features.matrix()?)?.attention;
        if branches.is_empty() {
            let what = "this slide head has no attention: mean and max weigh all tiles alike";
            return Err(LesionError::Setting(what.into()));
        }
        let mean = |tile: usize| {
            branches.iter().map(|branch| branch[tile]).sum::<f32>() / branches.len() as f32
        };
        let grid = &features.facts.grid;
        let cells = grid.columns() as usize * grid.rows() as usize;
        let mut sums = vec![(0.0_f32, 0_u32); cells];
        for (tile, cell) in features.cells().iter().enumerate() {
            for at in covered(grid, *cell) {
                sums[at].0 += mean(tile);
                sums[at].1 += 1;
            }
        }
        let places = grid.cells().zip(sums).filter(|(_, (_, count))| *count > 0);
        let places = places.map(|(cell, (sum, count))| (grid.cell_rect(cell), sum / count as f32));
        Ok(Self::scaled(places.collect()))
    }

    /// What an encoder's class token looked at, tile by tile; of overlapping tiles those that
    /// meet. The tiles are read again.
    ///
    /// # Errors
    /// When the encoder has no class token, the slide cannot be read, or `cancel` was set.
    pub fn of_encoder(
        slide: &dyn Slide,
        encoder: &dyn Encoder,
        features: &SlideFeatures,
        cancel: &AtomicBool,
    ) -> Result<Self> {
        let Some(edge) = encoder.attention_edge() else {
            let name = encoder.producer().name.clone();
            return Err(match encoder.on_gpu() {
                true => VisionError::OnlyOnCpu { encoder: name, what: "attention" },
                false => VisionError::NoAttention { encoder: name },
            }
            .into());
        };
        let grid = &features.facts.grid;
        let meet = |cell: &&Cell| {
            cell.row.is_multiple_of(grid.steps()) && cell.column.is_multiple_of(grid.steps())
        };
        let cells: Vec<Cell> = features.cells().iter().filter(meet).copied().collect();
        let parts: Vec<Vec<(PixelRect<Level0>, f32)>> = cells
            .par_chunks(BATCH)
            .map(|cells| {
                if cancel.load(Ordering::Relaxed) {
                    return Err(LesionError::Cancelled);
                }
                let images: Vec<RgbImage> = cells
                    .iter()
                    .map(|cell| {
                        let px = grid.tile_px();
                        slide.read_at_mpp(grid.origin(*cell), grid.mpp(), px, px)
                    })
                    .collect::<std::result::Result<_, SlideError>>()?;
                let mut values = vec![0.0; images.len() * edge * edge];
                encoder.attention(&images, &mut values)?;
                let tiles = cells.iter().zip(values.chunks_exact(edge * edge));
                Ok(tiles.flat_map(|(cell, values)| parts_of(grid, *cell, edge, values)).collect())
            })
            .collect::<Result<_>>()?;
        Ok(Self::scaled(parts.into_iter().flatten().collect()))
    }

    fn scaled(mut places: Vec<(PixelRect<Level0>, f32)>) -> Self {
        let mut values: Vec<f32> = places.iter().map(|(_, value)| *value).collect();
        values.sort_by(f32::total_cmp);
        let at = (values.len() as f64 * BRIGHTEST) as usize;
        let top = values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or(0.0);
        let scale = if top > 0.0 { 1.0 / top } else { 0.0 };
        places.iter_mut().for_each(|(_, value)| *value = (*value * scale).min(1.0));
        Self { places }
    }
}

/// The cells of the grid under a tile.
fn covered(grid: &TileGrid, tile: Cell) -> impl Iterator<Item = usize> {
    let (columns, right) = (grid.columns(), (tile.column + grid.steps()).min(grid.columns()));
    let bottom = (tile.row + grid.steps()).min(grid.rows());
    (tile.row..bottom).flat_map(move |row| {
        (tile.column..right).map(move |column| row as usize * columns as usize + column as usize)
    })
}

/// The parts of a tile with their values, in level-0 pixels.
fn parts_of(
    grid: &TileGrid,
    cell: Cell,
    edge: usize,
    values: &[f32],
) -> impl Iterator<Item = (PixelRect<Level0>, f32)> {
    let (origin, (width, height)) = (grid.origin(cell), grid.tile_level0());
    let (width, height) = (width / edge as f64, height / edge as f64);
    values.iter().copied().enumerate().map(move |(at, value)| {
        let (column, row) = ((at % edge) as f64, (at / edge) as f64);
        let round = |from: f64, step: f64, index: f64| {
            let start = (from + step * index).round();
            (start as i64, ((from + step * (index + 1.0)).round() - start) as u32)
        };
        let ((x, w), (y, h)) = (round(origin.x, width, column), round(origin.y, height, row));
        (PixelRect::new(x, y, w, h), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fakes::{MeanColourEncoder, PaintedSlide},
        slide_features::store_tests::features,
        slide_head::{SlideHeadKind, SlidePurpose},
    };

    fn head(kind: SlideHeadKind) -> SlideHead {
        let classes = ["a", "b"].map(String::from).to_vec();
        SlideHead::new(kind, SlidePurpose::Classification { classes }, 3, 1).unwrap()
    }

    #[test]
    fn a_slide_head_s_attention_lies_where_the_tiles_lie() {
        let kind = SlideHeadKind::Abmil { hidden: 8, attention: 4, branches: 2, dropout: 0.0 };
        let features = features(30);
        let map = AttentionMap::of_slide_head(&head(kind), &features).unwrap();
        let grid = &features.facts.grid;
        assert!(
            map.places().len() > 30 && map.places().iter().all(|(_, v)| (0.0..=1.0).contains(v))
        );
        assert!(map.places().iter().any(|(_, v)| *v == 1.0));
        assert_eq!(map.places()[0].0, grid.cell_rect(Cell { row: 0, column: 0 }));
        let error = AttentionMap::of_slide_head(&head(SlideHeadKind::Mean), &features).unwrap_err();
        assert!(error.to_string().contains("no attention"), "{error}");
    }

    #[test]
    fn parts_fill_their_tile_without_a_gap() {
        let features = features(5);
        let grid = &features.facts.grid;
        let cell = Cell { row: 0, column: 3 };
        let values: Vec<f32> = (0..49).map(|i| i as f32).collect();
        let parts: Vec<_> = parts_of(grid, cell, 7, &values).collect();
        let area: u64 = parts.iter().map(|(p, _)| u64::from(p.width) * u64::from(p.height)).sum();
        let tile = grid.tile_rect(cell);
        assert_eq!(area, u64::from(tile.width) * u64::from(tile.height));
        assert_eq!((parts[8].0.x, parts[8].0.y), (tile.x + 64, tile.y + 64));
    }

    #[test]
    fn an_encoder_without_a_class_token_is_refused() {
        let slide = PaintedSlide::new(64, 64, |_, _| [1, 2, 3]);
        let encoder = MeanColourEncoder::new(8);
        let never = AtomicBool::new(false);
        let error = AttentionMap::of_encoder(&slide, &encoder, &features(3), &never).unwrap_err();
        assert!(error.to_string().contains("no attention"), "{error}");
    }
}

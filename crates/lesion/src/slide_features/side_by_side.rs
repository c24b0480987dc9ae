//! Features of several encoders on the same tiles, side by side.

use bianque_core::{Digest, Producer};

use super::store::{FeatureFacts, SlideFeatures};
use crate::error::{LesionError, Result};

/// How far two tiles' edges may differ, in level-0 pixels.
const EDGE: f64 = 1e-6;

/// The two encoders as one: names, versions and licences joined, weights by a digest of both.
pub(crate) fn joined_encoder(one: &Producer, other: &Producer) -> Producer {
    let both = |a: &str, between: &str, b: &str| format!("{a}{between}{b}");
    let licence = one.licence.as_ref().zip(other.licence.as_ref());
    Producer {
        name: both(&one.name, " + ", &other.name),
        version: both(&one.version, " + ", &other.version),
        digest: one.digest.zip(other.digest).map(|(a, b)| joined_digest(a, b)),
        licence: licence.map(|(a, b)| if a == b { a.clone() } else { both(a, " AND ", b) }),
    }
}

/// The digest of two things in this order.
pub(crate) fn joined_digest(one: Digest, other: Digest) -> Digest {
    Digest::of(format!("{one}{other}").as_bytes())
}

impl FeatureFacts {
    /// What is to be known of these features with another encoder's beside them.
    pub(crate) fn beside(&self, other: &Self) -> Self {
        Self {
            encoder: joined_encoder(&self.encoder, &other.encoder),
            recipe_digest: joined_digest(self.recipe_digest, other.recipe_digest),
            dimension: self.dimension + other.dimension,
            ..self.clone()
        }
    }

    /// Why tiles of the two do not lie at the same places of the same slide, if they do not.
    pub(crate) fn other_places(&self, other: &Self) -> Option<String> {
        if self.slide != other.slide {
            return Some("are of different scans".into());
        }
        let (own, its) = (&self.grid, &other.grid);
        let ((w, h), (v, g)) = (own.tile_level0(), its.tile_level0());
        let same_edges = (w - v).abs() < EDGE && (h - g).abs() < EDGE;
        let same = same_edges && own.steps() == its.steps() && own.bounds() == its.bounds();
        (!same).then(|| {
            format!(
                "have tiles of {w:.2} and {v:.2} level-0 px, in steps of 1/{} and 1/{} of a tile",
                own.steps(),
                its.steps()
            )
        })
    }
}

impl SlideFeatures {
    /// The features of one slide by several encoders as if one encoder had made them: for every tile
    /// the first one's values, then the next one's.
    ///
    /// # Errors
    /// When there is none, or their tiles do not lie at the same places.
    pub fn side_by_side(all: &[&Self]) -> Result<Self> {
        let (first, others) =
            all.split_first().ok_or_else(|| LesionError::Data("there are no features".into()))?;
        let mut joined = (*first).clone();
        for other in others {
            joined = joined.beside(other)?;
        }
        Ok(joined)
    }

    fn beside(&self, other: &Self) -> Result<Self> {
        let differs = self.facts.other_places(&other.facts).or_else(|| {
            let (tiles, others) = (self.cells.len(), other.cells.len());
            let what = || format!("have {tiles} and {others} tiles, not all at the same places");
            (self.cells != other.cells).then(what)
        });
        if let Some(what) = differs {
            let (own, its) = (&self.facts.encoder.name, &other.facts.encoder.name);
            return Err(LesionError::Data(format!("the features of {own} and of {its} {what}")));
        }
        let rows = self.values.chunks(self.facts.dimension.max(1));
        let beside = other.values.chunks(other.facts.dimension.max(1));
        let values = rows.zip(beside).flat_map(|(row, more)| row.iter().chain(more)).copied();
        Ok(Self {
            facts: self.facts.beside(&other.facts),
            cells: self.cells.clone(),
            values: values.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide_features::store_tests::features;

    fn of(encoder: &str, tiles: usize) -> SlideFeatures {
        let mut made = features(tiles);
        made.facts.encoder.name = encoder.into();
        made
    }

    #[test]
    fn every_tile_has_both_vectors_one_after_the_other() {
        let (small, large) = (of("small", 4), of("large", 4));
        let joined = SlideFeatures::side_by_side(&[&small, &large]).unwrap();
        assert_eq!((joined.facts.dimension, &*joined.facts.encoder.name), (6, "small + large"));
        let (all, own) = (joined.matrix().unwrap(), small.matrix().unwrap());
        for tile in 0..4 {
            assert_eq!(all.row(tile), [own.row(tile), own.row(tile)].concat());
        }
        assert_eq!(SlideFeatures::side_by_side(&[&small]).unwrap(), small);
    }

    #[test]
    fn other_tiles_and_other_scans_are_refused() {
        let (small, fewer, mut moved) = (of("small", 4), of("large", 5), of("large", 4));
        moved.facts.slide = "another".into();
        for (other, part) in [(&fewer, "4 and 5 tiles"), (&moved, "different scans")] {
            let error = SlideFeatures::side_by_side(&[&small, other]).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("of small and of large"), "{error}");
        }
        assert!(SlideFeatures::side_by_side(&[]).is_err());
    }
}

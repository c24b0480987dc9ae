//! What a synthetic slide is made from.

use crate::error::{Result, TestkitError};

/// Everything that determines a synthetic slide: the same recipe gives the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct SlideRecipe {
    /// Chooses every shape, place and cell.
    pub seed: u64,
    /// Width of level 0 in pixels.
    pub width: u32,
    /// Height of level 0 in pixels.
    pub height: u32,
    /// Microns per level-0 pixel, 0.1 to 4.
    pub mpp: f64,
    /// What is drawn.
    pub content: Content,
    /// Number of carcinoma-like regions.
    pub lesions: u32,
    /// Smallest and largest diameter of a lesion in microns; sizes are spread evenly by logarithm.
    pub lesion_diameters: (f64, f64),
    /// The section's colours.
    pub stain: Stain,
    /// Pen strokes on the cover slip, one of each colour named.
    pub ink: Vec<InkColour>,
}

/// What a slide shows.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Pieces of colon on glass.
    Colon,
    /// Glass only.
    Blank,
    /// No light: every pixel black.
    Black,
}

/// The colour of a pen stroke.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum InkColour {
    /// Green marker.
    Green,
    /// Blue marker.
    Blue,
    /// Red marker.
    Red,
    /// Black marker.
    Black,
}

/// Haematoxylin and eosin as this section took them up: absorption in red, green and blue, as unit
/// vectors, and strengths (Ruifrok and Johnston 2001 for the model; the values are our own).
#[derive(Clone, Debug, PartialEq)]
pub struct Stain {
    /// Absorption of haematoxylin.
    pub haematoxylin: [f32; 3],
    /// Absorption of eosin.
    pub eosin: [f32; 3],
    /// Factor on all haematoxylin.
    pub haematoxylin_strength: f32,
    /// Factor on all eosin.
    pub eosin_strength: f32,
    /// Light through clear glass in red, green and blue, of 255.
    pub glass: [f32; 3],
}

impl Default for Stain {
    fn default() -> Self {
        Self {
            haematoxylin: [0.64, 0.69, 0.34],
            eosin: [0.11, 0.88, 0.46],
            haematoxylin_strength: 1.0,
            eosin_strength: 1.0,
            glass: [243.0, 242.0, 244.0],
        }
    }
}

impl Stain {
    /// One of many laboratories' habits: hue and strength drawn by seed.
    #[must_use]
    pub fn by_seed(seed: u64) -> Self {
        let folded = (seed ^ (seed >> 32)) as u32;
        let mut random = super::noise::Random::new(folded ^ 0x57A1, 3, 1);
        let mut shade = |base: [f32; 3], spread: f32| {
            let moved = base.map(|part: f32| (part + random.range(-spread, spread)).max(0.02));
            let norm = moved.iter().map(|part| part * part).sum::<f32>().sqrt();
            moved.map(|part| part / norm)
        };
        let haematoxylin = shade([0.64, 0.69, 0.34], 0.07);
        let eosin = shade([0.11, 0.88, 0.46], 0.07);
        let glass = 243.0 + random.range(-5.0, 3.0);
        Self {
            haematoxylin,
            eosin,
            haematoxylin_strength: random.range(0.75, 1.25),
            eosin_strength: random.range(0.7, 1.3),
            glass: [glass, glass - random.range(0.0, 2.0), glass + random.range(-2.0, 1.5)],
        }
    }
}

impl SlideRecipe {
    /// The sample slide of the demo: 12,000 x 9,000 px at 0.5 um/px with three lesions.
    #[must_use]
    pub fn demo(seed: u64) -> Self {
        Self {
            seed,
            width: 12_000,
            height: 9_000,
            mpp: 0.5,
            content: Content::Colon,
            lesions: 3,
            lesion_diameters: (450.0, 1500.0),
            stain: Stain::default(),
            ink: Vec::new(),
        }
    }

    /// A slide of another size with what fits on it: no lesion.
    #[must_use]
    pub fn healthy(seed: u64, width: u32, height: u32, mpp: f64) -> Self {
        Self { width, height, mpp, lesions: 0, ..Self::demo(seed) }
    }

    /// The seed as the hashes take it.
    pub(super) fn short_seed(&self) -> u32 {
        (self.seed ^ (self.seed >> 32).wrapping_mul(0x9E37_79B9)) as u32
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(TestkitError::Request(what));
        if self.width == 0 || self.height == 0 {
            return wrong("a slide without pixels".into());
        }
        if !(0.1..=4.0).contains(&self.mpp) {
            return wrong(format!("{} um/px: the generator draws at 0.1 to 4", self.mpp));
        }
        if f64::from(self.width.max(self.height)) * self.mpp > 100_000.0 {
            return wrong("a slide longer than 10 cm".into());
        }
        let (smallest, largest) = self.lesion_diameters;
        if !(smallest >= 100.0 && smallest <= largest && largest <= 10_000.0) {
            return wrong(format!("lesions of {smallest} to {largest} um: give 100 to 10,000"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_slides_are_refused() {
        let good = SlideRecipe::demo(1);
        assert!(good.check().is_ok());
        for bad in [
            SlideRecipe { width: 0, ..good.clone() },
            SlideRecipe { mpp: f64::NAN, ..good.clone() },
            SlideRecipe { mpp: 0.0, ..good.clone() },
            SlideRecipe { width: u32::MAX, ..good.clone() },
            SlideRecipe { lesion_diameters: (900.0, 400.0), ..good.clone() },
            SlideRecipe { lesion_diameters: (f64::NAN, 400.0), ..good },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_laboratory_stains_in_unit_vectors() {
        for seed in 0..50 {
            let stain = Stain::by_seed(seed);
            for vector in [stain.haematoxylin, stain.eosin] {
                let norm = vector.iter().map(|part| part * part).sum::<f32>();
                assert!((norm - 1.0).abs() < 1e-4);
            }
        }
    }
}

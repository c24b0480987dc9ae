//! How nuclei and cytoplasm are stained, pixel by pixel near full resolution.
//!
//! The mean over the tissue depends on what was cut: a lymph node has more haematoxylin than muscle
//! however both were stained. What the darkest pixels of haematoxylin hold, the nuclei, and what lies
//! between them differ far less from tissue to tissue: that is what a person looks at.

use bianque_core::RgbImage;

use super::stain::{EOSIN, HAEMATOXYLIN, unmixing};

/// Bins of a hundredth of optical density.
const BINS: usize = 320;
const PER_OD: f32 = 100.0;
/// Every so many pixels of every so many rows: neighbours say the same.
const STRIDE: usize = 2;
/// Mean optical density from which a pixel is stained, in hundredths.
const STAINED: f32 = 6.0;
/// Fewer stained pixels do not stand for a slide.
const LEAST: u64 = 20_000;

/// Densities of each stain by pixel value and channel.
pub(super) struct StainTables {
    haematoxylin: [[f32; 256]; 3],
    eosin: [[f32; 256]; 3],
    density: [[f32; 256]; 3],
}

impl StainTables {
    /// Against a slide's own glass.
    pub(super) fn new(glass: [f32; 3]) -> Self {
        let [to_haematoxylin, to_eosin] = unmixing(HAEMATOXYLIN, EOSIN);
        let table = |weights: [f64; 3]| {
            std::array::from_fn(|c| {
                std::array::from_fn(|value| {
                    let through = (value.max(1) as f32 / glass[c].max(1.0)).min(1.0);
                    -through.log10() * weights[c] as f32 * PER_OD
                })
            })
        };
        Self {
            haematoxylin: table(to_haematoxylin),
            eosin: table(to_eosin),
            density: table([1.0 / 3.0; 3]),
        }
    }
}

/// How many pixels have how much of each stain.
#[derive(Clone)]
pub(super) struct StainCounts {
    haematoxylin: [u64; BINS],
    eosin: [u64; BINS],
    density: [u64; BINS],
}

impl Default for StainCounts {
    fn default() -> Self {
        Self { haematoxylin: [0; BINS], eosin: [0; BINS], density: [0; BINS] }
    }
}

impl StainCounts {
    /// Counts an image's stained pixels.
    pub(super) fn of(image: &RgbImage, tables: &StainTables) -> Self {
        let mut counts = Self::default();
        for y in (0..image.height()).step_by(STRIDE) {
            for pixel in image.row(y).chunks_exact(3).step_by(STRIDE) {
                let sum = |table: &[[f32; 256]; 3]| {
                    (0..3).map(|c| table[c][usize::from(pixel[c])]).sum::<f32>()
                };
                let density = sum(&tables.density);
                if density >= STAINED {
                    counts.density[bin(density)] += 1;
                    counts.haematoxylin[bin(sum(&tables.haematoxylin))] += 1;
                    counts.eosin[bin(sum(&tables.eosin))] += 1;
                }
            }
        }
        counts
    }

    pub(super) fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.haematoxylin, &other.haematoxylin),
            (&mut self.eosin, &other.eosin),
            (&mut self.density, &other.density),
        ];
        for (own, other) in pairs {
            own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        }
    }

    /// What a person would judge by; `None` with too little stained tissue.
    pub(super) fn nuclear_stain(&self) -> Option<NuclearStain> {
        (self.density.iter().sum::<u64>() >= LEAST).then(|| NuclearStain {
            nuclei: quantile(&self.haematoxylin, 0.98),
            ground: quantile(&self.haematoxylin, 0.3),
            cytoplasm: quantile(&self.eosin, 0.6),
            darkest: quantile(&self.density, 0.98),
        })
    }
}

/// Optical densities of a slide's nuclei and of what lies between them.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) struct NuclearStain {
    /// Haematoxylin of the bluest fiftieth of stained pixels: nuclei, in any tissue that has some.
    pub(super) nuclei: f64,
    /// Haematoxylin of what is no nucleus.
    pub(super) ground: f64,
    /// Eosin of the tissue.
    pub(super) cytoplasm: f64,
    /// Mean over the channels of the darkest fiftieth.
    pub(super) darkest: f64,
}

impl NuclearStain {
    /// Haematoxylin of nuclei over eosin of tissue: it does not change where both stains are weak.
    pub(super) fn proportion(&self) -> f64 {
        (self.nuclei - self.ground).max(0.01) / self.cytoplasm.max(0.01)
    }
}

fn bin(hundredths: f32) -> usize {
    (hundredths.max(0.0) as usize).min(BINS - 1)
}

/// The density below which a share of the pixels lies.
fn quantile(counts: &[u64; BINS], share: f64) -> f64 {
    let wanted = counts.iter().sum::<u64>() as f64 * share;
    let mut seen = 0;
    let at = counts.iter().position(|count| {
        seen += count;
        seen as f64 >= wanted
    });
    (at.unwrap_or(BINS - 1) as f64 + 0.5) / f64::from(PER_OD)
}

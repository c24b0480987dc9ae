//! Stained tissue: two thresholds on stain evidence, the weak one only where something speaks for
//! it.

use crate::{
    components::{Components, without_small_holes, without_small_islands},
    density::Density,
    morphology::{closed, dilated},
    plane::{Mask, Plane, box_mean},
    threshold::{histogram, otsu, quantile},
};

/// Sizes in mask pixels.
pub(crate) struct StainSizes {
    /// Radius of the disk that bridges gaps between fat cells' walls.
    pub(crate) bridge: usize,
    /// Radius of the disk that bridges gaps anywhere.
    pub(crate) gap: usize,
    /// The smallest island that is kept.
    pub(crate) least_island: usize,
    /// The smallest hole that stays open.
    pub(crate) least_hole: usize,
    /// From this size on an island needs no strong pixel.
    pub(crate) pale_island: usize,
}

/// The bounds of both thresholds, in thousandths of stain evidence. Below 30 is what coding and
/// shading leave on clean glass; at 100 any stain is certain.
const WEAK: (usize, usize) = (30, 60);
const STRONG: (usize, usize) = (90, 180);

/// Finds tissue outside `excluded`.
pub(crate) fn find_stained(evidence: &Plane<u16>, excluded: &Mask, sizes: &StainSizes) -> Mask {
    let free = evidence.zip(excluded, |value, out| if out == 0 { value } else { 0 });
    let (weak, strong) = thresholds(&free, excluded);
    // A fat cell's wall is one pale line; its neighbourhood is what tells it from noise. Depth is
    // capped so that dark tissue does not reach beyond its edge.
    let capped = free.map(|value| value.min((weak * 3 / 2) as u16));
    let around = box_mean(&capped, sizes.bridge.div_ceil(4).max(1));
    let candidates = free.zip(&around, |value, near| {
        u8::from(usize::from(value) >= weak || usize::from(near) * 4 >= weak * 3)
    });
    let sure = free.map(|value| u8::from(usize::from(value) >= strong));
    let components = Components::of(&candidates);
    let seeds = components.sums(&sure);
    let kept = components.keep(|index, c| {
        seeds[index] as usize * 400 >= c.area.min(4000) || c.area >= sizes.pale_island
    });
    finish(&bridged(&kept, &sure, sizes), excluded, sizes)
}

/// Bridges gaps: narrow ones everywhere, wide ones only between pale lines, as fat has them. Two
/// pieces of tissue that lie close stay two.
fn bridged(kept: &Mask, sure: &Mask, sizes: &StainSizes) -> Mask {
    let solid = closed(kept, sizes.gap);
    let near_sure = dilated(sure, sizes.gap);
    let pale = kept.zip(&near_sure, |kept, near| kept & (1 - near));
    closed(&pale, sizes.bridge).zip(&solid, |a, b| a | b)
}

/// Fills holes and drops islands; never over what is excluded.
fn finish(kept: &Mask, excluded: &Mask, sizes: &StainSizes) -> Mask {
    let filled = without_small_holes(kept, sizes.least_hole);
    let free = filled.zip(excluded, |tissue, out| tissue & (1 - out));
    without_small_islands(&free, sizes.least_island)
}

/// The weak and the strong threshold: Otsu's split is held within what is known of stains, the weak
/// one stays above what the glass itself shows.
fn thresholds(evidence: &Plane<u16>, excluded: &Mask) -> (usize, usize) {
    let pairs = evidence.data.iter().zip(&excluded.data);
    let counts = histogram(pairs.filter(|(_, out)| **out == 0).map(|(e, _)| *e), 1500);
    let split = otsu(&counts).unwrap_or(STRONG.0);
    let strong = (split * 2 / 3).clamp(STRONG.0, STRONG.1);
    // Glass is what lies clearly below the split; its upper tail is noise.
    let glass = &counts[..STRONG.0.min(counts.len())];
    let weak = (quantile(glass, 0.5) * 2 + 12).clamp(WEAK.0, WEAK.1);
    (weak, strong)
}

/// For slides without colour (silver, grey scale): darkness alone.
pub(crate) fn find_dark(density: &Density, excluded: &Mask, sizes: &StainSizes) -> Mask {
    let kept = density.mean.zip(excluded, |mean, out| u8::from(mean > 80 && out == 0));
    finish(&closed(&kept, sizes.gap), excluded, sizes)
}

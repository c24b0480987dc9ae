//! How tissue is looked for.

use crate::{QualityError, Result};

/// How tissue is looked for. Sizes are in microns on the glass; where a slide states no scale,
/// [`TissueSettings::ASSUMED_MPP`] stands in for filter sizes and small-area rules only.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct TissueSettings {
    /// Microns per pixel of the mask. Large slides get a coarser one, see `most_pixels`.
    pub mask_mpp: f64,
    /// The most pixels that a mask may have; bounds time and memory.
    pub most_pixels: u32,
    /// Gaps up to this width are bridged between pale lines (a fat cell is 50 to 100 um wide).
    pub bridge_um: f64,
    /// Gaps up to this width are bridged anywhere.
    pub gap_um: f64,
    /// Islands smaller than this are dropped, in um2.
    pub smallest_island_um2: f64,
    /// Holes smaller than this are filled, in um2.
    pub smallest_hole_um2: f64,
    /// Ink marks smaller than this are left to what surrounds them, in um2.
    pub smallest_ink_um2: f64,
}

impl Default for TissueSettings {
    fn default() -> Self {
        Self {
            mask_mpp: 8.0,
            most_pixels: 8 << 20,
            bridge_um: 120.0,
            gap_um: 32.0,
            smallest_island_um2: 10_000.0,
            smallest_hole_um2: 40_000.0,
            smallest_ink_um2: 4_000.0,
        }
    }
}

impl TissueSettings {
    /// Microns per level-0 pixel that filters assume where a slide states none: between the usual
    /// 0.25 (40x) and 0.5 (20x); more where the scan would be tiny. Never used for an area that is reported.
    pub const ASSUMED_MPP: f64 = 0.35;

    pub(crate) fn check(&self) -> Result<()> {
        let positive = [("mask_mpp", self.mask_mpp), ("most_pixels", f64::from(self.most_pixels))];
        let not_negative = [
            ("bridge_um", self.bridge_um),
            ("gap_um", self.gap_um),
            ("smallest_island_um2", self.smallest_island_um2),
            ("smallest_hole_um2", self.smallest_hole_um2),
            ("smallest_ink_um2", self.smallest_ink_um2),
        ];
        for (name, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err(QualityError::Setting { name, value, must: "above 0" });
            }
        }
        for (name, value) in not_negative {
            if !(value.is_finite() && value >= 0.0) {
                return Err(QualityError::Setting { name, value, must: "not negative" });
            }
        }
        Ok(())
    }
}

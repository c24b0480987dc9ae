//! How a probability map becomes regions.

use serde::{Deserialize, Serialize};

use crate::error::{LesionError, Result};

/// How a probability map becomes regions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionSettings {
    /// A region must reach this probability somewhere.
    pub high: f64,
    /// It extends as far as the probability stays at or above this.
    pub low: f64,
    /// Regions smaller than this, in um2, are left out.
    pub minimum_area_um2: f64,
    /// Holes up to this size, in um2, are filled where there is tissue.
    pub hole_area_um2: f64,
    /// Standard deviation of the Gaussian that smooths the map, in um; 0 for none.
    pub smoothing_um: f64,
    /// Further peaks of a region keep at least this distance, in um.
    pub peak_distance_um: f64,
    /// Further peaks rise by at least this probability over the pass to a higher one.
    pub peak_prominence: f64,
    /// Most evidence tiles of a region.
    pub evidence_tiles: usize,
}

impl RegionSettings {
    /// Settings for tiles of an edge of `tile_um` microns: a region has at least one tile's area.
    #[must_use]
    pub fn for_tile(tile_um: f64) -> Self {
        Self {
            high: 0.6,
            low: 0.4,
            minimum_area_um2: tile_um * tile_um,
            hole_area_um2: 2.0 * tile_um * tile_um,
            smoothing_um: tile_um / 4.0,
            peak_distance_um: 2.0 * tile_um,
            peak_prominence: 0.2,
            evidence_tiles: 6,
        }
    }

    /// Checks every value's range.
    ///
    /// # Errors
    /// The first value that is out of range.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str| Err(LesionError::Setting(format!("region settings: {what}")));
        if !(self.low > 0.0 && self.low <= self.high && self.high < 1.0) {
            return wrong("thresholds must be 0 < low <= high < 1");
        }
        if !(0.0..=1.0).contains(&self.peak_prominence) {
            return wrong("the prominence of peaks must be 0 to 1");
        }
        let lengths =
            [self.minimum_area_um2, self.hole_area_um2, self.smoothing_um, self.peak_distance_um];
        if lengths.iter().any(|value| !value.is_finite() || *value < 0.0) {
            return wrong("areas and lengths must be 0 or more");
        }
        if self.evidence_tiles > 1000 { wrong("at most 1000 evidence tiles") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_in_range_pass() {
        let good = RegionSettings::for_tile(224.0);
        assert!(good.check().is_ok());
        for bad in [
            RegionSettings { low: 0.7, ..good.clone() },
            RegionSettings { low: 0.0, ..good.clone() },
            RegionSettings { high: 1.0, ..good.clone() },
            RegionSettings { high: f64::NAN, ..good.clone() },
            RegionSettings { peak_prominence: 1.1, ..good.clone() },
            RegionSettings { smoothing_um: -1.0, ..good.clone() },
            RegionSettings { minimum_area_um2: f64::INFINITY, ..good.clone() },
            RegionSettings { evidence_tiles: 1001, ..good },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}

//! What is known of a slide without decoding a pixel.

use std::collections::BTreeMap;

use bianque_core::{Level0, Magnification, Mpp, PixelRect};

/// The kind of file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aperio SVS.
    AperioSvs,
    /// A pyramidal, tiled or stripped TIFF of no particular vendor.
    GenericTiff,
    /// DICOM VL Whole Slide Microscopy: one file, or a folder as one pyramid.
    DicomWsi,
}

impl Format {
    /// A stable short name: `aperio-svs`, `generic-tiff`, `dicom-wsi`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AperioSvs => "aperio-svs",
            Self::GenericTiff => "generic-tiff",
            Self::DicomWsi => "dicom-wsi",
        }
    }
}

/// One level of the pyramid; level 0 is the largest.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Level {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Width of a tile; a strip is a tile as wide as the level.
    pub tile_width: u32,
    /// Height of a tile.
    pub tile_height: u32,
    /// Level-0 pixels per pixel of this level (mean of both axes), as OpenSlide computes it.
    pub downsample: f64,
}

impl Level {
    /// Number of tile columns.
    #[must_use]
    pub fn columns(&self) -> u32 {
        self.width.div_ceil(self.tile_width)
    }

    /// Number of tile rows.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.height.div_ceil(self.tile_height)
    }
}

/// What a slide says of itself.
#[derive(Clone, Debug)]
pub struct SlideFacts {
    /// The kind of file.
    pub format: Format,
    /// The scanner's maker, where stated.
    pub vendor: Option<String>,
    /// The pyramid, largest first; never empty.
    pub levels: Vec<Level>,
    /// Microns per level-0 pixel: the user's statement, else the best of `mpp_statements`.
    pub mpp: Option<Mpp>,
    /// Every statement of a resolution that the file makes, best first. They may contradict.
    pub mpp_statements: Vec<Mpp>,
    /// Nominal power of the objective and the field that states it.
    pub magnification: Option<(Magnification, String)>,
    /// Every named property, vendor's names kept (`aperio.AppMag`, `tiff.Software`). May hold
    /// personal data: never log it.
    pub properties: BTreeMap<String, String>,
    /// Names of the associated images: `label`, `macro`, `thumbnail`.
    pub associated: Vec<String>,
    /// The ICC profile as it lies in the file.
    pub icc_profile: Option<Vec<u8>>,
    /// What a person should know: contradictions, missing tiles, ignored directories.
    pub warnings: Vec<String>,
}

/// The scanner, as far as a file states it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanner<'a> {
    /// Its maker.
    pub maker: Option<&'a str>,
    /// Its model.
    pub model: Option<&'a str>,
    /// The serial number or name of the one machine.
    pub serial: Option<&'a str>,
}

impl SlideFacts {
    /// The scanner, as far as the file states it.
    #[must_use]
    pub fn scanner(&self) -> Scanner<'_> {
        let property = |names: &[&str]| {
            names.iter().find_map(|name| {
                let value = self.properties.get(*name)?.trim();
                (!value.is_empty()).then_some(value)
            })
        };
        Scanner {
            maker: self
                .vendor
                .as_deref()
                .or_else(|| property(&["tiff.Make", "dicom.Manufacturer"])),
            model: property(&["tiff.Model", "dicom.ManufacturerModelName", "aperio.ScannerType"]),
            serial: property(&["aperio.ScanScope ID", "dicom.DeviceSerialNumber"]),
        }
    }

    /// The whole slide in level-0 pixels.
    #[must_use]
    pub fn bounds(&self) -> PixelRect<Level0> {
        self.levels
            .first()
            .map_or(PixelRect::new(0, 0, 0, 0), |l| PixelRect::new(0, 0, l.width, l.height))
    }

    /// The level to read from for a wanted number of level-0 pixels per output pixel: the smallest
    /// whose resolution is at least the wanted one (within 1 %).
    #[must_use]
    pub fn level_for_downsample(&self, downsample: f64) -> usize {
        self.levels.iter().rposition(|level| level.downsample <= downsample * 1.01).unwrap_or(0)
    }
}

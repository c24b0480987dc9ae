//! A folder that holds one slide: levels, label, overview.

use std::path::{Path, PathBuf};

use bianque_core::RgbImage;

use super::{Identity, WsiInstance};
use crate::error::Result;

/// A slide as one series.
#[derive(Copy, Clone, Debug)]
pub struct Pyramid<'a> {
    /// Which slide: gives its UIDs.
    pub slide: u32,
    /// Levels, largest first, each half as large as the one before or smaller.
    pub levels: &'a [RgbImage],
    /// Microns per pixel of the largest level.
    pub mpp: f64,
    /// Side of a frame.
    pub tile: u16,
    /// The label, if any.
    pub label: Option<&'a RgbImage>,
    /// The overview of the whole glass, if any.
    pub overview: Option<&'a RgbImage>,
}

/// Writes a slide into a folder, one file for each level and associated image; `edit` may change
/// each instance before it is written. Gives the files in the order of levels, label, overview.
///
/// # Errors
/// When an image does not encode or a file cannot be written.
pub fn write_pyramid(
    folder: &Path,
    pyramid: &Pyramid<'_>,
    mut edit: impl FnMut(usize, &mut WsiInstance<'_>),
) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let whole = pyramid.levels.first().map_or(1, RgbImage::width);
    let levels = pyramid.levels.iter().enumerate().map(|(number, image)| {
        let kind = if number == 0 {
            "ORIGINAL\\PRIMARY\\VOLUME\\NONE"
        } else {
            "DERIVED\\PRIMARY\\VOLUME\\RESAMPLED"
        };
        let mpp = pyramid.mpp * f64::from(whole) / f64::from(image.width());
        (image, kind, mpp, (pyramid.tile, pyramid.tile))
    });
    let associated = [
        (pyramid.label, "ORIGINAL\\PRIMARY\\LABEL\\NONE"),
        (pyramid.overview, "ORIGINAL\\PRIMARY\\OVERVIEW\\NONE"),
    ];
    let side = |length: u32| u16::try_from(length).unwrap_or(u16::MAX);
    let associated = associated.into_iter().filter_map(|(image, kind)| {
        let image = image?;
        Some((image, kind, 50.0, (side(image.width()), side(image.height()))))
    });
    for (number, (image, kind, mpp, tile)) in levels.chain(associated).enumerate() {
        let identity = Identity::new(pyramid.slide, number as u32 + 1);
        let mut instance = WsiInstance::new(image, pyramid.tile, mpp, identity);
        instance.image_type = kind;
        instance.tile = tile;
        if !kind.contains("VOLUME") {
            instance.identity.pyramid = None;
        }
        edit(number, &mut instance);
        let path = folder.join(format!("{:02}.dcm", number + 1));
        instance.write(&path)?;
        paths.push(path);
    }
    Ok(paths)
}

//! Which image is a reduced copy of another.

use super::layout::Layout;
use crate::facts::Level;

/// Whether an image of `(width, height)` can be `full` made smaller: both sides shrink by the same
/// factor, up to the rounding of a side to whole pixels.
pub(super) fn is_reduced(full: (u32, u32), (width, height): (u32, u32)) -> bool {
    let (full_width, full_height) = (u64::from(full.0), u64::from(full.1));
    let across = u64::from(width) * full_height;
    let down = u64::from(height) * full_width;
    u64::from(width) < full_width
        && u64::from(height) < full_height
        && across.abs_diff(down) <= full_width + full_height
}

/// As [`is_reduced`], for images that the file itself calls reduced: writers that pad a level to
/// whole tiles change its shape by up to 2 %.
pub(super) fn is_nearly_reduced(full: (u32, u32), (width, height): (u32, u32)) -> bool {
    let across = f64::from(width) / f64::from(full.0);
    let down = f64::from(height) / f64::from(full.1);
    across < 1.0 && down < 1.0 && (across / down - 1.0).abs() <= 0.02
        || is_reduced(full, (width, height))
}

/// The levels of layouts that are sorted from large to small. The downsample is the mean of both
/// axes, as OpenSlide computes it.
pub(super) fn levels(layouts: &[Layout]) -> Vec<Level> {
    let Some(full) = layouts.first() else { return Vec::new() };
    let ratio = |whole: u32, part: u32| f64::from(whole) / f64::from(part);
    layouts
        .iter()
        .map(|layout| Level {
            width: layout.width,
            height: layout.height,
            tile_width: layout.tile_width,
            tile_height: layout.tile_height,
            downsample: (ratio(full.width, layout.width) + ratio(full.height, layout.height)) / 2.0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_levels_belong_and_labels_do_not() {
        assert!(is_reduced((4443, 3567), (2221, 1783)));
        assert!(is_reduced((300, 250), (37, 31)));
        assert!(!is_reduced((300, 250), (300, 250)));
        assert!(!is_reduced((40_000, 30_000), (398, 200)));
        assert!(!is_reduced((u32::MAX, u32::MAX), (1, u32::MAX - 1)));
    }

    #[test]
    fn padded_levels_belong_where_the_file_says_so() {
        assert!(!is_reduced((10_000, 10_000), (5120, 5056)));
        assert!(is_nearly_reduced((10_000, 10_000), (5120, 5056)));
        assert!(!is_nearly_reduced((10_000, 10_000), (1280, 431)));
    }
}

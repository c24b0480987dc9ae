//! Aperio SVS: which directory is which, and the properties in the description.
//!
//! Sources: Aperio's format description in "Digital Slides and Third-Party Data Interchange"
//! (2008); OpenSlide's documentation of the format.

use std::collections::BTreeMap;

use super::{
    Images, MAXIMUM_ASSOCIATED_PIXELS,
    directory::{Directory, TiffReader},
    layout::{self, Layout},
    reduced, tag,
};
use crate::{
    error::{Result, SlideError},
    facts::Format,
};

/// Whether an ImageDescription is of an Aperio slide.
pub(super) fn is_aperio(description: &str) -> bool {
    description.starts_with("Aperio")
}

/// Sorts the directories: the first and all tiled ones are levels, the others associated images.
///
/// # Errors
/// [`SlideError::Broken`] or [`SlideError::Unsupported`] where a level cannot be read. An
/// associated image that cannot is left out with a warning.
pub(super) fn images(reader: &mut TiffReader<'_>, directories: &[Directory]) -> Result<Images> {
    let mut levels: Vec<Layout> = Vec::new();
    let mut associated: Vec<(String, Layout)> = Vec::new();
    let mut warnings = Vec::new();
    for (number, directory) in directories.iter().enumerate() {
        let Some(full) = levels.first() else {
            levels.push(Layout::read(reader, directory)?);
            continue;
        };
        if directory.has(tag::TILE_WIDTH) {
            let size = layout::dimensions(reader, directory)?;
            if let Some(why) = not_a_level((full.width, full.height), &levels, size) {
                let (width, height) = size;
                let name = &directory.name;
                warnings.push(format!("{name} ({width} x {height} px) is left out: {why}"));
            } else {
                levels.push(Layout::read(reader, directory)?);
            }
            continue;
        }
        match associated_image(reader, directory, number) {
            Ok((name, _)) if associated.iter().any(|(other, _)| *other == name) => {
                warnings.push(format!("{} is left out: a second {name}", directory.name));
            }
            Ok(image) => associated.push(image),
            Err(SlideError::Io { path, source }) => return Err(SlideError::Io { path, source }),
            Err(SlideError::Broken { what, .. } | SlideError::Unsupported { what, .. }) => {
                warnings.push(format!("an associated image is left out: {what}"));
            }
            Err(other) => return Err(other),
        }
    }
    levels.sort_by_key(|level| std::cmp::Reverse(level.width));
    Ok(Images { format: Format::AperioSvs, levels, associated, warnings })
}

fn not_a_level(full: (u32, u32), levels: &[Layout], size: (u32, u32)) -> Option<&'static str> {
    if size == full {
        Some("another focal plane")
    } else if levels.iter().any(|level| (level.width, level.height) == size) {
        Some("a second level of this size")
    } else if !reduced::is_nearly_reduced(full, size) {
        Some("its shape is not that of the first image")
    } else {
        None
    }
}

fn associated_image(
    reader: &mut TiffReader<'_>,
    directory: &Directory,
    number: usize,
) -> Result<(String, Layout)> {
    let description = reader.text(directory, tag::IMAGE_DESCRIPTION)?.unwrap_or_default();
    let kind = reader.number(directory, tag::NEW_SUBFILE_TYPE)?.unwrap_or(0);
    let Some(name) = associated_name(number, kind, &description) else {
        return Err(reader.broken(directory, "it does not say what it shows"));
    };
    let (width, height) = layout::dimensions(reader, directory)?;
    if u64::from(width) * u64::from(height) > MAXIMUM_ASSOCIATED_PIXELS {
        let what = format!("a {name} of {width} x {height} px is too large");
        return Err(reader.unsupported(directory, what));
    }
    Ok((name.to_owned(), Layout::read(reader, directory)?))
}

/// The name stands in the description's second line (`label 387x463`). The thumbnail has none: it
/// is the second directory, and its second line reads `4443x3567 -> 956x768`. Where the
/// description was removed, the subfile type tells (1 label, 9 macro).
fn associated_name(number: usize, kind: u64, description: &str) -> Option<&'static str> {
    let line = description.lines().nth(1).unwrap_or_default();
    match line.split_whitespace().next() {
        Some("label") => Some("label"),
        Some("macro") => Some("macro"),
        _ if number == 1 || line.contains("->") => Some("thumbnail"),
        _ if kind == 1 => Some("label"),
        _ if kind == 9 => Some("macro"),
        _ => None,
    }
}

/// The `key = value` parts of a description, each under `aperio.key`.
pub(super) fn properties(description: &str) -> BTreeMap<String, String> {
    let pairs = description.split('|').skip(1).filter_map(|part| part.split_once('='));
    pairs
        .map(|(key, value)| (format!("aperio.{}", key.trim()), value.trim().to_owned()))
        .filter(|(key, _)| key != "aperio.")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_pairs_between_bars() {
        let text = "Aperio Image Library v1\r\n10x10 (240x240) Q=30|AppMag = 20|MPP=0.4990|x|= 3|";
        let found = properties(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found["aperio.AppMag"], "20");
        assert_eq!(found["aperio.MPP"], "0.4990");
    }

    #[test]
    fn associated_images_are_named_by_description_then_place_then_type() {
        assert_eq!(associated_name(1, 1, "Aperio\nlabel 387x463"), Some("label"));
        assert_eq!(associated_name(1, 0, "Aperio\n2220x2967 -> 574x768 - "), Some("thumbnail"));
        assert_eq!(associated_name(1, 0, ""), Some("thumbnail"));
        assert_eq!(associated_name(3, 9, ""), Some("macro"));
        assert_eq!(associated_name(3, 0, ""), None);
    }
}

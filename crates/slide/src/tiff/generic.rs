//! A TIFF of no particular vendor: one image, or a pyramid.
//!
//! The largest full-resolution directory is level 0. Smaller directories of the same shape are
//! its levels, whether they stand in the chain or as sub-directories and whether or not they are
//! flagged as reduced. Several images of full size are channels, focal planes or time points,
//! which are not read as one slide.

use super::{
    Images,
    directory::{Directory, TiffReader},
    layout::{self, Layout},
    reduced, tag,
};
use crate::{
    error::{Result, SlideError},
    facts::Format,
};

/// NewSubfileType: a reduced-resolution copy of another image (TIFF 6.0, section 8).
const REDUCED: u64 = 1;
/// NewSubfileType: a transparency mask.
const MASK: u64 = 4;

struct Candidate<'a> {
    directory: &'a Directory,
    size: (u32, u32),
    kind: u64,
}

/// Sorts the directories into levels; the others are left out with a warning.
///
/// # Errors
/// [`SlideError::Broken`] or [`SlideError::Unsupported`] where level 0 or a broken level cannot be
/// read.
pub(super) fn images(reader: &mut TiffReader<'_>, directories: &[Directory]) -> Result<Images> {
    let candidates = directories
        .iter()
        .map(|directory| {
            let size = layout::dimensions(reader, directory)?;
            let kind = reader.number(directory, tag::NEW_SUBFILE_TYPE)?.unwrap_or(0);
            Ok(Candidate { directory, size, kind })
        })
        .collect::<Result<Vec<_>>>()?;
    let area = |c: &Candidate<'_>| u64::from(c.size.0) * u64::from(c.size.1);
    let full = candidates
        .iter()
        .filter(|c| c.kind & (REDUCED | MASK) == 0)
        .reduce(|best, c| if area(c) > area(best) { c } else { best })
        .or(candidates.first())
        .ok_or_else(|| reader.file.broken("it has no image"))?;
    let planes = candidates.iter().filter(|c| c.size == full.size && c.kind & MASK == 0).count();
    let mut levels = vec![Layout::read(reader, full.directory)?];
    if planes > 1 {
        let (width, height) = full.size;
        return Err(reader.file.unsupported(format!(
            "{planes} images of {width} x {height} px: channels, focal planes or time points; \
             one colour image with its pyramid is read"
        )));
    }
    let mut warnings = Vec::new();
    for candidate in candidates.iter().filter(|c| !std::ptr::eq(c.directory, full.directory)) {
        if let Some(why) = add_level(reader, full, candidate, &mut levels)? {
            let ((width, height), name) = (candidate.size, &candidate.directory.name);
            warnings.push(format!("{name} ({width} x {height} px) is left out: {why}"));
        }
    }
    levels.sort_by_key(|level| std::cmp::Reverse(level.width));
    Ok(Images { format: Format::GenericTiff, levels, associated: Vec::new(), warnings })
}

/// Adds a candidate as a level, or says why it is none.
fn add_level(
    reader: &mut TiffReader<'_>,
    full: &Candidate<'_>,
    candidate: &Candidate<'_>,
    levels: &mut Vec<Layout>,
) -> Result<Option<String>> {
    let flagged = candidate.kind & REDUCED != 0;
    let shape_fits = if flagged { reduced::is_nearly_reduced } else { reduced::is_reduced };
    if candidate.kind & MASK != 0 {
        return Ok(Some("a mask".into()));
    }
    if !shape_fits(full.size, candidate.size) {
        return Ok(Some("its shape is not that of the largest image".into()));
    }
    if levels.iter().any(|level| (level.width, level.height) == candidate.size) {
        return Ok(Some("a second level of this size".into()));
    }
    match Layout::read(reader, candidate.directory) {
        Ok(layout) => {
            levels.push(layout);
            Ok(None)
        }
        Err(SlideError::Unsupported { what, .. }) => Ok(Some(what)),
        Err(other) => Err(other),
    }
}

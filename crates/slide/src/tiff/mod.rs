//! TIFF and BigTIFF: Aperio SVS and generic pyramids.
//!
//! `directory` reads tags, `layout` makes a checked grid of coded tiles of a directory, `aperio`
//! and `generic` say which directories are levels, `resolution` and `properties` what the file
//! states of itself, `vendor` refuses the formats of makers whose TIFF means something else.

mod aperio;
mod directory;
mod field;
mod generic;
mod jpeg;
mod layout;
mod properties;
mod reduced;
mod resolution;
mod tag;
mod vendor;

use std::collections::BTreeMap;

pub(crate) use directory::is_tiff;
use directory::{Directory, TiffReader};
use layout::Layout;

use crate::{
    container::{AssociatedTiles, Container},
    error::{Result, SlideError},
    facts::{Format, SlideFacts},
    file::SlideFile,
    slide::{RawTile, TileIndex},
};

/// Larger associated images are left out: a scanner's macro image has about one megapixel.
const MAXIMUM_ASSOCIATED_PIXELS: u64 = 1 << 26;

/// Opens a TIFF or BigTIFF slide.
///
/// # Errors
/// [`SlideError::Broken`] for a file that does not hold together, [`SlideError::Unsupported`] for
/// one whose vendor or pixels are not read.
pub(crate) fn open_container(file: SlideFile) -> Result<Box<dyn Container>> {
    let mut reader = TiffReader::new(&file)?;
    let directories = reader.directories()?;
    let first = directories.first().ok_or_else(|| file.broken("it has no directory"))?;
    vendor::refuse_foreign(&mut reader, first)?;
    let description = reader.text(first, tag::IMAGE_DESCRIPTION)?.unwrap_or_default();
    let images = if aperio::is_aperio(&description) {
        aperio::images(&mut reader, &directories)?
    } else {
        generic::images(&mut reader, &directories)?
    };
    let facts = facts(&mut reader, first, &description, &images)?;
    let Images { levels, associated, .. } = images;
    Ok(Box::new(TiffSlide { file, facts, levels, associated: associated.into_iter().collect() }))
}

/// The directories by what they are for.
struct Images {
    format: Format,
    /// Largest first, never empty.
    levels: Vec<Layout>,
    associated: Vec<(String, Layout)>,
    warnings: Vec<String>,
}

fn facts(
    reader: &mut TiffReader<'_>,
    first: &Directory,
    description: &str,
    images: &Images,
) -> Result<SlideFacts> {
    let mut properties = properties::tiff(reader, first, description)?;
    let mut warnings = images.warnings.clone();
    let vendor = match images.format {
        Format::AperioSvs => {
            properties.append(&mut aperio::properties(description));
            Some("Aperio".to_owned())
        }
        _ => properties.get("tiff.Make").cloned(),
    };
    for (number, level) in images.levels.iter().enumerate() {
        let missing = level.missing_tiles();
        if missing > 0 {
            warnings.push(format!("level {number}: the file leaves out {missing} tiles"));
        }
    }
    if reader.number(first, tag::ORIENTATION)?.unwrap_or(1) != 1 {
        warnings.push("the tag Orientation asks for a turned image: it is shown as stored".into());
    }
    let mpp_statements = resolution::statements(reader, first, description, &properties)?;
    Ok(SlideFacts {
        format: images.format,
        vendor,
        levels: reduced::levels(&images.levels),
        mpp: mpp_statements.first().cloned(),
        mpp_statements,
        magnification: resolution::magnification(description, &properties),
        properties,
        associated: images.associated.iter().map(|(name, _)| name.clone()).collect(),
        icc_profile: reader.values(first, tag::ICC_PROFILE)?.map(|profile| profile.bytes),
        warnings,
    })
}

/// A TIFF file as a container of coded tiles.
struct TiffSlide {
    file: SlideFile,
    facts: SlideFacts,
    levels: Vec<Layout>,
    associated: BTreeMap<String, Layout>,
}

impl Container for TiffSlide {
    fn facts(&self) -> &SlideFacts {
        &self.facts
    }

    fn facts_mut(&mut self) -> &mut SlideFacts {
        &mut self.facts
    }

    fn raw_tile(&self, level: usize, tile: TileIndex) -> Result<Option<RawTile<'_>>> {
        let layout = self.levels.get(level).ok_or_else(|| {
            SlideError::Request(format!("there is no level {level}: {} exist", self.levels.len()))
        })?;
        layout.raw_tile(&self.file, level, tile)
    }

    fn associated(&self, name: &str) -> Result<AssociatedTiles<'_>> {
        let layout = self.associated.get(name).ok_or_else(|| {
            let names = self.facts.associated.join(", ");
            SlideError::Request(format!("there is no image '{name}'; there are: {names}"))
        })?;
        layout.all_tiles(&self.file, name)
    }
}

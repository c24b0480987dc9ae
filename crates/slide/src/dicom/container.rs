//! The instances of a series as one pyramid.

use std::collections::BTreeMap;

use crate::{
    container::{AssociatedTiles, Container},
    error::{Result, SlideError},
    facts::{Format, Level, SlideFacts},
    slide::{RawTile, TileIndex},
};

use super::{
    dictionary::MANUFACTURER, facts, instance::Instance, series::Series, tiled_image::TiledImage,
};

/// An associated image of more pixels is not what its name says.
const MAX_ASSOCIATED_PIXELS: u64 = 1 << 28;
/// Likewise of more tiles.
const MAX_ASSOCIATED_TILES: u64 = 1 << 16;

/// A whole-slide image in DICOM.
pub(super) struct DicomSlide {
    facts: SlideFacts,
    levels: Vec<TiledImage>,
    associated: BTreeMap<&'static str, TiledImage>,
}

impl DicomSlide {
    /// The pyramid of a series, largest level first.
    ///
    /// # Errors
    /// Where instances contradict each other.
    pub(super) fn new(series: Series) -> Result<Self> {
        let Series { path, mut volumes, associated, mut warnings } = series;
        volumes.sort_by_key(|volume| {
            let grid = volume.grid;
            std::cmp::Reverse(u64::from(grid.width) * u64::from(grid.height))
        });
        let largest = volumes.first().ok_or_else(|| SlideError::NotASlide {
            path: path.clone(),
            why: "no instance of type VOLUME".into(),
        })?;
        let mut facts = base_facts(largest, &mut warnings);
        let levels = levels(volumes, &mut warnings)?;
        facts.levels = described(&levels, &mut warnings);
        let mut images = BTreeMap::new();
        for (name, instance) in associated {
            match TiledImage::new(instance, Vec::new(), &mut |_| ()).and_then(bounded) {
                Ok(image) => drop(images.insert(name, image)),
                Err(error) => warnings.push(format!("the {name} image is left out: {error}")),
            }
        }
        facts.associated = images.keys().map(|name| (*name).to_owned()).collect();
        facts.warnings = warnings;
        Ok(Self { facts, levels, associated: images })
    }
}

impl Container for DicomSlide {
    fn facts(&self) -> &SlideFacts {
        &self.facts
    }

    fn facts_mut(&mut self) -> &mut SlideFacts {
        &mut self.facts
    }

    fn raw_tile(&self, level: usize, tile: TileIndex) -> Result<Option<RawTile<'_>>> {
        let image = self.levels.get(level).ok_or_else(|| {
            SlideError::Request(format!("there is no level {level} of {}", self.levels.len()))
        })?;
        if image.grid.tile(tile.column, tile.row).is_none() {
            let (columns, rows) = (image.grid.columns(), image.grid.rows());
            return Err(SlideError::Request(format!(
                "there is no tile at column {}, row {} of level {level}, which has {columns} x {rows}",
                tile.column, tile.row
            )));
        }
        image.tile(tile.column, tile.row)
    }

    fn associated(&self, name: &str) -> Result<AssociatedTiles<'_>> {
        let image = self.associated.get(name).ok_or_else(|| {
            SlideError::Request(format!("there is no associated image named {name:?}"))
        })?;
        let mut tiles = Vec::new();
        for row in 0..image.grid.rows() {
            for column in 0..image.grid.columns() {
                tiles.push(image.tile(column, row)?);
            }
        }
        let grid = image.grid;
        Ok(AssociatedTiles {
            width: grid.width,
            height: grid.height,
            tile_width: grid.tile_width,
            tile_height: grid.tile_height,
            tiles,
        })
    }
}

/// Instances of one size are one level, and then parts of one concatenation.
fn levels(volumes: Vec<Instance>, warnings: &mut Vec<String>) -> Result<Vec<TiledImage>> {
    let mut levels = Vec::new();
    let mut rest = volumes.into_iter().peekable();
    while let Some(first) = rest.next() {
        let size = (first.grid.width, first.grid.height);
        let mut others = Vec::new();
        while let Some(next) = rest.next_if(|next| (next.grid.width, next.grid.height) == size) {
            let uid = |part: &Instance| part.concatenation.as_ref().map(|c| c.uid.clone());
            if uid(&first).is_none() || uid(&first) != uid(&next) {
                let what = format!(
                    "two images of {} x {} pixels in one series: several focal planes or optical \
                     paths",
                    size.0, size.1
                );
                return Err(next.file.unsupported(what));
            }
            others.push(next);
        }
        let number = levels.len();
        let mut warn = |what: String| warnings.push(format!("level {number}: {what}"));
        levels.push(TiledImage::new(first, others, &mut warn)?);
    }
    Ok(levels)
}

fn bounded(image: TiledImage) -> Result<TiledImage> {
    let grid = image.grid;
    let pixels = u64::from(grid.width) * u64::from(grid.height);
    match image.file() {
        Some(file) if pixels > MAX_ASSOCIATED_PIXELS || grid.tiles() > MAX_ASSOCIATED_TILES => {
            Err(file.unsupported(format!("{} x {} pixels", grid.width, grid.height)))
        }
        _ => Ok(image),
    }
}

fn base_facts(largest: &Instance, warnings: &mut Vec<String>) -> SlideFacts {
    let data_set = &largest.data_set;
    let mpp_statements = facts::mpp_statements(largest, warnings);
    SlideFacts {
        format: Format::DicomWsi,
        vendor: data_set.text(MANUFACTURER),
        levels: Vec::new(),
        mpp: mpp_statements.first().cloned(),
        mpp_statements,
        magnification: facts::magnification(data_set),
        properties: facts::properties(data_set, warnings),
        associated: Vec::new(),
        icc_profile: facts::icc_profile(data_set),
        warnings: Vec::new(),
    }
}

fn described(images: &[TiledImage], warnings: &mut Vec<String>) -> Vec<Level> {
    let Some(largest) = images.first().map(|image| image.grid) else { return Vec::new() };
    let describe = |(number, image): (usize, &TiledImage)| {
        let grid = image.grid;
        let x = f64::from(largest.width) / f64::from(grid.width);
        let y = f64::from(largest.height) / f64::from(grid.height);
        // Half a tile of rounding is common on small levels; more is another field of view.
        if (x - y).abs() > 0.05 * x.max(y) && grid.width.min(grid.height) > 64 {
            warnings.push(format!(
                "level {number} is {x:.2} times smaller across and {y:.2} times down"
            ));
        }
        let absent = image.absent_tiles();
        if absent > 0 {
            let all = grid.tiles();
            warnings.push(format!("level {number} leaves out {absent} of {all} tiles"));
        }
        Level {
            width: grid.width,
            height: grid.height,
            tile_width: grid.tile_width,
            tile_height: grid.tile_height,
            downsample: f64::midpoint(x, y),
        }
    };
    images.iter().enumerate().map(describe).collect()
}

//! `bianque tiles`: the tissue's tiles as one NumPy array, for training elsewhere.

use std::{
    fs::File,
    io::{BufWriter, Seek, SeekFrom, Write},
    path::Path,
    sync::atomic::Ordering,
};

use anyhow::{Context, bail, ensure};
use bianque_core::{Mpp, RgbImage};
use bianque_lesion::{Cell, TileGrid, choose, tissue_cells};
use bianque_quality::{TissueSettings, find_tissue};
use bianque_slide::{Slide, SlideError};
use rayon::prelude::*;
use serde::Serialize;

use super::{Outcome, open_slide, write_file};
use crate::{arguments::TilesArguments, interrupt, terminal::Terminal};

/// Tiles that are in memory at a time.
const AT_ONCE: usize = 128;
/// Length of the array file's header: room for any count of tiles.
const HEADER: usize = 128;

/// What lies beside the array.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    array: String,
    /// The slide's digest.
    slide: String,
    slide_name: String,
    slide_mpp: &'a Mpp,
    /// Width and height of the slide in level-0 pixels.
    level0: [u32; 2],
    tile_px: u32,
    tile_mpp: f64,
    /// Width and height of a tile in level-0 pixels.
    tile_level0: (f64, f64),
    tissue: f64,
    /// Left top corners in level-0 pixels, in the array's order.
    coordinates: Vec<[i64; 2]>,
    /// Tiles that did not decode.
    left_out: Vec<LeftOut>,
}

#[derive(Serialize)]
struct LeftOut {
    x: i64,
    y: i64,
    why: String,
}

pub(crate) fn run(arguments: &TilesArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let is_array = arguments.out.extension().is_some_and(|extension| extension == "npy");
    ensure!(is_array, "--out {}: the name must end in .npy", arguments.out.display());
    let slide = open_slide(&arguments.slide, arguments.slide_mpp)?;
    let mpp = slide.facts().mpp.clone().ok_or(SlideError::NoMpp)?;
    let bounds = slide.facts().bounds();
    let grid = TileGrid::over(bounds, &mpp, arguments.tile, arguments.mpp, 1)?;
    let tissue = find_tissue(slide.as_ref(), &TissueSettings::default())?;
    let mut cells = tissue_cells(&grid, &tissue, arguments.tissue);
    if let Some(most) = arguments.most {
        cells = choose(cells.len(), most, arguments.seed)
            .map_or(cells.clone(), |chosen| chosen.into_iter().map(|index| cells[index]).collect());
    }
    if cells.is_empty() {
        bail!(
            "no tile of {} holds {} of tissue: see `bianque check`, or lower --tissue",
            arguments.slide.display(),
            arguments.tissue
        );
    }
    let part = arguments.out.with_extension("npy.part");
    let written = write_array(&part, slide.as_ref(), &grid, &cells, terminal);
    if written.is_err() {
        // Nothing half-written stays; the error says what happened.
        let _ = std::fs::remove_file(&part);
    }
    let (coordinates, left_out) = written?;
    let document = Document {
        schema: "bianque.tiles/1",
        array: arguments.out.display().to_string(),
        slide: bianque_slide::content_digest(&arguments.slide)?.to_string(),
        slide_name: arguments.slide.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        slide_mpp: &mpp,
        level0: [bounds.width, bounds.height],
        tile_px: arguments.tile,
        tile_mpp: arguments.mpp,
        tile_level0: grid.tile_level0(),
        tissue: arguments.tissue,
        coordinates,
        left_out,
    };
    write_file(&arguments.out.with_extension("json"), &serde_json::to_vec_pretty(&document)?)?;
    let writing = || format!("cannot write {}", arguments.out.display());
    std::fs::rename(&part, &arguments.out).with_context(writing)?;
    for tile in &document.left_out {
        terminal.note(&format!("left out the tile at {}, {}: {}", tile.x, tile.y, tile.why));
    }
    let count = document.coordinates.len();
    terminal.result(&document, &format!("wrote {} ({count} tiles)", document.array))?;
    Ok(if document.left_out.is_empty() { Outcome::Done } else { Outcome::Failed })
}

/// Writes tiles in order; gives where they lie and which could not be read.
fn write_array(
    path: &Path,
    slide: &dyn Slide,
    grid: &TileGrid,
    cells: &[Cell],
    terminal: &Terminal,
) -> anyhow::Result<(Vec<[i64; 2]>, Vec<LeftOut>)> {
    let writing = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(File::create(path).with_context(writing)?);
    file.write_all(&[0; HEADER]).with_context(writing)?;
    let (mut coordinates, mut left_out) = (Vec::new(), Vec::new());
    let (stop, bar) = (interrupt::flag()?, terminal.progress("tiles", cells.len() as u64));
    let edge = grid.tile_px();
    for some in cells.chunks(AT_ONCE) {
        ensure!(!stop.load(Ordering::Relaxed), "interrupted; nothing was written");
        let read = |cell: &Cell| slide.read_at_mpp(grid.origin(*cell), grid.mpp(), edge, edge);
        let tiles: Vec<Result<RgbImage, SlideError>> = some.par_iter().map(read).collect();
        for (cell, tile) in some.iter().zip(tiles) {
            let corner = grid.tile_rect(*cell);
            match tile {
                Ok(tile) => {
                    file.write_all(tile.pixels()).with_context(writing)?;
                    coordinates.push([corner.x, corner.y]);
                }
                Err(why) => {
                    let (x, y) = (corner.x, corner.y);
                    left_out.push(LeftOut { x, y, why: why.to_string() });
                }
            }
        }
        bar.inc(some.len() as u64);
    }
    bar.finish_and_clear();
    ensure!(!coordinates.is_empty(), "no tile decodes: {}", left_out[0].why);
    file.seek(SeekFrom::Start(0)).with_context(writing)?;
    file.write_all(&header(coordinates.len(), edge)).with_context(writing)?;
    file.into_inner().map_err(|error| error.into_error()).with_context(writing)?.sync_all()?;
    Ok((coordinates, left_out))
}

/// The header of a NumPy array (format 1.0) of 8-bit numbers.
fn header(tiles: usize, edge: u32) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(((HEADER - 10) as u16).to_le_bytes());
    let shape = format!("({tiles}, {edge}, {edge}, 3)");
    let facts = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
    bytes.extend(facts.bytes());
    bytes.resize(HEADER - 1, b' ');
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_one_length_whatever_the_count() {
        for tiles in [1, 1_000_000_000] {
            let header = header(tiles, 2048);
            assert_eq!((header.len(), header[HEADER - 1]), (HEADER, b'\n'));
            assert!(String::from_utf8_lossy(&header[10..]).contains(&format!("({tiles}, 2048")));
        }
    }
}

//! How the pixels of one directory lie in the file: a valid grid of tiles, or a typed refusal.
//!
//! Strips are tiles as wide as the image. Every entry of the tile table is checked when the slide
//! is opened; the table itself is kept as it lies in the file.

use super::{
    directory::{Directory, TiffReader},
    field::Values,
    jpeg::{self, SharedTables},
    tag,
};
use crate::{
    container::AssociatedTiles,
    error::{Result, SlideError},
    file::SlideFile,
    slide::{Codec, RawTile, TileIndex},
};

/// The most bytes that one decoded tile or strip may take; larger ones cannot be read piecewise.
const MAXIMUM_TILE: u64 = 1 << 28;

/// What one coded byte can at most become: LZW's codes of 12 bits stand for up to 4096 bytes;
/// Deflate and JPEG stay below.
const MAXIMUM_EXPANSION: u64 = 4096;

/// Tiles and associated images up to this size are exempt: an empty JPEG 2000 tile has nearly no bytes.
const MODEST_TILE: u64 = 1 << 24;

/// Where an image's tiles lie and how they are coded.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) tile_width: u32,
    pub(super) tile_height: u32,
    tiled: bool,
    samples: u8,
    coding: Coding,
    offsets: Values,
    /// Absent in old uncompressed files: then every tile has its natural size.
    byte_counts: Option<Values>,
}

#[derive(Debug)]
enum Coding {
    Jpeg { tables: SharedTables, colour: jpeg::Colour },
    Plain(Codec),
}

/// Width and height of a directory's image.
///
/// # Errors
/// [`SlideError::Broken`] where one is missing, zero or beyond 32 bits.
pub(super) fn dimensions(reader: &mut TiffReader<'_>, directory: &Directory) -> Result<(u32, u32)> {
    Ok((side(reader, directory, tag::IMAGE_WIDTH)?, side(reader, directory, tag::IMAGE_LENGTH)?))
}

fn side(reader: &mut TiffReader<'_>, directory: &Directory, tag: u16) -> Result<u32> {
    let value = reader.number(directory, tag)?.and_then(|value| u32::try_from(value).ok());
    value.filter(|value| *value > 0).ok_or_else(|| {
        reader.broken(directory, format!("{} is missing, zero or too large", tag::name(tag)))
    })
}

/// Width and height of a tile; a strip is a tile as wide as the image.
fn tile_size(
    reader: &mut TiffReader<'_>,
    directory: &Directory,
    tiled: bool,
    (width, height): (u32, u32),
) -> Result<(u32, u32)> {
    if tiled {
        let tile_width = side(reader, directory, tag::TILE_WIDTH)?;
        return Ok((tile_width, side(reader, directory, tag::TILE_LENGTH)?));
    }
    // A missing or larger RowsPerStrip means one strip (TIFF 6.0, section 3).
    let rows = reader.number(directory, tag::ROWS_PER_STRIP)?.unwrap_or(u64::MAX);
    let rows = u32::try_from(rows).unwrap_or(u32::MAX).min(height);
    if rows == 0 {
        return Err(reader.broken(directory, "RowsPerStrip is zero"));
    }
    Ok((width, rows))
}

impl Layout {
    /// Reads and checks a directory's layout.
    ///
    /// # Errors
    /// [`SlideError::Unsupported`] for pixels that are not 8-bit gray, RGB or YCbCr in a known
    /// coding, [`SlideError::Broken`] for a grid that does not hold together.
    pub(super) fn read(reader: &mut TiffReader<'_>, directory: &Directory) -> Result<Self> {
        let (width, height) = dimensions(reader, directory)?;
        let samples = samples(reader, directory)?;
        let coding = coding(reader, directory, samples)?;
        let tiled = directory.has(tag::TILE_WIDTH) || directory.has(tag::TILE_OFFSETS);
        let (tile_width, tile_height) = tile_size(reader, directory, tiled, (width, height))?;
        let (offsets, byte_counts) = if tiled {
            (tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS)
        } else {
            (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)
        };
        let offsets = reader.values(directory, offsets)?.ok_or_else(|| {
            reader.broken(directory, format!("{} is missing", tag::name(offsets)))
        })?;
        let byte_counts = reader.values(directory, byte_counts)?;
        let layout = Self {
            width,
            height,
            tile_width,
            tile_height,
            tiled,
            samples,
            coding,
            offsets,
            byte_counts,
        };
        layout.check(reader, directory)?;
        Ok(layout)
    }

    /// Tile columns and rows.
    pub(super) fn grid(&self) -> (u32, u32) {
        (self.width.div_ceil(self.tile_width), self.height.div_ceil(self.tile_height))
    }

    /// Number of tiles that the file leaves out.
    pub(super) fn missing_tiles(&self) -> u64 {
        (0..self.tile_count()).filter(|index| self.place(*index).is_none()).count() as u64
    }

    /// The coded bytes of a tile; `None` where the file leaves it out.
    ///
    /// # Errors
    /// [`SlideError::Tile`] where the bytes cannot be a tile, and as reading the file.
    pub(super) fn raw_tile(
        &self,
        file: &SlideFile,
        level: usize,
        tile: TileIndex,
    ) -> Result<Option<RawTile<'static>>> {
        let TileIndex { column, row } = tile;
        let (columns, rows) = self.grid();
        if column >= columns || row >= rows {
            return Err(SlideError::Request(format!(
                "there is no tile at column {column}, row {row}: the grid is {columns} x {rows}"
            )));
        }
        let index = u64::from(row) * u64::from(columns) + u64::from(column);
        let Some((offset, length)) = self.place(index) else { return Ok(None) };
        let height = self.coded_height(row);
        let (bytes, codec) = self
            .coded(file, offset, length, self.decoded(height))?
            .map_err(|what| SlideError::Tile { level, column, row, what })?;
        Ok(Some(RawTile { bytes: bytes.into(), codec, width: self.tile_width, height }))
    }

    /// The bytes of a tile of `size` bytes of pixels, or why they cannot be one.
    fn coded(
        &self,
        file: &SlideFile,
        offset: u64,
        length: u64,
        size: u64,
    ) -> Result<std::result::Result<(Vec<u8>, Codec), String>> {
        let too_short = || Ok(Err(format!("{length} bytes cannot hold {size} bytes of pixels")));
        if length.saturating_mul(MAXIMUM_EXPANSION).max(MODEST_TILE) < size {
            return too_short();
        }
        Ok(Ok(match &self.coding {
            Coding::Jpeg { tables, colour } => {
                let stream = file.read_exact_at(offset, length)?;
                return Ok(jpeg::complete(stream, tables, *colour).map(|s| (s, Codec::Jpeg)));
            }
            Coding::Plain(Codec::Raw { .. }) if length < size => return too_short(),
            // Some writers let the count run on to the next tile.
            Coding::Plain(codec @ Codec::Raw { .. }) => (file.read_exact_at(offset, size)?, *codec),
            Coding::Plain(codec) => (file.read_exact_at(offset, length)?, *codec),
        }))
    }

    /// All tiles in raster order, as for an associated image called `name`.
    ///
    /// # Errors
    /// [`SlideError::Broken`] where the tiles together are larger than the file,
    /// [`SlideError::Associated`] where they cannot be the image.
    pub(super) fn all_tiles(
        &self,
        file: &SlideFile,
        name: &str,
    ) -> Result<AssociatedTiles<'static>> {
        let (columns, rows) = self.grid();
        let lengths = (0..self.tile_count()).filter_map(|index| Some(self.place(index)?.1));
        let length = lengths.fold(0, u64::saturating_add);
        if length > file.len() {
            return Err(file.broken(format!("the tiles of its {name} overlap")));
        }
        let size = u64::from(self.width) * u64::from(self.height) * u64::from(self.samples);
        if length.saturating_mul(MAXIMUM_EXPANSION).max(MODEST_TILE) < size {
            let what = format!("{length} bytes cannot hold {size} bytes of pixels");
            return Err(SlideError::Associated { name: name.to_owned(), what });
        }
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        let tiles = places
            .map(|(column, row)| self.raw_tile(file, 0, TileIndex { column, row }))
            .collect::<Result<Vec<_>>>()
            .map_err(|error| match error {
                SlideError::Tile { column, row, what, .. } => SlideError::Associated {
                    name: name.to_owned(),
                    what: format!("tile at column {column}, row {row}: {what}"),
                },
                other => other,
            })?;
        let Self { width, height, tile_width, tile_height, .. } = *self;
        Ok(AssociatedTiles { width, height, tile_width, tile_height, tiles })
    }

    fn tile_count(&self) -> u64 {
        let (columns, rows) = self.grid();
        u64::from(columns) * u64::from(rows)
    }

    /// Offset and length of a tile; `None` where the file leaves it out.
    fn place(&self, index: u64) -> Option<(u64, u64)> {
        let index = usize::try_from(index).ok()?;
        let offset = self.offsets.unsigned(index)?;
        let length = match &self.byte_counts {
            Some(counts) => counts.unsigned(index)?,
            None => {
                let row = index as u64 / u64::from(self.grid().0);
                self.decoded(self.coded_height(u32::try_from(row).ok()?))
            }
        };
        (length > 0).then_some((offset, length))
    }

    /// The last strip holds only what is left; the last row of tiles is padded.
    fn coded_height(&self, row: u32) -> u32 {
        if self.tiled {
            return self.tile_height;
        }
        self.tile_height.min(self.height.saturating_sub(row.saturating_mul(self.tile_height)))
    }

    /// Bytes of a tile's pixels.
    fn decoded(&self, height: u32) -> u64 {
        (u64::from(self.tile_width) * u64::from(height)).saturating_mul(u64::from(self.samples))
    }

    fn check(&self, reader: &TiffReader<'_>, directory: &Directory) -> Result<()> {
        let size = self.decoded(self.tile_height);
        if size > MAXIMUM_TILE {
            let (width, height) = (self.tile_width, self.tile_height);
            let what =
                format!("one tile of {width} x {height} px is too large to decode in one go");
            return Err(reader.unsupported(directory, what));
        }
        let needed = self.tile_count();
        let (columns, rows) = self.grid();
        for (what, table) in
            [("offsets", Some(&self.offsets)), ("byte counts", self.byte_counts.as_ref())]
        {
            let Some(table) = table else { continue };
            if (table.len() as u64) < needed {
                let has = table.len();
                let what = format!("{has} tile {what} for a grid of {columns} x {rows} tiles");
                return Err(reader.broken(directory, what));
            }
            if table.unsigned(0).is_none() {
                return Err(reader.broken(directory, format!("its tile {what} are no numbers")));
            }
        }
        if self.byte_counts.is_none() && !matches!(self.coding, Coding::Plain(Codec::Raw { .. })) {
            return Err(reader.broken(directory, "the byte counts of its tiles are missing"));
        }
        self.check_places(reader, directory, size)
    }

    fn check_places(
        &self,
        reader: &TiffReader<'_>,
        directory: &Directory,
        size: u64,
    ) -> Result<()> {
        // No coding makes noise much larger than it is; raw counts may run on to the next tile.
        let longest = match self.coding {
            Coding::Plain(Codec::Raw { .. }) => u64::MAX,
            _ => size.saturating_mul(2).saturating_add(1 << 16),
        };
        for index in 0..self.tile_count() {
            let Some((offset, length)) = self.place(index) else { continue };
            if !reader.file.holds(offset, length) {
                let end = reader.file.len();
                let what = format!(
                    "tile {index} lies at offset {offset} with {length} bytes, beyond the file's \
                     end at {end} (is it cut off?)"
                );
                return Err(reader.broken(directory, what));
            }
            if offset == 0 || length > longest {
                let what = format!("tile {index} at offset {offset} cannot take {length} bytes");
                return Err(reader.broken(directory, what));
            }
        }
        Ok(())
    }
}

/// Samples per pixel, 1 or 3, each of 8 unsigned bits and interleaved.
fn samples(reader: &mut TiffReader<'_>, directory: &Directory) -> Result<u8> {
    let samples = match reader.number(directory, tag::SAMPLES_PER_PIXEL)?.unwrap_or(1) {
        1 => 1,
        3 => 3,
        other => {
            let what = format!("{other} samples per pixel; 1 and 3 are read");
            return Err(reader.unsupported(directory, what));
        }
    };
    // Without the tag a sample has 1 bit (TIFF 6.0, section 8).
    let bits = reader.values(directory, tag::BITS_PER_SAMPLE)?;
    let bits: Vec<u64> = bits
        .map_or(vec![1], |bits| (0..bits.len().min(3)).filter_map(|i| bits.unsigned(i)).collect());
    if bits.is_empty() || bits.iter().any(|bits| *bits != 8) {
        let what = format!("{bits:?} bits per sample; 8 are read");
        return Err(reader.unsupported(directory, what));
    }
    let format = reader.number(directory, tag::SAMPLE_FORMAT)?.unwrap_or(1);
    if !matches!(format, 1 | 4) {
        let what = format!("sample format {format} (signed or floating point)");
        return Err(reader.unsupported(directory, what));
    }
    let planar = reader.number(directory, tag::PLANAR_CONFIGURATION)?.unwrap_or(1);
    if planar != 1 && samples > 1 {
        return Err(reader.unsupported(directory, "colours in separate planes"));
    }
    if reader.number(directory, tag::IMAGE_DEPTH)?.unwrap_or(1) > 1 {
        return Err(reader.unsupported(directory, "an image of more than one focal plane"));
    }
    Ok(samples)
}

fn coding(reader: &mut TiffReader<'_>, directory: &Directory, samples: u8) -> Result<Coding> {
    let compression = reader.number(directory, tag::COMPRESSION)?.unwrap_or(1);
    let photometric = reader
        .number(directory, tag::PHOTOMETRIC)?
        .ok_or_else(|| reader.broken(directory, "PhotometricInterpretation is missing"))?;
    let colour = match (photometric, samples) {
        (1, 1) => jpeg::Colour::Gray,
        (2, 3) => jpeg::Colour::Rgb,
        (6, 3) => jpeg::Colour::YCbCr,
        _ => {
            let what = format!(
                "photometric interpretation {photometric} with {samples} samples; \
                 black-is-zero gray, RGB and YCbCr are read"
            );
            return Err(reader.unsupported(directory, what));
        }
    };
    let plain = match compression {
        1 => Codec::Raw { samples },
        5 => Codec::Packed { samples, lzw: true, predictor: predictor(reader, directory)? },
        8 | 32946 => {
            Codec::Packed { samples, lzw: false, predictor: predictor(reader, directory)? }
        }
        7 => {
            let stream = reader.values(directory, tag::JPEG_TABLES)?;
            let tables = stream
                .map_or(Ok(SharedTables::default()), |stream| SharedTables::parse(&stream.bytes))
                .map_err(|what| reader.broken(directory, format!("JPEGTables: {what}")))?;
            return Ok(Coding::Jpeg { tables, colour });
        }
        33003 => return Ok(Coding::Plain(Codec::Jpeg2000YCbCr)),
        33005 => return Ok(Coding::Plain(Codec::Jpeg2000Rgb)),
        34712 if colour == jpeg::Colour::YCbCr => return Ok(Coding::Plain(Codec::Jpeg2000YCbCr)),
        34712 => return Ok(Coding::Plain(Codec::Jpeg2000Rgb)),
        other => {
            let what = format!(
                "compression {other}; none (1), LZW (5), JPEG (7), Deflate (8, 32946) and \
                 JPEG 2000 (33003, 33005, 34712) are read"
            );
            return Err(reader.unsupported(directory, what));
        }
    };
    if colour == jpeg::Colour::YCbCr {
        // Its samples would be subsampled in blocks (TIFF 6.0, section 21).
        return Err(reader.unsupported(directory, "YCbCr pixels that are not JPEG"));
    }
    if reader.number(directory, tag::FILL_ORDER)?.unwrap_or(1) != 1 {
        return Err(reader.unsupported(directory, "bytes with the lowest bit first"));
    }
    Ok(Coding::Plain(plain))
}

fn predictor(reader: &mut TiffReader<'_>, directory: &Directory) -> Result<bool> {
    match reader.number(directory, tag::PREDICTOR)?.unwrap_or(1) {
        1 => Ok(false),
        2 => Ok(true),
        other => Err(reader.unsupported(directory, format!("predictor {other}; 1 and 2 are read"))),
    }
}

//! What one directory of a TIFF holds and how its cells (tiles or strips) are coded.

use std::io::Write;

use bianque_core::{GrayImage, RgbImage};

use super::{
    directory::{Value, tag},
    jpeg::{self, JpegCoding, JpegColour},
};
use crate::error::{Result, TestkitError};

/// How an image is cut into cells.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Grid {
    /// Tiles of one size; those at the right and bottom edge are padded.
    Tiles {
        /// Width in pixels; the standard asks for a multiple of 16.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Strips over the whole width; the last may be lower.
    Strips {
        /// Rows of one strip.
        rows: u32,
    },
}

/// How a cell's pixels become bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Compression 7.
    Jpeg(JpegCoding),
    /// Compression 1.
    Raw,
    /// Compression 5.
    Lzw {
        /// Horizontal differencing (TIFF 6.0, section 14).
        predictor: bool,
    },
    /// Compression 8 (zlib).
    Deflate {
        /// Horizontal differencing (TIFF 6.0, section 14).
        predictor: bool,
    },
    /// Cells are handed over as bytes that are already coded, such as JPEG 2000 (33003, 33005).
    Coded {
        /// The value of `Compression`.
        compression: u16,
        /// The value of `PhotometricInterpretation`.
        photometric: u16,
    },
}

impl Coding {
    /// JPEG as the sample slides use it: YCbCr 4:2:0 with shared tables.
    #[must_use]
    pub fn jpeg(quality: u8) -> Self {
        Self::Jpeg(JpegCoding { quality, colour: JpegColour::YCbCr420, shared_tables: true })
    }

    fn compression(self) -> u16 {
        match self {
            Self::Jpeg(_) => 7,
            Self::Raw => 1,
            Self::Lzw { .. } => 5,
            Self::Deflate { .. } => 8,
            Self::Coded { compression, .. } => compression,
        }
    }

    fn predictor(self) -> bool {
        matches!(self, Self::Lzw { predictor: true } | Self::Deflate { predictor: true })
    }
}

/// Pixels per centimetre of a level at `mpp` microns per pixel, as TIFF states it (unit 3).
#[must_use]
pub fn resolution_tags(mpp: f64) -> Vec<(u16, Value)> {
    let per_centimetre = (1e4 / mpp * 1000.0).round() as u32;
    vec![
        (tag::X_RESOLUTION, Value::Rational(vec![(per_centimetre, 1000)])),
        (tag::Y_RESOLUTION, Value::Rational(vec![(per_centimetre, 1000)])),
        (tag::RESOLUTION_UNIT, Value::Short(vec![3])),
    ]
}

/// One image of the file.
#[derive(Clone, Debug)]
pub struct Page {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Tiles or strips.
    pub grid: Grid,
    /// How pixels are coded.
    pub coding: Coding,
    /// 3 for RGB, 1 for grey (raw, LZW and Deflate only; the red channel is taken).
    pub samples: u16,
    /// `ImageDescription`, if any.
    pub description: Option<String>,
    /// `NewSubfileType`: 0 main image, 1 reduced; Aperio marks the macro image with 9.
    pub subfile_type: u32,
    /// Further tags; one that the writer also writes replaces the writer's.
    pub tags: Vec<(u16, Value)>,
}

impl Page {
    /// A tiled RGB image without description.
    #[must_use]
    pub fn tiled(width: u32, height: u32, tile: u32, coding: Coding) -> Self {
        let grid = Grid::Tiles { width: tile, height: tile };
        Self {
            width,
            height,
            grid,
            coding,
            samples: 3,
            description: None,
            subfile_type: 0,
            tags: Vec::new(),
        }
    }

    /// A stripped RGB image without description.
    #[must_use]
    pub fn stripped(width: u32, height: u32, rows: u32, coding: Coding) -> Self {
        Self { grid: Grid::Strips { rows }, ..Self::tiled(width, height, 0, coding) }
    }

    /// The same page with an `ImageDescription`.
    #[must_use]
    pub fn described(self, text: impl Into<String>) -> Self {
        Self { description: Some(text.into()), ..self }
    }

    /// The same page with further tags.
    #[must_use]
    pub fn with_tags(mut self, tags: Vec<(u16, Value)>) -> Self {
        self.tags.extend(tags);
        self
    }

    /// Width and height of a cell.
    pub(super) fn cell_size(&self) -> (u32, u32) {
        match self.grid {
            Grid::Tiles { width, height } => (width, height),
            Grid::Strips { rows } => (self.width, rows),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let (cell_width, cell_height) = self.cell_size();
        let sides = [self.width, self.height, cell_width, cell_height];
        if sides.contains(&0) {
            return Err(TestkitError::Request("an image or tile without pixels".into()));
        }
        let grey = self.samples == 1 && !matches!(self.coding, Coding::Jpeg(_));
        if self.samples == 3 || grey {
            Ok(())
        } else {
            Err(TestkitError::Request(format!("{} samples with this coding", self.samples)))
        }
    }

    /// Codes one cell. Pixels that a tile lacks repeat its last column and row, which keeps the
    /// edge of a JPEG free of ringing.
    pub(super) fn encode_cell(&self, image: &RgbImage) -> Result<Vec<u8>> {
        let padded;
        let image = match self.grid {
            Grid::Tiles { width, height } if (width, height) != (image.width(), image.height()) => {
                padded = pad(image, width, height)?;
                &padded
            }
            _ => image,
        };
        if let Coding::Jpeg(coding) = &self.coding {
            let stream = jpeg::encode(image, coding)?;
            return if coding.shared_tables { jpeg::abbreviated(&stream) } else { Ok(stream) };
        }
        let mut samples = if self.samples == 1 {
            image.pixels().chunks_exact(RgbImage::CHANNELS).map(|pixel| pixel[0]).collect()
        } else {
            image.pixels().to_vec()
        };
        if self.coding.predictor() {
            let step = usize::from(self.samples);
            for row in samples.chunks_exact_mut(image.width() as usize * step) {
                for at in (step..row.len()).rev() {
                    row[at] = row[at].wrapping_sub(row[at - step]);
                }
            }
        }
        pack(samples, self.coding)
    }

    /// Every tag of the directory except where its cells lie.
    pub(super) fn directory(
        &self,
        offsets: Vec<u64>,
        counts: Vec<u64>,
    ) -> Result<Vec<(u16, Value)>> {
        let mut tags = vec![
            (tag::NEW_SUBFILE_TYPE, Value::Long(vec![self.subfile_type])),
            (tag::IMAGE_WIDTH, Value::Long(vec![self.width])),
            (tag::IMAGE_LENGTH, Value::Long(vec![self.height])),
            (tag::BITS_PER_SAMPLE, Value::Short(vec![8; usize::from(self.samples)])),
            (tag::COMPRESSION, Value::Short(vec![self.coding.compression()])),
            (tag::PHOTOMETRIC, Value::Short(vec![self.photometric()])),
            (tag::SAMPLES_PER_PIXEL, Value::Short(vec![self.samples])),
            (tag::PLANAR_CONFIGURATION, Value::Short(vec![1])),
        ];
        match self.grid {
            Grid::Tiles { width, height } => tags.extend([
                (tag::TILE_WIDTH, Value::Long(vec![width])),
                (tag::TILE_LENGTH, Value::Long(vec![height])),
                (tag::TILE_OFFSETS, Value::Offsets(offsets)),
                (tag::TILE_BYTE_COUNTS, Value::Offsets(counts)),
            ]),
            Grid::Strips { rows } => tags.extend([
                (tag::ROWS_PER_STRIP, Value::Long(vec![rows])),
                (tag::STRIP_OFFSETS, Value::Offsets(offsets)),
                (tag::STRIP_BYTE_COUNTS, Value::Offsets(counts)),
            ]),
        }
        if self.coding.predictor() {
            tags.push((tag::PREDICTOR, Value::Short(vec![2])));
        }
        if let Some(text) = &self.description {
            tags.push((tag::IMAGE_DESCRIPTION, Value::Ascii(text.clone())));
        }
        if let Coding::Jpeg(coding) = &self.coding {
            if coding.shared_tables {
                tags.push((tag::JPEG_TABLES, Value::Bytes(jpeg::tables(coding)?)));
            }
            if let Some(subsampling) = coding.colour.subsampling() {
                tags.push((tag::YCBCR_SUBSAMPLING, Value::Short(subsampling.to_vec())));
            }
        }
        tags.retain(|(number, _)| self.tags.iter().all(|(own, _)| own != number));
        tags.extend(self.tags.iter().cloned());
        Ok(tags)
    }

    fn photometric(&self) -> u16 {
        match self.coding {
            Coding::Jpeg(coding) if coding.colour != JpegColour::Rgb => 6,
            Coding::Coded { photometric, .. } => photometric,
            _ if self.samples == 1 => 1,
            _ => 2,
        }
    }
}

fn pack(samples: Vec<u8>, coding: Coding) -> Result<Vec<u8>> {
    match coding {
        Coding::Raw => Ok(samples),
        Coding::Lzw { .. } => {
            weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8)
                .encode(&samples)
                .map_err(|error| TestkitError::Encode(error.to_string()))
        }
        Coding::Deflate { .. } => {
            let mut encoder =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder
                .write_all(&samples)
                .and_then(|()| encoder.finish())
                .map_err(|error| TestkitError::Encode(error.to_string()))
        }
        Coding::Jpeg(_) | Coding::Coded { .. } => {
            Err(TestkitError::Request("this coding takes coded cells, not pixels".into()))
        }
    }
}

fn pad(image: &RgbImage, width: u32, height: u32) -> Result<RgbImage> {
    let fits = (1..=width).contains(&image.width()) && (1..=height).contains(&image.height());
    if !fits {
        return Err(TestkitError::Request("a tile's pixels do not fit into its size".into()));
    }
    let mut pixels = Vec::with_capacity(width as usize * height as usize * RgbImage::CHANNELS);
    for y in 0..height {
        let row = image.row(y.min(image.height() - 1));
        pixels.extend_from_slice(row);
        let last = &row[row.len() - RgbImage::CHANNELS..];
        (image.width()..width).for_each(|_| pixels.extend_from_slice(last));
    }
    RgbImage::from_pixels(width, height, pixels)
        .map_err(|error| TestkitError::Encode(error.to_string()))
}

/// A mask as a grey picture of three equal channels, for pages of one sample.
#[must_use]
pub fn gray_as_rgb(image: &GrayImage) -> RgbImage {
    let mut out = RgbImage::filled(image.width(), image.height(), [0; 3]);
    for (pixel, value) in out.pixels_mut().chunks_exact_mut(3).zip(image.pixels()) {
        pixel.fill(*value);
    }
    out
}

//! How the samples of a frame are coded (PS3.3, C.7.6.3), and frames as coded tiles.

use std::borrow::Cow;

use crate::{error::Result, file::SlideFile, slide::Codec};

use super::{
    data_set::DataSet,
    dictionary::{
        BITS_ALLOCATED, BITS_STORED, PHOTOMETRIC_INTERPRETATION, PIXEL_REPRESENTATION,
        PLANAR_CONFIGURATION, SAMPLES_PER_PIXEL,
    },
    jpeg_colour,
    part10::PixelCoding,
};

/// What the three samples of a pixel mean, as the header states it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Grey,
    Rgb,
    YCbCr,
}

/// How frames are coded.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct PixelFormat {
    pub(super) coding: PixelCoding,
    pub(super) colour: Colour,
    /// Whether native samples lie plane by plane.
    planar: bool,
}

impl PixelFormat {
    /// Reads and checks what the header states.
    ///
    /// # Errors
    /// Broken where a required element is missing or contradicts another, unsupported for anything
    /// but 8-bit grey, RGB or YCbCr.
    pub(super) fn read(file: &SlideFile, data_set: &DataSet, coding: PixelCoding) -> Result<Self> {
        let required = |tag, name| {
            data_set.count(tag).ok_or_else(|| file.broken(format!("it lacks {name} {tag}")))
        };
        let samples = required(SAMPLES_PER_PIXEL, "SamplesPerPixel")?;
        let allocated = required(BITS_ALLOCATED, "BitsAllocated")?;
        let stored = data_set.count(BITS_STORED).unwrap_or(allocated);
        let signed = data_set.count(PIXEL_REPRESENTATION).unwrap_or(0);
        if (allocated, stored, signed) != (8, 8, 0) {
            let sign = if signed == 0 { "unsigned" } else { "signed" };
            let what =
                format!("{sign} samples of {stored} in {allocated} bits; only 8 bits are read");
            return Err(file.unsupported(what));
        }
        let photometric = data_set
            .text(PHOTOMETRIC_INTERPRETATION)
            .ok_or_else(|| file.broken("it lacks PhotometricInterpretation (0028,0004)"))?;
        let colour = colour(&photometric, coding).ok_or_else(|| {
            let name: String =
                photometric.chars().filter(char::is_ascii_graphic).take(16).collect();
            file.unsupported(format!("photometric interpretation {name} with this pixel coding"))
        })?;
        if samples != if colour == Colour::Grey { 1 } else { 3 } {
            let what = format!("SamplesPerPixel {samples} contradicts PhotometricInterpretation");
            return Err(file.broken(what));
        }
        let planar = samples == 3 && data_set.count(PLANAR_CONFIGURATION) == Some(1);
        Ok(Self { coding, colour, planar: planar && coding == PixelCoding::Native })
    }

    /// Samples per pixel: 1 or 3.
    pub(super) fn samples(self) -> u8 {
        if self.colour == Colour::Grey { 1 } else { 3 }
    }

    /// A frame's bytes as a tile that any decoder takes.
    pub(super) fn tile(self, frame: Vec<u8>) -> (Cow<'static, [u8]>, Codec) {
        match self.coding {
            PixelCoding::Native => {
                (Cow::Owned(self.interleaved_rgb(frame)), Codec::Raw { samples: self.samples() })
            }
            PixelCoding::Jpeg => (Cow::Owned(jpeg_colour::marked(frame, self.colour)), Codec::Jpeg),
            PixelCoding::Jpeg2000 => {
                // The header says YBR_ICT also of tiles that were taken over from other formats
                // without a component transform; only the codestream knows.
                let transformed = component_transform(&frame).unwrap_or(true);
                let codec = if self.colour == Colour::YCbCr && !transformed {
                    Codec::Jpeg2000YCbCr
                } else {
                    Codec::Jpeg2000Rgb
                };
                (Cow::Owned(frame), codec)
            }
        }
    }

    fn interleaved_rgb(self, frame: Vec<u8>) -> Vec<u8> {
        let mut pixels = if self.planar { interleave(&frame) } else { frame };
        if self.colour == Colour::YCbCr {
            let (triples, _) = pixels.as_chunks_mut::<3>();
            for pixel in triples {
                *pixel = rgb_from_ycbcr(*pixel);
            }
        }
        pixels
    }
}

fn colour(photometric: &str, coding: PixelCoding) -> Option<Colour> {
    match (photometric, coding) {
        ("MONOCHROME2", _) => Some(Colour::Grey),
        ("RGB", _) => Some(Colour::Rgb),
        ("YBR_FULL", _)
        | ("YBR_FULL_422", PixelCoding::Jpeg)
        | ("YBR_ICT" | "YBR_RCT", PixelCoding::Jpeg2000) => Some(Colour::YCbCr),
        _ => None,
    }
}

fn interleave(planes: &[u8]) -> Vec<u8> {
    let plane = planes.len() / 3;
    let (red, rest) = planes.split_at(plane);
    let (green, blue) = rest.split_at(plane);
    let mut pixels = Vec::with_capacity(plane * 3);
    for ((r, g), b) in red.iter().zip(green).zip(blue) {
        pixels.extend_from_slice(&[*r, *g, *b]);
    }
    pixels
}

/// `YBR_FULL` (PS3.3, C.7.6.3.1.2): the full-range transform that JFIF uses too.
fn rgb_from_ycbcr([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let red = y + 1.402 * cr;
    let green = y - 0.344_136 * cb - 0.714_136 * cr;
    let blue = y + 1.772 * cb;
    // The cast saturates to 0..=255.
    [red, green, blue].map(|value| value.round() as u8)
}

/// Whether a JPEG 2000 codestream uses a multiple component transform (T.800, A.6.1); `None` where
/// it has no coding style before its first tile, or is a JP2 file.
fn component_transform(stream: &[u8]) -> Option<bool> {
    let mut rest = stream.strip_prefix(&[0xFF, 0x4F])?;
    loop {
        let (marker, tail) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*tail.first_chunk::<2>()?));
        match marker {
            // COD: length 2, style 1, progression 1, layers 2, transform 1.
            [0xFF, 0x52] => return tail.get(6).map(|transform| *transform != 0),
            [0xFF, 0x90] => return None,
            _ => rest = tail.get(length.max(2)..)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATIVE: PixelFormat =
        PixelFormat { coding: PixelCoding::Native, colour: Colour::Rgb, planar: false };

    #[test]
    fn planes_and_ycbcr_become_interleaved_rgb() {
        let planar = PixelFormat { planar: true, ..NATIVE };
        assert_eq!(planar.tile(vec![1, 2, 3, 4, 5, 6]).0.as_ref(), [1, 3, 5, 2, 4, 6]);
        let ycbcr = PixelFormat { colour: Colour::YCbCr, ..NATIVE };
        let (pixels, codec) = ycbcr.tile(vec![76, 85, 255, 255, 128, 128]);
        assert_eq!(pixels.as_ref(), [254, 0, 0, 255, 255, 255]);
        assert_eq!(codec, Codec::Raw { samples: 3 });
    }

    #[test]
    fn the_codestream_tells_its_transform() {
        let stream = |transform| {
            vec![0xFF, 0x4F, 0xFF, 0x51, 0, 4, 9, 9, 0xFF, 0x52, 0, 12, 0, 0, 0, 1, transform, 5]
        };
        assert_eq!(component_transform(&stream(1)), Some(true));
        assert_eq!(component_transform(&stream(0)), Some(false));
        assert_eq!(component_transform(&stream(1)[..14]), None);
        let ycbcr = PixelFormat { coding: PixelCoding::Jpeg2000, colour: Colour::YCbCr, ..NATIVE };
        assert_eq!(ycbcr.tile(stream(0)).1, Codec::Jpeg2000YCbCr);
        assert_eq!(ycbcr.tile(stream(1)).1, Codec::Jpeg2000Rgb);
    }
}

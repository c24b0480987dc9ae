//! JPEG streams in the forms that slides hold: complete, or abbreviated with shared tables
//! (TIFF Technical Note 2), as YCbCr or as RGB without a colour marker.

use bianque_core::RgbImage;
use jpeg_encoder::{
    ChromaSubsamplingMethod, ColorType, Encoder, QuantizationTableType, SamplingFactor,
};

use crate::error::{Result, TestkitError};

/// The colour space inside a JPEG stream.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum JpegColour {
    /// RGB as it is, without a marker that says so: Aperio's older files. Photometric 2.
    Rgb,
    /// YCbCr at full chroma resolution. Photometric 6.
    YCbCr444,
    /// YCbCr, chroma halved along x. Photometric 6.
    YCbCr422,
    /// YCbCr, chroma halved along both axes. Photometric 6.
    YCbCr420,
}

impl JpegColour {
    /// The value of `YCbCrSubSampling`; RGB has none.
    #[must_use]
    pub fn subsampling(self) -> Option<[u16; 2]> {
        match self {
            Self::Rgb => None,
            Self::YCbCr444 => Some([1, 1]),
            Self::YCbCr422 => Some([2, 1]),
            Self::YCbCr420 => Some([2, 2]),
        }
    }
}

/// How tiles are coded as JPEG.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct JpegCoding {
    /// 1 to 100.
    pub quality: u8,
    /// The colour space of the stream.
    pub colour: JpegColour,
    /// True: quantisation and Huffman tables stand once, in the tag `JPEGTables`.
    pub shared_tables: bool,
}

const SOF0: u8 = 0xC0;
const DHT: u8 = 0xC4;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const APP0: u8 = 0xE0;

/// A complete baseline stream without any application marker, components numbered from 1.
pub(crate) fn encode(image: &RgbImage, coding: &JpegCoding) -> Result<Vec<u8>> {
    let side = |length: u32| {
        u16::try_from(length)
            .map_err(|_| TestkitError::Request(format!("a JPEG side of {length} px is too long")))
    };
    let (width, height) = (side(image.width())?, side(image.height())?);
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, coding.quality);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_sampling_factor(match coding.colour {
        JpegColour::Rgb | JpegColour::YCbCr444 => SamplingFactor::R_4_4_4,
        JpegColour::YCbCr422 => SamplingFactor::R_4_2_2,
        JpegColour::YCbCr420 => SamplingFactor::R_4_2_0,
    });
    let colour = if coding.colour == JpegColour::Rgb {
        // The same table for all channels: a chroma table would blur green and blue.
        let table = QuantizationTableType::ImageMagick;
        encoder.set_quantization_tables(table.clone(), table);
        ColorType::Ycbcr
    } else {
        ColorType::Rgb
    };
    encoder
        .encode(image.pixels(), width, height, colour)
        .map_err(|error| TestkitError::Encode(error.to_string()))?;
    Ok(split(&out)?.complete())
}

/// The abbreviated table stream (`JPEGTables`) of a coding: the same for every tile.
pub(crate) fn tables(coding: &JpegCoding) -> Result<Vec<u8>> {
    let stream = encode(&RgbImage::filled(16, 16, [0; 3]), coding)?;
    Ok(split(&stream)?.tables_only())
}

/// A stream without its tables.
pub(crate) fn abbreviated(stream: &[u8]) -> Result<Vec<u8>> {
    Ok(split(stream)?.without_tables())
}

/// The parts of a stream: table segments, frame header, and everything from the scan on.
struct Parts<'a> {
    tables: Vec<&'a [u8]>,
    frame: Vec<u8>,
    scan: Vec<u8>,
}

/// Takes a baseline stream apart; application markers are left out and components renumbered
/// from 1, as other encoders number them.
fn split(stream: &[u8]) -> Result<Parts<'_>> {
    let broken = || TestkitError::Encode("the JPEG encoder gave an unexpected stream".into());
    let mut parts = Parts { tables: Vec::new(), frame: Vec::new(), scan: Vec::new() };
    let mut at = 2;
    loop {
        let header = stream.get(at..at + 4).ok_or_else(broken)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let segment = stream.get(at..at + 2 + length).ok_or_else(broken)?;
        match header[1] {
            DQT | DHT => parts.tables.push(segment),
            SOF0 => {
                parts.frame = segment.to_vec();
                for (number, component) in (1..).zip(parts.frame[10..].chunks_exact_mut(3)) {
                    component[0] = number;
                }
            }
            SOS => {
                parts.scan = stream[at..].to_vec();
                let components = usize::from(parts.scan[4]);
                for (number, component) in
                    (1..).zip(parts.scan[5..5 + 2 * components].chunks_exact_mut(2))
                {
                    component[0] = number;
                }
                return Ok(parts);
            }
            marker if marker >= APP0 => {}
            _ => return Err(broken()),
        }
        at += 2 + length;
    }
}

impl Parts<'_> {
    fn complete(&self) -> Vec<u8> {
        [&[0xFF, 0xD8], self.tables.concat().as_slice(), &self.frame, &self.scan].concat()
    }

    fn without_tables(&self) -> Vec<u8> {
        [&[0xFF, 0xD8], self.frame.as_slice(), &self.scan].concat()
    }

    fn tables_only(&self) -> Vec<u8> {
        [&[0xFF, 0xD8], self.tables.concat().as_slice(), &[0xFF, EOI]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_abbreviated_stream_make_the_complete_one() {
        let image = RgbImage::filled(20, 9, [200, 120, 160]);
        for colour in [JpegColour::Rgb, JpegColour::YCbCr420, JpegColour::YCbCr444] {
            let coding = JpegCoding { quality: 80, colour, shared_tables: true };
            let complete = encode(&image, &coding).unwrap();
            let tables = tables(&coding).unwrap();
            let short = abbreviated(&complete).unwrap();
            let joined = [&tables[..tables.len() - 2], &short[2..]].concat();
            assert_eq!(joined, complete, "{colour:?}");
            assert!(!complete.windows(4).any(|bytes| bytes == b"JFIF" || bytes == b"Adob"));
        }
    }
}

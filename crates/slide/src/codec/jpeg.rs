//! The JPEG stream's header (ITU-T T.81, annex B) and the choice of the decoder.

#[cfg(not(feature = "turbojpeg"))]
use super::jpeg_pure as decoder;
use super::jpeg_tables::Tables;
#[cfg(feature = "turbojpeg")]
use super::jpeg_turbo as decoder;
use super::{Canvas, CodecError, Reduction, Result, Size};

/// Whether the stream's components must be converted to become RGB.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Grey,
    YCbCr,
    Rgb,
}

/// What is known of a JPEG stream before it is decoded.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) size: Size,
    pub(super) colour: Colour,
    /// The colour transform of an Adobe marker, if there is one.
    pub(super) adobe: Option<u8>,
    /// Whether the stream is one scan that brings all of its tables.
    pub(super) self_contained: bool,
}

/// The most pixels that one byte can code: a block of 64 pixels takes at least one bit for its DC
/// difference, and at the strongest legal subsampling chroma costs a fifth on top.
const PIXELS_PER_BYTE: u64 = 1_024;

const HUFFMAN_TABLES: u8 = 0xC4;
const QUANTIZATION_TABLES: u8 = 0xDB;
const START_OF_SCAN: u8 = 0xDA;
const END_OF_IMAGE: u8 = 0xD9;

impl Header {
    /// Reads up to the first scan. Bounded by the stream's length.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut markers = Markers::new(bytes)?;
        let (mut jfif, mut adobe) = (false, None);
        let (mut tables, mut found) = (Tables::default(), None);
        loop {
            let (marker, body) = markers.next()?;
            match marker {
                0xE0 => jfif |= body.starts_with(b"JFIF\0"),
                0xEE if body.starts_with(b"Adobe") => adobe = body.get(11).copied(),
                QUANTIZATION_TABLES => tables.define_quantization(body),
                HUFFMAN_TABLES => tables.define_huffman(body),
                0xC0..=0xC2 if found.is_none() => {
                    let destinations: Vec<u8> = component_bytes(body, 2).collect();
                    found = Some((Self::frame(body, jfif, adobe, bytes.len())?, destinations));
                }
                0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    return Err(CodecError(format!(
                        "JPEG of process {} (lossless, hierarchical or arithmetic) is not supported",
                        marker - 0xC0
                    )));
                }
                START_OF_SCAN | END_OF_IMAGE => {
                    let (header, destinations) = found
                        .ok_or_else(|| CodecError::new("the JPEG stream has no frame header"))?;
                    let self_contained = tables.complete(&destinations, body);
                    return Ok(Self { self_contained, ..header });
                }
                _ => {}
            }
        }
    }

    /// Precision, height, width, count of components, then three bytes for each (T.81, B.2.2).
    fn frame(body: &[u8], jfif: bool, adobe: Option<u8>, length: usize) -> Result<Self> {
        let &[precision, h1, h0, w1, w0, count, ..] = body else {
            return Err(CodecError::new("the JPEG frame header is cut off"));
        };
        if precision != 8 {
            return Err(CodecError(format!(
                "JPEG with {precision} bits a sample; 8 are supported"
            )));
        }
        let ids: Vec<u8> = component_bytes(body, 0).collect();
        let size = Size::new(
            u32::from(u16::from_be_bytes([w1, w0])),
            u32::from(u16::from_be_bytes([h1, h0])),
        );
        if size.area() > PIXELS_PER_BYTE * length as u64 {
            return Err(CodecError(format!(
                "{length} bytes of JPEG cannot hold {} x {} px",
                size.width, size.height
            )));
        }
        let colour = match (count, ids.as_slice()) {
            (1, &[_]) => Colour::Grey,
            // The order in which libjpeg believes the signs: JFIF, Adobe, component names.
            (3, &[_, _, _]) if jfif => Colour::YCbCr,
            (3, &[_, _, _]) if adobe.is_some() => {
                if adobe == Some(0) {
                    Colour::Rgb
                } else {
                    Colour::YCbCr
                }
            }
            (3, b"RGB") => Colour::Rgb,
            (3, &[_, _, _]) => Colour::YCbCr,
            _ => {
                return Err(CodecError(format!(
                    "JPEG with {count} components; 1 and 3 are supported"
                )));
            }
        };
        Ok(Self { size, colour, adobe, self_contained: false })
    }
}

/// The byte at `place` of every component's three in a frame header: name, sampling, destination
/// of its quantization table.
fn component_bytes(frame: &[u8], place: usize) -> impl Iterator<Item = u8> {
    let components = frame.get(6..).unwrap_or_default();
    components.chunks_exact(3).filter_map(move |component| component.get(place).copied())
}

/// Walks the marker segments before the first scan.
struct Markers<'a> {
    rest: &'a [u8],
}

impl<'a> Markers<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self> {
        let rest =
            bytes.strip_prefix(&[0xFF, 0xD8]).ok_or_else(|| CodecError::new("no JPEG stream"))?;
        Ok(Self { rest })
    }

    /// The next marker and its segment's body.
    fn next(&mut self) -> Result<(u8, &'a [u8])> {
        let cut = || CodecError::new("the JPEG stream ends before its first scan");
        loop {
            let start = self.rest.iter().position(|&byte| byte == 0xFF).ok_or_else(cut)?;
            let after = self.rest.get(start..).ok_or_else(cut)?;
            let fill = after.iter().position(|&byte| byte != 0xFF).ok_or_else(cut)?;
            let (marker, rest) = after.get(fill..).and_then(<[u8]>::split_first).ok_or_else(cut)?;
            self.rest = rest;
            match *marker {
                // Stuffed zeros, restarts and other markers that stand alone.
                0x00 | 0x01 | 0xD0..=0xD8 => {}
                END_OF_IMAGE => return Ok((END_OF_IMAGE, &[])),
                marker => {
                    let (&[high, low], _) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
                    let length = usize::from(u16::from_be_bytes([high, low]));
                    let body = rest.get(2..length.max(2)).ok_or_else(cut)?;
                    self.rest = rest.get(length.max(2)..).ok_or_else(cut)?;
                    return Ok((marker, body));
                }
            }
        }
    }
}

/// Decodes into a canvas of the reduced size.
pub(super) fn decode(bytes: &[u8], reduction: Reduction, canvas: &mut Canvas<'_>) -> Result<()> {
    let header = Header::parse(bytes)?;
    if reduction.apply(header.size) != canvas.size() {
        return Err(CodecError::new("the JPEG stream is not of the size that was asked for"));
    }
    decoder::decode(bytes, header, reduction, canvas)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: u16, height: u16, ids: &[u8]) -> Vec<u8> {
        let mut body = vec![8];
        body.extend(height.to_be_bytes());
        body.extend(width.to_be_bytes());
        body.push(u8::try_from(ids.len()).unwrap());
        body.extend(ids.iter().flat_map(|&id| [id, 0x11, 0]));
        segment(0xC0, &body)
    }

    fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xFF, marker];
        bytes.extend(u16::try_from(body.len() + 2).unwrap().to_be_bytes());
        bytes.extend(body);
        bytes
    }

    fn stream(parts: &[Vec<u8>]) -> Vec<u8> {
        let scan = segment(START_OF_SCAN, &[1, 1, 0, 0, 63, 0]);
        [vec![0xFF, 0xD8], parts.concat(), scan, vec![0; 1000]].concat()
    }

    #[test]
    fn colour_follows_jfif_then_adobe_then_names() {
        let jfif = segment(0xE0, b"JFIF\0\x01\x01");
        let rgb = segment(0xEE, b"Adobe\0\x64\0\0\0\0\0");
        let ycc = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01");
        for (parts, colour) in [
            (vec![frame(16, 8, &[1, 2, 3])], Colour::YCbCr),
            (vec![frame(16, 8, b"RGB")], Colour::Rgb),
            (vec![frame(16, 8, &[7])], Colour::Grey),
            (vec![rgb.clone(), frame(16, 8, &[1, 2, 3])], Colour::Rgb),
            (vec![ycc, frame(16, 8, b"RGB")], Colour::YCbCr),
            (vec![jfif, rgb, frame(16, 8, &[1, 2, 3])], Colour::YCbCr),
        ] {
            let header = Header::parse(&stream(&parts)).unwrap();
            assert_eq!((header.size, header.colour), (Size::new(16, 8), colour));
        }
    }

    #[test]
    fn malformed_headers_are_errors() {
        let good = stream(&[frame(16, 8, &[1, 2, 3])]);
        for length in 0..21 {
            assert!(Header::parse(&good[..length]).is_err(), "{length}");
        }
        for bytes in [
            stream(&[frame(65_535, 65_535, &[1, 2, 3])]),
            stream(&[frame(16, 8, &[1, 2, 3, 4])]),
            stream(&[frame(16, 8, &[1, 2])]),
            stream(&[segment(0xC3, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0])]),
            stream(&[segment(START_OF_SCAN, &[0; 10])]),
            stream(&[vec![0xFF, 0xE0, 0xFF, 0xFF]]),
            vec![0xFF; 5000],
            Vec::new(),
        ] {
            assert!(Header::parse(&bytes).is_err());
        }
    }
}

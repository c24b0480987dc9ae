//! JPEG 2000 (ITU-T T.800): codestreams and JP2 files, RGB or Aperio's unmarked YCbCr.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jpeg2k::{DecodeParameters, Image, ImageComponent};

use super::{Canvas, CodecError, RGB, Reduction, Result, Size};

/// What is known of a codestream before it is decoded.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) size: Size,
    /// How often the wavelet transform halves the size (COD, T.800 A.6.1).
    pub(super) decompositions: u8,
}

/// Decoding takes some 20 bytes per pixel. Empty code blocks cost nothing, so a stream of blank
/// glass may be very short: up to a million pixels any stream is believed, above it one byte must
/// stand for at most 4,096 pixels.
const PIXELS_ALWAYS: u64 = 1 << 20;
const PIXELS_PER_BYTE: u64 = 1 << 12;

const SIZE: u16 = 0xFF51;
const CODING_STYLE: u16 = 0xFF52;
const START_OF_TILE_PART: u16 = 0xFF90;

impl Header {
    /// Reads the main header's SIZ and COD segments. Bounded by the stream's length.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let cut = || CodecError::new("the JPEG 2000 header is cut off");
        let codestream = codestream(bytes)?;
        let mut rest = codestream.get(2..).ok_or_else(cut)?;
        let mut size = None;
        loop {
            let (&[m1, m0, l1, l0], _) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            let marker = u16::from_be_bytes([m1, m0]);
            let length = usize::from(u16::from_be_bytes([l1, l0])).max(2);
            if marker == START_OF_TILE_PART {
                return Err(CodecError::new("the JPEG 2000 main header has no COD or SIZ segment"));
            }
            let body = rest.get(4..length + 2).ok_or_else(cut)?;
            match (marker, size) {
                (SIZE, _) => size = Some(image_size(body, bytes.len())?),
                (CODING_STYLE, Some(size)) => {
                    let decompositions = *body.get(5).ok_or_else(cut)?;
                    return Ok(Self { size, decompositions });
                }
                _ => {}
            }
            rest = rest.get(length + 2..).ok_or_else(cut)?;
        }
    }
}

/// The codestream itself: the whole of a raw stream, or the `jp2c` box of a JP2 file (T.800,
/// annex I).
fn codestream(bytes: &[u8]) -> Result<&[u8]> {
    const START: [u8; 2] = [0xFF, 0x4F];
    let none = || CodecError::new("no JPEG 2000 codestream");
    if bytes.starts_with(&START) {
        return Ok(bytes);
    }
    let mut rest = bytes;
    while let Some((&[a, b, c, d, k0, k1, k2, k3], body)) = rest.split_first_chunk::<8>() {
        if [k0, k1, k2, k3] == *b"jp2c" {
            let body = if [a, b, c, d] == [0, 0, 0, 1] { body.get(8..) } else { Some(body) };
            return body.filter(|body| body.starts_with(&START)).ok_or_else(none);
        }
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length < 8 {
            break;
        }
        rest = rest.get(length..).ok_or_else(none)?;
    }
    Err(none())
}

/// SIZ (T.800, A.5.1): capabilities, the extent and offset of the reference grid, tiles,
/// components.
fn image_size(body: &[u8], length: usize) -> Result<Size> {
    let word = |at: usize| {
        let bytes = body.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let fields = (word(2), word(6), word(10), word(14));
    let (Some(right), Some(bottom), Some(left), Some(top)) = fields else {
        return Err(CodecError::new("the JPEG 2000 SIZ segment is cut off"));
    };
    // Tiles and slides start at the grid's origin; an offset would shift reduced pixels.
    if left != 0 || top != 0 {
        return Err(CodecError::new("JPEG 2000 with an image offset is not supported"));
    }
    let size = Size::new(right, bottom);
    let justified = PIXELS_ALWAYS.max(PIXELS_PER_BYTE.saturating_mul(length as u64));
    if size.area() > justified {
        return Err(CodecError(format!(
            "{length} bytes of JPEG 2000 cannot hold {right} x {bottom} px"
        )));
    }
    let count = body.get(34..36).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
    let components = body.get(36..).unwrap_or_default().chunks_exact(3);
    if !matches!(count, 1 | 3 | 4) || components.len() != usize::from(count) {
        return Err(CodecError(format!(
            "JPEG 2000 with {count} components; 1, 3 or 4 are supported"
        )));
    }
    for component in components {
        if component[0] != 7 {
            return Err(CodecError::new("JPEG 2000 with other than 8 unsigned bits a sample"));
        }
        if !matches!(component[1], 1 | 2) || !matches!(component[2], 1 | 2) {
            return Err(CodecError::new("JPEG 2000 with components subsampled by more than 2"));
        }
    }
    Ok(size)
}

/// Decodes into a canvas of the reduced size. A reduced image is the wavelet's low-pass band:
/// the highest bands are never decoded.
pub(super) fn decode(
    bytes: &[u8],
    ycbcr: bool,
    reduction: Reduction,
    canvas: &mut Canvas<'_>,
) -> Result<()> {
    let header = Header::parse(bytes)?;
    if u32::from(header.decompositions) < reduction.halvings() {
        return Err(CodecError(format!(
            "JPEG 2000 with {} resolutions cannot be reduced {} times",
            header.decompositions,
            reduction.halvings()
        )));
    }
    let parameters = DecodeParameters::new().reduce(reduction.halvings()).strict(true);
    // The decoder is a translation from C that panics on some broken streams.
    let decoded = catch_unwind(AssertUnwindSafe(|| Image::from_bytes_with(bytes, parameters)));
    let image = match decoded {
        Ok(image) => image.map_err(|error| CodecError(format!("JPEG 2000: {error}")))?,
        Err(_) => return Err(CodecError::new("JPEG 2000: the stream breaks the decoder")),
    };
    paint(image.components(), ycbcr, canvas)
}

fn paint(components: &[ImageComponent], ycbcr: bool, canvas: &mut Canvas<'_>) -> Result<()> {
    let size = canvas.size();
    let planes = match components {
        [grey] => [grey; 3],
        [first, second, third, ..] => [first, second, third],
        _ => return Err(CodecError::new("JPEG 2000: the stream has no components")),
    };
    let planes = planes.map(|component| Plane::new(component, size));
    let [Some(first), Some(second), Some(third)] = planes else {
        return Err(CodecError::new("JPEG 2000: a component has another size than the image"));
    };
    for (y, row) in canvas.rows().enumerate() {
        let (first, second, third) = (first.row(y), second.row(y), third.row(y));
        for (x, pixel) in row.chunks_exact_mut(RGB).enumerate() {
            let values = [first.at(x), second.at(x), third.at(x)];
            pixel.copy_from_slice(&if ycbcr { to_rgb(values) } else { values.map(clamp) });
        }
    }
    Ok(())
}

/// One component, at full size or with half as many columns or rows.
struct Plane<'a> {
    data: &'a [i32],
    width: usize,
    halved: (u32, u32),
}

struct Row<'a> {
    data: &'a [i32],
    halved: u32,
}

impl<'a> Plane<'a> {
    fn new(component: &'a ImageComponent, size: Size) -> Option<Self> {
        let halved = |part: u32, whole: u32| match part {
            _ if part == whole => Some(0),
            _ if part == whole.div_ceil(2) => Some(1),
            _ => None,
        };
        let (width, height) = (component.width(), component.height());
        let halved = (halved(width, size.width)?, halved(height, size.height)?);
        let count = u64::from(width) * u64::from(height);
        let data = component.data();
        (data.len() as u64 == count).then_some(Self { data, width: width as usize, halved })
    }

    fn row(&self, y: usize) -> Row<'a> {
        let start = (y >> self.halved.1) * self.width;
        Row {
            data: self.data.get(start..start + self.width).unwrap_or_default(),
            halved: self.halved.0,
        }
    }
}

impl Row<'_> {
    fn at(&self, x: usize) -> i32 {
        self.data.get(x >> self.halved).copied().unwrap_or_default()
    }
}

fn clamp(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

/// ITU-R BT.601 full range, as JFIF states it, in 16-bit fixed point.
fn to_rgb([y, cb, cr]: [i32; 3]) -> [u8; 3] {
    let (y, cb, cr) = (y.clamp(0, 255), cb.clamp(0, 255) - 128, cr.clamp(0, 255) - 128);
    const HALF: i32 = 1 << 15;
    [
        clamp(y + ((91_881 * cr + HALF) >> 16)),
        clamp(y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16)),
        clamp(y + ((116_130 * cb + HALF) >> 16)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A main header with the given grid, components and decompositions.
    fn header(width: u32, height: u32, count: u16, decompositions: u8) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0x4F, 0xFF, 0x51];
        bytes.extend((38 + 3 * count).to_be_bytes());
        bytes.extend([0, 0]);
        for word in [width, height, 0, 0, width, height, 0, 0] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(count.to_be_bytes());
        bytes.extend([7, 1, 1].repeat(usize::from(count)));
        bytes.extend([0xFF, 0x52, 0, 12, 0, 0, 0, 1, 1, decompositions, 4, 4, 0, 1]);
        bytes
    }

    #[test]
    fn headers_are_read_from_streams_and_files() {
        let stream = header(256, 240, 3, 5);
        let expected = Header { size: Size::new(256, 240), decompositions: 5 };
        assert_eq!(Header::parse(&stream), Ok(expected));
        let boxes =
            [&[0, 0, 0, 12], b"jP  \r\n\x87\n".as_slice(), &[0; 4], b"jp2c", &stream].concat();
        assert_eq!(Header::parse(&boxes), Ok(expected));
    }

    #[test]
    fn malformed_headers_are_errors() {
        let good = header(256, 240, 3, 5);
        for length in 0..good.len() - 4 {
            assert!(Header::parse(&good[..length]).is_err(), "{length}");
        }
        for bytes in [header(1 << 20, 1 << 20, 3, 5), header(8, 8, 2, 5), vec![0; 64]] {
            assert!(Header::parse(&bytes).is_err());
        }
    }

    #[test]
    fn garbage_after_a_good_header_is_an_error() {
        let mut pixels = vec![0; 64 * 64 * 3];
        let mut bytes = header(64, 64, 3, 5);
        bytes.extend((0..4000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8));
        let mut canvas = Canvas::whole(&mut pixels, Size::new(64, 64));
        assert!(decode(&bytes, false, Reduction::Full, &mut canvas).is_err());
    }

    #[test]
    fn ycbcr_follows_jfif() {
        assert_eq!(to_rgb([128, 128, 128]), [128, 128, 128]);
        assert_eq!(to_rgb([76, 85, 255]), [254, 0, 0]);
        assert_eq!(to_rgb([255, 128, 128]), [255, 255, 255]);
    }
}

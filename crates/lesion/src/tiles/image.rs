//! A tile's pixels from a JPEG or PNG file, at the encoder's size.

use std::io::Cursor;

use bianque_core::RgbImage;
use bianque_vision::Filter;
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::resample::resample;

/// Longest edge of an image that is a tile and not a slide.
const MAX_EDGE: usize = 16_384;

/// Why a file gives no tile.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ImageFault(String);

/// Decodes a JPEG or PNG file to RGB; transparency is dropped, grey repeated, 16 bits cut to 8.
///
/// # Errors
/// When the bytes are neither, are broken, or the image is larger than 16,384 px.
pub fn read_image(bytes: &[u8]) -> Result<RgbImage, ImageFault> {
    if bytes.starts_with(&[0xff, 0xd8]) {
        read_jpeg(bytes)
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        read_png(bytes)
    } else {
        Err(ImageFault("neither JPEG nor PNG".into()))
    }
}

fn read_jpeg(bytes: &[u8]) -> Result<RgbImage, ImageFault> {
    let fault = |what: String| ImageFault(format!("JPEG does not decode: {what}"));
    let options = DecoderOptions::default()
        .set_max_width(MAX_EDGE)
        .set_max_height(MAX_EDGE)
        // A truncated file shall be an error, not a tile that is half grey.
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let pixels = decoder.decode().map_err(|error| fault(error.to_string()))?;
    let info = decoder.info().ok_or_else(|| fault("it has no size".into()))?;
    RgbImage::from_pixels(u32::from(info.width), u32::from(info.height), pixels)
        .map_err(|error| fault(error.to_string()))
}

fn read_png(bytes: &[u8]) -> Result<RgbImage, ImageFault> {
    let fault = |what: String| ImageFault(format!("PNG does not decode: {what}"));
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|error| fault(error.to_string()))?;
    let (width, height) = reader.info().size();
    if width.max(height) as usize > MAX_EDGE {
        return Err(fault(format!("{width} x {height} px is too large for a tile")));
    }
    let size = reader.output_buffer_size().ok_or_else(|| fault("its size overflows".into()))?;
    let mut data = vec![0; size];
    let frame = reader.next_frame(&mut data).map_err(|error| fault(error.to_string()))?;
    data.truncate(frame.buffer_size());
    let pixels = match frame.color_type {
        png::ColorType::Rgb => data,
        png::ColorType::Rgba => {
            data.as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect()
        }
        png::ColorType::Grayscale => data.iter().flat_map(|v| [*v; 3]).collect(),
        png::ColorType::GrayscaleAlpha => {
            data.as_chunks::<2>().0.iter().flat_map(|p| [p[0]; 3]).collect()
        }
        png::ColorType::Indexed => return Err(fault("its palette was not expanded".into())),
    };
    RgbImage::from_pixels(frame.width, frame.height, pixels)
        .map_err(|error| fault(error.to_string()))
}

/// Brings a tile to `size` x `size` pixels with the recipe's filter, antialiased.
pub(crate) fn resized(image: RgbImage, size: u32, filter: Filter) -> Result<RgbImage, ImageFault> {
    if image.width() == size && image.height() == size {
        return Ok(image);
    }
    let extent = (image.width() as usize, image.height() as usize);
    if extent.0 == 0 || extent.1 == 0 {
        return Err(ImageFault("it has no pixel".into()));
    }
    let pixels = resample(image.pixels(), extent, size as usize, filter);
    RgbImage::from_pixels(size, size, pixels)
        .map_err(|error| ImageFault(format!("cannot be resized: {error}")))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A PNG file of an image, for tests.
    pub(crate) fn png_bytes(image: &RgbImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(image.pixels()).unwrap();
        bytes
    }

    fn picture() -> RgbImage {
        let mut image = RgbImage::filled(16, 8, [200, 100, 50]);
        image.set_pixel(3, 2, [1, 2, 3]);
        image
    }

    #[test]
    fn png_comes_back_as_it_was() {
        assert_eq!(read_image(&png_bytes(&picture())).unwrap(), picture());
    }

    #[test]
    fn grey_and_transparent_pngs_become_rgb() {
        let encode = |color, data: &[u8]| {
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
            encoder.set_color(color);
            encoder.write_header().unwrap().write_image_data(data).unwrap();
            read_image(&bytes).unwrap().pixel(0, 0)
        };
        assert_eq!(encode(png::ColorType::Grayscale, &[7]), [7, 7, 7]);
        assert_eq!(encode(png::ColorType::Rgba, &[1, 2, 3, 4]), [1, 2, 3]);
    }

    #[test]
    fn truncated_and_foreign_files_are_faults() {
        let bytes = png_bytes(&picture());
        for length in [0, 1, 8, 20, 40, bytes.len() - 13] {
            assert!(read_image(&bytes[..length]).is_err(), "{length}");
        }
        assert!(read_image(&[0xff, 0xd8, 0xff, 0xe0, 0, 4]).is_err());
        assert!(read_image(b"GIF89a").is_err());
        let mut huge = bytes;
        huge[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
        assert!(read_image(&huge).is_err());
    }

    #[test]
    fn resizing_keeps_an_even_colour() {
        let image = RgbImage::filled(31, 17, [9, 90, 190]);
        for filter in [Filter::Bilinear, Filter::Bicubic] {
            let small = resized(image.clone(), 8, filter).unwrap();
            assert_eq!(small, RgbImage::filled(8, 8, [9, 90, 190]));
        }
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(at in 0_usize..200, value in 0_u8..=255) {
            let mut bytes = png_bytes(&picture());
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = read_image(&bytes);
        }
    }
}

//! Pictures that went through JPEG.

use bianque_core::{AtLevel, PixelRect, RgbImage};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use crate::{
    error::{Result, TestkitError},
    tiff_writer::{JpegCoding, JpegColour, crop, encode_jpeg},
};

/// The side of a JPEG block.
const BLOCK: u32 = 8;

/// A picture after one coding at a quality of 1 to 100 (YCbCr 4:2:0).
///
/// # Errors
/// When it is longer than 65,535 pixels.
pub fn compressed(image: &RgbImage, quality: u8) -> Result<RgbImage> {
    let coding = JpegCoding { quality, colour: JpegColour::YCbCr420, shared_tables: false };
    let bytes = encode_jpeg(image, &coding)?;
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let pixels = JpegDecoder::new_with_options(ZCursor::new(bytes), options)
        .decode()
        .map_err(|error| TestkitError::Encode(error.to_string()))?;
    RgbImage::from_pixels(image.width(), image.height(), pixels)
        .map_err(|error| TestkitError::Encode(error.to_string()))
}

/// A picture that was coded once at `quality` on a grid of blocks that lies `shift` pixels (0 to 7
/// along x and y) beside its own; it is smaller by a block. Writing it codes it again.
///
/// # Errors
/// As [`compressed`], and when the picture is not larger than a block.
pub fn recompressed(image: &RgbImage, quality: u8, shift: (u32, u32)) -> Result<RgbImage> {
    let (width, height) =
        (image.width().saturating_sub(BLOCK), image.height().saturating_sub(BLOCK));
    if width == 0 || height == 0 {
        return Err(TestkitError::Request("a picture no larger than a JPEG block".into()));
    }
    let (x, y) = (shift.0 % BLOCK, shift.1 % BLOCK);
    let rect = PixelRect::<AtLevel>::new(i64::from(x), i64::from(y), width, height);
    crop(&compressed(image, quality)?, rect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lie_on_the_shifted_grid() {
        let mut image = RgbImage::filled(136, 136, [0; 3]);
        for y in 0..136 {
            for x in 0..136 {
                let value = ((x * 3 + y * 2 + (x * y) % 17) % 256) as u8;
                image.set_pixel(x, y, [value; 3]);
            }
        }
        let shifted = recompressed(&image, 10, (3, 0)).unwrap();
        assert_eq!((shifted.width(), shifted.height()), (128, 128));
        let step = |phase: u32| -> u32 {
            let columns = (0..120).step_by(8).map(|x| x + phase);
            let pairs = columns.flat_map(|x| (0..128).map(move |y| (x, y)));
            pairs
                .map(|(x, y)| {
                    u32::from(shifted.pixel(x, y)[1].abs_diff(shifted.pixel(x + 1, y)[1]))
                })
                .sum()
        };
        // Old column 8 k is column 8 k - 3 now: the step lies between 4 and 5.
        let strongest = (0..8).max_by_key(|phase| step(*phase)).unwrap();
        assert_eq!(strongest, 4);
        assert!(recompressed(&RgbImage::filled(8, 9, [0; 3]), 10, (1, 1)).is_err());
    }
}

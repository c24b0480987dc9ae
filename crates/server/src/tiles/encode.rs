//! Pixels to JPEG and PNG.

use axum::body::Bytes;
use bianque_core::RgbImage;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::answer::Refusal;

/// Quality of tiles that are coded again (scale of the Independent JPEG Group): above what
/// scanners use, so that the second coding adds little.
const QUALITY: u8 = 88;

/// How a picture is coded.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImageFormat {
    Jpeg,
    Png,
}

impl ImageFormat {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// A coded picture.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) bytes: Bytes,
    pub(crate) format: ImageFormat,
    /// Whether these are the file's own bytes.
    pub(crate) as_in_the_file: bool,
}

/// Codes pixels.
pub(crate) fn picture(image: &RgbImage, format: ImageFormat) -> Result<Picture, Refusal> {
    let bytes = match format {
        ImageFormat::Jpeg => jpeg(image),
        ImageFormat::Png => png(image),
    };
    let bytes = bytes.ok_or(Refusal::Fault("the picture could not be coded"))?;
    Ok(Picture { bytes: bytes.into(), format, as_in_the_file: false })
}

fn jpeg(image: &RgbImage) -> Option<Vec<u8>> {
    let width = u16::try_from(image.width()).ok()?;
    let height = u16::try_from(image.height()).ok()?;
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(image.pixels(), width, height, ColorType::Rgb).ok()?;
    Some(bytes)
}

fn png(image: &RgbImage) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().ok()?.write_image_data(image.pixels()).ok()?;
    Some(bytes)
}

//! PNG and JPEG, to files and to `data:` addresses.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use bianque_core::RgbImage;

const JPEG_QUALITY: u8 = 90;

/// Writes a picture by its file name's ending.
pub(crate) fn write(image: &RgbImage, path: &Path) -> anyhow::Result<()> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let bytes = match ending.as_deref() {
        Some("png") => {
            png_bytes(image.width(), image.height(), png::ColorType::Rgb, image.pixels())?
        }
        Some("jpg" | "jpeg") => jpeg_bytes(image)?,
        _ => bail!("{}: give a name ending in .png, .jpg or .jpeg", path.display()),
    };
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// A JPEG as `data:` address.
pub(crate) fn data_uri_jpeg(image: &RgbImage) -> anyhow::Result<String> {
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg_bytes(image)?)))
}

/// A PNG with transparency as `data:` address.
pub(crate) fn data_uri_rgba(width: u32, height: u32, pixels: &[u8]) -> anyhow::Result<String> {
    let bytes = png_bytes(width, height, png::ColorType::Rgba, pixels)?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(bytes)))
}

fn png_bytes(
    width: u32,
    height: u32,
    color: png::ColorType,
    pixels: &[u8],
) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(bytes)
}

pub(crate) fn jpeg_bytes(image: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let (Ok(width), Ok(height)) = (u16::try_from(image.width()), u16::try_from(image.height()))
    else {
        bail!("a JPEG is at most 65535 pixels wide and high: choose .png or a smaller picture");
    };
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, JPEG_QUALITY).encode(
        image.pixels(),
        width,
        height,
        jpeg_encoder::ColorType::Rgb,
    )?;
    Ok(bytes)
}

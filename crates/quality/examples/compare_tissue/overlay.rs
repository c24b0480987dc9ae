//! Pictures to look at: what was found, drawn over the low-power view.

use std::{fs::File, io::BufWriter, path::Path};

use bianque_core::RgbImage;
use bianque_quality::Reason;

/// Draws two masks' edges and tints everything that is not tissue or glass.
pub(crate) fn draw(image: &RgbImage, codes: &[u8], other: &[bool]) -> RgbImage {
    let width = image.width() as usize;
    let mut out = image.clone();
    let tissue = |i: usize| codes[i] == Reason::Tissue.code();
    for i in 0..codes.len() {
        let tint = match Reason::from_code(codes[i]) {
            Some(Reason::Ink(_)) => Some([255, 255, 0]),
            Some(Reason::DarkEdge) => Some([255, 128, 0]),
            Some(Reason::Dust) => Some([0, 200, 255]),
            _ => None,
        };
        let edge = |set: &dyn Fn(usize) -> bool| {
            i % width + 1 < width && set(i) != set(i + 1)
                || i + width < codes.len() && set(i) != set(i + width)
        };
        let pixel = &mut out.pixels_mut()[3 * i..3 * i + 3];
        if let Some(tint) = tint {
            pixel.iter_mut().zip(tint).for_each(|(v, t)| *v = *v / 2 + t / 2);
        }
        if edge(&|i| other[i]) {
            pixel.copy_from_slice(&[90, 90, 90]);
        }
        if edge(&tissue) {
            pixel.copy_from_slice(&[0, 170, 0]);
        }
    }
    out
}

/// Writes a PNG.
pub(crate) fn write(path: &Path, image: &RgbImage) -> Result<(), Box<dyn std::error::Error>> {
    let file = BufWriter::new(File::create(path)?);
    let mut encoder = png::Encoder::new(file, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(image.pixels())?;
    Ok(())
}

//! Pictures of what was missed, to look at: the planted artefact in yellow, what was said of the fault
//! in red, whatever else was said in blue.

use std::{fs::File, io::BufWriter, path::Path};

use bianque_core::{Level0, Point, Polygon, RgbImage};
use bianque_quality::{Check, Fault};
use bianque_slide::Slide;

use crate::Failure;

/// A picture's longer side in pixels.
const SIDE: f64 = 900.0;
const PLANTED: [u8; 3] = [255, 210, 0];
const SAID: [u8; 3] = [230, 0, 0];
const OTHERS: [u8; 3] = [0, 90, 255];

/// Writes one trial as `<name>.png`.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    slide: &dyn Slide,
    truth: &[Polygon<Level0>],
    (check, fault): (&Check, Fault),
) -> Result<(), Failure> {
    let bounds = slide.facts().bounds();
    let step = (f64::from(bounds.width.max(bounds.height)) / SIDE).max(1.0);
    let size = |length: u32| (f64::from(length) / step).ceil().max(1.0) as u32;
    let (width, height) = (size(bounds.width), size(bounds.height));
    let mut image = slide.read_scaled(Point::new(0.0, 0.0), step, width, height)?;
    for finding in &check.findings {
        let colour = if finding.fault == fault { SAID } else { OTHERS };
        finding.areas.iter().for_each(|area| outline(&mut image, area, step, colour));
    }
    truth.iter().for_each(|area| outline(&mut image, area, step, PLANTED));
    std::fs::create_dir_all(folder)?;
    let file = BufWriter::new(File::create(folder.join(name).with_extension("png"))?);
    let mut encoder = png::Encoder::new(file, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(image.pixels())?;
    Ok(())
}

fn outline(image: &mut RgbImage, polygon: &Polygon<Level0>, step: f64, colour: [u8; 3]) {
    for ring in std::iter::once(&polygon.outer).chain(&polygon.holes) {
        for (at, a) in ring.iter().enumerate() {
            let b = &ring[(at + 1) % ring.len()];
            let length = (b.x - a.x).hypot(b.y - a.y) / step;
            for part in 0..=length.ceil() as u32 {
                let t = f64::from(part) / length.ceil().max(1.0);
                let x = ((a.x + (b.x - a.x) * t) / step) as i64;
                let y = ((a.y + (b.y - a.y) * t) / step) as i64;
                if (0..i64::from(image.width())).contains(&x)
                    && (0..i64::from(image.height())).contains(&y)
                {
                    let at = (y as usize * image.width() as usize + x as usize) * 3;
                    image.pixels_mut()[at..at + 3].copy_from_slice(&colour);
                }
            }
        }
    }
}

//! Fat, mucus and necrosis have no sharp edges of their own: they must not be called out of focus,
//! and tissue beside them that is out of focus still must be.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod planted;

use std::path::{Path, PathBuf};

use bianque_core::{PixelRect, RgbImage};
use bianque_quality::{Check, CheckSettings, Fault, check_slide};
use bianque_slide::{OpenOptions, Slide, open};
use bianque_testkit::{
    artefacts::Defocus,
    surroundings,
    tiff_writer::{Coding, Page, TiffWriter, resolution_tags},
};
use planted::{PlantedSlide, Window};

const WIDTH: u32 = 3072;
const HEIGHT: u32 = 2048;
/// Microns per pixel.
const MPP: f64 = 0.5;
const HAEMATOXYLIN: [f64; 3] = [0.65, 0.70, 0.29];
const EOSIN: [f64; 3] = [0.07, 0.99, 0.11];

/// What the right two thirds of a painted slide hold; the left third is cellular tissue.
#[derive(Copy, Clone, Debug)]
enum Soft {
    Fat,
    Mucus,
    Necrosis,
}

#[test]
fn soft_tissue_is_not_called_out_of_focus() {
    for soft in [Soft::Fat, Soft::Mucus, Soft::Necrosis] {
        let folder = tempfile::tempdir().unwrap();
        let slide = open(&painted(folder.path(), soft), &OpenOptions::default()).unwrap();
        let sharp = checked(slide.as_ref());
        assert!(!is_blurred(&sharp), "{soft:?}: {:?}", sharp.measures);
        let defocused = PlantedSlide::new(slide.as_ref(), vec![Box::new(Defocus::lens(8.0))]);
        let blurred = checked(&defocused);
        assert!(is_blurred(&blurred), "{soft:?} 8 um out of focus: {:?}", blurred.measures);
    }
}

#[test]
fn mucus_and_keratin_of_real_slides_are_not_called_out_of_focus() {
    let Some(folder) = surroundings::real_slides() else { return };
    let open = |name: &str| open(&folder.join(name), &OpenOptions::default()).unwrap();
    let skin = checked(open("svs/CMU-1-Small-Region.svs").as_ref());
    assert!(!is_blurred(&skin), "keratin and fat: {:?}", skin.measures);
    // Crypts full of mucus, 40x.
    let polyp = open("polyp-section-1.svs");
    let window = Window::new(polyp.as_ref(), PixelRect::new(4096, 4096, 4096, 4096)).unwrap();
    let mucus = checked(&window);
    assert!(mucus.measures["focus.judged_share"] > 0.3, "{:?}", mucus.measures);
    assert!(!is_blurred(&mucus), "{:?}", mucus.measures);
}

fn checked(slide: &dyn Slide) -> Check {
    check_slide(slide, &CheckSettings::with_overrides(None).unwrap())
}

fn is_blurred(check: &Check) -> bool {
    check.findings.iter().any(|finding| finding.fault == Fault::OutOfFocus)
}

/// A piece of tissue with glass around it, as a tiled TIFF.
fn painted(folder: &Path, soft: Soft) -> PathBuf {
    let mut pixels = Vec::with_capacity(WIDTH as usize * HEIGHT as usize * 3);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let (u, v) = (f64::from(x) * MPP, f64::from(y) * MPP);
            pixels.extend(colour(u, v, soft));
        }
    }
    let image = RgbImage::from_pixels(WIDTH, HEIGHT, pixels).unwrap();
    let path = folder.join("soft.tif");
    let mut writer = TiffWriter::create(&path).unwrap();
    let page = Page::tiled(WIDTH, HEIGHT, 256, Coding::jpeg(90));
    writer.write_image(page.with_tags(resolution_tags(MPP)), &image).unwrap();
    writer.finish().unwrap();
    path
}

/// The colour of a place in microns.
fn colour(u: f64, v: f64, soft: Soft) -> [u8; 3] {
    let margin = 60.0;
    let (right, bottom) = (f64::from(WIDTH) * MPP - margin, f64::from(HEIGHT) * MPP - margin);
    let inside = u > margin && v > margin && u < right && v < bottom;
    let (h, e) = match () {
        () if !inside => (0.0, 0.0),
        () if u < f64::from(WIDTH) * MPP / 3.0 => cells(u, v),
        () => match soft {
            Soft::Fat => (0.0, 0.25 * wall(u, v)),
            // Wisps without edges.
            Soft::Mucus => (0.05 + 0.12 * clouds(u / 25.0, v / 25.0, 3), 0.03),
            // Pink dust, and ghosts of nuclei without an outline.
            Soft::Necrosis => {
                let ghosts = 0.15 * clouds(u / 7.0, v / 7.0, 5).powi(2);
                (ghosts, 0.22 + 0.08 * clouds(u / 9.0, v / 9.0, 4))
            }
        },
    };
    std::array::from_fn(|c| {
        let density = h * HAEMATOXYLIN[c] + e * EOSIN[c];
        (243.0 * 10.0_f64.powf(-density)).round() as u8
    })
}

/// Nuclei of 3 um radius with sharp outlines in pink tissue.
fn cells(u: f64, v: f64) -> (f64, f64) {
    const APART: f64 = 9.0;
    let ground = (0.05, 0.15 + 0.08 * clouds(u / 12.0, v / 12.0, 1));
    let (column, row) = ((u / APART).floor(), (v / APART).floor());
    let moved = |salt| 1.5 * (hash(column as i64, row as i64, salt) - 0.5);
    let (x, y) = ((column + 0.5) * APART + moved(7), (row + 0.5) * APART + moved(8));
    let cover = (3.0 - (u - x).hypot(v - y) + 0.5).clamp(0.0, 1.0);
    (ground.0 + 0.6 * cover, ground.1)
}

/// Walls of fat cells of 60 um: 1 within 1 um of a wall, soft.
fn wall(u: f64, v: f64) -> f64 {
    const CELL: f64 = 60.0;
    let (column, row) = ((u / CELL).floor() as i64, (v / CELL).floor() as i64);
    let (mut near, mut next) = (f64::MAX, f64::MAX);
    for at in 0..9 {
        let (column, row) = (column + at % 3 - 1, row + at / 3 - 1);
        let x = (column as f64 + 0.2 + 0.6 * hash(column, row, 1)) * CELL;
        let y = (row as f64 + 0.2 + 0.6 * hash(column, row, 2)) * CELL;
        let distance = (u - x).hypot(v - y);
        (near, next) = if distance < near { (distance, near) } else { (near, next.min(distance)) };
    }
    (1.5 - (next - near) / 2.0).clamp(0.0, 1.0)
}

/// Smooth noise of 0 to 1 whose bumps are one unit wide.
fn clouds(x: f64, y: f64, salt: u64) -> f64 {
    let (column, row) = (x.floor(), y.floor());
    let smooth = |t: f64| t * t * (3.0 - 2.0 * t);
    let (s, t) = (smooth(x - column), smooth(y - row));
    let at = |dx: i64, dy: i64| hash(column as i64 + dx, row as i64 + dy, salt);
    let top = at(0, 0) + (at(1, 0) - at(0, 0)) * s;
    let bottom = at(0, 1) + (at(1, 1) - at(0, 1)) * s;
    top + (bottom - top) * t
}

/// Uniform in 0 to 1 by place.
fn hash(x: i64, y: i64, salt: u64) -> f64 {
    let seed = (x as u64).wrapping_mul(0x9E37_79B9) ^ (y as u64).wrapping_mul(0x85EB_CA6B) ^ salt;
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

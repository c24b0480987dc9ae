//! Pixels equal OpenSlide 4 on every slide that it opens: random regions on every level.
//!
//! Needs `BIANQUE_PYTHON` (a Python with openslide-python and openslide-bin) and real slides
//! under `BIANQUE_SLIDES` (else `../shared/slides` beside the repository).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use bianque_core::{PixelRect, RgbImage};
use bianque_slide::{Codec, OpenOptions, Slide, TileIndex, open};
use bianque_testkit::surroundings;
use serde_json::Value;

const REGIONS_PER_LEVEL: u32 = 12;
const SEED: u32 = 20_261_123;

/// How far pixels may differ: at any place, and in the mean.
#[derive(Copy, Clone, Debug)]
struct Tolerance {
    anywhere: u8,
    mean: f64,
}

/// Every file below the folder that may be a slide, sorted.
fn candidates(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            candidates(&path, found);
        } else if !matches!(path.extension().and_then(|e| e.to_str()), Some("md" | "geojson")) {
            found.push(path);
        }
    }
    found.sort();
}

/// The same decoder gives the same bytes; others may round differently. OpenSlide decodes JPEG by
/// libjpeg-turbo. The pure-Rust decoder's inverse DCT rounds otherwise by one, which the colour
/// conversion of subsampled streams makes up to 5 in 3 pixels of 10,000 (docs/performance.md).
fn tolerance(codec: Option<Codec>) -> Tolerance {
    match codec {
        Some(Codec::Jpeg) if cfg!(feature = "turbojpeg") => Tolerance { anywhere: 0, mean: 0.0 },
        Some(Codec::Jpeg) => Tolerance { anywhere: 5, mean: 0.5 },
        Some(Codec::Jpeg2000Rgb | Codec::Jpeg2000YCbCr) => Tolerance { anywhere: 2, mean: 0.5 },
        Some(Codec::Raw { .. } | Codec::Packed { .. }) | None => {
            Tolerance { anywhere: 0, mean: 0.0 }
        }
    }
}

fn codec_of(slide: &dyn Slide, level: usize) -> Option<Codec> {
    slide.raw_tile(level, TileIndex { column: 0, row: 0 }).unwrap().map(|tile| tile.codec)
}

#[derive(Debug)]
struct Difference {
    anywhere: u8,
    mean: f64,
}

impl Difference {
    fn within(&self, allowed: Tolerance) -> bool {
        self.anywhere <= allowed.anywhere && self.mean <= allowed.mean
    }
}

/// OpenSlide leaves what lies outside transparent; ours is white there.
fn compare(ours: &RgbImage, rgba: &[u8]) -> Difference {
    assert_eq!(ours.pixels().len() / 3, rgba.len() / 4, "images of two sizes");
    let (mut anywhere, mut sum) = (0, 0);
    for (ours, theirs) in ours.pixels().chunks_exact(3).zip(rgba.chunks_exact(4)) {
        let expected = match theirs[3] {
            255 => [theirs[0], theirs[1], theirs[2]],
            0 => [255; 3],
            alpha => panic!("OpenSlide blends a pixel (alpha {alpha}): the region is off its grid"),
        };
        for (a, b) in ours.iter().zip(expected) {
            anywhere = anywhere.max(a.abs_diff(b));
            sum += u64::from(a.abs_diff(b));
        }
    }
    Difference { anywhere, mean: sum as f64 / ours.pixels().len() as f64 }
}

/// Associated images that we offer too must be the same ones.
fn check_associated(slide: &dyn Slide, path: &Path, name: &str, rgba: &[u8]) {
    if !slide.facts().associated.iter().any(|known| known == name) {
        println!("{}: associated image '{name}' is OpenSlide's alone", path.display());
        return;
    }
    let difference = compare(&slide.associated_image(name).unwrap(), rgba);
    assert!(
        difference.within(tolerance(Some(Codec::Jpeg))),
        "{}: associated image '{name}' differs by {difference:?}",
        path.display()
    );
}

/// Compares one slide; false where OpenSlide does not open it.
fn same_as_openslide(python: &Path, path: &Path) -> bool {
    let script = surroundings::crate_folder().join("tests/openslide_parity.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(path)
        .args([REGIONS_PER_LEVEL.to_string(), SEED.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let head = json_line(&mut output).expect("the script wrote nothing");
    if head["opens"] == false {
        println!("{}: OpenSlide does not open it: {}", path.display(), head["why"]);
        child.wait().unwrap();
        return false;
    }
    let slide = match open(path, &OpenOptions::default()) {
        Ok(slide) => slide,
        Err(error) => panic!("OpenSlide opens it, we do not: {error}"),
    };
    // Two files of a DICOM series are one slide for OpenSlide: levels are known by their size.
    let level_of = |level: &Value| {
        let size = &head["levels"][level.as_u64().unwrap() as usize];
        slide.facts().levels.iter().position(|l| size[0] == l.width && size[1] == l.height)
    };
    let mut worst = vec![(0_u8, 0.0_f64); slide.facts().levels.len()];
    let mut compared = 0;
    while let Some(region) = json_line(&mut output) {
        let side = |name: &str| u32::try_from(region[name].as_u64().unwrap()).unwrap();
        let (width, height) = (side("width"), side("height"));
        let mut rgba = vec![0; width as usize * height as usize * 4];
        output.read_exact(&mut rgba).unwrap();
        if let Some(name) = region["associated"].as_str() {
            check_associated(slide.as_ref(), path, name, &rgba);
            continue;
        }
        let Some(level) = level_of(&region["level"]) else { continue };
        let place = |name: &str| region[name].as_i64().unwrap();
        let rect = PixelRect::new(place("x"), place("y"), width, height);
        let difference = compare(&slide.read_region(level, rect).unwrap(), &rgba);
        let allowed = tolerance(codec_of(slide.as_ref(), level));
        assert!(
            difference.within(allowed),
            "{}: level {level}, {rect:?}: differs by {difference:?}; allowed {allowed:?}",
            path.display(),
        );
        let worst = &mut worst[level];
        *worst = (worst.0.max(difference.anywhere), worst.1.max(difference.mean));
        compared += 1;
    }
    assert!(child.wait().unwrap().success(), "the script failed on {}", path.display());
    assert!(compared > 0, "{}: no level of the same size", path.display());
    println!("{}: {compared} regions; largest and mean difference {worst:?}", path.display());
    true
}

fn json_line(output: &mut impl BufRead) -> Option<Value> {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
}

#[test]
fn every_slide_that_openslide_opens_has_the_same_pixels() {
    let Some(slides) = surroundings::real_slides() else { return };
    let Some(python) = surroundings::python() else { return };
    let mut paths = Vec::new();
    candidates(&slides, &mut paths);
    let mut failures = Vec::new();
    let mut opened = 0;
    for path in &paths {
        match std::panic::catch_unwind(|| same_as_openslide(&python, path)) {
            Ok(same) => opened += usize::from(same),
            Err(_) => failures.push(path.display().to_string()),
        }
    }
    assert!(failures.is_empty(), "differ from OpenSlide: {}", failures.join(", "));
    assert!(opened >= 5, "only {opened} slides were compared: is the folder whole?");
}

/// The comparison itself can fail.
#[test]
fn a_difference_is_seen() {
    let ours = RgbImage::filled(2, 1, [100, 100, 100]);
    let difference = compare(&ours, &[100, 100, 103, 255, 0, 0, 0, 0]);
    assert_eq!(difference.anywhere, 155);
    assert!((difference.mean - (3.0 + 3.0 * 155.0) / 6.0).abs() < 1e-9);
    assert!(!difference.within(Tolerance { anywhere: 2, mean: 255.0 }));
    assert!(!difference.within(Tolerance { anywhere: 255, mean: 0.5 }));
}

//! Slides on which there is nothing to judge, or which are broken: a verdict with its reason each,
//! never a crash, never a plain pass. And the same slide gives the same answer.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use bianque_core::RgbImage;
use bianque_quality::{Check, CheckSettings, Fault, Verdict, check_slide};
use bianque_slide::{OpenOptions, open};
use bianque_testkit::{
    SlideRecipe,
    tiff_writer::{Coding, Page, TiffWriter, resolution_tags},
    write_svs,
};

fn settings() -> CheckSettings {
    CheckSettings::with_overrides(None).unwrap()
}

fn checked(path: &Path) -> Check {
    match open(path, &OpenOptions::default()) {
        Ok(slide) => check_slide(slide.as_ref(), &settings()),
        Err(error) => Check::unreadable(&error.to_string()),
    }
}

/// A tiled TIFF of 0.5 um per pixel.
fn written(folder: &Path, image: &RgbImage) -> std::path::PathBuf {
    let path = folder.join("slide.tif");
    let mut writer = TiffWriter::create(&path).unwrap();
    let page = Page::tiled(image.width(), image.height(), 256, Coding::jpeg(90));
    writer.write_image(page.with_tags(resolution_tags(0.5)), image).unwrap();
    writer.finish().unwrap();
    path
}

fn faults(check: &Check) -> Vec<&'static str> {
    check.findings.iter().map(|finding| finding.fault.name()).collect()
}

#[test]
fn nothing_but_glass_is_sent_back() {
    let folder = tempfile::tempdir().unwrap();
    let check = checked(&written(folder.path(), &RgbImage::filled(3000, 2000, [242, 243, 241])));
    assert_eq!(check.verdict, Verdict::Rescan, "{:?}", faults(&check));
    assert!(faults(&check).contains(&"no-tissue"));
}

#[test]
fn a_black_scan_is_sent_back() {
    let folder = tempfile::tempdir().unwrap();
    let check = checked(&written(folder.path(), &RgbImage::filled(3000, 2000, [2, 2, 2])));
    assert_eq!(check.verdict, Verdict::Rescan, "{:?}", faults(&check));
    assert!(faults(&check).contains(&"underexposed"));
}

#[test]
fn a_single_pixel_cannot_be_judged() {
    let folder = tempfile::tempdir().unwrap();
    for side in [1, 3, 17] {
        let image = RgbImage::filled(side, side, [180, 90, 160]);
        let check = checked(&written(folder.path(), &image));
        assert_eq!(check.verdict, Verdict::Unreadable, "{side}: {:?}", faults(&check));
    }
}

#[test]
fn a_text_is_unreadable_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.svs");
    std::fs::write(&path, "no slide").unwrap();
    let check = checked(&path);
    assert_eq!(check.verdict, Verdict::Unreadable);
    assert!(!check.findings[0].note.is_empty());
}

/// A generated slide without lesions, small enough for a test.
fn sample(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("sample.svs");
    let recipe = SlideRecipe { width: 5000, height: 4000, lesions: 0, ..SlideRecipe::demo(3) };
    write_svs(&recipe, &path).unwrap();
    path
}

#[test]
fn a_sound_slide_passes_and_gives_the_same_answer_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample(folder.path());
    let first = checked(&path);
    assert!(first.verdict.passes(), "{:?}", first.findings);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let again = pool.install(|| checked(&path));
    assert_eq!(first.findings, again.findings);
    let bits = |check: &Check| -> Vec<(&'static str, u64)> {
        check.measures.iter().map(|(name, value)| (*name, value.to_bits())).collect()
    };
    assert_eq!(bits(&first), bits(&again), "one thread or many");
}

#[test]
fn one_broken_tile_is_found_and_placed() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample(folder.path());
    let slide = open(&path, &OpenOptions::default()).unwrap();
    // A tile in the middle of the tissue: its bytes are found again in the file.
    let tissue = checked(&path).tissue.unwrap();
    let tile = (0..slide.facts().levels[0].rows())
        .flat_map(|row| {
            (0..slide.facts().levels[0].columns())
                .map(move |column| bianque_slide::TileIndex { column, row })
        })
        .find(|tile| {
            let rect = bianque_core::PixelRect::new(
                i64::from(tile.column * 256),
                i64::from(tile.row * 256),
                256,
                256,
            );
            tissue.tissue_fraction(rect) > 0.99
        })
        .unwrap();
    let raw = slide.raw_tile(0, tile).unwrap().unwrap().bytes.to_vec();
    let scan = &raw[raw.len() - 600..raw.len() - 200];
    drop(slide);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(scan.len()).position(|window| window == scan).unwrap();
    // Markers that no scan may hold.
    bytes[at..at + 400].copy_from_slice(&[0xFF, 0xC0].repeat(200));
    std::fs::write(&path, bytes).unwrap();
    let check = checked(&path);
    let broken = check.findings.iter().find(|finding| finding.fault == Fault::BrokenTiles);
    let broken = broken.unwrap_or_else(|| panic!("{:?}", faults(&check)));
    assert_eq!(check.verdict, Verdict::Rescan);
    let middle = bianque_core::Point::new(
        f64::from(tile.column * 256 + 128),
        f64::from(tile.row * 256 + 128),
    );
    assert!(broken.areas.iter().any(|area| area.contains(middle)), "{:?}", broken.areas);
}

//! Real DICOM slides: facts, frames and pixels equal those of other readers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod dicom;

use bianque_slide::{Codec, Format, OpenOptions, Slide, SlideError, TileIndex, open};
use bianque_testkit::surroundings;
use dicom::{SAME, assert_equal, judge, level, real};

/// Those that OpenSlide reads.
const READABLE: [&str; 8] = [
    "boxes_0.dcm",
    "boxes_1.dcm",
    "gcp_jpeg.dcm",
    "gcp_jpeg2000.dcm",
    "gcp_raw.dcm",
    "multi_frame_jpeg2000_camelyon_challenge_image.dcm",
    "multi_frame_jpeg_camelyon_challenge_image.dcm",
    "multiframe_camelyon_challenge_image.dcm",
];

fn opened(name: &str) -> Box<dyn Slide> {
    open(&real(name), &OpenOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn facts_and_pixels_equal_those_of_openslide() {
    if surroundings::real_slides().is_none() || surroundings::python().is_none() {
        return;
    }
    let (most, mean) = SAME;
    for name in READABLE {
        let slide = opened(name);
        let facts = slide.facts();
        let theirs = judge("openslide", &real(name));
        let says = &theirs.facts;
        assert_eq!(facts.format, Format::DicomWsi, "{name}");
        let sizes: Vec<_> = facts.levels.iter().map(|l| [l.width, l.height]).collect();
        assert_eq!(serde_json::json!(sizes), says["levels"], "{name}");
        let tiles: Vec<_> = facts.levels.iter().map(|l| [l.tile_width, l.tile_height]).collect();
        assert_eq!(serde_json::json!(tiles), says["tiles"], "{name}");
        let mpp = facts.mpp.as_ref().unwrap();
        assert!((mpp.x() - says["mpp"][0].as_f64().unwrap()).abs() < 1e-9, "{name}");
        assert!((mpp.y() - says["mpp"][1].as_f64().unwrap()).abs() < 1e-9, "{name}");
        let power = facts.magnification.as_ref().map_or(0.0, |(power, _)| power.power());
        assert_eq!(Some(power), says["power"].as_f64(), "{name}");
        let icc = facts.icc_profile.as_ref().map_or(0, Vec::len);
        assert_eq!(Some(icc as u64), says["icc"].as_u64(), "{name}");
        let associated: Vec<_> = says["associated"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(facts.associated, associated, "{name}");
        for number in 0..facts.levels.len() {
            let pixels = theirs.file(&format!("level-{number}.rgb"));
            assert_equal(&level(slide.as_ref(), number), &pixels, most, mean, name);
        }
        for image in &facts.associated {
            let ours = slide.associated_image(image).unwrap().into_pixels();
            assert_equal(&ours, &theirs.file(&format!("{image}.rgb")), most, mean, name);
        }
    }
}

#[test]
fn raw_tiles_are_the_frames_that_pydicom_finds() {
    if surroundings::real_slides().is_none() || surroundings::python().is_none() {
        return;
    }
    for name in READABLE.into_iter().chain(["pathml_small_dicom.dcm"]) {
        if name == "boxes_1.dcm" {
            continue; // A thumbnail: its series' level is in boxes_0.
        }
        let slide = opened(name);
        let theirs = judge("pydicom", &real(name));
        let (columns, rows) = (slide.facts().levels[0].columns(), slide.facts().levels[0].rows());
        assert_eq!(theirs.facts["frames"].as_u64(), Some(u64::from(columns * rows)), "{name}");
        for row in 0..rows {
            for column in 0..columns {
                let tile = slide.raw_tile(0, TileIndex { column, row }).unwrap().unwrap();
                let frame = theirs.file(&format!("frame-{}", row * columns + column));
                assert!(tile.bytes == frame, "{name}: column {column}, row {row}");
            }
        }
    }
}

#[test]
fn the_same_image_in_three_syntaxes_looks_the_same() {
    if surroundings::real_slides().is_none() {
        return;
    }
    let [raw, lossless, lossy] = ["gcp_raw.dcm", "gcp_jpeg2000.dcm", "gcp_jpeg.dcm"].map(opened);
    let codec = |slide: &dyn Slide| {
        slide.raw_tile(0, TileIndex { column: 0, row: 0 }).unwrap().unwrap().codec
    };
    assert_eq!(codec(raw.as_ref()), Codec::Raw { samples: 3 });
    assert_eq!(codec(lossless.as_ref()), Codec::Jpeg2000Rgb);
    assert_eq!(codec(lossy.as_ref()), Codec::Jpeg);
    let truth = level(raw.as_ref(), 0);
    assert_equal(&level(lossless.as_ref(), 0), &truth, 0, 0.0, "JPEG 2000, lossless");
    assert_equal(&level(lossy.as_ref(), 0), &truth, 100, 4.0, "JPEG");
}

/// It states neither what it shows nor how its frames lie, a nonsensical volume, and RGB for JPEG
/// streams that are YCbCr.
#[test]
fn an_old_file_opens_with_warnings_and_true_colours() {
    if surroundings::real_slides().is_none() {
        return;
    }
    let slide = opened("pathml_small_dicom.dcm");
    let facts = slide.facts();
    assert_eq!((facts.levels[0].width, facts.levels[0].height), (3236, 2638));
    assert_eq!(facts.mpp, None);
    let warnings = facts.warnings.join("\n");
    for part in ["ImageType", "taken row by row", "which no scanner has"] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    let glass = slide.read_region(0, bianque_core::PixelRect::new(300, 330, 60, 60)).unwrap();
    let most = glass.pixels().iter().copied().max().unwrap();
    let least = glass.pixels().iter().copied().min().unwrap();
    assert!(least > 200 && most - least < 40, "glass is {least} to {most}: wrong colour space?");
}

/// The name of the patient stands in this file and nowhere in what is told of it.
#[test]
fn the_patient_is_not_told_of() {
    if surroundings::real_slides().is_none() {
        return;
    }
    let slide = opened("pathml_small_dicom.dcm");
    let facts = format!("{:?}", slide.facts());
    for word in ["TCGA-XK", "PatientName", "PatientID"] {
        assert!(!facts.contains(word), "{word} is in {facts}");
    }
    assert_eq!(slide.facts().properties["dicom.Modality"], "SM");
}

#[test]
fn a_folder_of_many_slides_and_another_modality_are_no_slides() {
    if surroundings::real_slides().is_none() {
        return;
    }
    let folder = open(&real(""), &OpenOptions::default()).map(drop).unwrap_err();
    assert!(matches!(folder, SlideError::NotASlide { .. }));
    assert!(folder.to_string().contains("9 DICOM whole-slide images in 7 series"), "{folder}");
    let nuclear = open(&real("libvips_dicom_test_image.dcm"), &OpenOptions::default());
    let nuclear = nuclear.map(drop).unwrap_err();
    assert!(matches!(nuclear, SlideError::NotASlide { .. }));
    assert!(nuclear.to_string().contains("not a whole-slide"), "{nuclear}");
}

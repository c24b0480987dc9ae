//! Slides of the testkit's writer: every layout and coding gives the pixels that were written, and
//! other readers agree that they are slides.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

mod dicom;

use std::path::Path;

use bianque_core::RgbImage;
use bianque_slide::{OpenOptions, Slide, SlideError, TileIndex, open};
use bianque_testkit::{
    dicom::{
        FrameCoding, FrameOrder, Identity, OffsetTable, Part, Pyramid, SparseOrder, Value,
        WsiInstance, tag, write_pyramid,
    },
    surroundings,
    tiff_writer::JpegColour,
};
use dicom::{SAME, assert_equal, judge, level};

const NATIVE: FrameCoding = FrameCoding::Native { implicit: false, planar: false };

/// Smooth ramps, which JPEG keeps nearly as they are.
fn ramps(width: u32, height: u32) -> RgbImage {
    let mut image = RgbImage::filled(width, height, [0; 3]);
    for y in 0..height {
        for x in 0..width {
            let pixel = [40 + x * 180 / width, 230 - y * 200 / height, 90 + (x + y) / 8];
            image.set_pixel(x, y, pixel.map(|value| value as u8));
        }
    }
    image
}

fn instance(image: &RgbImage) -> WsiInstance<'_> {
    WsiInstance::new(image, 64, 0.5, Identity::new(7, 1))
}

fn opened(path: &Path) -> Box<dyn Slide> {
    open(path, &OpenOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn written(instance: &WsiInstance<'_>) -> Box<dyn Slide> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.dcm");
    instance.write(&path).unwrap();
    opened(&path)
}

#[test]
fn every_native_layout_gives_the_pixels_back() {
    let image = ramps(150, 100);
    let orders = [
        FrameOrder::Full,
        FrameOrder::Unstated,
        FrameOrder::Sparse(SparseOrder { tiles: vec![5, 0, 3, 1, 4, 2], stated: true }),
        FrameOrder::Sparse(SparseOrder { tiles: (0..6).collect(), stated: false }),
    ];
    for order in orders {
        for (implicit, planar, delimited) in
            [(false, false, true), (true, false, false), (true, true, true), (false, true, false)]
        {
            let coding = FrameCoding::Native { implicit, planar };
            let slide = written(&WsiInstance {
                coding,
                delimited,
                order: order.clone(),
                ..instance(&image)
            });
            let what = format!("{order:?} {coding:?}");
            assert_equal(&level(slide.as_ref(), 0), image.pixels(), 0, 0.0, &what);
        }
    }
}

#[test]
fn every_jpeg_layout_gives_the_pixels_back() {
    let image = ramps(150, 100);
    let colours =
        [JpegColour::Rgb, JpegColour::YCbCr444, JpegColour::YCbCr422, JpegColour::YCbCr420];
    for colour in colours {
        for offsets in [OffsetTable::Empty, OffsetTable::Basic, OffsetTable::Extended] {
            // An extended table allows no cut frames (PS3.3, C.7.6.3.1.8).
            let fragments =
                if offsets == OffsetTable::Extended { vec![None] } else { vec![None, Some(300)] };
            for fragment in fragments {
                let coding = FrameCoding::Jpeg { quality: 95, colour };
                let slide = written(&WsiInstance { coding, offsets, fragment, ..instance(&image) });
                let what = format!("{colour:?} {offsets:?} {fragment:?}");
                assert_equal(&level(slide.as_ref(), 0), image.pixels(), 12, 2.0, &what);
            }
        }
    }
}

#[test]
fn grey_and_converted_colours_are_read() {
    let image = ramps(150, 100);
    let grey = written(&WsiInstance { coding: FrameCoding::Grey, ..instance(&image) });
    let red: Vec<u8> = image.pixels().chunks(3).flat_map(|pixel| [pixel[0]; 3]).collect();
    assert_equal(&level(grey.as_ref(), 0), &red, 0, 0.0, "grey");
    // Neutral YCbCr is white to black along luma.
    let mut neutral = RgbImage::filled(64, 64, [0, 128, 128]);
    neutral.set_pixel(3, 0, [200, 128, 128]);
    let photometric = Value::text(b"CS", "YBR_FULL");
    let slide = written(&WsiInstance {
        coding: NATIVE,
        changes: vec![(tag::PHOTOMETRIC_INTERPRETATION, Some(photometric))],
        ..instance(&neutral)
    });
    assert_eq!(level(slide.as_ref(), 0)[6..15], [0, 0, 0, 200, 200, 200, 0, 0, 0]);
}

#[test]
fn tiles_that_a_sparse_level_leaves_out_are_absent_and_warned_of() {
    let image = ramps(150, 100);
    let order = FrameOrder::Sparse(SparseOrder { tiles: vec![4, 0], stated: true });
    let slide = written(&WsiInstance { order, ..instance(&image) });
    let absent = |column, row| slide.raw_tile(0, TileIndex { column, row }).unwrap().is_none();
    assert!(!absent(0, 0) && absent(1, 0) && !absent(1, 1) && absent(2, 1));
    let warnings = slide.facts().warnings.join("\n");
    assert!(warnings.contains("leaves out 4 of 6 tiles"), "{warnings}");
    let beyond = slide.raw_tile(0, TileIndex { column: 3, row: 0 });
    assert!(matches!(beyond, Err(SlideError::Request(_))));
}

/// A slide of three levels with label and overview.
fn slide_folder(folder: &Path, coding: FrameCoding, sparse: bool) {
    let levels = [ramps(300, 200), ramps(150, 100), ramps(75, 50)];
    let (label, overview) = (ramps(40, 30), ramps(90, 30));
    let pyramid = Pyramid {
        slide: 3,
        levels: &levels,
        mpp: 0.25,
        tile: 64,
        label: Some(&label),
        overview: Some(&overview),
    };
    write_pyramid(folder, &pyramid, |number, instance| {
        instance.coding = coding;
        if sparse && number == 0 {
            let tiles = (0..20).rev().collect();
            instance.order = FrameOrder::Sparse(SparseOrder { tiles, stated: true });
        }
    })
    .unwrap();
}

#[test]
fn a_folder_is_one_pyramid_for_us_and_for_other_readers() {
    if surroundings::python().is_none() {
        return;
    }
    let jpeg = FrameCoding::Jpeg { quality: 95, colour: JpegColour::YCbCr422 };
    for (coding, sparse, (most, mean)) in
        [(NATIVE, false, (0, 0.0)), (jpeg, false, SAME), (jpeg, true, SAME)]
    {
        let folder = tempfile::tempdir().unwrap();
        slide_folder(folder.path(), coding, sparse);
        let slide = opened(folder.path());
        let facts = slide.facts();
        assert_eq!(facts.warnings, [""; 0]);
        assert_eq!(facts.associated, ["label", "macro"]);
        assert_eq!(facts.vendor.as_deref(), Some("Bianque testkit"));
        let sizes: Vec<_> = facts.levels.iter().map(|level| (level.width, level.height)).collect();
        assert_eq!(sizes, [(300, 200), (150, 100), (75, 50)]);
        assert_eq!(facts.levels[2].downsample, 4.0);
        assert!((facts.mpp.as_ref().unwrap().x() - 0.25).abs() < 1e-9);

        let openslide = judge("openslide", &folder.path().join("02.dcm"));
        let wsidicom = judge("wsidicom", folder.path());
        assert_eq!(wsidicom.facts["labels"], 1);
        assert_eq!(wsidicom.facts["overviews"], 1);
        assert!((wsidicom.facts["mpp"][0].as_f64().unwrap() - 0.25).abs() < 1e-9);
        assert_eq!(openslide.facts["levels"], wsidicom.facts["levels"]);
        for number in 0..3 {
            let ours = level(slide.as_ref(), number);
            for (name, theirs) in [("openslide", &openslide), ("wsidicom", &wsidicom)] {
                let what = format!("{name}, level {number}, {coding:?}");
                assert_equal(
                    &ours,
                    &theirs.file(&format!("level-{number}.rgb")),
                    most,
                    mean,
                    &what,
                );
            }
        }
        for name in ["label", "macro"] {
            let ours = slide.associated_image(name).unwrap().into_pixels();
            assert_equal(&ours, &openslide.file(&format!("{name}.rgb")), most, mean, name);
        }
    }
}

#[test]
fn any_file_of_a_series_stands_for_the_series() {
    let folder = tempfile::tempdir().unwrap();
    slide_folder(folder.path(), NATIVE, false);
    std::fs::write(folder.path().join("notes.txt"), "not DICOM").unwrap();
    let stranger = ramps(64, 64);
    let stranger_path = folder.path().join("stranger.dcm");
    WsiInstance::new(&stranger, 64, 0.5, Identity::new(99, 1)).write(&stranger_path).unwrap();
    for name in ["01.dcm", "03.dcm", "04.dcm"] {
        let slide = opened(&folder.path().join(name));
        assert_eq!(slide.facts().levels.len(), 3, "{name}");
        assert_eq!(slide.facts().associated, ["label", "macro"], "{name}");
    }
    assert_eq!(opened(&stranger_path).facts().levels.len(), 1);
    let refused = open(folder.path(), &OpenOptions::default()).map(drop).unwrap_err().to_string();
    assert!(refused.contains("6 DICOM whole-slide images in 2 series"), "{refused}");
    std::fs::remove_file(stranger_path).unwrap();
    assert_eq!(opened(folder.path()).facts().levels.len(), 3);
}

#[test]
fn a_level_cut_into_parts_is_one_level() {
    let image = ramps(150, 100);
    let folder = tempfile::tempdir().unwrap();
    for order in [
        FrameOrder::Full,
        FrameOrder::Sparse(SparseOrder { tiles: vec![5, 0, 3, 1, 4, 2], stated: true }),
    ] {
        for (number, frames) in [(1_u16, 0..2), (2, 2..5), (3, 5..6)] {
            let part = Part { uid: "2.25.77".into(), number, total: 3, frames };
            let identity = Identity::new(7, number.into());
            let cut = WsiInstance {
                part: Some(part),
                coding: NATIVE,
                order: order.clone(),
                identity,
                ..instance(&image)
            };
            cut.write(&folder.path().join(format!("{number}.dcm"))).unwrap();
        }
        let slide = opened(folder.path());
        assert_eq!(slide.facts().levels.len(), 1);
        assert_equal(&level(slide.as_ref(), 0), image.pixels(), 0, 0.0, &format!("{order:?}"));
    }
    std::fs::remove_file(folder.path().join("2.dcm")).unwrap();
    let error = open(folder.path(), &OpenOptions::default()).map(drop).unwrap_err().to_string();
    assert!(error.contains("is one missing?"), "{error}");
}

#[test]
fn contradictions_within_a_series_are_refused() {
    let image = ramps(64, 64);
    for (tag, text) in
        [(tag::PYRAMID_UID, "pyramids"), (tag::FRAME_OF_REFERENCE_UID, "frames of reference")]
    {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..3 {
            let changes = vec![(tag, Some(Value::text(b"UI", format!("2.25.{number}"))))];
            let identity = Identity::new(1, number);
            let one = WsiInstance { identity, changes, ..instance(&image) };
            one.write(&folder.path().join(format!("{number}.dcm"))).unwrap();
        }
        let error = open(folder.path(), &OpenOptions::default()).map(drop).unwrap_err();
        assert!(matches!(error, SlideError::NotASlide { .. }), "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    for number in 1..3 {
        let one = WsiInstance { identity: Identity::new(1, number), ..instance(&image) };
        one.write(&folder.path().join(format!("{number}.dcm"))).unwrap();
    }
    let error = open(folder.path(), &OpenOptions::default()).map(drop).unwrap_err();
    assert!(matches!(error, SlideError::Unsupported { .. }), "{error}");
}

#[test]
fn a_label_alone_is_no_slide() {
    let image = ramps(64, 64);
    let label = WsiInstance { image_type: "ORIGINAL\\PRIMARY\\LABEL\\NONE", ..instance(&image) };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("label.dcm");
    label.write(&path).unwrap();
    let error = open(&path, &OpenOptions::default()).map(drop).unwrap_err();
    assert!(matches!(error, SlideError::NotASlide { .. }), "{error}");
    assert!(error.to_string().contains("there is: label"), "{error}");
}

#[test]
fn an_unreadable_label_is_left_out_and_an_unreadable_level_refused() {
    let (label, level) = ("ORIGINAL\\PRIMARY\\LABEL\\NONE", "DERIVED\\PRIMARY\\VOLUME\\RESAMPLED");
    for (number, kind, opens) in [(3, label, true), (1, level, false)] {
        let folder = tempfile::tempdir().unwrap();
        slide_folder(folder.path(), NATIVE, false);
        let image = ramps(64, 64);
        let bits = Some(Value::UnsignedShort(vec![16]));
        let broken = WsiInstance {
            image_type: kind,
            changes: vec![(tag::BITS_ALLOCATED, bits)],
            identity: Identity::new(3, 20),
            ..instance(&image)
        };
        broken.write(&folder.path().join(format!("{:02}.dcm", number + 1))).unwrap();
        for path in [folder.path().to_owned(), folder.path().join("01.dcm")] {
            match open(&path, &OpenOptions::default()) {
                Ok(slide) => {
                    assert!(opens, "{kind}");
                    assert_eq!(slide.facts().associated, ["macro"]);
                    let warnings = slide.facts().warnings.join("\n");
                    assert!(
                        warnings.contains("left out") && warnings.contains("8 bits"),
                        "{warnings}"
                    );
                }
                Err(error) => {
                    assert!(!opens, "{error}");
                    assert!(matches!(error, SlideError::Unsupported { .. }), "{error}");
                }
            }
        }
    }
}

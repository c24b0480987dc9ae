//! Other people's readers open what the writers write, and see the same pixels. Runs `foreign.py`
//! with the interpreter that `BIANQUE_PYTHON` names.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

use std::{fmt::Debug, path::Path, process::Command};

use bianque_core::RgbImage;
use bianque_testkit::tiff_writer::{
    ByteOrder, Coding, JpegCoding, JpegColour, OffsetSize, Page, TiffWriter, resolution_tags,
};
use bianque_testkit::{SlideRecipe, surroundings, write_svs};

/// What `tifffile` or `openslide` sees in a file. Panics where it refuses the file.
fn judge(python: &Path, reader: &str, path: &Path) -> serde_json::Value {
    let script = surroundings::crate_folder().join("tests/foreign.py");
    let output = Command::new(python).arg(script).arg(reader).arg(path).output().unwrap();
    assert!(
        output.status.success(),
        "{reader} refuses {}: {}",
        path.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Fails when a colour that a reader saw is farther than `tolerance` from the one written.
fn assert_near(seen: &serde_json::Value, written: [u8; 3], tolerance: f64, what: &dyn Debug) {
    for (seen, written) in seen.as_array().unwrap().iter().zip(written) {
        let difference = (seen.as_f64().unwrap() - f64::from(written)).abs();
        assert!(difference <= tolerance, "{what:?}: {seen} was written as {written}");
    }
}

/// Smooth colour ramps: JPEG keeps them nearly as they are.
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

fn jpeg(colour: JpegColour, shared_tables: bool) -> Coding {
    Coding::Jpeg(JpegCoding { quality: 95, colour, shared_tables })
}

#[test]
fn tifffile_reads_every_coding_in_every_layout() {
    let Some(python) = surroundings::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let image = ramps(300, 200);
    let mut codings = vec![Coding::Raw];
    for predictor in [false, true] {
        codings.extend([Coding::Lzw { predictor }, Coding::Deflate { predictor }]);
    }
    let colours =
        [JpegColour::Rgb, JpegColour::YCbCr444, JpegColour::YCbCr422, JpegColour::YCbCr420];
    for colour in colours {
        codings.extend([jpeg(colour, false), jpeg(colour, true)]);
    }
    let layouts = [
        (ByteOrder::Little, OffsetSize::AsNeeded),
        (ByteOrder::Big, OffsetSize::AsNeeded),
        (ByteOrder::Little, OffsetSize::Big),
        (ByteOrder::Big, OffsetSize::Big),
    ];
    for (order, size) in layouts {
        let path = folder.path().join(format!("{order:?}-{size:?}.tif"));
        let mut writer = TiffWriter::create_with(&path, order, size).unwrap();
        for coding in &codings {
            writer.write_image(Page::tiled(300, 200, 128, *coding), &image).unwrap();
            writer.write_image(Page::stripped(300, 200, 48, *coding), &image).unwrap();
        }
        writer.finish().unwrap();
        let seen = judge(&python, "tifffile", &path);
        assert_eq!(seen["big"], size == OffsetSize::Big);
        assert_eq!(seen["order"], if order == ByteOrder::Little { "<" } else { ">" });
        let pages = seen["pages"].as_array().unwrap();
        assert_eq!(pages.len(), 2 * codings.len());
        for (index, page) in pages.iter().enumerate() {
            let coding = codings[index / 2];
            assert_eq!(page["tiled"], index % 2 == 0);
            let tolerance = if matches!(coding, Coding::Jpeg(_)) { 6.0 } else { 0.0 };
            assert_near(&page["first"], image.pixel(0, 0), tolerance, &coding);
            assert_near(&page["last"], image.pixel(299, 199), tolerance, &coding);
        }
    }
}

#[test]
fn openslide_reads_a_generic_pyramid() {
    let Some(python) = surroundings::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pyramid.tif");
    let mut writer = TiffWriter::create(&path).unwrap();
    for (side, subfile_type) in [(512, 0), (256, 1), (128, 1)] {
        let mut page =
            Page::tiled(side, side, 64, Coding::jpeg(90)).with_tags(resolution_tags(0.5));
        page.subfile_type = subfile_type;
        writer.write_image(page, &ramps(side, side)).unwrap();
    }
    writer.finish().unwrap();
    let seen = judge(&python, "openslide", &path);
    assert_eq!(seen["vendor"], "generic-tiff");
    assert_eq!(seen["levels"].as_array().unwrap().len(), 3);
    assert_eq!(seen["mpp"].as_str().unwrap().parse::<f64>().unwrap(), 0.5);
    assert_near(&seen["first"], ramps(512, 512).pixel(0, 0), 6.0, &"JPEG");
}

#[test]
fn the_written_slide_opens_elsewhere() {
    let Some(python) = surroundings::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.svs");
    let recipe = SlideRecipe {
        width: 2500,
        height: 1900,
        lesions: 1,
        lesion_diameters: (150.0, 200.0),
        ..SlideRecipe::demo(5)
    };
    write_svs(&recipe, &path).unwrap();
    let seen = judge(&python, "openslide", &path);
    assert_eq!(seen["vendor"], "aperio");
    assert_eq!(seen["levels"], serde_json::json!([[2500, 1900], [625, 475], [156, 118]]));
    assert_eq!(seen["mpp"].as_str().unwrap().parse::<f64>().unwrap(), 0.5);
    assert_eq!(seen["power"].as_str().unwrap().parse::<f64>().unwrap(), 20.0);
    let associated = &seen["associated"];
    assert_eq!(associated["label"], serde_json::json!([400, 400]));
    assert_eq!(associated["macro"], serde_json::json!([1280, 427]));
    assert_eq!(associated["thumbnail"], serde_json::json!([1024, 778]));
    let seen = judge(&python, "tifffile", &path);
    assert_eq!(seen["svs"], true);
    assert_eq!(seen["big"], false);
    // Every level shows the same slide, only smaller.
    let mean = |page: usize| seen["pages"][page]["mean"][1].as_f64().unwrap();
    assert!((mean(0) - mean(2)).abs() < 1.5, "{} {}", mean(0), mean(2));
    assert!((mean(0) - mean(3)).abs() < 1.5, "{} {}", mean(0), mean(3));
}

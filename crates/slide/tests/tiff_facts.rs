//! What we say of real TIFF slides equals what OpenSlide says of them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bianque_slide::{Format, OpenOptions, SlideError, open};
use bianque_testkit::surroundings;
use serde_json::Value;

fn openslide_says(python: &Path, paths: &[PathBuf]) -> Value {
    let script = surroundings::crate_folder().join("tests/tiff_facts.py");
    let output = Command::new(python).arg(script).args(paths).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn facts_equal_those_of_openslide() {
    let Some(slides) = surroundings::real_slides() else { return };
    let Some(python) = surroundings::python() else { return };
    let paths: Vec<PathBuf> = [
        "svs/CMU-1-Small-Region.svs",
        "svs/tcga-cr-7395-01a-01-ts1.svs",
        "polyp-section-1.svs",
        "composed/composed-1.svs",
        "tiff/boxes.tiff",
        "tiff/pathml_small_HE_levels.tiff",
    ]
    .iter()
    .map(|name| slides.join(name))
    .collect();
    let theirs = openslide_says(&python, &paths);
    for path in &paths {
        compare(path, &theirs[path.to_str().unwrap()]);
    }
}

fn compare(path: &Path, theirs: &Value) {
    let slide = open(path, &OpenOptions::default()).unwrap();
    let facts = slide.facts();
    let name = path.display();
    let sizes: Vec<_> = facts.levels.iter().map(|l| [l.width, l.height]).collect();
    assert_eq!(serde_json::to_value(sizes).unwrap(), theirs["levels"], "{name}");
    let tiles: Vec<_> = facts.levels.iter().map(|l| [l.tile_width, l.tile_height]).collect();
    assert_eq!(serde_json::to_value(tiles).unwrap(), theirs["tiles"], "{name}");
    for (level, downsample) in facts.levels.iter().zip(theirs["downsamples"].as_array().unwrap()) {
        assert!((level.downsample - downsample.as_f64().unwrap()).abs() < 1e-9, "{name}");
    }
    let mut associated = facts.associated.clone();
    associated.sort();
    let expected: Vec<&String> = theirs["associated"].as_object().unwrap().keys().collect();
    assert_eq!(associated.iter().collect::<Vec<_>>(), expected, "{name}");
    for image in &facts.associated {
        let pixels = slide.associated_image(image).unwrap();
        let size = serde_json::json!([pixels.width(), pixels.height()]);
        assert_eq!(size, theirs["associated"][image], "{name}: {image}");
    }
    let properties = theirs["properties"].as_object().unwrap();
    for (key, value) in properties {
        if key.starts_with("aperio.")
            || matches!(key.as_str(), "tiff.Software" | "tiff.ImageDescription")
        {
            assert_eq!(
                facts.properties.get(key).map(String::as_str),
                value.as_str(),
                "{name}: {key}"
            );
        }
    }
    for key in facts.properties.keys().filter(|key| key.starts_with("aperio.")) {
        assert!(properties.contains_key(key), "{name}: OpenSlide has no {key}");
    }
    let icc = properties.get("openslide.icc-size").map(|size| size.as_str().unwrap().to_owned());
    assert_eq!(facts.icc_profile.as_ref().map(|icc| icc.len().to_string()), icc, "{name}");
    if facts.format == Format::AperioSvs {
        let mpp = properties.get("openslide.mpp-x").map(|mpp| mpp.as_str().unwrap());
        let mpp = mpp.map(|mpp| mpp.parse::<f64>().unwrap());
        assert_eq!(facts.mpp.as_ref().map(|mpp| mpp.x()), mpp, "{name}");
        let power = properties.get("openslide.objective-power").map(|p| p.as_str().unwrap());
        let power = power.map(|power| power.parse::<f64>().unwrap());
        assert_eq!(facts.magnification.as_ref().map(|(power, _)| power.power()), power, "{name}");
    }
    assert_eq!(facts.warnings, [""; 0], "{name}");
}

#[test]
fn screen_resolutions_and_powers_are_no_statement() {
    let Some(slides) = surroundings::real_slides() else { return };
    for name in
        ["tiff/boxes.tiff", "tiff/pathml_small_HE_levels.tiff", "svs/tcga-cr-7395-01a-01-ts1.svs"]
    {
        let slide = open(&slides.join(name), &OpenOptions::default()).unwrap();
        assert_eq!(slide.facts().mpp_statements, [], "{name}");
    }
    let options = OpenOptions { mpp: Some(0.5), ..OpenOptions::default() };
    let slide = open(&slides.join("svs/tcga-cr-7395-01a-01-ts1.svs"), &options).unwrap();
    assert_eq!(slide.facts().mpp.as_ref().unwrap().x(), 0.5);
}

#[test]
fn a_flat_stripped_tiff_opens() {
    let Some(slides) = surroundings::real_slides() else { return };
    let slide = open(&slides.join("tiff/kidney-48-5.tif"), &OpenOptions::default()).unwrap();
    let facts = slide.facts();
    assert_eq!((facts.levels.len(), facts.levels[0].width, facts.levels[0].height), (1, 1493, 901));
    assert!(slide.raw_tile(0, bianque_slide::TileIndex { column: 0, row: 0 }).unwrap().is_some());
}

#[test]
fn what_is_no_colour_slide_is_refused_clearly() {
    let Some(slides) = surroundings::real_slides() else { return };
    for (name, text) in [
        ("qptiff/small_vectra.qptiff", "3 images of 1920 x 1440 px"),
        ("ometiff/multi-channel-z-series.ome.tif", "sample format 2"),
        ("tiff/pathml_smalltif.tif", "[16] bits per sample"),
        ("czi/RGB-8bit.czi", "Zeiss CZI"),
    ] {
        let error = open(&slides.join(name), &OpenOptions::default()).err().unwrap();
        let refused =
            matches!(error, SlideError::Unsupported { .. } | SlideError::NotASlide { .. });
        assert!(refused && error.to_string().contains(text), "{name}: {error}");
    }
}

//! The Python package under `python/`: its own tests, and that what it writes is read here.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bianque_core::{Confidence, Digest, Mpp, MppSource, PixelRect, Producer};
use bianque_lesion::{
    Bags, Cell, FeatureFacts, FeatureFolder, FeatureMatrix, SlideFeatures, TileGrid,
};
use bianque_testkit::surroundings;

fn package() -> PathBuf {
    surroundings::crate_folder().join("../../python")
}

/// Runs the interpreter in the package's folder.
fn python(interpreter: &Path, arguments: &[&str]) -> String {
    let output = Command::new(interpreter)
        .args(arguments)
        .current_dir(package())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("the Python of BIANQUE_PYTHON does not start");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}{complaint}");
    format!("{said}{complaint}")
}

fn features(steps: u32) -> SlideFeatures {
    let mpp = Mpp::new(0.2527, 0.2527, MppSource::User, Confidence::High).unwrap();
    let bounds = PixelRect::new(0, 0, 46_000, 32_914);
    let grid = TileGrid::over(bounds, &mpp, 224, 0.5, steps).unwrap();
    let cells: Vec<Cell> = grid.cells().filter(|cell| (cell.row + cell.column) % 7 == 3).collect();
    let value = |i: usize| (i as f32 * 0.37).sin();
    let vectors = FeatureMatrix::new(5, (0..cells.len() * 5).map(value).collect()).unwrap();
    let facts = FeatureFacts {
        schema: 1,
        slide: "name:a".into(),
        mpp,
        grid,
        tissue: 0.0,
        encoder: Producer {
            name: "uni_v1".into(),
            version: "1".into(),
            digest: None,
            licence: Some("CC-BY-NC-ND-4.0".into()),
        },
        recipe_digest: Digest::of(b"recipe"),
        dimension: 5,
        program: "0".into(),
        left_out: Vec::new(),
    };
    SlideFeatures::new(facts, cells, &vectors).unwrap()
}

#[test]
fn the_packages_own_tests_pass() {
    let Some(interpreter) = surroundings::python() else { return };
    let said = python(&interpreter, &["-m", "unittest", "discover", "-s", "tests"]);
    // A skipped test is one that nobody ran.
    assert!(said.contains("OK") && !said.contains("skipped"), "{said}");
}

#[test]
fn features_come_back_from_other_programs_files() {
    let Some(interpreter) = surroundings::python() else { return };
    for (steps, program, below) in [(1, "trident", ""), (2, "trident", ""), (1, "clam", "h5_files")]
    {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let own = features(steps);
        own.write(&folder.path().join("own/a.safetensors")).unwrap();
        let (to, from) = (format!("to-{program}"), format!("from-{program}"));
        let module = ["-m", "bianque_features"];
        python(&interpreter, &[module[0], module[1], &to, &at("own"), "--out", &at("there")]);
        let there = at(&format!("there/{below}"));
        let back = at("back");
        let encoder = ["--encoder", "uni_v1", "--mpp", "0.2527", "--snap", "1"];
        let run = [&module[..], &[&from, &there, "--out", &back], &encoder].concat();
        python(&interpreter, &run);
        let found = FeatureFolder::scan(Path::new(&back)).unwrap();
        let place = found.find("a.svs").unwrap();
        assert_eq!(found.bags(&[place]).read(0, None).unwrap(), own.matrix().unwrap(), "{program}");
        let read = SlideFeatures::read(&Path::new(&back).join("a.safetensors")).unwrap();
        // Other programs keep whole level-0 pixels.
        for (cell, other) in own.cells().iter().zip(read.cells()) {
            let (a, b) = (own.facts.grid.tile_rect(*cell), read.facts.grid.tile_rect(*other));
            assert!(a.x.abs_diff(b.x) <= 1 && a.y.abs_diff(b.y) <= 1, "{program}: {a:?} {b:?}");
        }
    }
}

#[test]
fn a_recipe_has_the_same_digest_here_and_there() {
    let Some(interpreter) = surroundings::python() else { return };
    for length in [0, 1, 63, 64, 65, 1023, 1024] {
        let text = "x".repeat(length);
        let program =
            format!("from bianque_features.digest import digest; print(digest('{text}'))");
        let said = python(&interpreter, &["-c", &program]);
        assert_eq!(said.trim(), Digest::of(text.as_bytes()).to_string(), "{length}");
    }
}

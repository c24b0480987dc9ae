//! Files that PyTorch itself wrote, in every way of writing them, read as the safetensors of the
//! same values do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{path::Path, process::Command};

use bianque_core::RgbImage;
use bianque_testkit::surroundings;
use bianque_vision::{Container, Recipe, Result, Verification, inspect, load_with_weights, verify};

fn fixture(file: &str) -> std::path::PathBuf {
    surroundings::crate_folder().join("tests/fixtures/learned").join(file)
}

/// Lets Python write the fixture's weights in all ways into `folder`; `None` without Python.
fn written(folder: &Path) -> Option<Vec<String>> {
    let python = surroundings::python()?;
    let script = surroundings::crate_folder().join("tests/torch_files.py");
    let weights = fixture("weights.safetensors");
    let output = Command::new(python).arg(script).arg(weights).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

fn verify_fixture(weights: &Path) -> Result<Verification> {
    let recipe = fixture("recipe.json");
    verify(&Recipe::read(&recipe)?, &recipe, weights)
}

fn features(weights: &Path) -> Result<Vec<u32>, String> {
    let recipe = fixture("recipe.json");
    let encoder = load_with_weights(&recipe, weights).map_err(|error| error.to_string())?;
    let mut out = vec![0.0; encoder.dimension()];
    encoder.encode(&[RgbImage::filled(48, 48, [180, 90, 150])], &mut out).unwrap();
    Ok(out.into_iter().map(f32::to_bits).collect())
}

#[test]
fn torch_files_equal_safetensors() {
    let folder = tempfile::tempdir().unwrap();
    let Some(names) = written(folder.path()) else { return };
    let expected = features(&fixture("weights.safetensors")).unwrap();
    let good = names.iter().filter(|name| name.starts_with("good-"));
    for name in good.clone() {
        let path = folder.path().join(name);
        assert_eq!(features(&path).as_ref(), Ok(&expected), "{name}");
        let verified = verify_fixture(&path).unwrap();
        assert_eq!(verified.container, Container::Torch);
        assert!(verified.fits(), "{name}: {:?}", verified.survey);
    }
    assert!(good.count() >= 10);
    let brains = |file: &str| features(&folder.path().join(file)).unwrap();
    assert_eq!(brains("brains.pth"), brains("brains.safetensors"));
}

#[test]
fn torch_files_that_need_code_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let Some(names) = written(folder.path()) else { return };
    let mut bad = 0;
    for name in names.iter().filter(|name| name.starts_with("bad-")) {
        // bad-WHAT-THE-MESSAGE-NAMES.pth
        let says = name.trim_start_matches("bad-").trim_end_matches(".pth");
        let said = inspect(&folder.path().join(name)).map(|_| "accepted").unwrap_err().to_string();
        assert!(said.contains(says), "{name}: {said}");
        bad += 1;
    }
    assert!(bad >= 7);
}

#[test]
fn what_torch_wrote_is_found_wanting_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_) = written(folder.path()) else { return };
    let verified = |name: &str| verify_fixture(&folder.path().join(name)).unwrap();
    let nan = verified("found-nan.pth");
    assert!(nan.survey.damaged["blocks.1.mlp.fc2.bias"].contains("NaN"));
    assert!(!nan.fits() && nan.features.is_none());
    let other = verified("found-other.pth");
    assert_eq!(other.survey.missing.keys().collect::<Vec<_>>(), ["norm.bias"]);
    assert_eq!(other.survey.misshapen["cls_token"], [vec![1, 1, 7], vec![1, 1, 48]]);
    assert_eq!(other.survey.left_over, ["blocks.2.norm1.weight"]);
    assert!(other.survey.damaged["norm.weight"].contains("I64"));
    let two = verified("found-two.pth");
    assert!(two.survey.problems[0].contains("several encoders"), "{:?}", two.survey.problems);
    let none = verified("found-none.pth");
    assert!(none.survey.problems[0].contains("no class token"), "{:?}", none.survey.problems);
}

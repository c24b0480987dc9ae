//! A user's own ONNX model against our engine with the same weights, and models that are none.
#![cfg(feature = "onnxruntime")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{path::Path, process::Command};

use bianque_core::RgbImage;
use bianque_testkit::surroundings;
use bianque_vision::{
    Container, Recipe, load, load_with_weights, test_tiles, use_onnx_runtime, verify,
};
use serde_json::{Value, json};

/// The small network's recipe with an ONNX architecture instead.
fn recipe(folder: &Path, architecture: &Value) -> std::path::PathBuf {
    let text = std::fs::read_to_string(folder.join("small/recipe.json")).unwrap();
    let mut recipe: Value = serde_json::from_str(&text).unwrap();
    recipe["architecture"] = architecture.clone();
    recipe["weights"] = json!("small.onnx");
    let path = folder.join("onnx.json");
    std::fs::write(&path, recipe.to_string()).unwrap();
    path
}

fn complaint(folder: &Path, architecture: &Value, model: &str) -> String {
    let recipe = recipe(folder, architecture);
    let loaded = load_with_weights(&recipe, &folder.join(model));
    loaded.err().map(|error| error.to_string()).unwrap_or_default()
}

/// One test, since a process loads one library once.
#[test]
fn onnx_models() {
    let Some(python) = surroundings::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = surroundings::crate_folder().join("tests/onnx_models.py");
    let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let library = String::from_utf8(output.stdout).unwrap();
    use_onnx_runtime(Path::new(library.lines().last().unwrap())).unwrap();
    assert!(use_onnx_runtime(Path::new("elsewhere")).is_err(), "one library a process");
    equals_our_engine(folder.path());
    refuses_what_is_no_encoder(folder.path());
}

fn equals_our_engine(folder: &Path) {
    let tiles: Vec<RgbImage> = test_tiles(96);
    let features = |recipe: &Path| {
        let encoder = load(recipe).unwrap();
        let mut out = vec![f32::NAN; tiles.len() * encoder.dimension()];
        encoder.encode(&tiles, &mut out).unwrap();
        (out, encoder.producer().clone())
    };
    let path = recipe(folder, &json!({"kind": "onnx", "dimension": 96}));
    let (theirs, producer) = features(&path);
    let (ours, _) = features(&folder.join("small/recipe.json"));
    let greatest = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("ONNX Runtime differs by {greatest:.2e}");
    assert!(theirs.iter().all(|value| value.is_finite()) && greatest < 1e-4);
    let verified =
        verify(&Recipe::read(&path).unwrap(), &path, &folder.join("small.onnx")).unwrap();
    assert!(verified.fits() && verified.container == Container::Onnx);
    assert_eq!(Some(verified.digest), producer.digest);
}

fn refuses_what_is_no_encoder(folder: &Path) {
    let small = json!({"kind": "onnx", "dimension": 96});
    let cases = [
        (json!({"kind": "onnx", "dimension": 95}), "small.onnx", "shape [-1, 96], not [1, 95]"),
        (json!({"kind": "onnx", "dimension": 0}), "small.onnx", "architecture.dimension 0"),
        (
            json!({"kind": "onnx", "dimension": 96, "input": "image"}),
            "small.onnx",
            "no input 'image': there are pixels",
        ),
        (
            json!({"kind": "onnx", "dimension": 96, "output": "x"}),
            "small.onnx",
            "no output 'x': there are features",
        ),
        (json!({"kind": "onnx", "dimension": 96, "width": 1}), "small.onnx", "width"),
        (small.clone(), "tokens.onnx", "not [1, 96]"),
        (small.clone(), "elsewhere.onnx", "keeps weights in other files"),
        (small.clone(), "truncated.onnx", "ONNX Runtime does not take it"),
        (small.clone(), "noise.onnx", "ONNX Runtime does not take it"),
        (small.clone(), "small/weights.safetensors", "ONNX Runtime does not take it"),
        (small.clone(), "absent.onnx", "cannot read"),
    ];
    for (architecture, model, says) in cases {
        let said = complaint(folder, &architecture, model);
        assert!(said.contains(says), "{model}, {architecture}: {said}");
    }
    let path = recipe(folder, &small);
    let mut named: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    named["digest"] = json!(format!("blake3:{}", "0".repeat(64)));
    std::fs::write(&path, named.to_string()).unwrap();
    assert!(load(&path).err().unwrap().to_string().contains("another file"));
}

//! The convolutional engine against timm's `tf_efficientnet_lite0` with random weights.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{path::Path, process::Command};

use bianque_core::RgbImage;
use bianque_testkit::surroundings;

const TILES: usize = 3;

/// Runs the script that makes models and features; the interpreter must have torch and timm.
fn make(python: &Path, directory: &Path, size: usize) {
    let script = surroundings::crate_folder().join("tests/convnet_equality.py");
    let status = Command::new(python)
        .arg(script)
        .arg("lite0")
        .arg(directory)
        .arg(size.to_string())
        .status()
        .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
    assert!(status.success(), "{} failed", python.display());
}

/// The script's made-up tiles.
fn tiles(size: usize) -> Vec<RgbImage> {
    let value = |t: usize, y: usize, x: usize, c: usize| {
        let texture = x * 7 + y * 13 + c * 29 + (x * y + t * 5) % 31 * 3;
        ((texture + (x / 9 + y / 11) % 2 * 60 + t * 17) % 256) as u8
    };
    (0..TILES)
        .map(|t| {
            let pixels =
                (0..size * size * 3).map(|i| value(t, i / 3 / size, i / 3 % size, i % 3)).collect();
            RgbImage::from_pixels(size as u32, size as u32, pixels).unwrap()
        })
        .collect()
}

/// Largest difference by the largest value, and smallest cosine of a tile.
fn compare(directory: &Path, size: usize) -> (f64, f64) {
    let encoder = bianque_vision::load(&directory.join("recipe.json")).unwrap();
    let mut got = vec![f32::NAN; TILES * encoder.dimension()];
    encoder.encode(&tiles(size), &mut got).unwrap();
    let bytes = std::fs::read(directory.join("features.f32")).unwrap();
    let expected: Vec<f32> =
        bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    assert_eq!(got.len(), expected.len());
    assert!(got.iter().chain(&expected).all(|value| value.is_finite()));
    let largest = expected.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
    let pairs = || got.iter().zip(&expected);
    let difference = pairs().fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()));
    let cosine = |(a, b): (&[f32], &[f32])| {
        let dot = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
        };
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    let rows = got.chunks(encoder.dimension()).zip(expected.chunks(encoder.dimension()));
    (f64::from(difference / largest), rows.map(cosine).fold(1.0, f64::min))
}

#[test]
fn equals_timm_on_random_weights() {
    let Some(python) = surroundings::python() else { return };
    // 224 is the trained size; 250 makes odd edges, where padding is easy to get wrong.
    for size in [224, 250] {
        let directory = tempfile::tempdir().unwrap();
        make(&python, directory.path(), size);
        let (difference, cosine) = compare(&directory.path().join("float32"), size);
        println!("{size} px, F32 weights: difference {difference:.1e}, cosine {cosine:.9}");
        assert!(difference < 1e-4 && cosine > 0.999_999, "{difference} {cosine}");
        let (difference, cosine) = compare(&directory.path().join("float16"), size);
        println!("{size} px, F16 weights: difference {difference:.1e}, cosine {cosine:.9}");
        assert!(difference < 1e-2 && cosine > 0.9999, "{difference} {cosine}");
    }
}

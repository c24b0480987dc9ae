//! What encoders say of a tile's parts, against timm and against what they say of whole tiles.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{path::PathBuf, process::Command};

use bianque_core::RgbImage;
use bianque_testkit::surroundings;
use bianque_vision::{Encoder, VisionError, load, test_tiles};

fn fixture(name: &str) -> PathBuf {
    surroundings::crate_folder().join("tests/fixtures").join(name)
}

fn encoder(name: &str) -> Box<dyn Encoder> {
    load(&fixture(name).join("recipe.json")).unwrap()
}

fn tiles(encoder: &dyn Encoder) -> Vec<RgbImage> {
    test_tiles(encoder.recipe().input.size)
}

fn both(encoder: &dyn Encoder, tiles: &[RgbImage]) -> (Vec<f32>, Vec<f32>) {
    let grid = encoder.tokens().unwrap();
    let mut vectors = vec![f32::NAN; tiles.len() * encoder.dimension()];
    let mut tokens = vec![f32::NAN; tiles.len() * grid.edge * grid.edge * grid.dimension];
    encoder.encode_with_tokens(tiles, &mut vectors, &mut tokens).unwrap();
    (vectors, tokens)
}

fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let apart = |(a, b): (&f32, &f32)| {
        let apart = (a - b).abs();
        if apart.is_nan() { f32::INFINITY } else { apart }
    };
    a.iter().zip(b).map(apart).fold(0.0, f32::max)
}

#[test]
fn vectors_are_the_same_with_tokens_and_their_mean_where_that_is_said() {
    for name in ["learned", "rotary", "convnet-tiny"] {
        let encoder = encoder(name);
        let tiles = tiles(encoder.as_ref());
        let mut alone = vec![0.0; tiles.len() * encoder.dimension()];
        encoder.encode(&tiles, &mut alone).unwrap();
        let (vectors, tokens) = both(encoder.as_ref(), &tiles);
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        if name == "rotary" {
            assert!(furthest(&vectors, &alone) < 1e-5, "{name}");
        } else {
            assert_eq!(bits(&vectors), bits(&alone), "{name}");
        }
        let grid = encoder.tokens().unwrap();
        assert_eq!(grid.averages, name != "rotary", "{name}");
        let parts = grid.edge * grid.edge;
        for (vector, tokens) in vectors
            .chunks_exact(encoder.dimension())
            .zip(tokens.chunks_exact(parts * grid.dimension))
            .filter(|_| grid.averages)
        {
            let mean: Vec<f32> = (0..grid.dimension)
                .map(|at| {
                    tokens.iter().skip(at).step_by(grid.dimension).sum::<f32>() / parts as f32
                })
                .collect();
            assert!(furthest(&mean, vector) < 1e-4, "{name}");
        }
    }
}

#[test]
fn tokens_and_attention_are_timm_s() {
    let Some(python) = surroundings::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = surroundings::crate_folder().join("tests/tokens_reference.py");
    let status = Command::new(python)
        .arg(script)
        .arg(fixture("learned"))
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(status.success(), "tokens_reference.py failed: {status}");
    let floats = |name: &str| -> Vec<f32> {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let encoder = encoder("learned");
    let size = encoder.recipe().input.size;
    let bytes = std::fs::read(fixture("learned").join("tiles.bin")).unwrap();
    let tiles: Vec<RgbImage> = bytes
        .chunks_exact((size * size * 3) as usize)
        .map(|pixels| RgbImage::from_pixels(size, size, pixels.to_vec()).unwrap())
        .collect();
    let (_, tokens) = both(encoder.as_ref(), &tiles);
    let half = encoder.dimension() / 2;
    // A part's vector is class token and patch; timm's file has the patches.
    let patches: Vec<f32> =
        tokens.chunks_exact(2 * half).flat_map(|t| t[half..].to_vec()).collect();
    assert!(furthest(&patches, &floats("tokens.bin")) < 1e-4);
    let edge = encoder.attention_edge().unwrap();
    let mut attention = vec![f32::NAN; tiles.len() * edge * edge];
    encoder.attention(&tiles, &mut attention).unwrap();
    assert!(furthest(&attention, &floats("attention.bin")) < 1e-5);
    assert!(attention.chunks_exact(edge * edge).all(|tile| tile.iter().sum::<f32>() < 1.0));
}

#[test]
fn places_of_a_feature_map_are_in_the_tile_s_order() {
    let encoder = encoder("convnet-tiny");
    let (size, grid) = (encoder.recipe().input.size, encoder.tokens().unwrap());
    let plain = RgbImage::filled(size, size, [200, 150, 180]);
    let mut marked = plain.clone();
    for y in 0..size / 4 {
        for x in size * 3 / 4..size {
            marked.set_pixel(x, y, [20, 30, 90]);
        }
    }
    let (_, tokens) = both(encoder.as_ref(), &[plain, marked]);
    let (plain, marked) = tokens.split_at(tokens.len() / 2);
    let change = |at: usize| {
        let range = at * grid.dimension..(at + 1) * grid.dimension;
        furthest(&plain[range.clone()], &marked[range])
    };
    let most = (0..grid.edge * grid.edge).max_by(|a, b| change(*a).total_cmp(&change(*b))).unwrap();
    let (row, column) = (most / grid.edge, most % grid.edge);
    assert!(row < grid.edge.div_ceil(2) && column >= grid.edge / 2, "row {row}, column {column}");
}

#[test]
fn buffers_of_a_wrong_length_and_attention_of_a_convolution_are_refused() {
    let encoder = encoder("convnet-tiny");
    let tiles = tiles(encoder.as_ref());
    let mut vectors = vec![0.0; tiles.len() * encoder.dimension()];
    let error = encoder.encode_with_tokens(&tiles, &mut vectors, &mut [0.0; 3]).unwrap_err();
    assert!(matches!(error, VisionError::OutputSize { actual: 3, .. }));
    let error = encoder.attention(&tiles, &mut vectors).unwrap_err();
    assert!(matches!(error, VisionError::NoAttention { .. }));
}

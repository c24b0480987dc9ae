use std::{collections::BTreeMap, path::PathBuf};

use super::*;
use crate::recipe::Architecture;

fn fixture(file: &str) -> PathBuf {
    bianque_testkit::surroundings::crate_folder().join("tests/fixtures/convnet-tiny").join(file)
}

fn recipe() -> Recipe {
    serde_json::from_slice(&std::fs::read(fixture("recipe.json")).unwrap()).unwrap()
}

fn plan(recipe: &Recipe) -> ConvNetPlan {
    let Architecture::ConvNet(net) = &recipe.architecture else { panic!("another network") };
    ConvNetPlan::new(net, recipe.input.size).unwrap()
}

fn encoder(recipe: Recipe, instructions: Instructions) -> ConvNetEncoder {
    let weights = Weights::open(&fixture("weights.safetensors"), None).unwrap();
    let plan = plan(&recipe);
    ConvNetEncoder::read_for(recipe, plan, weights, instructions).unwrap()
}

/// The made-up tiles of `tests/convnet_equality.py`.
fn tiles(count: usize, size: usize) -> Vec<RgbImage> {
    let value = |t: usize, y: usize, x: usize, c: usize| {
        let texture = x * 7 + y * 13 + c * 29 + (x * y + t * 5) % 31 * 3;
        ((texture + (x / 9 + y / 11) % 2 * 60 + t * 17) % 256) as u8
    };
    (0..count)
        .map(|t| {
            let pixels =
                (0..size * size * 3).map(|i| value(t, i / 3 / size, i / 3 % size, i % 3)).collect();
            RgbImage::from_pixels(size as u32, size as u32, pixels).unwrap()
        })
        .collect()
}

fn encoded(encoder: &ConvNetEncoder, tiles: &[RgbImage]) -> Vec<f32> {
    let mut out = vec![f32::NAN; tiles.len() * encoder.dimension()];
    encoder.encode(tiles, &mut out).unwrap();
    out
}

#[test]
fn the_committed_network_gives_the_features_of_timm() {
    let rows: Vec<Vec<f32>> =
        serde_json::from_slice(&std::fs::read(fixture("features.json")).unwrap()).unwrap();
    let expected = rows.concat();
    let best = encoded(&encoder(recipe(), Instructions::best()), &tiles(2, 36));
    for set in Instructions::available() {
        let got = encoded(&encoder(recipe(), set), &tiles(2, 36));
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(&expected) {
            assert!((got - expected).abs() < 1e-4, "{set:?}: {got} instead of {expected}");
        }
        assert!(got == best || !set.fused(), "{set:?} rounds differently");
    }
}

#[test]
fn strips_do_not_change_a_tile_of_any_size() {
    for size in [1, 2, 31, 33, 100] {
        let mut recipe = recipe();
        recipe.input.size = size;
        let tiles = tiles(2, size as usize);
        let whole = {
            let mut encoder = encoder(recipe.clone(), Instructions::best());
            encoder.network.cut(usize::MAX);
            encoded(&encoder, &tiles)
        };
        assert!(whole.iter().all(|value| (0.0..=6.0).contains(value)), "{size}");
        for values in [0, 5_000, 20_000] {
            let mut encoder = encoder(recipe.clone(), Instructions::best());
            encoder.network.cut(values);
            assert_eq!(encoded(&encoder, &tiles), whole, "{size} px, strips of {values} values");
        }
    }
}

#[test]
fn neither_batch_nor_threads_nor_history_change_the_values() {
    let encoder = encoder(recipe(), Instructions::best());
    let tiles = tiles(13, 36);
    let together = encoded(&encoder, &tiles);
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| encoded(&encoder, &tiles)), together);
        let backwards: Vec<_> = tiles.iter().rev().cloned().collect();
        let mut reversed = pool.install(|| encoded(&encoder, &backwards));
        let singly: Vec<_> =
            tiles.iter().flat_map(|tile| encoded(&encoder, std::slice::from_ref(tile))).collect();
        assert_eq!(singly, together);
        let rows: Vec<_> = reversed.chunks_exact_mut(24).rev().flatten().map(|v| *v).collect();
        assert_eq!(rows, together);
    }
    assert_eq!(encoded(&encoder, &[]), [0.0; 0]);
}

#[test]
fn wrong_tiles_and_buffers_are_refused() {
    let encoder = encoder(recipe(), Instructions::best());
    let mut tiles = tiles(2, 36);
    let error = encoder.encode(&tiles, &mut [0.0; 47]).unwrap_err().to_string();
    assert!(error.contains("47") && error.contains("48"), "{error}");
    tiles[1] = RgbImage::filled(36, 37, [0; 3]);
    let error = encoder.encode(&tiles, &mut [0.0; 48]).unwrap_err().to_string();
    assert!(error.contains("36 x 37"), "{error}");
}

#[test]
fn a_missing_or_misshapen_tensor_is_named() {
    let mut all = BTreeMap::new();
    let mut weights = Weights::open(&fixture("weights.safetensors"), None).unwrap();
    let names: Vec<_> = weights.untaken().map(str::to_owned).collect();
    for name in names {
        let shape = weights.shape(&name).unwrap();
        let values = weights.take(&name, &shape).unwrap();
        all.insert(name, (shape, values));
    }
    let recipe = recipe();
    let read = |tensors: &BTreeMap<_, _>| {
        let file = tempfile::NamedTempFile::new().unwrap();
        crate::weights::write_for_test(file.path(), tensors);
        let weights = Weights::open(file.path(), None).unwrap();
        ConvNetEncoder::read(recipe.clone(), plan(&recipe), weights)
    };
    assert!(read(&all).is_ok());
    for name in all.keys() {
        let mut fewer = all.clone();
        let (shape, values) = fewer.remove(name).unwrap();
        let error = read(&fewer).unwrap_err().to_string();
        assert!(error.contains(&format!("'{name}'")), "{error}");
        fewer.insert(name.clone(), ([&[1], shape.as_slice()].concat(), values));
        let error = read(&fewer).unwrap_err().to_string();
        assert!(error.contains(&format!("'{name}'")), "{error}");
    }
}

//! Networks in 8-bit integers against the same in 32-bit floats, on tiles of a real slide: random
//! weights of every form of block, at the widths and depths of published encoders.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{path::Path, process::Command};

use bianque_core::RgbImage;
use bianque_testkit::surroundings;
use bianque_vision::{Arithmetic, Recipe, load, load_with_weights};

const TILES: usize = 8;
/// How near features in 8-bit integers must be.
const LOWEST_COSINE: f64 = 0.999;

fn fixture(file: &str) -> std::path::PathBuf {
    surroundings::crate_folder().join("tests/fixtures").join(file)
}

fn python(script: &str, arguments: &[&str]) -> bool {
    let Some(python) = surroundings::python() else { return false };
    let script = surroundings::crate_folder().join("tests").join(script);
    let status = Command::new(python).arg(script).args(arguments).status().unwrap();
    assert!(status.success(), "{arguments:?}: {status}");
    true
}

/// A recipe in both arithmetics beside each other: files for [`load`].
fn both(recipe: &Path, folder: &Path) -> [std::path::PathBuf; 2] {
    [Arithmetic::F32, Arithmetic::Int8].map(|arithmetic| {
        let recipe = Recipe::read(recipe).unwrap().with_arithmetic(arithmetic).unwrap();
        let path = folder.join(format!("{arithmetic:?}.json"));
        std::fs::write(&path, serde_json::to_string(&recipe).unwrap()).unwrap();
        path
    })
}

fn encoded(recipe: &Path, weights: &Path, tiles: &[RgbImage]) -> Vec<Vec<f32>> {
    let encoder = load_with_weights(recipe, weights).unwrap();
    let mut out = vec![f32::NAN; tiles.len() * encoder.dimension()];
    encoder.encode(tiles, &mut out).unwrap();
    out.chunks_exact(encoder.dimension()).map(<[f32]>::to_vec).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn tiles(path: &Path, size: u32) -> Vec<RgbImage> {
    let bytes = std::fs::read(path).unwrap();
    let tile = |pixels: &[u8]| RgbImage::from_pixels(size, size, pixels.to_vec()).unwrap();
    bytes.chunks_exact((size * size * 3) as usize).map(tile).collect()
}

/// The lowest and the mean cosine over tiles of a real slide, with weights that Python makes.
fn compare(case: &str, size: u32) {
    let Some(slides) = surroundings::real_slides() else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    if !python("timm_equality.py", &[place, case]) {
        return;
    }
    let slide = slides.join("polyp-section-1.svs");
    let (slide, edge, count) = (slide.to_str().unwrap(), size.to_string(), TILES.to_string());
    assert!(python("real_tiles.py", &[place, slide, &edge, &count]));
    let made = folder.path().join(case);
    let recipes = both(&made.join("recipe.json"), folder.path());
    let tiles = tiles(&folder.path().join("tiles.bin"), size);
    assert_eq!(tiles.len(), TILES);
    let [exact, rounded] =
        recipes.map(|recipe| encoded(&recipe, &made.join("weights.safetensors"), &tiles));
    let cosines: Vec<f64> = exact.iter().zip(&rounded).map(|(a, b)| cosine(a, b)).collect();
    let lowest = cosines.iter().copied().fold(1.0, f64::min);
    let mean = cosines.iter().sum::<f64>() / TILES as f64;
    println!("{case}: cosine {lowest:.6} at the least, {mean:.6} in the mean");
    assert!(lowest >= LOWEST_COSINE, "{case}: {cosines:?}");
}

#[test]
fn small() {
    compare("vit-small", 224);
}

#[test]
fn large_with_layer_scale() {
    compare("vit-large", 224);
}

#[test]
fn gated_with_registers() {
    compare("vit-giant", 224);
}

#[test]
fn class_and_mean_of_patches() {
    compare("virchow", 224);
}

#[test]
fn rotary_positions() {
    compare("ruipath", 224);
}

#[test]
fn features_carry_another_digest_and_version() {
    let folder = tempfile::tempdir().unwrap();
    let weights = fixture("learned/weights.safetensors");
    let [exact, rounded] = both(&fixture("learned/recipe.json"), folder.path())
        .map(|recipe| load_with_weights(&recipe, &weights).unwrap().producer().clone());
    assert_ne!(exact.digest, rounded.digest);
    assert!(rounded.digest.is_some());
    assert_eq!(rounded.version, format!("{} (int8)", exact.version));
    assert_eq!(rounded.licence, exact.licence);
}

#[test]
fn same_bytes_whatever_the_batch_and_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["learned", "rotary"] {
        let weights = fixture(&format!("{name}/weights.safetensors"));
        let [exact, rounded] = both(&fixture(&format!("{name}/recipe.json")), folder.path());
        let tiles = tiles(&fixture(&format!("{name}/tiles.bin")), 48);
        let together = encoded(&rounded, &weights, &tiles);
        for (tile, together) in tiles.iter().zip(&together) {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            let alone = pool.install(|| encoded(&rounded, &weights, std::slice::from_ref(tile)));
            assert_eq!(&alone[0], together);
        }
        for (a, b) in encoded(&exact, &weights, &tiles).iter().zip(&together) {
            assert_ne!(a, b, "rounding shows");
            let cosine = cosine(a, b);
            assert!(cosine >= LOWEST_COSINE, "{name}: cosine {cosine}");
        }
    }
}

#[test]
fn only_transformers_are_rounded() {
    let convnet = Recipe::read(&fixture("convnet-tiny/recipe.json")).unwrap();
    let said = convnet.clone().with_arithmetic(Arithmetic::Int8).unwrap_err();
    assert!(said.contains("no vision transformer"), "{said}");
    assert_eq!(convnet.clone().with_arithmetic(Arithmetic::F32), Ok(convnet));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.json");
    let text = std::fs::read_to_string(fixture("learned/recipe.json")).unwrap();
    let text = text.replacen("\"patch\"", "\"arithmetic\": \"int3\", \"patch\"", 1);
    std::fs::write(&path, text).unwrap();
    assert!(load(&path).err().unwrap().to_string().contains("int3"));
}

//! The step from a tile of another size to the encoder's, against torchvision on tiles of a real
//! slide: the pixels, and what becomes of features.

use std::{path::Path, process::Command};

use bianque_core::RgbImage;
use bianque_testkit::surroundings;
use bianque_vision::{Encoder, Filter};

use super::image::resized;

const TILES: usize = 24;

fn pictures(path: &Path, size: u32) -> Vec<RgbImage> {
    let bytes = std::fs::read(path).unwrap();
    let tile = |pixels: &[u8]| RgbImage::from_pixels(size, size, pixels.to_vec()).unwrap();
    bytes.chunks_exact((size * size * 3) as usize).map(tile).collect()
}

/// Mean and greatest difference in grey levels.
fn difference(ours: &[RgbImage], theirs: &[RgbImage]) -> (f64, u8) {
    let pairs = || {
        let pairs = ours.iter().zip(theirs);
        pairs.flat_map(|(a, b)| a.pixels().iter().zip(b.pixels())).map(|(a, b)| a.abs_diff(*b))
    };
    let total: u64 = pairs().map(u64::from).sum();
    (total as f64 / pairs().count() as f64, pairs().max().unwrap_or(0))
}

/// The lowest cosine between features of the same tile.
fn agreement(encoder: &dyn Encoder, ours: &[RgbImage], theirs: &[RgbImage]) -> f64 {
    let features = |tiles: &[RgbImage]| {
        let mut out = vec![0.0; tiles.len() * encoder.dimension()];
        encoder.encode(tiles, &mut out).unwrap();
        out
    };
    let (a, b) = (features(ours), features(theirs));
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    a.chunks_exact(encoder.dimension())
        .zip(b.chunks_exact(encoder.dimension()))
        .map(|(a, b)| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt())
        .fold(1.0, f64::min)
}

#[test]
fn tiles_of_another_size_equal_torchvision() {
    let (Some(python), Some(slides)) = (surroundings::python(), surroundings::real_slides()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(python)
        .arg(surroundings::crate_folder().join("tests/torch_transforms.py"))
        .arg(folder.path())
        .arg(slides.join("polyp-section-1.svs"))
        .arg(TILES.to_string())
        .status()
        .unwrap();
    assert!(status.success(), "torch_transforms.py failed: {status}");
    let recipe = "../../models/encoders/bianque-lite/recipe.json";
    let encoder = bianque_vision::load(&surroundings::crate_folder().join(recipe)).unwrap();
    for (edge, size) in [(256, 224), (512, 448), (224, 256)] {
        let tiles = pictures(&folder.path().join(format!("{edge}.bin")), edge);
        assert_eq!(tiles.len(), TILES);
        for (filter, name) in [(Filter::Bilinear, "bilinear"), (Filter::Bicubic, "bicubic")] {
            let theirs = folder.path().join(format!("{name}-{edge}-{size}.bin"));
            let theirs = pictures(&theirs, size);
            let resize = |tile: &RgbImage| resized(tile.clone(), size, filter).unwrap();
            let ours: Vec<_> = tiles.iter().map(resize).collect();
            let (mean, greatest) = difference(&ours, &theirs);
            assert_eq!(greatest, 0, "{name} {edge} to {size}: mean difference {mean}");
            if size == encoder.recipe().input.size {
                let cosine = agreement(encoder.as_ref(), &ours, &theirs);
                assert!(cosine > 1.0 - 1e-6, "{name} {edge} to {size}: cosine {cosine}");
            }
        }
    }
}

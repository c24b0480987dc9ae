//! The transformer engine against PyTorch: committed fixtures, and networks with random weights
//! that `timm_equality.py` writes anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

use bianque_core::RgbImage;
use bianque_testkit::surroundings;
use bianque_vision::{Encoder, load};

/// One network at a time: the larger ones hold hundreds of megabytes.
static ALONE: Mutex<()> = Mutex::new(());

struct Case {
    encoder: Box<dyn Encoder>,
    tiles: Vec<RgbImage>,
    expected: Vec<f32>,
}

impl Case {
    fn read(folder: &Path) -> Self {
        let encoder = load(&folder.join("recipe.json")).unwrap();
        let size = encoder.recipe().input.size;
        let bytes = std::fs::read(folder.join("tiles.bin")).unwrap();
        let tiles = bytes
            .chunks_exact((size * size * 3) as usize)
            .map(|pixels| RgbImage::from_pixels(size, size, pixels.to_vec()).unwrap())
            .collect();
        let expected = std::fs::read(folder.join("expected.bin")).unwrap();
        let expected =
            expected.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Self { encoder, tiles, expected }
    }

    fn encoded(&self, tiles: &[RgbImage]) -> Vec<f32> {
        let mut out = vec![f32::NAN; tiles.len() * self.encoder.dimension()];
        self.encoder.encode(tiles, &mut out).unwrap();
        out
    }

    fn assert_equal(&self, name: &str) {
        self.assert_within(name, 1e-4);
    }

    fn assert_within(&self, name: &str, greatest: f64) {
        let actual = self.encoded(&self.tiles);
        assert_eq!(actual.len(), self.expected.len(), "{name}: values");
        let dimension = self.encoder.dimension();
        let vectors = actual.chunks_exact(dimension).zip(self.expected.chunks_exact(dimension));
        for (tile, (actual, expected)) in vectors.enumerate() {
            let (cosine, error) = distance(actual, expected);
            println!("{name}, tile {tile}: cosine {cosine:.9}, greatest error {error:.2e}");
            assert!(cosine >= 0.9999, "{name}, tile {tile}: cosine {cosine}");
            assert!(error <= greatest, "{name}, tile {tile}: greatest error {error}");
        }
    }
}

/// Cosine and greatest absolute error; both are NaN when any value is, and no bound holds then.
fn distance(actual: &[f32], expected: &[f32]) -> (f64, f64) {
    let pairs = || actual.iter().zip(expected).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    let dot: f64 = pairs().map(|(a, b)| a * b).sum();
    let lengths: f64 =
        pairs().map(|(a, _)| a * a).sum::<f64>() * pairs().map(|(_, b)| b * b).sum::<f64>();
    let greater = |greatest: f64, (a, b): (f64, f64)| {
        let error = (a - b).abs();
        if error <= greatest { greatest } else { error }
    };
    let nan = pairs().any(|(a, b)| (a - b).is_nan());
    (dot / lengths.sqrt(), if nan { f64::NAN } else { pairs().fold(0.0, greater) })
}

fn fixture(name: &str) -> PathBuf {
    surroundings::crate_folder().join("tests/fixtures").join(name)
}

/// Lets the script write a case, compares, and removes it.
fn compare(name: &str) {
    compare_within(name, 1e-4);
}

fn compare_within(name: &str, greatest: f64) {
    let Some(python) = surroundings::python() else { return };
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let script = surroundings::crate_folder().join("tests/timm_equality.py");
    let status = Command::new(python).arg(script).arg(folder.path()).arg(name).status().unwrap();
    assert!(status.success(), "timm_equality.py {name} failed: {status}");
    Case::read(&folder.path().join(name)).assert_within(name, greatest);
    drop(alone);
}

#[test]
fn the_comparison_fails_on_nan() {
    let (cosine, error) = distance(&[1.0, f32::NAN, 2.0], &[1.0, 2.0, 2.0]);
    assert!(cosine.is_nan() && error.is_nan());
    let (cosine, error) = distance(&[1.0, 2.0], &[1.0, 2.5]);
    assert!(cosine < 0.9999 && error == 0.5);
}

#[test]
fn fixture_with_learned_positions() {
    Case::read(&fixture("learned")).assert_equal("learned");
}

#[test]
fn fixture_with_rotary_positions() {
    Case::read(&fixture("rotary")).assert_equal("rotary");
}

#[test]
fn same_bytes_whatever_the_batch_and_the_threads() {
    for name in ["learned", "rotary"] {
        let case = Case::read(&fixture(name));
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let together = bits(case.encoded(&case.tiles));
        let alone: Vec<_> = case
            .tiles
            .iter()
            .flat_map(|tile| bits(case.encoded(std::slice::from_ref(tile))))
            .collect();
        assert_eq!(together, alone);
        let many: Vec<_> = case.tiles.iter().cycle().take(17).cloned().collect();
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let out = bits(pool.install(|| case.encoded(&many)));
            for (index, value) in out.iter().enumerate() {
                assert_eq!(*value, together[index % together.len()], "{threads} threads");
            }
        }
    }
}

#[test]
fn vit_small() {
    compare("vit-small");
}

#[test]
fn vit_large_with_layer_scale() {
    compare("vit-large");
}

#[test]
fn vit_giant_gated_with_registers() {
    compare("vit-giant");
}

#[test]
fn virchow_form() {
    compare("virchow");
}

#[test]
fn input_larger_than_the_position_table() {
    compare("larger-input");
}

#[test]
fn input_smaller_than_the_position_table() {
    compare("smaller-input");
}

#[test]
fn position_table_without_antialiasing() {
    compare("plain-resample");
}

#[test]
fn ruipath_form() {
    compare("ruipath");
}

#[test]
fn rotary_gated_without_qkv_bias() {
    compare("rotary-gated");
}

#[test]
fn patches_of_eight_pixels() {
    compare("patch-8");
}

#[test]
fn gigapath_form() {
    compare("gigapath");
}

#[test]
fn torchscale_with_norms_inside_the_branches() {
    compare("musk");
}

#[test]
fn timm_with_norms_inside_the_branches() {
    compare("beit3-timm");
}

#[test]
fn hugging_face_vit() {
    compare("phikon");
}

#[test]
fn hugging_face_dinov2() {
    compare("phikon-v2");
}

#[test]
fn hugging_face_dinov2_gated_and_resampled() {
    compare("midnight");
}

#[test]
fn hugging_face_dinov2_with_registers() {
    compare("hibou");
}

#[test]
fn dinov2_with_registers_from_a_torch_file() {
    compare("openmidnight");
}

#[test]
fn teacher_beside_student_with_blocks_in_chunks() {
    compare("gpfm");
}

#[test]
fn hugging_face_dinov3() {
    compare("dinov3-hugging-face");
}

#[test]
fn hugging_face_dinov3_gated() {
    compare("dinov3-hugging-face-gated");
}

#[test]
fn timm_dinov3_with_keys_without_bias() {
    compare("dinov3-timm");
}

#[test]
fn each_channel_alone_with_angles_in_bfloat16() {
    // Queries and keys themselves are rounded there while they are turned, here they are not.
    compare_within("genbio", 3e-3);
}

#[test]
fn attentional_pooling_of_conch() {
    compare("conch");
}

#[test]
fn attentional_pooling_of_conch_v1_5() {
    compare("conch-v1.5");
}

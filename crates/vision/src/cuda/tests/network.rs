//! Whole networks: plan and kernels on the emulated device against the CPU engine.

use std::{collections::BTreeMap, path::Path};

use bianque_core::RgbImage;
use bianque_testkit::surroundings;
use serde_json::{Value, json};

use crate::{
    cuda::{device::Resident, emulated::Emulator, shape::Shape},
    load::load,
    recipe::{Architecture, Pooling, Precision, Recipe},
    vit::Parts,
    weights::{Weights, write_for_test},
};

/// Greatest error over the greatest value of the CPU's features, and least cosine.
#[derive(Copy, Clone)]
struct Tolerance {
    error: f32,
    cosine: f64,
}

fn tolerance(precision: Precision) -> Tolerance {
    match precision {
        Precision::F32 => Tolerance { error: 1e-5, cosine: 0.999_999 },
        Precision::F16 => Tolerance { error: 2e-3, cosine: 0.999_99 },
        Precision::Bf16 => Tolerance { error: 2e-2, cosine: 0.999_9 },
    }
}

/// The network of a recipe on the emulated device against the CPU engine.
fn compare(name: &str, recipe: &Path, precision: Precision) {
    let Some(compiler) = surroundings::cxx() else { return };
    let encoder = load(recipe).unwrap();
    let parsed = Recipe::read(recipe).unwrap();
    let tiles = tiles(parsed.input.size);
    let mut expected = vec![0.0; tiles.len() * encoder.dimension()];
    encoder.encode(&tiles, &mut expected).unwrap();

    let Architecture::Vit(vit) = &parsed.architecture else { panic!("not a transformer") };
    let weights = recipe.parent().unwrap().join(&parsed.weights);
    let parts = Parts::read(vit, &parsed, Weights::open(&weights, None).unwrap()).unwrap();
    let shape = Shape::new(&parsed, precision).unwrap();
    let emulator = Emulator::new(&compiler, &shape, precision);
    let normalise = &parsed.input.normalise;
    let mut resident =
        Resident::new(emulator, shape, precision, tiles.len() + 1, normalise, parts).unwrap();
    let actual = resident.encode(normalise, &tiles).unwrap();
    // Threads in the opposite order: another result would be a barrier too few.
    resident.device.backwards = true;
    let again = resident.encode(normalise, &tiles[..1]).unwrap();
    assert_eq!(again, actual[..encoder.dimension()], "{name}: order of threads");

    let Tolerance { error, cosine } = tolerance(precision);
    let pairs = actual.chunks(encoder.dimension()).zip(expected.chunks(encoder.dimension()));
    for (tile, (actual, expected)) in pairs.enumerate() {
        let greatest = expected.iter().fold(0.0_f32, |top, value| top.max(value.abs()));
        let worst = actual.iter().zip(expected).map(|(a, b)| (a - b).abs());
        let worst = worst.fold(0.0, |top: f32, e| if e <= top { top } else { e }) / greatest;
        let found = cosine_of(actual, expected);
        println!("{name}, {precision:?}, tile {tile}: cosine {found:.7}, error {worst:.2e}");
        assert!(found >= cosine, "{name}, {precision:?}, tile {tile}: cosine {found}");
        assert!(worst <= error, "{name}, {precision:?}, tile {tile}: error {worst}");
    }
}

fn cosine_of(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Structure, and noise.
fn tiles(size: u32) -> Vec<RgbImage> {
    let numbers = crate::rows::numbers((size * size * 3) as usize, 7);
    let noise = numbers.iter().map(|value| (127.5 + 127.5 * value) as u8).collect();
    let smooth = (0..size * size * 3).map(|i| {
        let (x, y, channel) = (i / 3 % size, i / 3 / size, i % 3);
        (128.0 + 90.0 * ((x * (channel + 1)) as f32 / 9.0 + y as f32 / 5.0).sin()) as u8
    });
    vec![
        RgbImage::from_pixels(size, size, smooth.collect()).unwrap(),
        RgbImage::from_pixels(size, size, noise).unwrap(),
    ]
}

fn fixture(name: &str, precision: Precision) {
    let folder = surroundings::crate_folder().join("tests/fixtures").join(name);
    compare(name, &folder.join("recipe.json"), precision);
}

#[test]
fn learned_positions_registers_class_and_mean() {
    fixture("learned", Precision::F32);
    fixture("learned", Precision::Bf16);
}

#[test]
fn rotary_positions_gates_class() {
    fixture("rotary", Precision::F32);
    fixture("rotary", Precision::F16);
}

/// Tensors by name: their shapes and values.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A small recipe with random weights in timm's names.
fn small(changes: &[(&str, Value)]) -> (Value, Tensors) {
    let mut recipe = json!({
        "schema": 1, "name": "small", "version": "1", "licence": "CC0-1.0", "source": "test",
        "weights": "weights.safetensors",
        "input": {
            "size": 64, "mpp": 0.5, "filter": "bilinear",
            "normalise": {"kind": "fixed", "mean": [0.7, 0.6, 0.7], "std": [0.2, 0.25, 0.2]},
        },
        "architecture": {
            "kind": "vit", "patch": 16, "dim": 48, "depth": 2, "heads": 3,
            "ffn": {"kind": "gelu", "hidden": 64},
            "position": {"kind": "learned", "prefix_rows": "class"},
            "norm_eps": 1e-6, "pooling": "class",
        },
    });
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        recipe.pointer_mut(parent).unwrap()[key] = value.clone();
    }
    let parsed: Recipe = serde_json::from_value(recipe.clone()).unwrap();
    let Architecture::Vit(vit) = &parsed.architecture else { panic!("not a transformer") };
    let shape = Shape::new(&parsed, Precision::Bf16).unwrap();
    let (dim, patch, hidden) = (vit.dim, vit.patch as usize, shape.hidden);
    let channels = 3 / shape.passes;
    let mut shapes = vec![
        ("cls_token".to_owned(), vec![1, 1, dim]),
        ("patch_embed.proj.weight".to_owned(), vec![dim, channels, patch, patch]),
        ("patch_embed.proj.bias".to_owned(), vec![dim]),
    ];
    if !shape.rotary {
        shapes.push(("pos_embed".to_owned(), vec![1, 1 + shape.patches(), dim]));
    }
    let mut layer = |name: String, outputs: usize, inputs: usize| {
        shapes.push((format!("{name}.weight"), vec![outputs, inputs]));
        shapes.push((format!("{name}.bias"), vec![outputs]));
    };
    for index in 0..vit.depth {
        layer(format!("blocks.{index}.attn.qkv"), 3 * dim, dim);
        layer(format!("blocks.{index}.attn.proj"), dim, dim);
        layer(format!("blocks.{index}.mlp.fc1"), shape.widened(), dim);
        layer(format!("blocks.{index}.mlp.fc2"), dim, hidden);
    }
    if vit.sub_norm {
        for (norm, width) in (0..vit.depth).flat_map(|i| {
            [("attn", dim), ("mlp", hidden)].map(|(b, w)| (format!("blocks.{i}.{b}"), w))
        }) {
            shapes.push((format!("{norm}.norm.weight"), vec![width]));
            shapes.push((format!("{norm}.norm.bias"), vec![width]));
        }
    }
    for norm in (0..vit.depth).flat_map(|i| [1, 2].map(|n| format!("blocks.{i}.norm{n}"))) {
        shapes.push((format!("{norm}.weight"), vec![dim]));
        shapes.push((format!("{norm}.bias"), vec![dim]));
    }
    shapes.push(("norm.weight".to_owned(), vec![dim]));
    shapes.push(("norm.bias".to_owned(), vec![dim]));
    if let Pooling::Attentional(pooler) = &shape.pooling {
        // The trunk stands in an image tower, the pooler beside it.
        shapes.iter_mut().for_each(|(name, _)| *name = format!("visual.trunk.{name}"));
        let (wide, pool) = (pooler.dim, "visual.attn_pool_contrast");
        for (norm, width) in [("ln_q", wide), ("ln_k", dim)] {
            shapes.push((format!("{pool}.{norm}.weight"), vec![width]));
            shapes.push((format!("{pool}.{norm}.bias"), vec![width]));
        }
        shapes.push(("visual.ln_contrast.weight".to_owned(), vec![wide]));
        shapes.push(("visual.ln_contrast.bias".to_owned(), vec![wide]));
        shapes.push((format!("{pool}.query"), vec![1, wide]));
        for (part, rows, width) in
            [("to_q", wide, wide), ("to_kv", 2 * wide, dim), ("to_out", wide, wide)]
        {
            shapes.push((format!("{pool}.{part}.weight"), vec![rows, width]));
        }
    }
    let tensors = shapes.into_iter().enumerate();
    let tensors = tensors.map(|(seed, (name, shape))| {
        let values = random(&name, &shape, seed as u64);
        (name, (shape, values))
    });
    (recipe, tensors.collect())
}

/// Weights large enough that every part of the network shows in the output.
fn random(name: &str, shape: &[usize], seed: u64) -> Vec<f32> {
    let numbers = crate::rows::numbers(shape.iter().product(), seed + 1);
    let inputs: usize = shape[1..].iter().product();
    let (middle, scale) = match name {
        name if shape.len() == 1 && name.ends_with("weight") => (1.0, 0.2),
        name if name.ends_with("bias") => (0.0, 0.2),
        name if name.ends_with("weight") => (0.0, (3.0 / inputs as f32).sqrt()),
        _ => (0.0, 0.8),
    };
    numbers.into_iter().map(|value| middle + scale * value).collect()
}

fn form(name: &str, precision: Precision, changes: &[(&str, Value)]) {
    let (recipe, tensors) = small(changes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.json");
    std::fs::write(&path, recipe.to_string()).unwrap();
    write_for_test(&folder.path().join("weights.safetensors"), &tensors);
    compare(name, &path, precision);
}

/// More tokens than pass through shared memory at once, heads of 80 values, patches of 14 pixels,
/// whose number of values is no multiple of 8.
#[test]
fn virchow_form() {
    form(
        "virchow",
        Precision::Bf16,
        &[
            ("/input/size", json!(14 * 9)),
            ("/architecture/patch", json!(14)),
            ("/architecture/dim", json!(160)),
            ("/architecture/heads", json!(2)),
            ("/architecture/ffn", json!({"kind": "swi_glu", "hidden": 40})),
            ("/architecture/pooling", json!("class_and_mean")),
        ],
    );
}

#[test]
fn each_tile_by_its_own_statistics_and_the_mean() {
    form(
        "per tile",
        Precision::F32,
        &[
            ("/input/normalise", json!({"kind": "per_tile", "floor": 0.05})),
            ("/architecture/pooling", json!("mean")),
        ],
    );
}

/// Rows of the feed-forward network that are wider than the tokens, and one token of the last block.
#[test]
fn norms_inside_the_branches() {
    for precision in [Precision::F32, Precision::Bf16, Precision::F16] {
        let hidden = json!({"kind": "gelu", "hidden": 200});
        let changes = [("/architecture/sub_norm", json!(true)), ("/architecture/ffn", hidden)];
        form("sub norm", precision, &changes);
    }
}

#[test]
fn each_channel_alone() {
    form(
        "channels",
        Precision::F16,
        &[
            ("/architecture/channels", json!("each")),
            ("/architecture/position", json!({"kind": "rope", "base": 100.0})),
        ],
    );
}

#[test]
fn attentional_pooling() {
    let pooler = json!({"dim": 48, "heads": 4, "norm_eps": 1e-5, "weights": "linear"});
    form("pooler", Precision::Bf16, &[("/architecture/pooling", json!({"attentional": pooler}))]);
}

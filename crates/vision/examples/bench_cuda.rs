//! Tiles per second of a ViT-L/16 with random weights on a GPU, and how near its features come to
//! those of the CPU.
//!
//! `cargo run --release -p bianque-vision --features cuda --example bench_cuda [DEVICE] [TILES]`
//!
//! DEVICE is `cuda` (bfloat16, unless given), `cuda:f16` or `cuda:f32`. Four threads ask at once, as
//! a run does; the first round, in which graphs are recorded, is not counted.
#![allow(clippy::print_stdout)]

use std::{error::Error, path::Path, time::Instant};

use bianque_core::RgbImage;
use bianque_vision::{Device, load, load_on};
use half::f16;
use safetensors::{Dtype, tensor::TensorView};

type Failure = Box<dyn Error + Send + Sync>;

const DIM: usize = 1024;
const DEPTH: usize = 24;
const HIDDEN: usize = 4096;
const SIZE: u32 = 224;
const ROUNDS: usize = 5;
const THREADS: usize = 4;
/// Tiles that a thread asks for at once.
const BATCH: usize = 256;
/// 10^9 floating-point operations a tile.
const OPERATIONS: f64 = 123.0;

fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let device: Device = words.next().unwrap_or_else(|| "cuda".into()).parse()?;
    let count: usize = words.next().map_or(Ok(8192), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let recipe = folder.path().join("recipe.json");
    write(folder.path(), &recipe)?;
    let loaded = load_on(&recipe, None, device)?;
    println!("ViT-L/16, {SIZE} px, {}", loaded.note.unwrap_or_default());
    let encoder = loaded.encoder;

    let tiles: Vec<RgbImage> = (0..BATCH).map(tile).collect::<Result<_, _>>()?;
    let mut out = vec![0.0; BATCH * encoder.dimension()];
    encoder.encode(&tiles, &mut out)?;
    let own: Vec<f32> = out[..2 * DIM].to_vec();
    let mut expected = vec![0.0; 2 * DIM];
    load(&recipe)?.encode(&tiles[..2], &mut expected)?;
    for (tile, (a, b)) in own.chunks(DIM).zip(expected.chunks(DIM)).enumerate() {
        println!("  tile {tile}: cosine {:.6} to the CPU", cosine(a, b));
    }

    let each = count.div_ceil(THREADS * BATCH);
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        std::thread::scope(|scope| -> Result<(), Failure> {
            let work = || -> Result<(), Failure> {
                let mut out = vec![0.0; BATCH * DIM];
                (0..each).try_for_each(|_| Ok(encoder.encode(&tiles, &mut out)?))
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|t| t.join().map_err(|_| "a thread panicked")?)
        })?;
        let rate = (each * THREADS * BATCH) as f64 / start.elapsed().as_secs_f64();
        println!("  {rate:>8.0} tiles/s, {:>6.0} GFLOP/s", rate * OPERATIONS);
        best = best.max(rate);
    }
    println!("  best {best:.0} tiles/s");
    Ok(())
}

fn tile(index: usize) -> Result<RgbImage, Failure> {
    let pixels = (0..SIZE * SIZE * 3).map(|i| ((i as usize * 31 + index * 17) % 251) as u8);
    Ok(RgbImage::from_pixels(SIZE, SIZE, pixels.collect())?)
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// A recipe and its weights, each layer of a spread that keeps activations near one.
fn write(folder: &Path, recipe: &Path) -> Result<(), Failure> {
    let text = serde_json::json!({
        "schema": 1, "name": "vit-large", "version": "random", "licence": "CC0-1.0",
        "source": "random", "weights": "weights.safetensors",
        "input": {
            "size": SIZE, "mpp": 0.5, "filter": "bicubic",
            "normalise": {
                "kind": "fixed", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
            },
        },
        "architecture": {
            "kind": "vit", "patch": 16, "dim": DIM, "depth": DEPTH, "heads": 16,
            "ffn": {"kind": "gelu", "hidden": HIDDEN},
            "position": {"kind": "learned", "prefix_rows": "all"},
            "norm_eps": 1e-6, "pooling": "class",
        },
    });
    std::fs::write(recipe, text.to_string())?;
    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("cls_token".into(), vec![1, 1, DIM]),
        ("pos_embed".into(), vec![1, 197, DIM]),
        ("patch_embed.proj.weight".into(), vec![DIM, 3, 16, 16]),
        ("patch_embed.proj.bias".into(), vec![DIM]),
        ("norm.weight".into(), vec![DIM]),
        ("norm.bias".into(), vec![DIM]),
    ];
    for block in 0..DEPTH {
        for (layer, outputs, inputs) in [
            ("attn.qkv", 3 * DIM, DIM),
            ("attn.proj", DIM, DIM),
            ("mlp.fc1", HIDDEN, DIM),
            ("mlp.fc2", DIM, HIDDEN),
        ] {
            shapes.push((format!("blocks.{block}.{layer}.weight"), vec![outputs, inputs]));
            shapes.push((format!("blocks.{block}.{layer}.bias"), vec![outputs]));
        }
        for norm in ["norm1", "norm2"] {
            shapes.push((format!("blocks.{block}.{norm}.weight"), vec![DIM]));
            shapes.push((format!("blocks.{block}.{norm}.bias"), vec![DIM]));
        }
    }
    let mut state = 1_u64;
    let mut tensors = Vec::new();
    for (name, shape) in shapes {
        let inputs: usize = shape[1..].iter().product();
        let (middle, spread) = match (shape.len(), name.ends_with("weight")) {
            (1, true) => (1.0, 0.1),
            (1, false) => (0.0, 0.1),
            _ => (0.0, (3.0 / inputs as f32).sqrt()),
        };
        let bytes: Vec<u8> = (0..shape.iter().product::<usize>())
            .flat_map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let share = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
                f16::from_f32(middle + spread * share).to_le_bytes()
            })
            .collect();
        tensors.push((name, shape, bytes));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F16, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    safetensors::serialize_to_file(views, None, &folder.join("weights.safetensors"))?;
    Ok(())
}

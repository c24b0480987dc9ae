//! Tiles per second of the compact encoder (EfficientNet-Lite0, 224 px) against timm on PyTorch.
//!
//! `BIANQUE_PYTHON=… cargo run --release -p bianque-vision --example bench_convnet`
//!
//! Both run in turn on the same machine with 1 and 2 threads; of several rounds the best counts,
//! because whatever else the machine does only ever slows a round. Processor time per tile is
//! given too (on Linux): it holds on a machine that is busy with other work.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::{path::Path, process::Command, time::Instant};

use bianque_core::RgbImage;
use bianque_testkit::surroundings;

const SIZE: u32 = 224;
const TILES: usize = 64;
const ROUNDS: usize = 6;

fn main() {
    let python = std::env::var("BIANQUE_PYTHON").ok();
    let directory = tempfile::tempdir().unwrap();
    let given = std::env::args().nth(1);
    let recipe = match &given {
        Some(recipe) => Path::new(recipe).to_owned(),
        None => {
            let python = python.as_deref().expect("BIANQUE_PYTHON, or a recipe as argument");
            script(python, &["lite0", directory.path().to_str().unwrap(), &SIZE.to_string()]);
            directory.path().join("float16/recipe.json")
        }
    };
    for threads in [1, 2] {
        let ours = best(&recipe, threads);
        println!("{threads} threads: {:.1} tiles/s, {:.2} CPU-ms a tile", ours.0, ours.1);
        if let Some(python) = &python {
            let text = script(python, &["bench", &threads.to_string(), &TILES.to_string()]);
            let theirs: Vec<f64> =
                text.split_whitespace().map(|word| word.parse().unwrap()).collect();
            println!("   PyTorch: {:.1} tiles/s, {:.2} CPU-ms a tile", theirs[0], theirs[1]);
            println!(
                "   ratio: {:.2} by the clock, {:.2} by processor time",
                ours.0 / theirs[0],
                theirs[1] / ours.1
            );
        }
    }
}

/// The most tiles a second, and the least processor time a tile in milliseconds.
fn best(recipe: &Path, threads: usize) -> (f64, f64) {
    let encoder = bianque_vision::load(recipe).unwrap();
    let tiles: Vec<_> = (0..TILES)
        .map(|t| {
            let pixels = (0..SIZE * SIZE * 3).map(|i| (i * 31 / 7 + t as u32 * 3) as u8).collect();
            RgbImage::from_pixels(SIZE, SIZE, pixels).unwrap()
        })
        .collect();
    let mut out = vec![0.0; TILES * encoder.dimension()];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let mut best = (0.0_f64, f64::INFINITY);
    for _ in 0..ROUNDS {
        let (start, before) = (Instant::now(), processor_milliseconds());
        pool.install(|| encoder.encode(&tiles, &mut out)).unwrap();
        let spent = processor_milliseconds() - before;
        best.0 = best.0.max(TILES as f64 / start.elapsed().as_secs_f64());
        best.1 = best.1.min(spent / TILES as f64);
    }
    best
}

/// What this process has used: fields 14 and 15 of proc(5) stat, in ticks of 10 ms.
fn processor_milliseconds() -> f64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else { return f64::NAN };
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.map(|word| word.parse().unwrap_or(f64::NAN)).sum::<f64>() * 10.0
}

fn script(python: &str, arguments: &[&str]) -> String {
    let script = surroundings::crate_folder().join("tests/convnet_equality.py");
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

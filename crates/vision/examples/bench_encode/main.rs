//! Tiles per second and memory of the transformer engine beside PyTorch and ONNX Runtime, in one run
//! on one machine. `cargo xtask bench encode` starts it.
//!
//! `BIANQUE_PYTHON=python3 cargo run --release -p bianque-vision --example bench_encode -- [--only
//! WORD]... [--device cpu|cuda] [--threads 1,2] [--rounds N]`
//!
//! Each engine is a process of its own, so that its memory is its own. In a round every engine
//! encodes the same number of tiles, one engine after the other; the best round of each counts, so
//! that what else the machine did disturbs all alike. Random weights, 224 px.
#![allow(clippy::print_stdout)]

mod options;
mod process;
mod worker;

use std::{error::Error, path::Path};

use self::{
    options::{Device, Options},
    process::{Engine, Seconds},
};

type Failure = Box<dyn Error + Send + Sync>;

/// A network by its name in timm.
#[derive(Copy, Clone)]
struct Model {
    name: &'static str,
    dim: usize,
    depth: usize,
    heads: usize,
    /// Tiles a round on a processor.
    tiles: usize,
    /// Tiles that peers take at once there.
    batch: usize,
    /// 10^9 floating-point operations a tile.
    operations: f64,
}

const MODELS: [Model; 3] = [
    Model {
        name: "vit_small_patch16_224",
        dim: 384,
        depth: 12,
        heads: 6,
        tiles: 64,
        batch: 8,
        operations: 9.2,
    },
    Model {
        name: "vit_base_patch16_224",
        dim: 768,
        depth: 12,
        heads: 12,
        tiles: 16,
        batch: 8,
        operations: 35.1,
    },
    Model {
        name: "vit_large_patch16_224",
        dim: 1024,
        depth: 24,
        heads: 16,
        tiles: 8,
        batch: 4,
        operations: 123.0,
    },
];

/// Engines by device, ours first: others are compared with the first.
const ON_CPU: [&str; 5] =
    ["bianque", "bianque-int8", "pytorch", "onnxruntime", "onnxruntime-session-a-core"];
const ON_CUDA: [&str; 2] = ["bianque-cuda", "pytorch-cuda"];
/// Tiles a round, and at once, on a GPU.
const TILES_ON_CUDA: (usize, usize) = (4096, 256);

struct Row {
    engine: &'static str,
    versions: String,
    tiles: usize,
    best: Seconds,
    memory: f64,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "worker") {
        return worker::run(&arguments[1..]);
    }
    let options = Options::parse(&arguments)?;
    for model in MODELS {
        let wanted: Vec<_> = options
            .threads
            .iter()
            .map(|threads| (*threads, engines(&options, model, *threads)))
            .filter(|(_, engines)| !engines.is_empty())
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let folder = tempfile::tempdir()?;
        process::prepare(folder.path(), model)?;
        for (threads, engines) in wanted {
            let rows = measure(&options, model, threads, &engines, folder.path())?;
            report(model, threads, &rows);
        }
    }
    Ok(())
}

/// The engines that are asked for, for one network and number of threads.
fn engines(options: &Options, model: Model, threads: usize) -> Vec<&'static str> {
    let all: &[_] = match options.device {
        Device::Cpu => &ON_CPU,
        Device::Cuda => &ON_CUDA,
    };
    all.iter()
        .copied()
        // With one thread there is one session either way.
        .filter(|engine| threads > 1 || !engine.ends_with("session-a-core"))
        .filter(|engine| options.wants(&format!("{} {engine} {threads}-threads", model.name)))
        .collect()
}

/// All rounds; engines that cannot run here are named and left out.
fn measure(
    options: &Options,
    model: Model,
    threads: usize,
    engines: &[&'static str],
    folder: &Path,
) -> Result<Vec<Row>, Failure> {
    let (tiles, batch) = match options.device {
        Device::Cpu => (model.tiles, model.batch),
        Device::Cuda => TILES_ON_CUDA,
    };
    let mut running = Vec::new();
    for engine in engines {
        match Engine::start(engine, folder, model, threads, batch) {
            Ok((process, versions)) => {
                let best = Seconds::WORST;
                running.push((process, Row { engine, versions, tiles, best, memory: 0.0 }));
            }
            Err(error) => println!("not measured: {engine}: {error}"),
        }
    }
    for _ in 0..options.rounds {
        for (process, row) in &mut running {
            row.best = row.best.best(process.time(tiles)?);
        }
    }
    running.into_iter().map(|(process, row)| Ok(Row { memory: process.end()?, ..row })).collect()
}

fn report(model: Model, threads: usize, rows: &[Row]) {
    println!("\n{}, {threads} threads", model.name);
    println!(
        "  {:<28}{:>10}{:>14}{:>10}{:>12}{:>9}",
        "engine", "tiles/s", "CPU-s a tile", "GFLOP/s", "peak MiB", "ratio"
    );
    let rate = |row: &Row| row.tiles as f64 / row.best.wall;
    let first = rows.first().map_or(f64::NAN, rate);
    for row in rows {
        let rate = rate(row);
        println!(
            "  {:<28}{rate:>10.2}{:>14.3}{:>10.0}{:>12.0}{:>9.2}  {}",
            row.engine,
            row.best.processor / row.tiles as f64,
            rate * model.operations,
            row.memory,
            first / rate,
            row.versions
        );
    }
    if let Some(first) = rows.first() {
        println!("  ratio: tiles/s of {} over the row's", first.engine);
    }
}

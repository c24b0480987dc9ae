//! Tiles per second of the transformer engine beside PyTorch and timm, in one run on one machine.
//!
//! `BIANQUE_PYTHON=python3 cargo run --release -p bianque-vision --example bench_encode [THREADS]`
//!
//! Both sides encode the same number of tiles in turn, several rounds; the best round of each
//! counts, so that what else the machine did disturbs both alike. Random weights, 224 px.
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use bianque_core::RgbImage;
use bianque_testkit::surroundings;
use bianque_vision::{Encoder, load};

type Failure = Box<dyn Error + Send + Sync>;

const ROUNDS: usize = 5;
/// Name in timm, width, heads, tiles a round, and 10^9 floating-point operations a tile.
const MODELS: [(&str, usize, usize, usize, f64); 2] =
    [("vit_small_patch16_224", 384, 6, 64, 9.2), ("vit_base_patch16_224", 768, 12, 16, 35.1)];

/// Wall and processor seconds.
#[derive(Copy, Clone)]
struct Seconds {
    wall: f64,
    processor: f64,
}

impl Seconds {
    const WORST: Self = Self { wall: f64::INFINITY, processor: f64::INFINITY };

    fn best(self, other: Self) -> Self {
        Self { wall: self.wall.min(other.wall), processor: self.processor.min(other.processor) }
    }
}

/// The Python process that answers line by line.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(folder: &Path, threads: usize) -> Result<Self, Failure> {
        let python = std::env::var("BIANQUE_PYTHON")
            .map_err(|_| "BIANQUE_PYTHON must name a Python 3 with torch, timm and safetensors")?;
        let script = surroundings::crate_folder().join("examples/bench_encode.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(folder)
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, input, output })
    }

    fn ask(&mut self, line: &str) -> Result<String, Failure> {
        writeln!(self.input, "{line}")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        if answer.is_empty() { Err("the Python side ended".into()) } else { Ok(answer) }
    }

    fn seconds(&mut self, line: &str) -> Result<Seconds, Failure> {
        let answer = self.ask(line)?;
        let mut numbers = answer.split_whitespace().map(str::parse::<f64>);
        let mut next = || numbers.next().ok_or("an answer without two numbers");
        Ok(Seconds { wall: next()??, processor: next()?? })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() -> Result<(), Failure> {
    let threads = std::env::args().nth(1).map_or(Ok(2), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let mut peer = Peer::start(folder.path(), threads)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    for (model, dim, heads, tiles, operations) in MODELS {
        let versions = peer.ask(&format!("weights {model}"))?;
        let encoder = encoder(folder.path(), model, dim, heads)?;
        let (mut own, mut theirs, mut product) = (Seconds::WORST, Seconds::WORST, Seconds::WORST);
        for _ in 0..ROUNDS {
            own = own.best(pool.install(|| encode(encoder.as_ref(), tiles))?);
            theirs = theirs.best(peer.seconds(&format!("time {model} {tiles}"))?);
            product = product.best(peer.seconds("product 2048")?);
        }
        let mut versions = versions.split_whitespace();
        println!(
            "{model}, {threads} threads, PyTorch {}, timm {}",
            versions.next().unwrap_or("?"),
            versions.next().unwrap_or("?")
        );
        report(tiles as f64, operations, own, theirs, product);
    }
    Ok(())
}

fn report(tiles: f64, operations: f64, own: Seconds, theirs: Seconds, product: Seconds) {
    let roof = 2.0 * 2048_f64.powi(3) / 1e9;
    println!("  {:<22}{:>12}{:>12}{:>8}", "", "bianque", "timm", "ratio");
    let (a, b) = (tiles / own.wall, tiles / theirs.wall);
    println!("  {:<22}{a:>12.2}{b:>12.2}{:>8.2}", "tiles/s", a / b);
    let (a, b) = (own.processor / tiles, theirs.processor / tiles);
    println!("  {:<22}{a:>12.3}{b:>12.3}{:>8.2}", "CPU-s per tile", b / a);
    let (a, b) = (operations * tiles / own.wall, operations * tiles / theirs.wall);
    println!("  {:<22}{a:>12.1}{b:>12.1}{:>8.2}", "GFLOP/s", a / b);
    let rate = roof / product.wall;
    println!("  {:<22}{:>11.0}%{:>11.0}%", "of torch matmul", 100.0 * a / rate, 100.0 * b / rate);
    let rate = roof / product.processor;
    let share = |seconds: Seconds| 100.0 * operations * tiles / seconds.processor / rate;
    println!("  {:<22}{:>11.0}%{:>11.0}%\n", "the same per CPU-s", share(own), share(theirs));
}

fn encode(encoder: &dyn Encoder, count: usize) -> Result<Seconds, Failure> {
    let pixels =
        |tile: usize| (0..224 * 224 * 3).map(|i| ((i * 31 + tile * 17) % 251) as u8).collect();
    let tiles: Vec<RgbImage> = (0..count)
        .map(|tile| RgbImage::from_pixels(224, 224, pixels(tile)))
        .collect::<Result<_, _>>()?;
    let mut out = vec![0.0; count * encoder.dimension()];
    let (wall, processor) = (Instant::now(), processor_seconds()?);
    encoder.encode(&tiles, &mut out)?;
    Ok(Seconds { wall: wall.elapsed().as_secs_f64(), processor: processor_seconds()? - processor })
}

/// User and system time of this process so far, from /proc (fields 14 and 15, in 1/100 s).
fn processor_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> =
        after.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn encoder(
    folder: &Path,
    model: &str,
    dim: usize,
    heads: usize,
) -> Result<Box<dyn Encoder>, Failure> {
    let recipe = serde_json::json!({
        "schema": 1, "name": model, "version": "random", "licence": "CC0-1.0", "source": "random",
        "weights": format!("{model}.safetensors"),
        "input": {
            "size": 224, "mpp": 0.5, "filter": "bicubic",
            "normalise": { "kind": "fixed", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5] },
        },
        "architecture": {
            "kind": "vit", "patch": 16, "dim": dim, "depth": 12, "heads": heads,
            "ffn": { "kind": "gelu", "hidden": 4 * dim },
            "position": { "kind": "learned", "prefix_rows": "all" },
            "norm_eps": 1e-6, "pooling": "class",
        },
    });
    let path = folder.join(format!("{model}.json"));
    std::fs::write(&path, recipe.to_string())?;
    Ok(load(&path)?)
}

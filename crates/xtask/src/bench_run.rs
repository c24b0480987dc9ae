//! `cargo xtask bench run`: a slide from file to features, here and in the usual Python way.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{process::run as start, python, tools};

const PEER: &str = include_str!("../python/peer_run.py");
const SLIDES: [&str; 2] = ["polyp-section-1.svs", "composed/composed-1.svs"];
const ENCODER: &str = "bianque-lite";
/// Between two looks at the memory of a process and its children.
const LOOK: Duration = Duration::from_millis(50);

/// What is measured, and how often.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The slides; two of the real slides unless named.
    slides: Vec<PathBuf>,
    /// Threads that compute, on both sides.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Processes that read, on the peer's side.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Rounds; the quickest of each side counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// One side's best round on a slide.
struct Measured {
    /// Seconds of the slide's work: for the peer without starting Python and loading the network.
    work: f64,
    /// Seconds of the whole process.
    process: f64,
    /// Most memory of the process and its children, in bytes.
    memory: u64,
    document: Value,
}

pub(crate) fn run(arguments: &Arguments, real: Option<&Path>) -> anyhow::Result<()> {
    let mut slides = arguments.slides.clone();
    if let (true, Some(folder)) = (slides.is_empty(), real) {
        slides.extend(SLIDES.map(|slide| folder.join(slide)));
    }
    if slides.is_empty() {
        bail!("name a slide: `cargo xtask bench run SLIDE`");
    }
    let binary = build()?;
    let folder = std::env::temp_dir().join(format!("bianque-bench-run-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let measured = slides.iter().try_for_each(|slide| compare(arguments, &binary, slide, &folder));
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    println!(
        "\nBoth sides: tissue, {ENCODER} on the same tiles, features as float16 on disk. Ours has \
         the whole quality check in it.\nThe peer's work leaves out starting Python and loading \
         the network; ours leaves out nothing.\nMemory: proportional set size of the process and \
         its children, looked at every {} ms.",
        LOOK.as_millis()
    );
    measured
}

/// Builds the program as it is released; gives its path.
fn build() -> anyhow::Result<PathBuf> {
    let mut command = tools::cargo();
    command.args(["build", "--release", "--package", "bianque-cli"]);
    if tools::can_build_turbojpeg() {
        command.args(["--features", "turbojpeg"]);
    }
    start(&mut command)?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    Ok(target.join("release").join(format!("bianque{}", std::env::consts::EXE_SUFFIX)))
}

fn compare(
    arguments: &Arguments,
    binary: &Path,
    slide: &Path,
    folder: &Path,
) -> anyhow::Result<()> {
    println!("\n{}", slide.display());
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds.max(1) {
        let our_round = our_side(arguments, binary, slide, folder)?;
        let features = folder.join("ours/features.safetensors");
        let peer_round = peer_side(arguments, slide, &features, folder)?;
        ours.push(our_round);
        peers.push(peer_round);
    }
    let best = |rounds: Vec<Measured>| {
        rounds.into_iter().min_by(|a, b| a.work.total_cmp(&b.work)).context("no round was run")
    };
    let (ours, peer) = (best(ours)?, best(peers)?);
    line("Bianque", &ours);
    line("peer", &peer);
    println!(
        "  ratio      {:.2} times as fast ({:.2} with starting up), {:.2} of the memory",
        peer.work / ours.work,
        peer.process / ours.process,
        ours.memory as f64 / peer.memory as f64
    );
    let speed = &ours.document["speed"];
    println!(
        "  Bianque    of the clock while encoding: {:.1} s computing, {:.1} s waiting",
        speed["compute_seconds"].as_f64().unwrap_or(f64::NAN),
        speed["waiting_seconds"].as_f64().unwrap_or(f64::NAN)
    );
    println!("  peer       {}", peer.document);
    Ok(())
}

fn line(name: &str, measured: &Measured) {
    println!(
        "  {name:<10} {:.2} s a slide, {:.0} slides an hour; process {:.2} s; peak {:.0} MB",
        measured.work,
        3600.0 / measured.work,
        measured.process,
        measured.memory as f64 / 1e6
    );
}

fn our_side(
    arguments: &Arguments,
    binary: &Path,
    slide: &Path,
    folder: &Path,
) -> anyhow::Result<Measured> {
    let mut command = Command::new(binary);
    command.args(["run", "--features-only", "--fresh", "--json", "--encoder", ENCODER]);
    command.arg("--threads").arg(arguments.threads.to_string());
    command.arg(slide).arg("--out").arg(folder.join("ours"));
    command.args(["--models", "models"]);
    let (process, memory, document) = watched(&mut command)?;
    Ok(Measured { work: process, process, memory, document })
}

fn peer_side(
    arguments: &Arguments,
    slide: &Path,
    features: &Path,
    folder: &Path,
) -> anyhow::Result<Measured> {
    let script = folder.join("peer_run.py");
    fs::write(&script, PEER).with_context(|| format!("cannot write {}", script.display()))?;
    let mut command = Command::new(python::interpreter()?);
    command.arg(&script).arg(slide).arg(Path::new("models/encoders").join(ENCODER)).arg(features);
    command.arg(folder.join("peer.safetensors"));
    command.arg(arguments.threads.to_string()).arg(arguments.workers.to_string());
    let (process, memory, document) = watched(&mut command)?;
    let work = document["work_seconds"].as_f64().context("the peer gave no time")?;
    Ok(Measured { work, process, memory, document })
}

/// Runs a program that prints one JSON document; gives its seconds, the most memory that it and
/// its children held, and the document.
fn watched(command: &mut Command) -> anyhow::Result<(f64, u64, Value)> {
    let begin = Instant::now();
    let child = command.stdout(Stdio::piped()).spawn().context("cannot start a side")?;
    let (id, most, ended) = (child.id(), AtomicU64::new(0), AtomicBool::new(false));
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                most.fetch_max(memory_of_tree(id), Ordering::Relaxed);
                std::thread::sleep(LOOK);
            }
        });
        let output = child.wait_with_output();
        ended.store(true, Ordering::Relaxed);
        output
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!("a side ended with {}", output.status);
    }
    let document = serde_json::from_slice(&output.stdout).context("a side printed no JSON")?;
    Ok((seconds, most.into_inner(), document))
}

/// Bytes of a process and all that descend from it; 0 where the system does not tell.
fn memory_of_tree(root: u32) -> u64 {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|id: u32| Some((id, parent(id)?)))
        .collect();
    let mut family = vec![root];
    let mut next = 0;
    while let Some(id) = family.get(next).copied() {
        next += 1;
        family.extend(parents.iter().filter(|(_, parent)| *parent == id).map(|(child, _)| *child));
    }
    family.into_iter().filter_map(proportional_bytes).sum()
}

/// The parent's id: the second field after the name in brackets (proc(5)).
fn parent(id: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Pages that several processes share count for each in part.
fn proportional_bytes(id: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

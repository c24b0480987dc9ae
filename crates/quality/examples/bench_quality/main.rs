//! What the check finds of artefacts planted in known strength and place, and what it says of clean
//! slides: `cargo run --release -p bianque-quality --example bench_quality -- [--seed N]
//! [--places N] [--only NAME] [--json FILE] [--pictures FOLDER] [--histoqc CHECKOUT --python
//! INTERPRETER]`.
//!
//! Detectors and limits are set on seeds below [`HELD_OUT`]; figures come from it or above.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a benchmark talks to a developer"
)]

mod artefacts;
mod clean;
mod decoded;
mod files;
mod grounds;
mod histoqc;
mod laboratory;
mod pictures;
#[path = "../../tests/planted/mod.rs"]
#[allow(dead_code, reason = "windows of files serve a test")]
mod planted;
mod regions;
mod score;
mod wilson;

use std::path::PathBuf;

use bianque_quality::CheckSettings;
use serde::Serialize;

type Failure = Box<dyn std::error::Error>;

/// Chooses windows, places, orientations and generated slides that nothing was set on.
const HELD_OUT: u32 = 1000;

/// What was asked for.
struct Arguments {
    /// Chooses windows, places, orientations and generated slides.
    seed: u32,
    /// Places per ground and strength.
    places: u32,
    /// Only artefacts whose name contains this.
    only: Option<String>,
    /// Where the figures are written to, for programs.
    json: Option<PathBuf>,
    /// Where pictures are laid of what was missed at the visible strength.
    pictures: Option<PathBuf>,
    /// A checkout of HistoQC and a Python with its dependencies.
    histoqc: Option<(PathBuf, PathBuf)>,
}

/// All figures of a run.
#[derive(Serialize)]
struct Figures {
    schema: &'static str,
    seed: u32,
    clean: Option<clean::Clean>,
    histoqc: Vec<histoqc::PeerRow>,
    grounds: Vec<String>,
    artefacts: Vec<score::Row>,
    files: Vec<files::FileRow>,
}

fn main() -> Result<(), Failure> {
    let arguments = arguments()?;
    let settings = CheckSettings::with_overrides(None)?;
    let folder = tempfile::tempdir()?;
    println!("Seed {}; held out: {HELD_OUT} and above\n", arguments.seed);
    let slides = grounds::slides(folder.path(), arguments.seed)?;
    let is_clean_asked = arguments.only.as_deref().is_none_or(|only| "clean".contains(only));
    let clean = is_clean_asked.then(|| clean::Clean::of(&slides, &settings));
    clean.iter().for_each(clean::Clean::print);
    let peers = match (&clean, &arguments.histoqc) {
        (Some(clean), Some((checkout, python))) => histoqc::rows(&slides, clean, checkout, python)?,
        _ => Vec::new(),
    };
    histoqc::print(&peers);
    let painted = grounds::painted(folder.path(), arguments.seed)?;
    let plans = grounds::plans(&slides, &painted, arguments.seed)?;
    let artefacts = score::rows(&plans, &settings, &arguments)?;
    score::print(&artefacts, plans.len());
    let files = files::rows(folder.path(), &settings, arguments.only.as_deref())?;
    files::print(&files);
    let figures = Figures {
        schema: "bianque.bench.quality/1",
        seed: arguments.seed,
        clean,
        histoqc: peers,
        grounds: plans.iter().map(|plan| plan.name.clone()).collect(),
        artefacts,
        files,
    };
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

fn arguments() -> Result<Arguments, Failure> {
    let mut arguments = Arguments {
        seed: HELD_OUT,
        places: 1,
        only: None,
        json: None,
        pictures: None,
        histoqc: None,
    };
    let (mut checkout, mut python) = (None, std::env::var_os("BIANQUE_PYTHON").map(PathBuf::from));
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--seed" => arguments.seed = value.parse()?,
            "--places" => arguments.places = value.parse()?,
            "--only" => arguments.only = Some(value),
            "--json" => arguments.json = Some(PathBuf::from(value)),
            "--pictures" => arguments.pictures = Some(PathBuf::from(value)),
            "--histoqc" => checkout = Some(PathBuf::from(value)),
            "--python" => python = Some(PathBuf::from(value)),
            _ => return Err(format!("{name} is not known").into()),
        }
    }
    if let Some(checkout) = checkout {
        let python = python.ok_or("--histoqc needs --python or BIANQUE_PYTHON")?;
        arguments.histoqc = Some((checkout, python));
    }
    Ok(arguments)
}

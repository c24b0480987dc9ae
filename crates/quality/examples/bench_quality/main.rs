//! What the check finds of artefacts planted in known strength and place, and what it says of clean
//! slides: `cargo run --release -p bianque-quality --example bench_quality -- [--places N]
//! [--only NAME] [--histoqc CHECKOUT --python INTERPRETER]`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a benchmark talks to a developer"
)]

mod artefacts;
mod clean;
mod files;
mod grounds;
mod histoqc;
#[path = "../../tests/planted/mod.rs"]
mod planted;
mod score;

use std::path::PathBuf;

use bianque_quality::CheckSettings;

type Failure = Box<dyn std::error::Error>;

/// What was asked for.
struct Arguments {
    /// Places per slide and strength.
    places: u32,
    /// Only artefacts whose name contains this.
    only: Option<String>,
    /// A checkout of HistoQC and a Python with its dependencies.
    histoqc: Option<(PathBuf, PathBuf)>,
}

fn main() -> Result<(), Failure> {
    let arguments = arguments()?;
    let settings = CheckSettings::with_overrides(None)?;
    let folder = tempfile::tempdir()?;
    let slides = grounds::slides(folder.path())?;
    if arguments.only.is_none() {
        clean::report(&slides, &settings, arguments.histoqc.as_ref())?;
    }
    let grounds = grounds::grounds(&slides, &settings);
    score::report(&grounds, &settings, &arguments);
    files::report(folder.path(), &settings, arguments.only.as_deref())
}

fn arguments() -> Result<Arguments, Failure> {
    let mut arguments = Arguments { places: 2, only: None, histoqc: None };
    let (mut checkout, mut python) = (None, std::env::var_os("BIANQUE_PYTHON").map(PathBuf::from));
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--places" => arguments.places = value.parse()?,
            "--only" => arguments.only = Some(value),
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

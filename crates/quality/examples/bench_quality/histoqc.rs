//! HistoQC beside us: run from its checkout, version 2.1's configuration, one process.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use serde::Serialize;

use crate::{Failure, clean::Clean, grounds::CleanSlide};

/// What is shown of its some 60 measures.
const SHOWN: [&str; 5] =
    ["#pieces_of_tissue", "pixels_to_use", "blurry_removed_percent", "dark", "flat_areas"];

/// One slide by both.
#[derive(Serialize)]
pub(crate) struct PeerRow {
    slide: String,
    /// Wall seconds of our whole check, of its part at low power, which is what HistoQC measures,
    /// and of HistoQC.
    ours: f64,
    ours_low_power: f64,
    theirs: f64,
    their_memory_mb: Option<u64>,
    /// What it measured; nothing where it gave no result.
    says: Option<String>,
}

pub(crate) fn rows(
    slides: &[CleanSlide],
    clean: &Clean,
    checkout: &Path,
    python: &Path,
) -> Result<Vec<PeerRow>, Failure> {
    // A relative path would be sought in the folder that the peer runs in.
    let checkout = checkout.canonicalize()?;
    let pairs = slides.iter().zip(&clean.slides).filter(|(slide, _)| slide.what != "generated");
    pairs
        .map(|(slide, ours)| {
            let out = tempfile::tempdir()?;
            let path = slide.path.canonicalize()?;
            let start = Instant::now();
            let (memory, ended_well) = run(&checkout, python, &path, out.path())?;
            let theirs = start.elapsed().as_secs_f64();
            Ok(PeerRow {
                slide: slide.name.clone(),
                ours: ours.seconds,
                ours_low_power: ours.low_power_seconds,
                theirs,
                their_memory_mb: memory,
                says: ended_well.then(|| results(&out.path().join("results.tsv"))).flatten(),
            })
        })
        .collect()
}

pub(crate) fn print(rows: &[PeerRow]) {
    if rows.is_empty() {
        return;
    }
    println!("\n## HistoQC v2.1 on the same slides, in the same run\n");
    println!(
        "| slide | ours, s | ours at low power, s | HistoQC, s | HistoQC over ours | \
         over ours at low power | HistoQC, MB | what it says |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for row in rows {
        println!(
            "| {} | {:.2} | {:.2} | {:.2} | {:.1} | {:.0} | {} | {} |",
            row.slide,
            row.ours,
            row.ours_low_power,
            row.theirs,
            row.theirs / row.ours,
            row.theirs / row.ours_low_power,
            row.their_memory_mb.map_or("?".to_owned(), |mb| mb.to_string()),
            row.says.as_deref().unwrap_or("gave no result")
        );
    }
}

/// Runs it on one slide: its peak memory in MB, where GNU time is there to tell, and its success.
fn run(
    checkout: &Path,
    python: &Path,
    slide: &Path,
    out: &Path,
) -> Result<(Option<u64>, bool), Failure> {
    let time = Path::new("/usr/bin/time");
    let mut command = if time.is_file() {
        let mut command = Command::new(time);
        command.arg("-v").arg(python);
        command
    } else {
        Command::new(python)
    };
    // It moves its log from where it runs to `out`: these must be two folders.
    let working = tempfile::tempdir()?;
    let output = command
        .args(["-m", "histoqc", "-c", "v2.1", "-n", "1", "--force", "-o"])
        .args([out, slide])
        .env("PYTHONPATH", checkout)
        .current_dir(working.path())
        .stdin(Stdio::null())
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let memory = told
        .lines()
        .find_map(|line| line.trim().strip_prefix("Maximum resident set size (kbytes): "))
        .and_then(|kilobytes| kilobytes.parse::<u64>().ok())
        .map(|kilobytes| kilobytes / 1024);
    Ok((memory, output.status.success()))
}

fn results(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let names = text.lines().find_map(|line| line.strip_prefix("#dataset:"))?;
    let values = text.lines().find(|line| !line.starts_with('#') && !line.is_empty())?;
    let pairs: Vec<(&str, &str)> = names.split('\t').zip(values.split('\t')).collect();
    let shown = SHOWN.iter().filter_map(|name| {
        let (_, value) = pairs.iter().find(|(other, _)| other == name)?;
        let short = value.parse::<f64>().map_or((*value).to_owned(), |v| format!("{v:.3}"));
        Some(format!("{name} {short}"))
    });
    Some(shown.collect::<Vec<_>>().join(", "))
}

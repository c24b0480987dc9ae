//! What the check, and its peer, say of clean slides, and how long they take.

use std::{path::PathBuf, time::Instant};

use bianque_core::Polygon;
use bianque_quality::{CheckSettings, check_slide};

use crate::{Failure, grounds::CleanSlide, histoqc};

pub(crate) fn report(
    slides: &[CleanSlide],
    settings: &CheckSettings,
    peer: Option<&(PathBuf, PathBuf)>,
) -> Result<(), Failure> {
    println!("## Clean slides\n");
    println!("| slide | verdict | seconds | findings: measure; area as share of tissue |");
    println!("|---|---|---|---|");
    let mut rows = Vec::new();
    for clean in slides {
        let start = Instant::now();
        let check = check_slide(clean.slide.as_ref(), settings);
        let seconds = start.elapsed().as_secs_f64();
        let tissue: f64 =
            check.tissue.iter().flat_map(|tissue| &tissue.polygons).map(Polygon::area).sum();
        let findings: Vec<String> = check
            .findings
            .iter()
            .map(|finding| {
                let area: f64 = finding.areas.iter().map(Polygon::area).sum();
                let grade = if finding.fails { " FAILS" } else { "" };
                // The sum of no areas is -0.
                let share = 100.0 * area.abs() / tissue.max(1.0);
                format!("{}{grade} {:.3}; {share:.2} %", finding.fault, finding.value)
            })
            .collect();
        println!(
            "| {} | {} | {seconds:.2} | {} |",
            clean.name,
            check.verdict,
            findings.join("<br>")
        );
        rows.push((clean, seconds));
    }
    if let Some(peak) = peak_memory_mb() {
        println!("\nPeak memory of this process so far: {peak} MB");
    }
    if let Some((checkout, python)) = peer {
        histoqc::report(&rows, checkout, python)?;
    }
    Ok(())
}

/// The largest resident size of this process so far, where the system tells.
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

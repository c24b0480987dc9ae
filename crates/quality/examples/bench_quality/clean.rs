//! What the check says of clean slides: verdict, false alarms by area, time.

use std::time::Instant;

use bianque_core::Polygon;
use bianque_quality::{Check, CheckSettings, Fault, check_slide};
use serde::Serialize;

use crate::{
    grounds::CleanSlide,
    regions::{around, raster},
};

/// One clean slide.
#[derive(Serialize)]
pub(crate) struct CleanRow {
    pub(crate) slide: String,
    what: &'static str,
    verdict: String,
    /// Wall seconds of the whole check, and of the part at low power.
    pub(crate) seconds: f64,
    pub(crate) low_power_seconds: f64,
    /// Area of findings that are not true of the slide, over its tissue.
    false_share: f64,
    tissue_mm2: f64,
    findings: Vec<String>,
}

/// The clean slides together.
#[derive(Serialize)]
pub(crate) struct Clean {
    pub(crate) slides: Vec<CleanRow>,
    /// False area over all tissue.
    false_share: f64,
    peak_memory_mb: Option<u64>,
}

impl Clean {
    pub(crate) fn of(slides: &[CleanSlide], settings: &CheckSettings) -> Self {
        let rows: Vec<CleanRow> = slides.iter().map(|slide| judged(slide, settings)).collect();
        let tissue: f64 = rows.iter().map(|row| row.tissue_mm2).sum();
        let wrong: f64 = rows.iter().map(|row| row.false_share * row.tissue_mm2).sum();
        Self {
            slides: rows,
            false_share: wrong / tissue.max(1e-9),
            peak_memory_mb: peak_memory_mb(),
        }
    }

    pub(crate) fn print(&self) {
        println!("## Clean slides\n");
        println!(
            "| slide | verdict | false alarms | seconds | findings: measure; share of tissue |"
        );
        println!("|---|---|---|---|---|");
        for row in &self.slides {
            println!(
                "| {} ({}) | {} | {:.2} % | {:.2} | {} |",
                row.slide,
                row.what,
                row.verdict,
                100.0 * row.false_share,
                row.seconds,
                row.findings.join("<br>")
            );
        }
        println!("\nFalse alarms on all their tissue: {:.2} %", 100.0 * self.false_share);
        if let Some(peak) = self.peak_memory_mb {
            println!("Peak memory of this process so far: {peak} MB");
        }
    }
}

fn judged(clean: &CleanSlide, settings: &CheckSettings) -> CleanRow {
    let start = Instant::now();
    let check = check_slide(clean.slide.as_ref(), settings);
    let seconds = start.elapsed().as_secs_f64();
    let share = |is_meant: &dyn Fn(Fault) -> bool| share_of_tissue(&check, is_meant);
    let findings = check.findings.iter().map(|finding| {
        let grade = if finding.fails { " FAILS" } else { "" };
        let known = if clean.marks.contains(&finding.fault) { " (real)" } else { "" };
        let taken = 100.0 * share(&|fault| fault == finding.fault);
        format!("{}{grade}{known} {:.3}; {taken:.2} %", finding.fault, finding.value)
    });
    let part = |name: &str| check.seconds.iter().filter(|(n, _)| *n == name).map(|(_, s)| s).sum();
    let low_power: [f64; 2] = [part("tissue"), part("low_power")];
    CleanRow {
        slide: clean.name.clone(),
        what: clean.what,
        verdict: check.verdict.to_string(),
        seconds,
        low_power_seconds: low_power.iter().sum(),
        false_share: share(&|fault| !clean.marks.contains(&fault)),
        tissue_mm2: check.measures.get("tissue.area_mm2").copied().unwrap_or(0.0),
        findings: findings.collect(),
    }
}

/// The share of the tissue under findings of some faults, each place once.
fn share_of_tissue(check: &Check, is_meant: &dyn Fn(Fault) -> bool) -> f64 {
    let tissue: Vec<&Polygon<_>> =
        check.tissue.iter().flat_map(|tissue| &tissue.polygons).collect();
    let Some(bounds) = around(tissue.iter().copied()) else { return 0.0 };
    let meant = check.findings.iter().filter(|finding| is_meant(finding.fault));
    let areas: Vec<&Polygon<_>> = meant.flat_map(|finding| &finding.areas).collect();
    let tissue = raster(&tissue, bounds);
    // Outlines of one finding do not overlap, those of two may: even-odd would cancel them.
    let mut said = vec![false; tissue.len()];
    for area in areas {
        said.iter_mut().zip(raster(&[area], bounds)).for_each(|(all, here)| *all |= here);
    }
    let both = tissue.iter().zip(&said).filter(|(tissue, said)| **tissue && **said).count();
    both as f64 / tissue.iter().filter(|set| **set).count().max(1) as f64
}

/// The largest resident size of this process so far, where the system tells.
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

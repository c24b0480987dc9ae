//! Writes what a check found.

use std::{fmt::Write, path::Path};

use anyhow::Context;
use bianque_core::{
    Point, RgbImage,
    geojson::{self, Feature},
};
use bianque_quality::{Fault, Finding, Remedy, Verdict, explain as explain_fault};
use bianque_slide::Slide;
use serde_json::{Map, json};

use super::Checked;
use crate::{
    commands::{Outcome, write_file},
    picture::{self, CROP, Crop},
    report::{FindingDocument, QualityDocument},
    terminal::Terminal,
};

/// Longest side of the slide on the sheet.
const PICTURE: u32 = 1000;
/// Most faults that are shown.
const MOST_CROPS: usize = 12;

/// Writes every file and gives the document.
pub(crate) fn write(
    path: &Path,
    out: &Path,
    checked: &Checked<'_>,
) -> anyhow::Result<QualityDocument> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let check = checked.check;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let document = QualityDocument::new(name, checked.digest, check);
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    write_file(&out.join("quality.json"), text.as_bytes())?;
    let features: Vec<Feature> = check.findings.iter().filter_map(feature).collect();
    write_file(&out.join("quality.geojson"), geojson::encode(&features).as_bytes())?;
    if let Some(slide) = checked.slide {
        let sheet = sheet(slide, &document, &check.findings)?;
        picture::write(&sheet, &out.join("quality.png"))?;
    }
    Ok(document)
}

/// A finding's places for other programs; none where the whole slide is meant.
fn feature(finding: &Finding) -> Option<Feature> {
    let properties = Map::from_iter([
        ("proposal".to_owned(), json!({ "confirmed": false, "by": "bianque check" })),
        ("note".to_owned(), json!(finding.note)),
        ("fails".to_owned(), json!(finding.fails)),
    ]);
    let measurements = vec![
        ("Value".to_owned(), finding.value),
        ("Threshold".to_owned(), finding.threshold),
        ("Tissue share".to_owned(), finding.tissue_share.unwrap_or(0.0)),
    ];
    (!finding.areas.is_empty()).then(|| Feature {
        polygons: finding.areas.clone(),
        points: Vec::new(),
        class: Some(finding.fault.name().to_owned()),
        color: Some(color_of(finding)),
        name: Some(finding.fault.name().to_owned()),
        measurements,
        properties,
    })
}

/// The colour of what happens to a slide.
pub(crate) fn color(verdict: Verdict) -> [u8; 3] {
    match verdict {
        Verdict::Pass => [46, 125, 90],
        Verdict::PassMarked => [88, 130, 60],
        Verdict::Rescan => [194, 120, 12],
        Verdict::Restain => [160, 60, 140],
        Verdict::Recut => [196, 56, 48],
        Verdict::Unreadable => [70, 76, 84],
    }
}

fn color_of(finding: &Finding) -> [u8; 3] {
    match (finding.fails, finding.fault.remedy()) {
        (_, Remedy::Rescan) => color(Verdict::Rescan),
        (_, Remedy::Restain) => color(Verdict::Restain),
        (_, Remedy::Recut) => color(Verdict::Recut),
        (_, Remedy::Restore) => color(Verdict::Unreadable),
        (_, Remedy::Mark) => [96, 110, 122],
    }
}

fn sheet(
    slide: &dyn Slide,
    document: &QualityDocument,
    findings: &[Finding],
) -> anyhow::Result<RgbImage> {
    let bounds = slide.facts().bounds();
    let thumbnail = slide
        .thumbnail(PICTURE)
        .unwrap_or_else(|_| RgbImage::filled(PICTURE / 2, PICTURE / 2, [225; 3]));
    let scale = f64::from(bounds.width) / f64::from(thumbnail.width().max(1));
    let crops: Vec<Crop> = findings
        .iter()
        .filter(|finding| finding.fault != Fault::MacroAbsent && finding.fault != Fault::NoScale)
        .take(MOST_CROPS)
        .map(|finding| Crop {
            title: format!(
                "{}{}",
                explain_fault(finding.fault).title,
                finding
                    .tissue_share
                    .map_or(String::new(), |s| format!(", {:.1} % of tissue", 100.0 * s))
            ),
            note: finding.note.clone(),
            color: color_of(finding),
            areas: finding.areas.clone(),
            image: crop(slide, finding),
        })
        .collect();
    let heading = format!("{}: {}", document.slide, document.verdict);
    let reasons: Vec<&str> =
        findings.iter().filter(|f| f.fails).map(|finding| finding.fault.name()).collect();
    let subheading = if reasons.is_empty() {
        "nothing that sends it back".to_owned()
    } else {
        reasons.join(", ")
    };
    let color = color(document.verdict);
    picture::contact_sheet(&thumbnail, scale, &heading, &subheading, color, &crops)
}

/// The crop of a finding; a place that does not decode has none.
pub(crate) fn crop(slide: &dyn Slide, finding: &Finding) -> Option<RgbImage> {
    let rect = finding.crop?;
    let step = (f64::from(rect.width.max(rect.height)) / f64::from(CROP)).max(0.25);
    slide.read_scaled(Point::new(rect.x as f64, rect.y as f64), step, CROP, CROP).ok()
}

/// What the terminal shows of a slide.
pub(super) fn summary(path: &Path, document: &QualityDocument, out: &Path) -> String {
    let mut text =
        format!("{:<12} {}\n", document.verdict.to_string().to_uppercase(), path.display());
    for finding in &document.findings {
        let sign = if finding.fails { "!" } else { " " };
        let measured = measured(finding).map(|text| format!(" ({text})")).unwrap_or_default();
        let _ = writeln!(text, "  {sign} {:<16} {}{measured}", finding.fault.name(), finding.note);
    }
    for note in &document.notes {
        let _ = writeln!(text, "  - {note}");
    }
    let seconds = document.timings.values().fold(0.0, |sum, seconds| sum + seconds);
    // A file that does not open has no picture.
    let sheet = out.join("quality.png");
    let written = if sheet.is_file() { sheet } else { out.join("quality.json") };
    let _ = write!(text, "  {seconds:.2} s, {}", written.display());
    text
}

/// A finding's measure beside the threshold that it passed; facts without a unit have none.
fn measured(finding: &FindingDocument) -> Option<String> {
    let share = finding.unit.starts_with("share");
    let shown = |value: f64| match share {
        true => format!("{:.2} %", 100.0 * value),
        false => format!("{value:.2}"),
    };
    let unit =
        if share { finding.unit.replacen("share", "", 1) } else { format!(" {}", finding.unit) };
    let limit = if finding.fails { "sent back" } else { "marked" };
    let side = if finding.value < finding.threshold { "below" } else { "from" };
    (!finding.unit.is_empty()).then(|| {
        format!("{}{unit}; {limit} {side} {}", shown(finding.value), shown(finding.threshold))
    })
}

/// Prints what a fault means.
pub(super) fn explain(name: &str, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let fault = Fault::from_name(name).with_context(|| {
        let known: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        format!("'{name}' is no fault; they are {}, and `thresholds`", known.join(", "))
    })?;
    let text = explain_fault(fault);
    let shown = format!(
        "{} ({fault}), {}\n\n{}\n\nMeasured: {}\n\nWhat to do: {}\n\nMistaken for it: {}\n\n{}\n{}\n{}",
        text.title,
        match fault.remedy() {
            Remedy::Mark => "marked only",
            Remedy::Rescan => "rescan",
            Remedy::Restain => "restain",
            Remedy::Recut => "recut or remount",
            Remedy::Restore => "restore the file",
        },
        text.means,
        text.measured,
        text.act,
        text.mistaken,
        text.title_zh,
        text.means_zh,
        text.act_zh
    );
    let document = json!({ "fault": fault.name(), "unit": fault.unit(), "explanation": text });
    terminal.result(&document, &shown)?;
    Ok(Outcome::Done)
}

//! The site's memory of checked slides: what is kept of one, and the page beside the file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context;
use bianque_core::Digest;
use bianque_quality::{
    Check, Fault, Thresholds,
    site::{
        ChartSettings, Day, Drift, ReadLimits, SiteFile, SiteLog, SiteReport, SlideRecord,
        StainReference, TooFewSlides,
    },
};
use bianque_slide::{Scanner, SlideFacts};
use serde::Serialize;

use crate::{commands::write_file, report::site_page};

/// What a person states on the command line, for what a file does not.
#[derive(Clone, Debug, Default)]
pub(super) struct Stated {
    pub(super) scanner: Option<String>,
    pub(super) stainer: Option<String>,
    pub(super) day: Option<Day>,
}

impl Stated {
    /// From the options of the command line.
    pub(super) fn new(
        scanner: Option<&str>,
        stainer: Option<&str>,
        day: Option<&str>,
    ) -> anyhow::Result<Self> {
        let day = day.map(str::parse).transpose().context("--day")?;
        Ok(Self { scanner: scanner.map(Into::into), stainer: stainer.map(Into::into), day })
    }
}

/// What came of remembering.
#[derive(Debug, Serialize)]
pub(super) struct Remembered {
    /// The page that was written.
    pub(super) page: PathBuf,
    /// Slides in memory, these included.
    pub(super) slides: usize,
    /// What someone must act on, the worst first.
    pub(super) drifts: Vec<Drift>,
}

impl Remembered {
    /// What the terminal shows.
    pub(super) fn summary(&self) -> String {
        let mut text = format!("{} slides in memory, charts: {}", self.slides, self.page.display());
        for drift in &self.drifts {
            text.push_str("\n  drift: ");
            text.push_str(&drift.text);
        }
        text
    }
}

/// What is kept of a slide: no name, no label, no case. `facts` is absent of one that cannot be
/// opened.
pub(super) fn record(
    facts: Option<&SlideFacts>,
    digest: Digest,
    check: &Check,
    stated: &Stated,
) -> SlideRecord {
    let day = facts.and_then(scan_day).or(stated.day);
    let (scanner, which) = facts.map(scanner).unwrap_or_default();
    let measures = check.measures.iter();
    SlideRecord {
        digest,
        name: None,
        // A maker alone does not tell one scanner from the next.
        scanner: if which { scanner } else { stated.scanner.clone().or(scanner) },
        stainer: stated.stainer.clone(),
        day: day.unwrap_or_else(|| Day::of(SystemTime::now())),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: check.verdict,
        measures: measures.map(|(name, value)| ((*name).to_owned(), *value)).collect(),
    }
    .tidied()
}

/// What the site remembers before the slides at hand are judged; nothing without `--site`.
pub(super) struct Memory(Option<SiteLog>);

impl Memory {
    /// Reads the site's file; one that does not exist yet is an empty memory.
    pub(super) fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let log = file.map(|file| SiteFile::at(file).read(ReadLimits::default())).transpose()?;
        Ok(Self(log))
    }

    /// Holds a slide's stain against that of the same scanner and stainer.
    pub(super) fn hold(&self, check: &mut Check, record: &SlideRecord, thresholds: &Thresholds) {
        let Some(log) = &self.0 else { return };
        let (scanner, stainer) = (record.scanner.as_deref(), record.stainer.as_deref());
        match StainReference::of(log, scanner, stainer, &record.digest) {
            Ok(reference) => check.hold_against(&reference, thresholds),
            Err(TooFewSlides(slides)) => check.notes.push(format!(
                "the site remembers {slides} slides of this scanner and stainer that passed: {} make \
                 a reference for the stain",
                StainReference::LEAST_SLIDES
            )),
        }
    }
}

/// Adds records to the site's file and draws its page beside it, `site.html` for `site.jsonl`.
pub(super) fn remember(
    file: &Path,
    records: &[SlideRecord],
    thresholds: &Thresholds,
) -> anyhow::Result<Remembered> {
    let page = file.with_extension("html");
    anyhow::ensure!(page != file, "{} would be its own page: name it site.jsonl", file.display());
    let site = SiteFile::at(file);
    site.append(records)?;
    let log = site.read(ReadLimits::default())?;
    let sent_back_at = sent_back_at(thresholds);
    let settings = ChartSettings { sent_back_at, ..ChartSettings::default() };
    let report = SiteReport::of(&log, &settings)?;
    write_file(&page, site_page(&report, &settings)?.as_bytes())?;
    let drifts = report.to_act_on().cloned().collect();
    Ok(Remembered { page, slides: report.slides, drifts })
}

/// Maker, model and serial number as far as the file states them, and whether there is more than
/// the maker.
fn scanner(facts: &SlideFacts) -> (Option<String>, bool) {
    let Scanner { maker, model, serial } = facts.scanner();
    let mut parts: Vec<&str> = Vec::new();
    for part in [maker, model, serial].into_iter().flatten() {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let name = (!parts.is_empty()).then(|| parts.join(" "));
    (name, model.or(serial).is_some())
}

/// The day of the scan, as the file states it.
fn scan_day(facts: &SlideFacts) -> Option<Day> {
    const FIELDS: [&str; 6] = [
        "aperio.Date",
        "dicom.AcquisitionDateTime",
        "dicom.AcquisitionDate",
        "dicom.ContentDate",
        "dicom.StudyDate",
        "tiff.DateTime",
    ];
    let mut days = FIELDS.iter().filter_map(|name| facts.properties.get(*name));
    // A clock that was never set says 1970 or so: no slide was scanned before 1990.
    days.find_map(|text| Day::from_metadata(text).filter(|day| day.date().0 >= 1990))
}

/// Where single slides are sent back, for measures that one threshold judges directly.
fn sent_back_at(thresholds: &Thresholds) -> BTreeMap<String, Vec<f64>> {
    let judged: [(&str, &[Fault]); 17] = [
        ("focus.blurred_share", &[Fault::OutOfFocus]),
        ("seams.largest_step_grey", &[Fault::Stripes]),
        ("seams.largest_roughness_ratio", &[Fault::Stitching]),
        ("light.glass_tint", &[Fault::WhiteBalance]),
        ("light.black_share", &[Fault::Underexposed]),
        ("light.burnt_share", &[Fault::Overexposed]),
        ("coding.jpeg_quality", &[Fault::Compression]),
        ("stain.density_od", &[Fault::TooPale]),
        ("stain.darkest_od", &[Fault::TooDark]),
        ("stain.imbalance_ratio", &[Fault::WrongHue]),
        ("fold.share", &[Fault::Fold]),
        ("tear.share", &[Fault::Tear]),
        ("bubble.share", &[Fault::Bubble]),
        ("dirt.share", &[Fault::Dirt]),
        ("cover_slip_edge.share", &[Fault::CoverSlipEdge]),
        ("ink.share", &[Fault::Ink]),
        ("border.cut_share", &[Fault::CutTissue]),
    ];
    let fail = |fault: &Fault| thresholds.limits(*fault).fail;
    judged
        .into_iter()
        .map(|(measure, faults)| (measure.to_owned(), faults.iter().map(fail).collect()))
        .collect()
}

#[cfg(test)]
mod tests;

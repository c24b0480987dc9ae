//! `quality.json`. The schema's number changes when a field changes its meaning or disappears.

use std::collections::BTreeMap;

use bianque_core::{Digest, Level0, PixelRect};
use bianque_quality::{Check, Fault, Finding, Remedy, Verdict, explain};
use serde::Serialize;

use super::rings;

/// A slide's check.
#[derive(Serialize)]
pub(crate) struct QualityDocument {
    /// `bianque.quality/1`.
    pub(crate) schema: &'static str,
    pub(crate) notice: &'static str,
    pub(crate) program_version: &'static str,
    /// The file's name without its folder.
    pub(crate) slide: String,
    /// Absent where the file cannot be read.
    pub(crate) digest: Option<Digest>,
    pub(crate) verdict: Verdict,
    /// The gravest first; every one a proposal.
    pub(crate) findings: Vec<FindingDocument>,
    /// Facts that change no verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// By name; the unit is the name's end.
    pub(crate) measures: BTreeMap<&'static str, f64>,
    /// Wall seconds: the only part that differs between two checks of the same slide.
    pub(crate) timings: BTreeMap<&'static str, f64>,
}

#[derive(Serialize)]
pub(crate) struct FindingDocument {
    pub(crate) fault: Fault,
    pub(crate) title: &'static str,
    pub(crate) title_zh: &'static str,
    /// Whether the slide is sent back for it; else it is only marked.
    pub(crate) fails: bool,
    pub(crate) remedy: Remedy,
    pub(crate) value: f64,
    pub(crate) threshold: f64,
    pub(crate) unit: &'static str,
    pub(crate) tissue_share: Option<f64>,
    pub(crate) note: String,
    /// Rings of each polygon in level-0 pixels, the outer one first; none where the whole slide is
    /// meant.
    pub(crate) areas: Vec<Vec<Vec<[f64; 2]>>>,
    /// What to look at, in level-0 pixels.
    pub(crate) crop: Option<RectDocument>,
}

#[derive(Serialize)]
pub(crate) struct RectDocument {
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl From<&PixelRect<Level0>> for RectDocument {
    fn from(rect: &PixelRect<Level0>) -> Self {
        Self { x: rect.x, y: rect.y, width: rect.width, height: rect.height }
    }
}

impl QualityDocument {
    pub(crate) fn new(slide: String, digest: Option<Digest>, check: &Check) -> Self {
        Self {
            schema: "bianque.quality/1",
            notice: bianque_lesion::RESEARCH_USE,
            program_version: env!("CARGO_PKG_VERSION"),
            slide,
            digest,
            verdict: check.verdict,
            findings: check.findings.iter().map(FindingDocument::from).collect(),
            notes: check.notes.clone(),
            measures: check.measures.iter().map(|(name, value)| (*name, rounded(*value))).collect(),
            timings: check.seconds.iter().copied().collect(),
        }
    }
}

impl QualityDocument {
    /// The faults for which the slide is sent back; where it passes, those that are marked on it.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = &'static str> {
        let passes = self.verdict.passes();
        self.findings.iter().filter(move |finding| passes || finding.fails).map(|f| f.fault.name())
    }
}

impl From<&Finding> for FindingDocument {
    fn from(finding: &Finding) -> Self {
        Self {
            fault: finding.fault,
            title: &explain(finding.fault).title,
            title_zh: &explain(finding.fault).title_zh,
            fails: finding.fails,
            remedy: finding.fault.remedy(),
            value: rounded(finding.value),
            threshold: finding.threshold,
            unit: finding.fault.unit(),
            tissue_share: finding.tissue_share.map(rounded),
            note: finding.note.clone(),
            areas: finding.areas.iter().map(rings).collect(),
            crop: finding.crop.as_ref().map(RectDocument::from),
        }
    }
}

/// Six digits: no measure is better known.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6 + 0.0
}

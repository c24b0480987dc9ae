//! `report.json`. The schema's number changes when a field changes its meaning or disappears.

use std::collections::BTreeMap;

use bianque_core::{Digest, Level0, Mpp, Polygon, Producer};
use bianque_lesion::{EvidenceLevel, LesionEvaluation, OutOfScope};
use bianque_package::Standing;
use bianque_vision::Purpose;
use serde::Serialize;

use super::QualityDocument;

/// One slide's result.
#[derive(Serialize)]
pub(crate) struct Report {
    /// `bianque.report/1`.
    pub(crate) schema: &'static str,
    /// What every result says of its standing.
    pub(crate) notice: &'static str,
    /// What the result is for; the encoder's licence allows it, or nobody stated whether it does.
    pub(crate) purpose: Purpose,
    pub(crate) program_version: &'static str,
    pub(crate) slide: SlideDocument,
    pub(crate) task: TaskDocument,
    /// True when the slide's organ was not stated or is not the task's.
    pub(crate) exploratory: bool,
    /// Whose the task is.
    pub(crate) package: PackageDocument,
    /// Whether the task was made for such a slide.
    pub(crate) scope: ScopeDocument,
    pub(crate) encoder: ProducerDocument,
    pub(crate) head: ProducerDocument,
    pub(crate) tissue: TissueDocument,
    /// What the check found before anything else looked at the slide.
    pub(crate) quality: QualityDocument,
    pub(crate) tiles: TilesDocument,
    /// Gravest first; every one a proposal.
    pub(crate) regions: Vec<RegionDocument>,
    /// Present when known lesions were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evaluation: Option<LesionEvaluation>,
    /// The only part that differs between two runs on the same slide.
    pub(crate) timings: Timings,
    pub(crate) warnings: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct SlideDocument {
    /// The file's name without its folder.
    pub(crate) name: String,
    pub(crate) format: &'static str,
    pub(crate) vendor: Option<String>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) levels: Vec<LevelDocument>,
    pub(crate) mpp: Option<MppDocument>,
    pub(crate) mpp_statements: Vec<MppDocument>,
    pub(crate) magnification: Option<f64>,
    /// Of the whole file, or of a folder's files in the order of their names.
    pub(crate) digest: Digest,
}

#[derive(Serialize)]
pub(crate) struct LevelDocument {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) downsample: f64,
}

/// Microns per level-0 pixel, where found and how far to be trusted.
#[derive(Serialize)]
pub(crate) struct MppDocument {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) source: String,
    pub(crate) confidence: &'static str,
}

impl From<&Mpp> for MppDocument {
    fn from(mpp: &Mpp) -> Self {
        let confidence = match mpp.confidence() {
            bianque_core::Confidence::Low => "low",
            bianque_core::Confidence::Medium => "medium",
            bianque_core::Confidence::High => "high",
        };
        Self { x: mpp.x(), y: mpp.y(), source: mpp.source().to_string(), confidence }
    }
}

#[derive(Serialize)]
pub(crate) struct TaskDocument {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title_zh: Option<String>,
    pub(crate) organ: String,
    /// Organ stated for this slide, if it was.
    pub(crate) stated_organ: Option<String>,
    pub(crate) labels: Vec<LabelDocument>,
}

/// The package that the task came in.
#[derive(Serialize)]
pub(crate) struct PackageDocument {
    /// Absent where the task never was a package.
    pub(crate) digest: Option<String>,
    pub(crate) signature: Standing,
}

/// The slide held against the task's card.
#[derive(Clone, Serialize)]
pub(crate) struct ScopeDocument {
    /// The card's digest; absent where the task has none.
    pub(crate) card: Option<String>,
    /// How far what was measured reaches.
    pub(crate) evidence: EvidenceLevel,
    /// The scanner as the file states it.
    pub(crate) scanner: Option<String>,
    /// Whether the task was made for such a slide.
    pub(crate) fits: bool,
    /// In which ways it was not.
    pub(crate) outside: Vec<OutOfScope>,
}

#[derive(Serialize)]
pub(crate) struct LabelDocument {
    pub(crate) name: String,
    pub(crate) title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title_zh: Option<String>,
    pub(crate) lesion: bool,
    pub(crate) color: [u8; 3],
}

#[derive(Serialize)]
pub(crate) struct ProducerDocument {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) digest: Option<String>,
    pub(crate) licence: Option<String>,
}

impl From<&Producer> for ProducerDocument {
    fn from(producer: &Producer) -> Self {
        Self {
            name: producer.name.clone(),
            version: producer.version.clone(),
            digest: producer.digest.map(|digest| digest.to_string()),
            licence: producer.licence.clone(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct TissueDocument {
    pub(crate) area_mm2: Option<f64>,
    /// Share of the slide.
    pub(crate) fraction: f64,
    pub(crate) fragments: usize,
    /// Colours of ink that was found.
    pub(crate) ink: Vec<String>,
    /// Outlines: polygons of rings of points, in level-0 pixels.
    pub(crate) polygons: Vec<Vec<Vec<[f64; 2]>>>,
}

#[derive(Serialize)]
pub(crate) struct TilesDocument {
    pub(crate) analysed: usize,
    /// Left out because they do not decode.
    pub(crate) broken: usize,
    /// Left out because the check found the tissue wanting there.
    pub(crate) flawed: usize,
    /// Edge in pixels at `mpp`.
    pub(crate) size: u32,
    pub(crate) mpp: f64,
    /// Positions along a tile's edge.
    pub(crate) steps: u32,
    /// True when features were kept from an earlier run and the slide was not read again.
    pub(crate) features_reused: bool,
}

#[derive(Serialize)]
pub(crate) struct RegionDocument {
    pub(crate) label: String,
    /// Highest calibrated probability of the label in the region, smoothed.
    pub(crate) score: f64,
    pub(crate) mean_probability: f64,
    pub(crate) area_mm2: Option<f64>,
    pub(crate) tiles: usize,
    /// Nobody has confirmed it.
    pub(crate) state: &'static str,
    pub(crate) polygons: Vec<Vec<Vec<[f64; 2]>>>,
    pub(crate) evidence: Vec<EvidenceDocument>,
}

/// A tile that speaks for a region, in level-0 pixels.
#[derive(Serialize)]
pub(crate) struct EvidenceDocument {
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Calibrated probability of the region's label.
    pub(crate) probability: f32,
}

/// Wall seconds of each step, and what the workers spent on decoding and computing.
#[derive(Serialize)]
pub(crate) struct Timings {
    pub(crate) total_seconds: f64,
    pub(crate) seconds: BTreeMap<&'static str, f64>,
}

/// A polygon's outline and holes as points, to a tenth of a pixel.
pub(crate) fn rings(polygon: &Polygon<Level0>) -> Vec<Vec<[f64; 2]>> {
    let tenth = |value: f64| (value * 10.0).round() / 10.0;
    std::iter::once(&polygon.outer)
        .chain(&polygon.holes)
        .map(|ring| ring.iter().map(|point| [tenth(point.x), tenth(point.y)]).collect())
        .collect()
}

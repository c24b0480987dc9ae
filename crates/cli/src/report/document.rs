//! `report.json`. The schema's number changes when a field changes its meaning or disappears.

use std::{collections::BTreeMap, fmt};

use bianque_core::{Digest, Level0, Mpp, Polygon, Producer};
use bianque_lesion::{EvidenceLevel, LesionEvaluation, OutOfScope, SlideExtraction, Timing};
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
    /// Present when a second encoder judged some places again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) second: Option<SecondStageDocument>,
    /// Present when a picture of attention was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attention: Option<AttentionDocument>,
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

impl ProducerDocument {
    /// For a line at a terminal: the digest's beginning tells it from others.
    pub(crate) fn line(&self) -> String {
        let digest = self.digest.as_deref();
        format!(
            "{} {}, {}, licence {}",
            self.name,
            self.version,
            digest.map_or("no digest", |digest| digest.get(..19).unwrap_or(digest)),
            self.licence.as_deref().unwrap_or("not stated")
        )
    }
}

impl fmt::Display for ProducerDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let licence = self.licence.as_deref().unwrap_or("licence not stated");
        write!(f, "{} {}, {licence}", self.name, self.version)?;
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, ", {digest}"))
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
    /// What outlines follow within tiles: `interpolated` between tiles, or `tokens`, the parts of
    /// tiles, whose probabilities are not calibrated.
    pub(crate) outlines: &'static str,
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

/// What a second encoder judged. Every other tile was judged by the report's `encoder` and `head`.
#[derive(Serialize)]
pub(crate) struct SecondStageDocument {
    pub(crate) encoder: ProducerDocument,
    pub(crate) head: ProducerDocument,
    /// Places that it was to judge; fewer in `places` while the run goes on.
    pub(crate) places_planned: usize,
    /// Places that were left out because `--second-tiles` had no room for their tiles.
    pub(crate) places_skipped: usize,
    /// The share of the analysed tiles that it has judged again.
    pub(crate) share: f64,
    /// Tiles of its own on these places.
    pub(crate) tiles: usize,
    /// Tiles of the first encoder whose probabilities are the second one's, the most telling first.
    pub(crate) places: Vec<PlaceDocument>,
}

/// What a model looked at: for the eye, nothing is measured or outlined on it.
#[derive(Clone, Serialize)]
pub(crate) struct AttentionDocument {
    /// The picture's name in the output folder.
    pub(crate) file: String,
    pub(crate) notice: &'static str,
    /// Whose attention.
    pub(crate) of: String,
    /// The layer for the page, as a `data:` address.
    #[serde(skip)]
    pub(crate) layer: String,
}

/// A tile, in level-0 pixels.
#[derive(Serialize)]
pub(crate) struct PlaceDocument {
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Wall seconds of each step, and how the pass over the slide spent its own.
#[derive(Serialize)]
pub(crate) struct Timings {
    pub(crate) total_seconds: f64,
    pub(crate) seconds: BTreeMap<&'static str, f64>,
    pub(crate) pass: PassDocument,
}

/// Reading and computing run side by side: `compute_seconds` and `waiting_seconds` are of the
/// clock, what the readers needed is summed over their threads.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct PassDocument {
    /// Tiles that were encoded, once for each encoder.
    pub(crate) tiles: usize,
    pub(crate) decode_seconds: f64,
    pub(crate) resize_seconds: f64,
    /// An encoder had tiles in hand.
    pub(crate) compute_seconds: f64,
    /// Every encoder waited for tiles.
    pub(crate) waiting_seconds: f64,
    /// Of compute and waiting together.
    pub(crate) waiting_share: f64,
    /// The second encoder's time, where there was one: part of `compute_seconds`, as what it waited
    /// for is part of `waiting_seconds` and its tiles are part of `tiles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) second_compute_seconds: Option<f64>,
}

impl PassDocument {
    /// Of one pass, which all of these come from.
    pub(crate) fn of(found: &[SlideExtraction]) -> Self {
        let timing = found.first().map(|found| found.timing).unwrap_or_default();
        Self {
            tiles: found.iter().map(|found| found.timing.tiles).sum(),
            decode_seconds: timing.decode_seconds,
            resize_seconds: timing.resize_seconds,
            compute_seconds: timing.compute_seconds,
            waiting_seconds: timing.waiting_seconds,
            waiting_share: timing.waiting_share(),
            second_compute_seconds: None,
        }
    }

    /// The same with the second stage, which follows it.
    pub(crate) fn with_second(mut self, second: &Timing) -> Self {
        self.add(&Self {
            tiles: second.tiles,
            decode_seconds: second.decode_seconds,
            resize_seconds: second.resize_seconds,
            compute_seconds: second.compute_seconds,
            waiting_seconds: second.waiting_seconds,
            waiting_share: second.waiting_share(),
            second_compute_seconds: Some(second.compute_seconds),
        });
        self
    }

    /// Takes another slide's pass in.
    pub(crate) fn add(&mut self, other: &Self) {
        self.tiles += other.tiles;
        self.decode_seconds += other.decode_seconds;
        self.resize_seconds += other.resize_seconds;
        self.compute_seconds += other.compute_seconds;
        self.waiting_seconds += other.waiting_seconds;
        let second = (self.second_compute_seconds, other.second_compute_seconds);
        self.second_compute_seconds = match second {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0.0) + b.unwrap_or(0.0)),
        };
        let both = self.compute_seconds + self.waiting_seconds;
        self.waiting_share = if both > 0.0 { self.waiting_seconds / both } else { 0.0 };
    }

    /// For a person.
    pub(crate) fn text(&self) -> String {
        let second = self.second_compute_seconds;
        let second = second.map(|s| format!(" (second encoder {s:.1} s)")).unwrap_or_default();
        format!(
            "{} tiles encoded: compute {:.1} s{second}, waiting for tiles {:.1} s ({:.0} %); beside \
             it decoding {:.1} s, resizing {:.1} s",
            self.tiles,
            self.compute_seconds,
            self.waiting_seconds,
            100.0 * self.waiting_share,
            self.decode_seconds,
            self.resize_seconds
        )
    }
}

/// A polygon's outline and holes as points, to a tenth of a pixel.
pub(crate) fn rings(polygon: &Polygon<Level0>) -> Vec<Vec<[f64; 2]>> {
    let tenth = |value: f64| (value * 10.0).round() / 10.0;
    std::iter::once(&polygon.outer)
        .chain(&polygon.holes)
        .map(|ring| ring.iter().map(|point| [tenth(point.x), tenth(point.y)]).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_stage_is_part_of_the_split() {
        let first = PassDocument {
            tiles: 100,
            compute_seconds: 6.0,
            waiting_seconds: 1.0,
            waiting_share: 1.0 / 7.0,
            ..PassDocument::default()
        };
        let second = Timing {
            tiles: 9,
            compute_seconds: 2.0,
            waiting_seconds: 1.0,
            decode_seconds: 0.5,
            ..Timing::default()
        };
        let both = first.with_second(&second);
        assert_eq!((both.tiles, both.second_compute_seconds), (109, Some(2.0)));
        assert_eq!((both.compute_seconds, both.waiting_seconds), (8.0, 2.0));
        assert!((both.waiting_share - 0.2).abs() < 1e-12 && both.decode_seconds == 0.5);
        assert!(both.text().contains("compute 8.0 s (second encoder 2.0 s)"), "{}", both.text());
        // Of several slides the second stages add up too.
        let mut all = both.clone();
        all.add(&both);
        assert_eq!((all.compute_seconds, all.second_compute_seconds), (16.0, Some(4.0)));
        assert!((all.waiting_share - 0.2).abs() < 1e-12);
    }
}

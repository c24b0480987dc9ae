//! A task's card: what it is for, what it was made and measured on, as fields that are checked.
//!
//! `CARD.md` beside it is for reading; `card.json` is what a run is held to.

use std::{collections::BTreeSet, fmt, path::Path};

use bianque_core::{Digest, Mpp};
use serde::{Deserialize, Serialize};

use super::TaskStatement;
use crate::{
    error::{LesionError, Result},
    files::read_bounded,
};

/// The name of the card in a task's folder.
pub const CARD_FILE: &str = "card.json";

pub(super) const SCHEMA: &str = "bianque.card/1";
const LARGEST: u64 = 1 << 20;
/// The longest text of a field, in bytes, and the most items of a list.
const LONGEST: usize = 4000;
const MOST: usize = 1000;

/// What a task is for, and what it was made and measured on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    pub(super) schema: String,
    /// The organ; the task's own.
    pub organ: String,
    /// The cancers of the coverage table that it looks for; none where it looks for no cancer.
    pub cancers: Vec<CoveredCancer>,
    /// The stain, such as `H&E`.
    pub stain: String,
    /// Microns per level-0 pixel of the slides that it takes.
    pub mpp: MppRange,
    /// The scanners with which it was paired, that is, measured; none where it was with none.
    pub scanners: Vec<PairedScanner>,
    /// What it is meant for; the task's own words.
    pub intended_use: String,
    /// What it must not be used for.
    pub not_for: Vec<String>,
    /// Licence of the head, as an SPDX expression; the task's own.
    pub licence: String,
    /// What it was made from.
    pub training: TrainingMaterial,
    /// What was measured, site by site; none where nothing was.
    pub metrics: Vec<SiteMetrics>,
    /// Where it is known to fail, or not known to work.
    pub limits: Vec<String>,
}

/// A row of the coverage table that a task speaks to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoveredCancer {
    /// The row's key, such as `colorectum`.
    pub site: String,
    /// The part of the row that is meant, where it is not the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
}

/// A range of resolutions in microns per pixel, ends included.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MppRange {
    /// The finest.
    pub lowest: f64,
    /// The coarsest.
    pub highest: f64,
}

/// A scanner with which a task was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairedScanner {
    /// Its maker, as slides state it.
    pub maker: String,
    /// Its model, as slides state it.
    pub model: String,
}

/// What a task was made from. A number that nobody knows is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingMaterial {
    /// Where it comes from.
    pub source: String,
    /// Its licence.
    pub licence: String,
    /// Number of hospitals or laboratories.
    pub sites: Option<u64>,
    /// Number of patients.
    pub patients: Option<u64>,
    /// Number of slides.
    pub slides: Option<u64>,
    /// Number of tiles.
    pub tiles: Option<u64>,
    /// Who said what is what.
    pub labelled_by: Option<String>,
}

/// What is counted when something is measured.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Tiles cut from slides.
    Tile,
    /// Lesions on whole slides.
    Lesion,
    /// Whole slides.
    Slide,
    /// Patients.
    Patient,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tile => "tiles",
            Self::Lesion => "lesions",
            Self::Slide => "slides",
            Self::Patient => "patients",
        })
    }
}

/// What was measured at one site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteMetrics {
    /// The hospital, laboratory or public source.
    pub site: String,
    /// Whether nothing of this site was trained on.
    pub external: bool,
    /// What was held out, and how.
    pub held_out: String,
    /// What is counted.
    pub unit: Unit,
    /// How many of them.
    pub count: u64,
    /// Patients behind them, where known.
    pub patients: Option<u64>,
    /// Scanner, where known.
    pub scanner: Option<String>,
    /// How the intervals were made, and what they take for granted.
    pub interval: String,
    /// The figures.
    pub values: Vec<Measure>,
}

/// A figure with its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// What it is, such as `accuracy` or `recall adenocarcinoma`.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
    /// How many it rests on.
    pub count: u64,
}

/// How far what was measured reaches. It follows from the metrics; nobody states it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceLevel {
    /// Nothing was measured.
    None,
    /// On tiles alone.
    Tile,
    /// On whole slides of one site, or of sites that were trained on.
    Slide,
    /// On whole slides of two sites or more, one of them at least not trained on.
    MultiSite,
}

impl EvidenceLevel {
    /// Its stable name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Tile => "tile",
            Self::Slide => "slide",
            Self::MultiSite => "multi-site",
        }
    }
}

impl Card {
    /// Reads the card in a task's folder; absent where there is none.
    ///
    /// # Errors
    /// When it cannot be read, is malformed, or contradicts the task.
    pub fn load(folder: &Path, task: &dyn TaskStatement) -> Result<Option<(Self, Digest)>> {
        let path = folder.join(CARD_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let wrong = |what: String| LesionError::Task { path: path.clone(), what };
        let bytes = read_bounded(&path, LARGEST)?;
        let card = Self::from_bytes(&bytes).map_err(wrong)?;
        match card.contradicts(task) {
            Some(what) => Err(wrong(what)),
            None => Ok(Some((card, Digest::of(&bytes)))),
        }
    }

    /// Reads a card alone.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn from_bytes(bytes: &[u8]) -> std::result::Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            schema: String,
        }
        let version: Version = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if version.schema != SCHEMA {
            let schema: String = version.schema.chars().take(60).collect();
            return Err(format!("schema '{schema}' is not known; '{SCHEMA}' is"));
        }
        let card: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        card.fault().map_or(Ok(card), Err)
    }

    /// How far what was measured reaches.
    #[must_use]
    pub fn evidence(&self) -> EvidenceLevel {
        let on_slides = || self.metrics.iter().filter(|site| site.unit != Unit::Tile);
        let sites: BTreeSet<&str> = on_slides().map(|site| site.site.as_str()).collect();
        match sites.len() {
            0 if self.metrics.is_empty() => EvidenceLevel::None,
            0 => EvidenceLevel::Tile,
            1 => EvidenceLevel::Slide,
            _ if on_slides().any(|site| site.external) => EvidenceLevel::MultiSite,
            _ => EvidenceLevel::Slide,
        }
    }

    fn contradicts(&self, task: &dyn TaskStatement) -> Option<String> {
        let pairs = [
            ("organ", self.organ.as_str(), task.organ()),
            ("licence", &self.licence, task.licence()),
            ("intended_use", &self.intended_use, task.intended_use()),
        ];
        let pair = pairs.into_iter().find(|(_, card, task)| card != task);
        pair.map(|(field, card, task)| {
            format!("'{field}' is '{card}' here and '{task}' in task.json: make them the same")
        })
    }

    fn fault(&self) -> Option<String> {
        let texts = [
            ("organ", &self.organ),
            ("stain", &self.stain),
            ("intended_use", &self.intended_use),
            ("licence", &self.licence),
            ("training.source", &self.training.source),
            ("training.licence", &self.training.licence),
        ];
        let scanners = self.scanners.iter().flat_map(|scanner| [&scanner.maker, &scanner.model]);
        let lists = self.not_for.iter().chain(&self.limits).chain(scanners);
        let cancers = self.cancers.iter().map(|cancer| &cancer.site);
        let texts = texts.into_iter().chain(lists.chain(cancers).map(|text| ("a list", text)));
        for (field, text) in texts {
            if text.trim().is_empty() || text.len() > LONGEST {
                return Some(format!("'{field}' is empty or very long: say it in a few words"));
            }
        }
        let plausible = |mpp: f64| Mpp::PLAUSIBLE.contains(&mpp);
        let MppRange { lowest, highest } = self.mpp;
        if !(plausible(lowest) && plausible(highest) && lowest <= highest) {
            return Some(format!("'mpp' from {lowest} to {highest} is no range of resolutions"));
        }
        let names: BTreeSet<&str> = self.cancers.iter().map(|c| c.site.as_str()).collect();
        if names.len() < self.cancers.len() || self.metrics.len() > MOST {
            return Some("a cancer stands twice, or there are very many metrics".into());
        }
        self.metrics.iter().find_map(SiteMetrics::fault)
    }
}

impl SiteMetrics {
    fn fault(&self) -> Option<String> {
        let said = |what: &str| Some(format!("metrics of '{}': {what}", self.site));
        let texts = [&self.site, &self.held_out, &self.interval];
        if texts.iter().any(|text| text.trim().is_empty() || text.len() > LONGEST) {
            return said("say the site, what was held out, and how the intervals were made");
        }
        if self.count == 0 || self.values.is_empty() || self.values.len() > MOST {
            return said("a count above zero and at least one value are needed");
        }
        let sound = |value: &Measure| {
            value.low.is_finite()
                && value.high.is_finite()
                && value.low <= value.value
                && value.value <= value.high
                && (1..=self.count).contains(&value.count)
                && !value.name.trim().is_empty()
        };
        let value = self.values.iter().find(|value| !sound(value))?;
        said(&format!(
            "'{}' needs an interval around its value, and a count of at most {}",
            value.name, self.count
        ))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    pub(crate) fn card() -> Value {
        json!({
            "schema": SCHEMA, "organ": "colon", "cancers": [{ "site": "colorectum" }],
            "stain": "H&E", "mpp": { "lowest": 0.2, "highest": 1.1 },
            "scanners": [{ "maker": "Aperio", "model": "GT 450" }],
            "intended_use": "tests", "not_for": [], "licence": "Apache-2.0",
            "training": {
                "source": "two points", "licence": "CC0-1.0", "sites": 1, "patients": null,
                "slides": null, "tiles": 2, "labelled_by": null,
            },
            "metrics": [metrics("A", "tile", false)],
            "limits": [],
        })
    }

    fn metrics(site: &str, unit: &str, external: bool) -> Value {
        json!({
            "site": site, "external": external, "held_out": "all", "unit": unit, "count": 10,
            "patients": null, "scanner": null, "interval": "Wilson, 95 %",
            "values": [{ "name": "accuracy", "value": 0.9, "low": 0.6, "high": 0.98, "count": 10 }],
        })
    }

    fn read(card: &Value) -> std::result::Result<Card, String> {
        Card::from_bytes(card.to_string().as_bytes())
    }

    #[test]
    fn malformed_cards_are_refused() {
        let changes: [fn(&mut Value); 13] = [
            |c| c["schema"] = json!("bianque.card/2"),
            |c| c["organ"] = json!(" "),
            |c| c["surprise"] = json!(1),
            |c| c["mpp"]["lowest"] = json!(2.0),
            |c| c["mpp"]["highest"] = json!(-1),
            |c| c["stain"] = json!("x".repeat(5000)),
            |c| c["cancers"] = json!([{ "site": "lung" }, { "site": "lung" }]),
            |c| c["metrics"][0]["count"] = json!(0),
            |c| c["metrics"][0]["values"] = json!([]),
            |c| c["metrics"][0]["values"][0]["low"] = json!(0.95),
            |c| c["metrics"][0]["values"][0]["count"] = json!(11),
            |c| c["metrics"][0]["values"][0]["high"] = json!(null),
            |c| c["metrics"][0]["interval"] = json!(""),
        ];
        assert!(read(&card()).is_ok());
        for (index, change) in changes.into_iter().enumerate() {
            let mut card = card();
            change(&mut card);
            assert!(read(&card).is_err(), "{index}");
        }
    }

    #[test]
    fn evidence_follows_from_what_was_measured() {
        for (sites, evidence) in [
            (vec![], EvidenceLevel::None),
            (vec![("A", "tile", true), ("B", "tile", true)], EvidenceLevel::Tile),
            (vec![("A", "tile", true), ("B", "slide", false)], EvidenceLevel::Slide),
            (vec![("A", "slide", true), ("A", "lesion", true)], EvidenceLevel::Slide),
            (vec![("A", "slide", false), ("B", "slide", false)], EvidenceLevel::Slide),
            (vec![("A", "slide", false), ("B", "patient", true)], EvidenceLevel::MultiSite),
        ] {
            let mut card = card();
            card["metrics"] =
                sites.iter().map(|(site, unit, external)| metrics(site, unit, *external)).collect();
            assert_eq!(read(&card).unwrap().evidence(), evidence, "{sites:?}");
        }
    }

    #[test]
    fn a_card_that_contradicts_its_task_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let task = crate::task::tests::task();
        assert!(Card::load(folder.path(), &task).unwrap().is_none());
        let path = folder.path().join(CARD_FILE);
        std::fs::write(&path, card().to_string()).unwrap();
        assert!(Card::load(folder.path(), &task).unwrap().is_some());
        for field in ["organ", "licence", "intended_use"] {
            let mut card = card();
            card[field] = json!("another");
            std::fs::write(&path, card.to_string()).unwrap();
            let error = Card::load(folder.path(), &task).unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }
}

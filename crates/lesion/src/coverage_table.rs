//! Which cancers are covered by a task, by what evidence, and what share of yearly incidence that is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    error::{LesionError, Result},
    task::{Card, EvidenceLevel, SiteMetrics},
};

const SCHEMA: &str = "bianque.cancers/1";
/// The most rows of a table.
const MOST_ROWS: usize = 1000;

/// Cancers by yearly incidence, each figure with its source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancerTable {
    schema: String,
    /// The year of the new cases.
    pub year: u16,
    /// Where the figures were read.
    pub sources: Vec<FigureSource>,
    /// Every cancer together.
    pub total: Totals,
    /// The rows, in the order in which they are shown.
    pub cancers: Vec<Cancer>,
}

/// Where a figure was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureSource {
    /// What rows call it.
    pub key: String,
    /// Its title.
    pub title: String,
    /// The table or passage.
    pub place: String,
    /// Who published it.
    pub publisher: String,
    /// Its date or version.
    pub version: String,
    /// Where it is found.
    pub address: String,
}

/// All new cases of the year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// In the world.
    pub world: Figure,
    /// In China.
    pub china: Figure,
}

/// New cases in a year and the key of their source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// New cases.
    pub cases: u64,
    /// Key of the source.
    pub source: String,
}

/// A cancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancer {
    /// Its key, which cards name.
    pub site: String,
    /// Its ICD-10 codes.
    pub icd10: String,
    /// Its English name.
    pub en: String,
    /// Its Chinese name.
    pub zh: String,
    /// New cases in the world; absent where no source was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<Figure>,
    /// New cases in China; absent where no source was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub china: Option<Figure>,
}

impl CancerTable {
    /// Reads a table.
    ///
    /// # Errors
    /// When it is malformed, a figure has no source, or the rows exceed the total.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: String| LesionError::Setting(format!("the table of cancers: {what}"));
        let table: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        table.fault().map_or(Ok(table), |what| Err(wrong(what)))
    }

    fn fault(&self) -> Option<String> {
        if self.schema != SCHEMA {
            return Some(format!("schema '{}' is not known; '{SCHEMA}' is", self.schema));
        }
        let keys: BTreeSet<&str> = self.sources.iter().map(|source| source.key.as_str()).collect();
        let sites: BTreeSet<&str> = self.cancers.iter().map(|row| row.site.as_str()).collect();
        if sites.len() < self.cancers.len() || self.cancers.len() > MOST_ROWS {
            return Some("a cancer stands twice, or there are very many".into());
        }
        for region in Population::ALL {
            let rows = self.cancers.iter().filter_map(|row| region.figure(row));
            let total = region.total(self);
            let figures = || rows.clone().chain([total]);
            if let Some(figure) = figures().find(|figure| !keys.contains(figure.source.as_str())) {
                return Some(format!("the source '{}' is not among the sources", figure.source));
            }
            let sum = rows.clone().try_fold(0_u64, |sum, figure| sum.checked_add(figure.cases));
            if total.cases == 0 || sum.is_none_or(|sum| sum > total.cases) {
                return Some(format!("the rows of {region:?} exceed its total"));
            }
        }
        None
    }
}

/// Where new cases are counted.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// China.
    China,
    /// The world.
    World,
}

impl Population {
    /// Both.
    pub const ALL: [Self; 2] = [Self::China, Self::World];

    /// A row's new cases.
    #[must_use]
    pub fn figure(self, row: &Cancer) -> Option<&Figure> {
        match self {
            Self::China => row.china.as_ref(),
            Self::World => row.world.as_ref(),
        }
    }

    fn total(self, table: &CancerTable) -> &Figure {
        match self {
            Self::China => &table.total.china,
            Self::World => &table.total.world,
        }
    }
}

/// A task as the table sees it.
#[derive(Clone, Debug)]
pub struct CoveringTask {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whom a site has for it: a signer's name, `shipped`, or the like.
    pub origin: String,
    /// Its card; a task without one covers nothing.
    pub card: Card,
}

/// A row of the table with the tasks that speak to it.
#[derive(Clone, Debug, Serialize)]
pub struct CoveredRow {
    /// The cancer.
    #[serde(flatten)]
    pub cancer: Cancer,
    /// The furthest evidence of its tasks.
    pub evidence: EvidenceLevel,
    /// Whether every task of that evidence is for a part of it only.
    pub partly: bool,
    /// Its tasks, furthest evidence first.
    pub tasks: Vec<RowTask>,
}

/// A task in a row.
#[derive(Clone, Debug, Serialize)]
pub struct RowTask {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it is from.
    pub origin: String,
    /// How far its measures reach.
    pub evidence: EvidenceLevel,
    /// The part of the row that it is for, where it is not the whole.
    pub only: Option<String>,
    /// What was measured.
    pub metrics: Vec<SiteMetrics>,
}

/// New cases by the furthest evidence of the rows' tasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CoveredShare {
    /// All new cases, and their source.
    pub total: Figure,
    /// New cases of the rows that state a figure.
    pub counted: u64,
    /// New cases in no row that states a figure: other cancers, and those of no stated site.
    pub rest: u64,
    /// New cases of rows with a task, by evidence. Where a task is for a part of its row, the row
    /// counts whole: the share is at most this.
    pub cases: BTreeMap<&'static str, u64>,
    /// The same as shares of all new cases.
    pub shares: BTreeMap<&'static str, f64>,
    /// Whether a row counts whole although its task is for a part of it.
    pub at_most: bool,
}

/// The table with the tasks in it.
#[derive(Clone, Debug, Serialize)]
pub struct Coverage {
    /// The year of the new cases.
    pub year: u16,
    /// The rows.
    pub rows: Vec<CoveredRow>,
    /// What share is covered, by region.
    pub shares: BTreeMap<Population, CoveredShare>,
    /// Where the figures were read.
    pub sources: Vec<FigureSource>,
    /// Tasks whose card names a cancer that the table does not have, with that name.
    pub unknown: Vec<(String, String)>,
}

impl Coverage {
    /// Sorts tasks into the table's rows.
    #[must_use]
    pub fn of(table: &CancerTable, tasks: &[CoveringTask]) -> Self {
        let rows: Vec<CoveredRow> = table.cancers.iter().map(|cancer| row(cancer, tasks)).collect();
        let known = |site: &str| table.cancers.iter().any(|cancer| cancer.site == site);
        let named = tasks.iter().flat_map(|task| {
            task.card.cancers.iter().map(|cancer| (task.name.clone(), cancer.site.clone()))
        });
        let shares = Population::ALL.map(|region| (region, share(table, &rows, region)));
        Self {
            year: table.year,
            shares: shares.into_iter().collect(),
            sources: table.sources.clone(),
            unknown: named.filter(|(_, site)| !known(site)).collect(),
            rows,
        }
    }
}

fn row(cancer: &Cancer, tasks: &[CoveringTask]) -> CoveredRow {
    let mut covering: Vec<RowTask> = tasks
        .iter()
        .filter_map(|task| {
            let covered = task.card.cancers.iter().find(|covered| covered.site == cancer.site)?;
            Some(RowTask {
                name: task.name.clone(),
                version: task.version.clone(),
                origin: task.origin.clone(),
                evidence: task.card.evidence(),
                only: covered.only.clone(),
                metrics: task.card.metrics.clone(),
            })
        })
        .collect();
    covering.sort_by(|a, b| b.evidence.cmp(&a.evidence).then_with(|| a.name.cmp(&b.name)));
    let evidence = covering.first().map_or(EvidenceLevel::None, |task| task.evidence);
    let furthest = covering.iter().filter(|task| task.evidence == evidence);
    let partly = !covering.is_empty() && furthest.clone().all(|task| task.only.is_some());
    CoveredRow { cancer: cancer.clone(), evidence, partly, tasks: covering }
}

fn share(table: &CancerTable, rows: &[CoveredRow], region: Population) -> CoveredShare {
    let total = region.total(table).clone();
    let figures = rows.iter().filter_map(|row| Some((row, region.figure(&row.cancer)?.cases)));
    let measured = || figures.clone().filter(|(row, _)| row.evidence > EvidenceLevel::None);
    let levels = [EvidenceLevel::Tile, EvidenceLevel::Slide, EvidenceLevel::MultiSite];
    let cases: BTreeMap<_, u64> = levels
        .into_iter()
        .map(|level| {
            let of_level = measured().filter(|(row, _)| row.evidence == level);
            (level.name(), of_level.map(|(_, cases)| cases).sum())
        })
        .collect();
    let counted = figures.clone().map(|(_, cases)| cases).sum();
    CoveredShare {
        counted,
        rest: total.cases.saturating_sub(counted),
        shares: cases.iter().map(|(level, n)| (*level, *n as f64 / total.cases as f64)).collect(),
        at_most: measured().any(|(row, _)| row.partly),
        cases,
        total,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::task::tests_card;

    const TABLE: &str = r#"
        schema = "bianque.cancers/1"
        year = 2022
        [[sources]]
        key = "a"
        title = "t"
        place = "p"
        publisher = "p"
        version = "1"
        address = "x"
        [total]
        world = { cases = 1000, source = "a" }
        china = { cases = 400, source = "a" }
        [[cancers]]
        site = "lung"
        icd10 = "C33-C34"
        en = "Lung"
        zh = "肺癌"
        world = { cases = 300, source = "a" }
        china = { cases = 100, source = "a" }
        [[cancers]]
        site = "colorectum"
        icd10 = "C18-C21"
        en = "Colorectum"
        zh = "结直肠癌"
        world = { cases = 200, source = "a" }
    "#;

    fn task(cancers: serde_json::Value, unit: &str) -> CoveringTask {
        let mut card = tests_card();
        card["cancers"] = cancers;
        card["metrics"][0]["unit"] = json!(unit);
        let card = Card::from_bytes(card.to_string().as_bytes()).unwrap();
        CoveringTask { name: unit.into(), version: "1".into(), origin: "shipped".into(), card }
    }

    #[test]
    fn the_share_is_that_of_rows_with_a_measured_task() {
        let table = CancerTable::parse(TABLE).unwrap();
        let none = Coverage::of(&table, &[]);
        assert_eq!(none.shares[&Population::World].shares["tile"], 0.0);
        let tasks = [
            task(json!([{ "site": "colorectum", "only": "colon" }, { "site": "skin" }]), "tile"),
            task(json!([{ "site": "lung" }]), "tile"),
            task(json!([{ "site": "lung" }]), "slide"),
        ];
        let coverage = Coverage::of(&table, &tasks);
        let world = &coverage.shares[&Population::World];
        assert_eq!((world.cases["tile"], world.cases["slide"]), (200, 300));
        assert_eq!((world.shares["tile"], world.at_most, world.counted), (0.2, true, 500));
        assert_eq!(world.rest, 500);
        let china = &coverage.shares[&Population::China];
        assert_eq!((china.counted, china.rest), (100, 300));
        assert_eq!((china.cases["tile"], china.shares["slide"], china.at_most), (0, 0.25, false));
        assert_eq!(coverage.rows[0].tasks[0].evidence, EvidenceLevel::Slide);
        assert_eq!(coverage.unknown, [("tile".to_owned(), "skin".to_owned())]);
    }

    #[test]
    fn a_table_that_cannot_be_right_is_refused() {
        for (from, to) in [
            ("cancers/1", "cancers/2"),
            ("site = \"lung\"", "site = \"colorectum\""),
            ("cases = 300, source = \"a\"", "cases = 300, source = \"b\""),
            ("cases = 300", "cases = 900"),
            ("cases = 1000", "cases = 0"),
            ("year = 2022", "year = -1"),
        ] {
            assert!(TABLE.contains(from));
            assert!(CancerTable::parse(&TABLE.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn the_shipped_table_is_sound() {
        let path = bianque_testkit::surroundings::crate_folder()
            .join("../../models/coverage/cancers.toml");
        let table = CancerTable::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(table.cancers.len(), 34);
        assert!(table.cancers.iter().filter(|row| row.world.is_some()).count() >= 8);
    }
}

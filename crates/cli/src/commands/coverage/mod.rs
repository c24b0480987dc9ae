//! `bianque coverage`: which cancers are covered, by what evidence.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use bianque_lesion::{
    AnyTask, CancerTable, Card, Coverage, CoveredRow, CoveringTask, EvidenceLevel, Population,
    RESEARCH_USE,
};
use bianque_package::Standing;
use clap::Args;
use serde::Serialize;

use super::{Outcome, write_file};
use crate::{
    models::{Models, Origin, TaskPlace},
    report::coverage_page,
    task_package::TaskPackage,
    terminal::Terminal,
};

/// The table, under the models folder.
const TABLE: &str = "coverage/cancers.toml";

#[derive(Args)]
#[command(after_help = "Examples:
  bianque coverage
  bianque coverage --html coverage.html
  bianque coverage --table ours.toml --json

The level of evidence follows from the metrics of each task's card: tile (on tiles alone), slide (on whole slides of
one site), multi-site (on whole slides of two sites or more, one of them not trained on). A figure is
shown only where its source was read.")]
pub(crate) struct CoverageArguments {
    /// Write the page with the picture too.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Another table of cancers [default: coverage/cancers.toml of the models folder].
    #[arg(long, value_name = "TOML")]
    pub(crate) table: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    notice: &'static str,
    #[serde(flatten)]
    coverage: &'a Coverage,
    /// Tasks that cannot be read, and why.
    unreadable: Vec<String>,
}

pub(crate) fn run(
    arguments: &CoverageArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let table = table(arguments.table.as_deref(), models)?;
    let (mut tasks, mut unreadable) = (Vec::new(), Vec::new());
    for place in models.tasks()?.iter().filter(|place| place.in_use) {
        match covering(place, models) {
            Ok(task) => tasks.extend(task),
            Err(error) => unreadable.push(format!("{}: {error:#}", place.folder.display())),
        }
    }
    let coverage = Coverage::of(&table, &tasks);
    if let Some(path) = &arguments.html {
        write_file(path, coverage_page(&coverage)?.as_bytes())?;
    }
    let document = Document {
        schema: "bianque.coverage/1",
        notice: RESEARCH_USE,
        coverage: &coverage,
        unreadable,
    };
    terminal.result(&document, &text(&document, arguments.html.as_deref())?)?;
    Ok(if document.unreadable.is_empty() { Outcome::Done } else { Outcome::Failed })
}

fn table(named: Option<&Path>, models: &Models) -> anyhow::Result<CancerTable> {
    let path = named.map_or_else(|| models.file(TABLE), |path| Ok(path.to_owned()))?;
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    CancerTable::parse(&text).with_context(|| path.display().to_string())
}

/// A task without a card states nothing and covers nothing.
fn covering(place: &TaskPlace, models: &Models) -> anyhow::Result<Option<CoveringTask>> {
    let loaded = AnyTask::load(&place.folder)?;
    let task = loaded.statement();
    let Some((card, _)) = Card::load(&place.folder, task)? else { return Ok(None) };
    let origin = match (place.origin, TaskPackage::of(place, models)?.standing) {
        (Origin::Shipped, _) => "shipped".to_owned(),
        (_, Standing::Trusted { signer, .. }) => signer,
        (_, standing) => standing.to_string(),
    };
    let (name, version) = (task.name().to_owned(), task.version().to_owned());
    Ok(Some(CoveringTask { name, version, origin, card }))
}

fn text(document: &Document<'_>, page: Option<&Path>) -> Result<String, std::fmt::Error> {
    let coverage = document.coverage;
    let mut text = String::new();
    writeln!(
        text,
        "{:<30} {:<13} {:>12} {:>12}  {:<10} tasks",
        format!("cancer, new cases in {}", coverage.year),
        "ICD-10",
        "China",
        "world",
        "evidence"
    )?;
    for row in &coverage.rows {
        write_row(&mut text, row)?;
    }
    let rest = |region| coverage.shares.get(&region).map_or(0, |share| share.rest);
    let (china, world) = (rest(Population::China), rest(Population::World));
    if china + world > 0 {
        let name = "other and unspecified";
        writeln!(text, "{name:<30} {:<13} {china:>12} {world:>12}  none", "")?;
    }
    writeln!(text)?;
    for (region, share) in &coverage.shares {
        let name = match region {
            Population::China => "China",
            Population::World => "world",
        };
        let most = if share.at_most { "at most " } else { "" };
        let all: f64 = share.shares.values().sum();
        let levels: Vec<String> =
            [EvidenceLevel::MultiSite, EvidenceLevel::Slide, EvidenceLevel::Tile]
                .iter()
                .filter_map(|level| Some((level, share.shares.get(level.name())?)))
                .map(|(level, part)| format!("{} {:.1} %", level.name(), part * 100.0))
                .collect();
        writeln!(
            text,
            "{name}: {most}{:.1} % of {} new cases have a task at all ({})",
            all * 100.0,
            share.total.cases,
            levels.join(", ")
        )?;
    }
    for (task, site) in &coverage.unknown {
        writeln!(text, "note: the card of {task} names '{site}', which the table does not have")?;
    }
    for unreadable in &document.unreadable {
        writeln!(text, "unreadable: {unreadable}")?;
    }
    if let Some(page) = page {
        writeln!(text, "page: {}", page.display())?;
    }
    let is_known = |row: &CoveredRow| row.cancer.china.is_some() && row.cancer.world.is_some();
    if !coverage.rows.iter().all(is_known) {
        write!(
            text,
            "- where no source was read; \"other and unspecified\" holds these rows too. "
        )?;
    }
    writeln!(text, "Sources: --json or --html. {}", document.notice)?;
    Ok(text)
}

fn write_row(text: &mut String, row: &CoveredRow) -> std::fmt::Result {
    let cases = |region: Population| {
        let figure = region.figure(&row.cancer);
        figure.map_or("-".to_owned(), |figure| figure.cases.to_string())
    };
    let tasks: Vec<String> = row
        .tasks
        .iter()
        .map(|task| {
            let part = if task.only.is_some() { ", a part" } else { "" };
            format!("{} {} ({}{part})", task.name, task.version, task.origin)
        })
        .collect();
    writeln!(
        text,
        "{:<30} {:<13} {:>12} {:>12}  {:<10} {}",
        row.cancer.en,
        row.cancer.icd10,
        cases(Population::China),
        cases(Population::World),
        row.evidence.name(),
        tasks.join(", ")
    )
}

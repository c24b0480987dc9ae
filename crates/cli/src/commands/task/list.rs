//! `bianque task list`.

use std::fmt::Write;

use bianque_lesion::{AnyTask, Card, EvidenceLevel, RESEARCH_USE};
use bianque_package::Standing;
use serde::Serialize;

use super::missing_encoder;
use crate::{
    commands::Outcome,
    models::{Models, TaskPlace},
    task_package::TaskPackage,
    terminal::Terminal,
};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    notice: &'static str,
    tasks: Vec<Row>,
    /// Tasks that cannot be read, and why.
    unreadable: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    version: String,
    title: String,
    organ: String,
    /// `tiles`, whose lesions it outlines, or whole `slides`.
    judges: &'static str,
    /// `installed` or `shipped`.
    origin: &'static str,
    /// Whether `--task NAME` means this one.
    in_use: bool,
    folder: String,
    /// The package's digest; a shipped task has none.
    digest: Option<String>,
    signature: Standing,
    licence: String,
    /// `none` also where there is no card.
    evidence: EvidenceLevel,
    card: bool,
    missing_encoder: Option<String>,
}

pub(super) fn run(models: &Models, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let mut document = Document {
        schema: "bianque.tasks/1",
        notice: RESEARCH_USE,
        tasks: Vec::new(),
        unreadable: Vec::new(),
    };
    for place in models.tasks()? {
        match row(&place, models) {
            Ok(row) => document.tasks.push(row),
            Err(error) => {
                document.unreadable.push(format!("{}: {error:#}", place.folder.display()));
            }
        }
    }
    terminal.result(&document, &text(&document)?)?;
    Ok(if document.unreadable.is_empty() { Outcome::Done } else { Outcome::Failed })
}

fn row(place: &TaskPlace, models: &Models) -> anyhow::Result<Row> {
    let loaded = AnyTask::load(&place.folder)?;
    let task = loaded.statement();
    let card = Card::load(&place.folder, task)?.map(|(card, _)| card);
    let package = TaskPackage::of(place, models)?;
    Ok(Row {
        missing_encoder: missing_encoder(models, task),
        name: task.name().to_owned(),
        version: task.version().to_owned(),
        title: task.title().to_owned(),
        organ: task.organ().to_owned(),
        judges: loaded.judges(),
        origin: place.origin.name(),
        in_use: place.in_use,
        folder: place.folder.display().to_string(),
        digest: package.digest.map(|digest| digest.to_string()),
        signature: package.standing,
        licence: task.licence().to_owned(),
        evidence: card.as_ref().map_or(EvidenceLevel::None, Card::evidence),
        card: card.is_some(),
    })
}

fn text(document: &Document) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(
        text,
        "{:<24} {:<9} {:<18} {:<7} {:<10} {:<10} signature",
        "task", "version", "organ", "judges", "evidence", "encoder"
    )?;
    for row in &document.tasks {
        let digest = row.digest.as_deref().and_then(|digest| digest.get(7..11));
        let name = match digest {
            Some(digest) if !row.in_use => format!("{}@{digest}", row.name),
            _ => row.name.clone(),
        };
        let signature = if row.origin == "shipped" {
            "shipped, not signed".into()
        } else {
            row.signature.to_string()
        };
        let encoder = if row.missing_encoder.is_none() { "there" } else { "missing" };
        writeln!(
            text,
            "{name:<24} {:<9} {:<18} {:<7} {:<10} {encoder:<10} {signature}",
            row.version,
            row.organ,
            row.judges,
            row.evidence.name()
        )?;
    }
    for row in &document.tasks {
        if let Some(missing) = &row.missing_encoder {
            writeln!(text, "{}: {missing}", row.name)?;
        }
    }
    for unreadable in &document.unreadable {
        writeln!(text, "unreadable: {unreadable}")?;
    }
    writeln!(text, "\n{}", document.notice)?;
    Ok(text)
}

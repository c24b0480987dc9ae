//! `bianque task card`.

use std::fmt::Write;

use anyhow::Context;
use bianque_lesion::{AnyTask, CARD_FILE, Card, EvidenceLevel, RESEARCH_USE, TrainingMaterial};
use bianque_package::Standing;
use serde::Serialize;

use super::{arguments::CardArguments, missing_encoder};
use crate::{commands::Outcome, models::Models, task_package::TaskPackage, terminal::Terminal};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    notice: &'static str,
    name: &'a str,
    version: &'a str,
    title: &'a str,
    /// `tiles`, whose lesions it outlines, or whole `slides`.
    judges: &'static str,
    folder: String,
    digest: Option<String>,
    signature: &'a Standing,
    evidence: EvidenceLevel,
    encoder: &'a bianque_lesion::EncoderReference,
    missing_encoder: Option<String>,
    card: &'a Card,
}

pub(super) fn run(
    arguments: &CardArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let place = models.task(&arguments.name)?;
    let loaded = AnyTask::load(&place.folder)?;
    let task = loaded.statement();
    let (card, _) = Card::load(&place.folder, task)?.with_context(|| {
        format!("{} has no {CARD_FILE}: nothing is stated of it", place.folder.display())
    })?;
    let package = TaskPackage::of(&place, models)?;
    let document = Document {
        schema: "bianque.task-card/1",
        notice: RESEARCH_USE,
        name: task.name(),
        version: task.version(),
        title: task.title(),
        judges: loaded.judges(),
        folder: place.folder.display().to_string(),
        digest: package.digest.map(|digest| digest.to_string()),
        signature: &package.standing,
        evidence: card.evidence(),
        encoder: task.encoder(),
        missing_encoder: missing_encoder(models, task),
        card: &card,
    };
    terminal.result(&document, &text(&document)?)?;
    Ok(Outcome::Done)
}

fn text(document: &Document<'_>) -> Result<String, std::fmt::Error> {
    let card = document.card;
    let mut text = format!("{} {}: {}\n", document.name, document.version, document.title);
    writeln!(text, "  judges         {}", document.judges)?;
    writeln!(text, "  use            {}", card.intended_use)?;
    list(&mut text, "not for", &card.not_for)?;
    writeln!(text, "  organ, stain   {}, {}", card.organ, card.stain)?;
    let cancers: Vec<String> = card
        .cancers
        .iter()
        .map(|cancer| match &cancer.only {
            Some(part) => format!("{}, of it only: {part}", cancer.site),
            None => cancer.site.clone(),
        })
        .collect();
    list(&mut text, "cancers", &cancers)?;
    writeln!(text, "  resolution     {} to {} um/px", card.mpp.lowest, card.mpp.highest)?;
    let scanners: Vec<String> = card
        .scanners
        .iter()
        .map(|scanner| format!("{} {}", scanner.maker, scanner.model))
        .collect();
    match scanners.is_empty() {
        true => writeln!(text, "  scanners       none: measured with none that is known")?,
        false => list(&mut text, "scanners", &scanners)?,
    }
    writeln!(text, "  licence        {}", card.licence)?;
    training(&mut text, &card.training)?;
    writeln!(text, "  evidence       {}", document.evidence.name())?;
    for site in &card.metrics {
        let external =
            if site.external { "not trained on" } else { "trained on other parts of it" };
        writeln!(text, "  measured at    {} ({external})", site.site)?;
        writeln!(text, "                 {}: {} {}", site.held_out, site.count, site.unit)?;
        for value in &site.values {
            writeln!(
                text,
                "                 {:<28} {:.3}  ({:.3} to {:.3}, n = {})",
                value.name, value.value, value.low, value.high, value.count
            )?;
        }
        writeln!(text, "                 intervals: {}", site.interval)?;
    }
    list(&mut text, "limits", &card.limits)?;
    let encoder = document.encoder;
    writeln!(text, "  encoder        {} {}, {}", encoder.name, encoder.version, encoder.digest)?;
    if let Some(missing) = &document.missing_encoder {
        writeln!(text, "  not yet usable {missing}")?;
    }
    if let Some(digest) = &document.digest {
        writeln!(text, "  package        {digest}")?;
    }
    writeln!(text, "  signature      {}", document.signature)?;
    writeln!(text, "  {}", document.notice)?;
    Ok(text)
}

fn training(text: &mut String, training: &TrainingMaterial) -> std::fmt::Result {
    writeln!(text, "  trained on     {} ({})", training.source, training.licence)?;
    let counts = [
        ("sites", training.sites),
        ("patients", training.patients),
        ("slides", training.slides),
        ("tiles", training.tiles),
    ];
    let counts = counts.map(|(what, count)| match count {
        Some(count) => format!("{what} {count}"),
        None => format!("{what} not known"),
    });
    writeln!(text, "                 {}", counts.join(", "))
}

fn list(text: &mut String, what: &str, items: &[String]) -> std::fmt::Result {
    for (index, item) in items.iter().enumerate() {
        let what = if index == 0 { what } else { "" };
        writeln!(text, "  {what:<14} {item}")?;
    }
    Ok(())
}

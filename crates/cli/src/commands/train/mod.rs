//! `bianque train`: a head on kept features, into a task's folder.

mod card;
mod slide;
mod slide_task;
mod slides;
mod task;
mod tiles;

use std::fmt::Write;

use bianque_lesion::{ClassificationMetrics, TrainingReport};
use serde::Serialize;

use super::Outcome;
use crate::{arguments::TrainCommand, interrupt, models::Models, terminal::Terminal};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    task: String,
    report: &'a TrainingReport,
}

pub(crate) fn run(
    command: &TrainCommand,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    interrupt::flag()?;
    let made = match command {
        TrainCommand::Slide(arguments) => return slide::run(arguments, terminal),
        TrainCommand::Tiles(arguments) => tiles::train(arguments, models, terminal)?,
        TrainCommand::Slides(arguments) => slides::train(arguments, models, terminal)?,
    };
    let folder = made.folder.display().to_string();
    let mut text = format!("wrote {folder}\n");
    for warning in &made.report.warnings {
        writeln!(text, "note: {warning}")?;
    }
    writeln!(text, "\non the validation part (it chose and calibrated, so it flatters):")?;
    write_metrics(&mut text, &made.report.validation)?;
    if let Some(test) = &made.report.test {
        writeln!(text, "\non the test part:")?;
        write_metrics(&mut text, test)?;
    }
    let document = Document { schema: "bianque.train/1", task: folder, report: &made.report };
    terminal.result(&document, &text)?;
    Ok(Outcome::Done)
}

/// The figures of a classification, for people.
pub(crate) fn write_metrics(
    text: &mut String,
    metrics: &ClassificationMetrics,
) -> std::fmt::Result {
    writeln!(text, "  tiles              {}", metrics.examples)?;
    writeln!(text, "  balanced accuracy  {:.3}", metrics.balanced_accuracy)?;
    writeln!(text, "  accuracy           {:.3}", metrics.accuracy)?;
    for pair in &metrics.auroc_pairwise {
        if let Some(auroc) = pair.auroc {
            writeln!(
                text,
                "  AUROC              {auroc:.3}  {} / {}",
                pair.negative, pair.positive
            )?;
        }
    }
    writeln!(text, "  ECE                {:.3} (15 bins)", metrics.ece)?;
    writeln!(text, "  Brier              {:.3}", metrics.brier)?;
    writeln!(text, "  confusion (rows: truth)")?;
    let width = metrics.classes.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(6);
    write!(text, "  {:width$}", "")?;
    for class in &metrics.classes {
        write!(text, "  {class:>width$}")?;
    }
    writeln!(text)?;
    for (class, row) in metrics.classes.iter().zip(&metrics.confusion) {
        write!(text, "  {class:width$}")?;
        for count in row {
            write!(text, "  {count:>width$}")?;
        }
        writeln!(text)?;
    }
    Ok(())
}

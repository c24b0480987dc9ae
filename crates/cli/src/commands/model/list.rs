//! `bianque model list`.

use std::fmt::Write;

use bianque_vision::Recipe;
use serde::Serialize;

use super::{architecture, clinical, dimension};
use crate::{commands::Outcome, models::Models, terminal::Terminal};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    models: Vec<Row>,
    /// Recipe files that cannot be read, and why.
    unreadable: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    version: String,
    /// Whether weights are there, not a recipe alone.
    installed: bool,
    architecture: String,
    dimension: usize,
    /// Edge of a tile in pixels.
    size: u32,
    mpp: f64,
    licence: String,
    /// `allowed`, `forbidden` or `not stated`.
    clinical: &'static str,
    digest: Option<String>,
}

pub(super) fn run(models: &Models, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let mut document =
        Document { schema: "bianque.models/1", models: Vec::new(), unreadable: Vec::new() };
    for (path, installed) in models.recipes()? {
        match Recipe::read(&path) {
            Ok(recipe) => document.models.push(row(&recipe, installed)),
            Err(error) => document.unreadable.push(error.to_string()),
        }
    }
    let text = text(&document)?;
    terminal.result(&document, &text)?;
    Ok(if document.unreadable.is_empty() { Outcome::Done } else { Outcome::Failed })
}

fn row(recipe: &Recipe, installed: bool) -> Row {
    Row {
        name: recipe.name.clone(),
        version: recipe.version.clone(),
        installed,
        architecture: architecture(recipe),
        dimension: dimension(recipe),
        size: recipe.input.size,
        mpp: recipe.input.mpp,
        licence: recipe.licence.clone(),
        clinical: clinical(recipe).0,
        digest: recipe.digest.map(|digest| digest.to_string()),
    }
}

fn text(document: &Document) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(
        text,
        "{:<15} {:<9} {:<22} {:>6}  {:<14} {:<11} licence",
        "name", "weights", "network", "values", "tile", "clinical"
    )?;
    for row in &document.models {
        writeln!(
            text,
            "{:<15} {:<9} {:<22} {:>6}  {:<14} {:<11} {}",
            row.name,
            if row.installed { "installed" } else { "-" },
            row.architecture,
            row.dimension,
            format!("{} px, {:.2}", row.size, row.mpp),
            row.clinical,
            row.licence
        )?;
    }
    for unreadable in &document.unreadable {
        writeln!(text, "unreadable: {unreadable}")?;
    }
    writeln!(
        text,
        "\nA recipe without weights: obtain the file from its source (`bianque model show NAME`), \
         then\n`bianque model add FILE --recipe NAME`. Resolutions in um/px."
    )?;
    Ok(text)
}

//! `bianque model show` and `bianque model licence`.

use std::fmt::Write;

use bianque_vision::{Permission, Purpose, Recipe};
use serde::Serialize;

use super::{architecture, arguments::NameArguments, clinical, dimension};
use crate::{commands::Outcome, models::Models, terminal::Terminal};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    path: String,
    installed: bool,
    dimension: usize,
    licence: LicenceDocument<'a>,
    recipe: &'a Recipe,
}

#[derive(Serialize)]
struct LicenceDocument<'a> {
    schema: &'static str,
    name: &'a str,
    version: &'a str,
    /// SPDX identifier.
    licence: &'a str,
    commercial: Option<bool>,
    gated: Option<bool>,
    research: Permission,
    clinical: Permission,
    note: Option<&'a str>,
    source: &'a str,
}

pub(super) fn show(
    arguments: &NameArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let path = models.recipe(&arguments.name)?;
    let recipe = Recipe::read(&path)?;
    let document = Document {
        schema: "bianque.model/1",
        path: path.display().to_string(),
        installed: path.with_file_name(&recipe.weights).is_file(),
        dimension: dimension(&recipe),
        licence: licence_document(&recipe),
        recipe: &recipe,
    };
    terminal.result(&document, &text(&document)?)?;
    Ok(Outcome::Done)
}

pub(super) fn licence(
    arguments: &NameArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let recipe = Recipe::read(&models.recipe(&arguments.name)?)?;
    let document = licence_document(&recipe);
    let mut text = format!("{} {}\n", recipe.name, recipe.version);
    licence_text(&mut text, &document, &recipe)?;
    writeln!(text, "  source         {}", recipe.source)?;
    writeln!(text, "  What a licence allows is yours to judge; this is what its recipe states.")?;
    terminal.result(&document, &text)?;
    Ok(Outcome::Done)
}

fn licence_document(recipe: &Recipe) -> LicenceDocument<'_> {
    let terms = recipe.terms.as_ref();
    LicenceDocument {
        schema: "bianque.licence/1",
        name: &recipe.name,
        version: &recipe.version,
        licence: &recipe.licence,
        commercial: terms.and_then(|terms| terms.commercial),
        gated: terms.and_then(|terms| terms.gated),
        research: recipe.permits(Purpose::Research),
        clinical: recipe.permits(Purpose::Clinical),
        note: terms.and_then(|terms| terms.note.as_deref()),
        source: &recipe.source,
    }
}

fn licence_text(
    text: &mut String,
    document: &LicenceDocument<'_>,
    recipe: &Recipe,
) -> std::fmt::Result {
    let stated = |answer: Option<bool>| match answer {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not stated",
    };
    writeln!(text, "  licence        {}", document.licence)?;
    writeln!(text, "  commercial use {}", stated(document.commercial))?;
    let (answer, why) = clinical(recipe);
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    writeln!(text, "  clinical run   {answer}{why}")?;
    writeln!(text, "  gated          {}", stated(document.gated))?;
    if let Some(note) = document.note {
        writeln!(text, "  note           {note}")?;
    }
    Ok(())
}

fn text(document: &Document<'_>) -> Result<String, std::fmt::Error> {
    let recipe = document.recipe;
    let mut text = format!("{} {}\n", recipe.name, recipe.version);
    writeln!(text, "  recipe         {}", document.path)?;
    let there = if document.installed { "" } else { " (not there)" };
    writeln!(text, "  weights        {}{there}", recipe.weights)?;
    if let Some(digest) = recipe.digest {
        writeln!(text, "  digest         {digest}")?;
    }
    writeln!(text, "  source         {}", recipe.source)?;
    licence_text(&mut text, &document.licence, recipe)?;
    writeln!(text, "  network        {}", architecture(recipe))?;
    writeln!(text, "  features       {} values a tile", document.dimension)?;
    let input = &recipe.input;
    writeln!(
        text,
        "  tile           {} x {} px at {} um/px, {} filter where it is resized",
        input.size, input.size, input.mpp, input.filter
    )?;
    if let Some(published) = &recipe.published {
        let transform = published.transform;
        writeln!(text, "  parameters     {} million", published.parameters)?;
        writeln!(
            text,
            "  as published   tile of {} px at {} um/px, resized to {}, {} cropped; names of {}",
            transform.tile, transform.mpp, transform.resize, transform.crop, published.keys
        )?;
        if let Some(precision) = published.precision {
            writeln!(text, "  others run it  in {precision}; here it runs in 32-bit floats")?;
        }
        for unconfirmed in &published.unconfirmed {
            writeln!(text, "  unconfirmed    {unconfirmed}")?;
        }
    }
    Ok(text)
}

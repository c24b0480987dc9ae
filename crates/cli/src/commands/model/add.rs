//! `bianque model add`.

use std::{fs, path::Path};

use anyhow::{Context, bail, ensure};
use bianque_vision::Recipe;
use serde::Serialize;

use super::{
    arguments::{AddArguments, ModelPooling},
    clinical, in_arithmetic,
    verify::{compared, text},
};
use crate::{
    commands::{Outcome, write_file},
    models::Models,
    terminal::Terminal,
};

/// How near rounded features must be to those in 32-bit floats.
const LOWEST_COSINE: f64 = 0.999;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    name: String,
    folder: String,
    digest: String,
    licence: String,
    clinical: &'static str,
    test_features: Option<String>,
}

pub(super) fn run(
    arguments: &AddArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let path = models.recipe(&arguments.recipe)?;
    let mut recipe = in_arithmetic(Recipe::read(&path)?, arguments.precision)?;
    if let Some((pooling, word)) = arguments.pooling.map(ModelPooling::chosen) {
        recipe = recipe.with_pooling(pooling).map_err(anyhow::Error::msg)?;
        recipe.name = format!("{}-{word}", recipe.name);
    }
    if let Some(name) = &arguments.name {
        name.clone_into(&mut recipe.name);
    }
    ensure!(
        !recipe.name.is_empty()
            && recipe.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && !recipe.name.starts_with('.'),
        "'{}' cannot be a folder's name: use letters, digits, '-', '_' and '.'",
        recipe.name
    );
    let folder = match &arguments.into {
        Some(into) => into.join(&recipe.name),
        None => models.encoders_folder()?.join(&recipe.name),
    };
    if folder.exists() {
        bail!("{} is there already: give another --name, or remove it", folder.display());
    }
    terminal.note(&format!("verifying {}", arguments.file.display()));
    let verification = compared(&recipe, &path, &arguments.file)?;
    if !verification.fits() {
        bail!("{}", text(&arguments.file, &recipe, &verification)?.trim_end());
    }
    if let Some(cosine) = verification.lowest_cosine {
        ensure!(
            cosine >= LOWEST_COSINE,
            "in 8-bit integers, features of the test tiles have a cosine of {cosine:.5} to those in \
             32-bit floats, less than {LOWEST_COSINE}: these weights do not bear it, install them \
             without --precision int8"
        );
    }
    recipe.weights = match verification.container {
        bianque_vision::Container::Safetensors => "weights.safetensors".to_owned(),
        bianque_vision::Container::Torch => "weights.pth".to_owned(),
        bianque_vision::Container::Onnx => "model.onnx".to_owned(),
    };
    recipe.digest = Some(verification.digest);
    install(&arguments.file, &recipe, &folder)?;
    let (clinical, why) = clinical(&recipe);
    let document = Document {
        schema: "bianque.model-added/1",
        folder: folder.display().to_string(),
        digest: verification.digest.to_string(),
        licence: recipe.licence.clone(),
        clinical,
        test_features: verification.features.map(|features| features.digest.to_string()),
        name: recipe.name,
    };
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let said = format!(
        "{} is installed in {}\n  digest         {}\n  licence        {}\n  clinical run   {clinical}{why}",
        document.name, document.folder, document.digest, document.licence
    );
    terminal.result(&document, &said)?;
    Ok(Outcome::Done)
}

/// Copies the file and writes the recipe; the folder appears whole or not at all.
fn install(file: &Path, recipe: &Recipe, folder: &Path) -> anyhow::Result<()> {
    let part = folder.with_extension("part");
    let making = || format!("cannot make {}", folder.display());
    fs::create_dir_all(&part).with_context(making)?;
    let copied = fs::copy(file, part.join(&recipe.weights))
        .with_context(|| format!("cannot copy {} to {}", file.display(), part.display()))
        .and_then(|_| {
            let mut text = serde_json::to_string_pretty(recipe)?;
            text.push('\n');
            write_file(&part.join("recipe.json"), text.as_bytes())
        })
        .and_then(|()| fs::rename(&part, folder).with_context(making));
    if copied.is_err() {
        // What was begun is of no use; the error says what went wrong.
        let _ = fs::remove_dir_all(&part);
    }
    copied
}

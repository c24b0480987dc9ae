//! `bianque model verify`.

use std::{fmt::Write, path::Path, time::Instant};

use anyhow::{Context, ensure};
use bianque_vision::{Architecture, Recipe, TestFeatures, Verification, VisionError, verify};
use serde::Serialize;

use super::{
    arguments::VerifyArguments,
    device::{DeviceComparison, compare},
    in_arithmetic,
};
use crate::{
    commands::{Outcome, write_file},
    models::Models,
    terminal::Terminal,
};

/// How many names of a kind are shown as text; JSON has all.
const SHOWN: usize = 8;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: String,
    encoder: &'a str,
    version: &'a str,
    licence: &'a str,
    fits: bool,
    #[serde(flatten)]
    verification: &'a Verification,
    /// How near a device comes to the CPU; only where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceComparison>,
    seconds: f64,
}

pub(super) fn run(
    arguments: &VerifyArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let path = models.recipe(&arguments.recipe)?;
    let recipe = in_arithmetic(Recipe::read(&path)?, arguments.precision)?;
    let verification = compared(&recipe, &path, &arguments.file)?;
    if let (Some(out), Some(features)) = (&arguments.features, &verification.features) {
        write_features(out, features, &recipe, &verification)?;
    }
    let device = compare(arguments, &path, &verification)?;
    let device_text = device.as_ref().map(DeviceComparison::text).unwrap_or_default();
    let document = Document {
        schema: "bianque.verification/1",
        file: arguments.file.display().to_string(),
        encoder: &recipe.name,
        version: &recipe.version,
        licence: &recipe.licence,
        fits: verification.fits(),
        verification: &verification,
        device,
        seconds: start.elapsed().as_secs_f64(),
    };
    let text = text(&arguments.file, &recipe, &verification)? + &device_text;
    terminal.result(&document, &text)?;
    Ok(if verification.fits() { Outcome::Done } else { Outcome::Failed })
}

/// Compares a file with a recipe; an error says what to do about a file that is not there, no
/// weight file, or no whole one.
pub(super) fn compared(recipe: &Recipe, path: &Path, file: &Path) -> anyhow::Result<Verification> {
    ensure!(
        file.try_exists().unwrap_or(true),
        "{} is not there; `bianque model show {}` names where to fetch the weights",
        file.display(),
        recipe.name
    );
    verify(recipe, path, file).map_err(|error| {
        let not_used = not_used(file, recipe, &error);
        anyhow::Error::new(error).context(not_used)
    })
}

fn not_used(file: &Path, recipe: &Recipe, error: &VisionError) -> String {
    if matches!(recipe.architecture, Architecture::Onnx(_)) {
        return format!("the ONNX model {} is not used", file.display());
    }
    let (file, name) = (file.display(), &recipe.name);
    match error {
        VisionError::Weights { .. } => format!(
            "{file} is not used; fetch it again from the source that `bianque model show {name}` names"
        ),
        VisionError::NotRead { .. } => {
            format!(
                "{file} is not used; `bianque model show {name}` names the source of the weights"
            )
        }
        _ => format!("{file} is not used"),
    }
}

/// What the terminal shows.
pub(super) fn text(
    file: &Path,
    recipe: &Recipe,
    verification: &Verification,
) -> Result<String, std::fmt::Error> {
    let survey = &verification.survey;
    let mut text = format!("{}\n", file.display());
    writeln!(text, "  recipe         {}, licence {}", recipe.name, recipe.licence)?;
    writeln!(text, "  digest         {}", verification.digest)?;
    if let Some(published) = verification.published_file {
        let text_of = if published { "yes" } else { "no: converted, damaged or another" };
        writeln!(text, "  published file {text_of}")?;
    }
    if let Some(keys) = verification.keys {
        let prefix = verification.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let prefix = prefix.map(|prefix| format!(", under '{prefix}'")).unwrap_or_default();
        writeln!(text, "  container      {}, names of {keys}{prefix}", verification.container)?;
    } else {
        writeln!(text, "  container      {}", verification.container)?;
    }
    writeln!(text, "  fitting        {} tensors", survey.fitting)?;
    let missing = survey.missing.iter().map(|(name, shape)| format!("{name} {shape:?}"));
    list(&mut text, "missing", missing.collect())?;
    let misshapen = survey.misshapen.iter();
    let misshapen = misshapen.map(|(name, [has, needs])| format!("{name} {has:?}, not {needs:?}"));
    list(&mut text, "wrong shape", misshapen.collect())?;
    list(&mut text, "unusable", survey.damaged.values().cloned().collect())?;
    list(&mut text, "left over", survey.left_over.clone())?;
    list(&mut text, "training only", survey.training_only.clone())?;
    let elsewhere = survey.elsewhere.iter().map(|(begin, count)| format!("{begin}: {count}"));
    list(&mut text, "other parts", elsewhere.collect())?;
    list(&mut text, "problem", survey.problems.clone())?;
    if let Some(features) = &verification.features {
        writeln!(
            text,
            "  test features  {} ({} tiles, {} values each)",
            features.digest, features.tiles, features.dimension
        )?;
        match features.as_stated {
            Some(true) => writeln!(text, "  as stated      yes")?,
            Some(false) => writeln!(text, "  as stated      no: the recipe states another digest")?,
            None => writeln!(text, "  as stated      the recipe states no digest to compare with")?,
        }
    }
    if let Some(cosine) = verification.lowest_cosine {
        writeln!(text, "  int8           cosine {cosine:.5} to 32-bit floats at the least")?;
    }
    if verification.fits() {
        writeln!(text, "  The file fits the recipe.")?;
    } else {
        writeln!(
            text,
            "  The file does not fit the recipe: it is another network's or damaged. Take the one that \
             `bianque model show {}` names, or another recipe (`bianque model list`).",
            recipe.name
        )?;
    }
    Ok(text)
}

fn list(text: &mut String, what: &str, items: Vec<String>) -> std::fmt::Result {
    for (index, item) in items.iter().take(SHOWN).enumerate() {
        let what = if index == 0 { what } else { "" };
        writeln!(text, "  {what:<14} {item}")?;
    }
    if items.len() > SHOWN {
        writeln!(text, "  {:<14} and {} more", "", items.len() - SHOWN)?;
    }
    Ok(())
}

/// The features as a safetensors file that names what they come from.
fn write_features(
    path: &Path,
    features: &TestFeatures,
    recipe: &Recipe,
    verification: &Verification,
) -> anyhow::Result<()> {
    let bytes: Vec<u8> = features.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let header = serde_json::json!({
        "__metadata__": {
            "encoder": recipe.name,
            "version": recipe.version,
            "licence": recipe.licence,
            "digest": verification.digest.to_string(),
        },
        "features": {
            "dtype": "F32",
            "shape": [features.tiles, features.dimension],
            "data_offsets": [0, bytes.len()],
        },
    });
    let mut header = header.to_string();
    // The tensors begin at a multiple of eight bytes, as the format asks for.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let length = (header.len() as u64).to_le_bytes();
    write_file(path, &[&length, header.as_bytes(), &bytes].concat())
        .with_context(|| format!("the features to {}", path.display()))
}

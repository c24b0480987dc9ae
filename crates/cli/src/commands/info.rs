//! `bianque info`: what a slide says of itself.

use std::{collections::BTreeMap, fmt::Write};

use bianque_core::Mpp;
use bianque_slide::SlideFacts;
use serde::Serialize;

use super::{Outcome, open_slide};
use crate::{arguments::SlideArguments, terminal::Terminal};

/// The JSON form; `schema` changes when a field changes its meaning.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    slide: String,
    format: &'static str,
    vendor: Option<&'a str>,
    width: u32,
    height: u32,
    levels: Vec<LevelDocument>,
    mpp: Option<&'a Mpp>,
    mpp_statements: &'a [Mpp],
    magnification: Option<f64>,
    magnification_source: Option<&'a str>,
    associated_images: &'a [String],
    icc_profile_bytes: Option<usize>,
    properties: &'a BTreeMap<String, String>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct LevelDocument {
    width: u32,
    height: u32,
    tile_width: u32,
    tile_height: u32,
    downsample: f64,
}

pub(crate) fn run(arguments: &SlideArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let slide = open_slide(&arguments.slide, arguments.mpp)?;
    let facts = slide.facts();
    let bounds = facts.bounds();
    let name = arguments.slide.file_name().unwrap_or(arguments.slide.as_os_str());
    let document = Document {
        schema: "bianque.info/1",
        slide: name.to_string_lossy().into_owned(),
        format: facts.format.name(),
        vendor: facts.vendor.as_deref(),
        width: bounds.width,
        height: bounds.height,
        levels: facts
            .levels
            .iter()
            .map(|level| LevelDocument {
                width: level.width,
                height: level.height,
                tile_width: level.tile_width,
                tile_height: level.tile_height,
                downsample: level.downsample,
            })
            .collect(),
        mpp: facts.mpp.as_ref(),
        mpp_statements: &facts.mpp_statements,
        magnification: facts.magnification.as_ref().map(|(power, _)| power.power()),
        magnification_source: facts.magnification.as_ref().map(|(_, source)| source.as_str()),
        associated_images: &facts.associated,
        icc_profile_bytes: facts.icc_profile.as_ref().map(Vec::len),
        properties: &facts.properties,
        warnings: &facts.warnings,
    };
    terminal.result(&document, &text(&document.slide, facts)?)?;
    Ok(Outcome::Done)
}

fn text(name: &str, facts: &SlideFacts) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let bounds = facts.bounds();
    writeln!(text, "{name}")?;
    let vendor = facts.vendor.as_deref().map(|vendor| format!(", {vendor}")).unwrap_or_default();
    writeln!(text, "  format         {}{vendor}", facts.format.name())?;
    writeln!(text, "  size           {} x {} px", bounds.width, bounds.height)?;
    match &facts.mpp {
        Some(mpp) => {
            let glass = bianque_core::Point::new(f64::from(bounds.width), f64::from(bounds.height))
                .to_millimetres(mpp);
            writeln!(
                text,
                "  resolution     {:.4} x {:.4} um/px ({}), {:.1} x {:.1} mm",
                mpp.x(),
                mpp.y(),
                mpp.source(),
                glass.x,
                glass.y
            )?;
        }
        None => writeln!(text, "  resolution     not stated: give --mpp where one is needed")?,
    }
    if let Some((power, source)) = &facts.magnification {
        writeln!(text, "  objective      {}x ({source})", power.power())?;
    }
    for (index, level) in facts.levels.iter().enumerate() {
        writeln!(
            text,
            "  level {index:<8} {} x {} px, 1/{:.2}, tiles {} x {}",
            level.width, level.height, level.downsample, level.tile_width, level.tile_height
        )?;
    }
    if !facts.associated.is_empty() {
        writeln!(text, "  images         {}", facts.associated.join(", "))?;
    }
    if let Some(profile) = &facts.icc_profile {
        writeln!(text, "  ICC profile    {} bytes", profile.len())?;
    }
    for warning in &facts.warnings {
        writeln!(text, "  note           {warning}")?;
    }
    for (key, value) in &facts.properties {
        let value: String = value.chars().take(160).collect();
        writeln!(text, "  {key} = {}", value.replace(['\r', '\n'], " "))?;
    }
    Ok(text)
}

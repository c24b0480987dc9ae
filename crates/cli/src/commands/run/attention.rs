//! `attention.png`: what an encoder or a slide head looked at, on request.

use std::path::Path;

use anyhow::{Context, ensure};
use bianque_core::RgbImage;
use bianque_lesion::{
    ATTENTION_NOTICE, AttentionMap, SlideExtraction, SlideHead, SlideHeadFacts,
    slide_head_from_bytes,
};

use super::{Prepared, plan::Lane};
use crate::{
    interrupt,
    picture::{self, HeatCell, HeatLayer},
    report::AttentionDocument,
};

/// Colour of attention: none of a lesion's.
const COLOR: [u8; 3] = [64, 72, 176];
/// The picture's name in a task's folder.
pub(super) const FILE: &str = "attention.png";
/// Largest file that is read as a slide head.
const MAX_HEAD: u64 = 1 << 30;

/// Whose attention is drawn.
pub(super) enum AttentionSource {
    /// The class token's of the task's encoder, within each tile.
    Encoder,
    /// A slide head's, between tiles.
    SlideHead { head: Box<SlideHead>, facts: Box<SlideHeadFacts>, name: String },
}

impl AttentionSource {
    /// Reads a slide head's file; without one the encoder's own attention is meant.
    pub(super) fn load(head: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = head else { return Ok(Self::Encoder) };
        let reading = || format!("cannot read {}", path.display());
        let length = std::fs::metadata(path).with_context(reading)?.len();
        ensure!(length <= MAX_HEAD, "{} is too large for a slide head", path.display());
        let bytes = std::fs::read(path).with_context(reading)?;
        let (head, facts) = slide_head_from_bytes(&bytes)
            .map_err(|what| anyhow::anyhow!("slide head {}: {what}", path.display()))?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self::SlideHead { head: Box::new(head), facts: Box::new(facts), name })
    }

    fn map(
        &self,
        lane: &Lane,
        prepared: &Prepared,
        extraction: &SlideExtraction,
    ) -> anyhow::Result<AttentionMap> {
        let features = &extraction.features;
        match self {
            Self::Encoder => {
                let (slide, encoder) = (prepared.slide.as_ref(), lane.encoder.as_ref());
                let map = AttentionMap::of_encoder(slide, encoder, features, &*interrupt::flag()?);
                map.context("--attention: name a slide head with --attention-head FILE")
            }
            Self::SlideHead { head, facts, name } => {
                ensure!(
                    lane.encoder.recipe().is_named_by(facts.recipe_digest)
                        && facts.encoder.digest == features.facts.encoder.digest,
                    "the slide head {name} was trained on features of {} {}, this run's are of {} {}",
                    facts.encoder.name,
                    facts.encoder.version,
                    features.facts.encoder.name,
                    features.facts.encoder.version
                );
                Ok(AttentionMap::of_slide_head(head, features)?)
            }
        }
    }

    fn describe(&self, lane: &Lane) -> String {
        match self {
            Self::Encoder => {
                let name = &lane.encoder.recipe().name;
                format!("class token of {name}, last layer, mean over heads, within each tile")
            }
            Self::SlideHead { name, .. } => format!("slide head {name}, share of each tile"),
        }
    }
}

/// Draws the picture; gives what the report says of it.
pub(super) fn draw(
    source: &AttentionSource,
    lane: &Lane,
    prepared: &Prepared,
    extraction: &SlideExtraction,
    thumbnail: &RgbImage,
    out: &Path,
) -> anyhow::Result<AttentionDocument> {
    let map = source.map(lane, prepared, extraction)?;
    let cell =
        |(place, value): &(_, f32)| HeatCell { place: *place, probability: *value, color: COLOR };
    let cells: Vec<HeatCell> = map.places().iter().map(cell).collect();
    let width = prepared.slide.facts().bounds().width;
    let layer = HeatLayer::paint(thumbnail.width(), thumbnail.height(), width, &cells);
    let legend = [("Attention".to_owned(), COLOR)];
    let mpp = Some(&prepared.mpp);
    let sheet = picture::annotated(thumbnail, &layer, width, mpp, &legend, ATTENTION_NOTICE)?;
    picture::write(&sheet, &out.join(FILE))?;
    Ok(AttentionDocument {
        file: FILE,
        notice: ATTENTION_NOTICE,
        of: source.describe(lane),
        layer: picture::data_uri_rgba(layer.width, layer.height, &layer.pixels)?,
    })
}

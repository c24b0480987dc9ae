//! `attention.png`: what an encoder or a slide head looked at, on request.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, ensure};
use bianque_core::RgbImage;
use bianque_lesion::{
    ATTENTION_NOTICE, AttentionMap, SlideExtraction, SlideHead, SlideHeadFacts,
    slide_head_from_bytes,
};

use super::{Prepared, RunPlan, plan::Lane};
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

    /// Why the attention on a lane's features cannot be drawn, if it cannot.
    pub(super) fn refusal(&self, lane: &Lane) -> Option<String> {
        let (encoder, producer) = (lane.encoder.as_ref(), lane.encoder.producer());
        let name = &encoder.recipe().name;
        match self {
            Self::Encoder if encoder.on_gpu() => Some(format!(
                "{name} computes on a GPU, attention is computed on the CPU only: run again with \
                 --device cpu, or name a slide head with --attention-head FILE"
            )),
            Self::Encoder => encoder.attention_edge().is_none().then(|| {
                format!(
                    "the encoder {name} has no attention, only transformers with a class token do: \
                     name a slide head with --attention-head FILE"
                )
            }),
            Self::SlideHead { facts, name, .. } => {
                let fits = encoder.recipe().is_named_by(facts.recipe_digest)
                    && facts.encoder.digest == producer.digest;
                (!fits).then(|| {
                    format!(
                        "the slide head {name} was trained on features of {} {}, this run's are of \
                         {} {}: run with that encoder (--encoder), or name a head of this one",
                        facts.encoder.name, facts.encoder.version, producer.name, producer.version
                    )
                })
            }
        }
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
                let flag = interrupt::flag()?;
                Ok(AttentionMap::of_encoder(slide, encoder, features, &flag)?)
            }
            Self::SlideHead { head, .. } => Ok(AttentionMap::of_slide_head(head, features)?),
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

/// Draws the pictures of one slide.
pub(super) struct Drawings<'a> {
    plan: &'a RunPlan,
    prepared: &'a Prepared,
    found: &'a [SlideExtraction],
    thumbnail: &'a RgbImage,
    /// By lane: an encoder's attention means that its tiles are read and encoded again.
    maps: BTreeMap<usize, AttentionMap>,
}

impl<'a> Drawings<'a> {
    pub(super) fn new(
        plan: &'a RunPlan,
        prepared: &'a Prepared,
        found: &'a [SlideExtraction],
        thumbnail: &'a RgbImage,
    ) -> Self {
        Self { plan, prepared, found, thumbnail, maps: BTreeMap::new() }
    }

    /// Draws a lane's picture where attention was asked for; gives what the report says of it.
    pub(super) fn draw(
        &mut self,
        lane: usize,
        out: &Path,
        file: &str,
    ) -> anyhow::Result<Option<AttentionDocument>> {
        let Some(source) = &self.plan.attention else { return Ok(None) };
        let own = &self.plan.lanes[lane];
        if !self.maps.contains_key(&lane) {
            self.maps.insert(lane, source.map(own, self.prepared, &self.found[lane])?);
        }
        let map = &self.maps[&lane];
        let cell = |(place, value): &(_, f32)| HeatCell {
            place: *place,
            probability: *value,
            color: COLOR,
        };
        let cells: Vec<HeatCell> = map.places().iter().map(cell).collect();
        let (thumbnail, prepared) = (self.thumbnail, self.prepared);
        let width = prepared.slide.facts().bounds().width;
        let layer = HeatLayer::paint(thumbnail.width(), thumbnail.height(), width, &cells);
        let legend = [("Attention".to_owned(), COLOR)];
        let mpp = Some(&prepared.mpp);
        let sheet = picture::annotated(thumbnail, &layer, width, mpp, &legend, ATTENTION_NOTICE)?;
        picture::write(&sheet, &out.join(file))?;
        Ok(Some(AttentionDocument {
            file: file.to_owned(),
            notice: ATTENTION_NOTICE,
            of: source.describe(own),
            layer: picture::data_uri_rgba(layer.width, layer.height, &layer.pixels)?,
        }))
    }

    /// Draws every lane that has attention, where no task judges.
    pub(super) fn draw_lanes(&mut self, out: &Path) -> anyhow::Result<Vec<AttentionDocument>> {
        let Some(source) = &self.plan.attention else { return Ok(Vec::new()) };
        let mut drawn = Vec::new();
        for (index, lane) in self.plan.lanes.iter().enumerate() {
            if source.refusal(lane).is_none() {
                let file = lane.file.replacen("features", "attention", 1);
                let file = format!("{}.png", file.trim_end_matches(".safetensors"));
                drawn.extend(self.draw(index, out, &file)?);
            }
        }
        Ok(drawn)
    }
}

//! `/api/v1/cases/{case}`: a case, its material and what its slides are.

use axum::{
    Json,
    body::Bytes,
    extract::{self, Path},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bianque_core::Digest;
use bianque_record::{
    Actor,
    cases::{CaseMaterial, Slide as RecordSlide, Urgency},
    identity::{CaseId, SlideId, UserId},
    site::{Examination, ExaminationState},
};
use bianque_slide::Slide;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, parsed, parsed_if, text},
    withheld::{Standing, must_fix},
    worklist::{CaseFacts, crop, state_of, thumbnail},
};
use crate::{
    access::Caller,
    answer::Refusal,
    events::Event,
    library::SlideKey,
    tiles::{deep_zoom::DeepZoom, tile_edge},
};

/// The longest picture that an examination may have left.
const LONGEST_PICTURE: u64 = 64 << 20;

/// A case with its material.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CaseDocument {
    #[serde(flatten)]
    facts: CaseFacts,
    specimens: Vec<SpecimenLine>,
    blocks: Vec<BlockLine>,
    slides: Vec<SlideDocument>,
    /// Whether this reader looks before machines speak.
    read_first: bool,
    /// Whether this reader has asked to see what machines say.
    revealed: bool,
    /// Whether chance has drawn this case to be read without machines by this reader: it is revealed
    /// only once the reader has fixed a reading.
    drawn_unaided: bool,
    /// Whether this reader has fixed a reading.
    committed: bool,
}

#[derive(Serialize, JsonSchema)]
struct SpecimenLine {
    id: String,
    label: String,
    organ: String,
}

#[derive(Serialize, JsonSchema)]
struct BlockLine {
    id: String,
    specimen: String,
    label: String,
}

/// A slide of a case.
#[derive(Serialize, JsonSchema)]
struct SlideDocument {
    id: String,
    key: String,
    block: String,
    label: String,
    stain: String,
    thumbnail: String,
    image: Option<ImageFacts>,
    /// Why there is no image.
    why: Option<String>,
    examination: ExaminationLine,
    heatmap: Option<HeatmapFacts>,
    crop: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct ExaminationLine {
    state: String,
    error: Option<String>,
}

/// What a viewer needs to show a slide.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ImageFacts {
    pub(crate) width: u32,
    pub(crate) height: u32,
    tile_edge: u32,
    levels: Vec<LevelFacts>,
    pub(crate) mpp: Option<Scale>,
    magnification: Option<f64>,
    dzi: String,
    /// A tile's address, with `{level}`, `{column}` and `{row}` to be filled in.
    tiles: String,
    /// The number of the Deep Zoom level in full size; each below halves.
    dzi_levels: u32,
    iiif: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct LevelFacts {
    width: u32,
    height: u32,
    downsample: f64,
}

/// Microns per level-0 pixel.
#[derive(Copy, Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Scale {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// A map of probabilities: a grey PNG, 0 where nothing was judged, else the probability by 255.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct HeatmapFacts {
    #[serde(default)]
    pub(crate) url: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Level-0 pixels a pixel; pixel (0, 0) begins at (0, 0).
    pub(crate) downsample: f64,
    pub(crate) label: String,
}

/// What an examination has left, as the record keeps it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outputs {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heatmap: Option<KeptHeatmap>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) crop: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// A heatmap among the kept objects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeptHeatmap {
    pub(crate) object: Digest,
    #[serde(flatten)]
    pub(crate) facts: HeatmapFacts,
}

/// What an examination has left; nothing where that does not parse.
pub(crate) fn outputs_of(examination: &Examination) -> Outputs {
    serde_json::from_value(examination.outputs.clone()).unwrap_or_default()
}

impl ImageFacts {
    pub(crate) fn of(slide: &dyn Slide, key: SlideKey) -> Self {
        let (facts, bounds) = (slide.facts(), slide.facts().bounds());
        let level = |level: &bianque_slide::Level| LevelFacts {
            width: level.width,
            height: level.height,
            downsample: level.downsample,
        };
        Self {
            width: bounds.width,
            height: bounds.height,
            tile_edge: tile_edge(slide),
            levels: facts.levels.iter().map(level).collect(),
            mpp: facts.mpp.as_ref().map(|mpp| Scale { x: mpp.x(), y: mpp.y() }),
            magnification: facts.magnification.as_ref().map(|(power, _)| power.power()),
            dzi: format!("/deepzoom/{key}.dzi"),
            tiles: format!("/deepzoom/{key}_files/{{level}}/{{column}}_{{row}}.jpeg"),
            dzi_levels: DeepZoom::of(slide).last_level(),
            iiif: format!("/iiif/3/{key}"),
        }
    }
}

impl State {
    /// What a viewer needs of a slide, or why there is nothing to show.
    pub(crate) async fn image(&self, digest: Digest) -> Result<ImageFacts, String> {
        let key = SlideKey::of(&digest);
        let found = self.on_slide(key, move |slide| Ok(ImageFacts::of(slide, key))).await;
        found.map_err(|refusal| refusal.words())
    }
}

/// A case.
pub(crate) async fn one(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
) -> Result<Json<CaseDocument>, Refusal> {
    let id: CaseId = parsed(&case)?;
    let actor = caller.actor;
    let (material, examinations, standing, facts) = state
        .record(move |record| {
            let material = record.case(&actor, id)?;
            let standing = Standing::of(record, &actor, id)?;
            let facts = CaseFacts::to(record, &actor, &material.case, standing)?;
            Ok((material, record.examinations(&actor, id)?, standing, facts))
        })
        .await?;
    let mut slides = Vec::new();
    for slide in &material.slides {
        slides.push(slide_document(&state, id, slide, &examinations, standing).await);
    }
    Ok(Json(document(facts, &material, slides, standing)))
}

fn document(
    facts: CaseFacts,
    material: &CaseMaterial,
    slides: Vec<SlideDocument>,
    standing: Standing,
) -> CaseDocument {
    CaseDocument {
        facts,
        specimens: material
            .specimens
            .iter()
            .map(|specimen| SpecimenLine {
                id: text(specimen.id),
                label: text(&specimen.label),
                organ: text(&specimen.organ),
            })
            .collect(),
        blocks: material
            .blocks
            .iter()
            .map(|block| BlockLine {
                id: text(block.id),
                specimen: text(block.specimen),
                label: text(&block.label),
            })
            .collect(),
        slides,
        read_first: standing.read_first,
        revealed: standing.revealed,
        drawn_unaided: standing.drawn,
        committed: standing.committed,
    }
}

async fn slide_document(
    state: &State,
    case: CaseId,
    slide: &RecordSlide,
    examinations: &[Examination],
    standing: Standing,
) -> SlideDocument {
    let key = SlideKey::of(&slide.digest);
    let (image, why) = match state.image(slide.digest).await {
        Ok(image) => (Some(image), None),
        Err(why) => (None, Some(why)),
    };
    let found = examinations.iter().find(|examination| examination.slide == slide.id);
    let outputs = found.map(outputs_of).unwrap_or_default();
    let heatmap = outputs.heatmap.filter(|_| standing.revealed);
    let failed = found.is_some_and(|one| one.state == ExaminationState::Failed);
    SlideDocument {
        id: text(slide.id),
        key: text(key),
        block: text(slide.block),
        label: text(&slide.label),
        stain: text(&slide.stain),
        thumbnail: thumbnail(key),
        image,
        why,
        examination: ExaminationLine {
            state: state_of(slide.id, examinations).to_owned(),
            // Why it failed is everybody's; that there were very many regions says what machines found.
            error: outputs.error.filter(|_| failed || standing.revealed),
        },
        heatmap: heatmap.map(|kept| HeatmapFacts {
            url: format!("/api/v1/cases/{case}/slides/{}/heatmap.png", slide.id),
            ..kept.facts
        }),
        crop: outputs.crop.map(|_| crop(case, slide.id)),
    }
}

/// An urgency and a reader.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Assignment {
    urgency: String,
    reader: Option<String>,
}

/// Sets how soon a case is wanted and who reads it.
pub(crate) async fn assign(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
    Body(new): Body<Assignment>,
) -> Result<StatusCode, Refusal> {
    let (id, urgency): (CaseId, Urgency) = (parsed(&case)?, parsed(&new.urgency)?);
    let reader = parsed_if::<UserId>(new.reader.as_deref())?;
    state.record(move |record| record.assign(&caller.actor, id, urgency, reader)).await?;
    state.events.tell(Event::Worklist {});
    Ok(StatusCode::NO_CONTENT)
}

/// Has a case read by two.
pub(crate) async fn read_twice(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
) -> Result<StatusCode, Refusal> {
    let id: CaseId = parsed(&case)?;
    state.record(move |record| record.read_twice(&caller.actor, id)).await?;
    state.events.tell(Event::Case { case: id });
    Ok(StatusCode::NO_CONTENT)
}

/// Shows a reader who has looked what machines say.
pub(crate) async fn reveal(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
) -> Result<Json<serde_json::Value>, Refusal> {
    let id: CaseId = parsed(&case)?;
    let shown = state
        .record(move |record| {
            if Standing::of(record, &caller.actor, id)?.must_commit() {
                return Ok(false);
            }
            record.reveal(&caller.actor, id).map(|()| true)
        })
        .await?;
    if !shown {
        return Err(must_fix());
    }
    Ok(Json(serde_json::json!({ "revealed": true })))
}

/// The heatmap, once the reader may see it.
pub(crate) async fn heatmap(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let actor = caller.actor;
    let standing = state.record(move |record| Standing::of(record, &actor, case)).await?;
    if !standing.revealed {
        return Err(Refusal::Conflict("look at the case first, then reveal".to_owned()));
    }
    let outputs = kept_outputs(&state, actor, case, slide).await?;
    let kept = outputs.heatmap.ok_or(Refusal::NotFound("heatmap"))?;
    picture(&state, kept.object, "image/png").await
}

/// The picture of a slide's worst place.
pub(crate) async fn worst_place(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let outputs = kept_outputs(&state, caller.actor, case, slide).await?;
    picture(&state, outputs.crop.ok_or(Refusal::NotFound("crop"))?, "image/jpeg").await
}

async fn kept_outputs(
    state: &State,
    actor: Actor,
    case: CaseId,
    slide: SlideId,
) -> Result<Outputs, Refusal> {
    let found = state
        .record(move |record| {
            record.slide_of_case(&actor, case, slide)?;
            let all = record.examinations(&actor, case)?;
            Ok(all.into_iter().find(|examination| examination.slide == slide))
        })
        .await?;
    Ok(found.as_ref().map(outputs_of).unwrap_or_default())
}

async fn picture(state: &State, object: Digest, kind: &'static str) -> Result<Response, Refusal> {
    let place = state.clone();
    let bytes = state.record(move |_| place.objects.get(object, LONGEST_PICTURE)).await?;
    let kept = "private, max-age=300";
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)];
    Ok((headers, Bytes::from(bytes)).into_response())
}

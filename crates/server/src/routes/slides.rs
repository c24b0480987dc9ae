//! `/api/v1/slides`: what slides there are and what they say of themselves.

use axum::{
    Json,
    extract::{self, Path},
    http::HeaderMap,
    response::Response,
};
use bianque_slide::Slide;
use schemars::JsonSchema;
use serde::Serialize;

use super::{State, answer};
use crate::{
    access::Caller,
    answer::Refusal,
    library::{Entry, SlideKey},
    tiles::{ImageFormat, encode, tile_edge},
};

/// Longest side of a thumbnail.
const THUMBNAIL: u32 = 512;

/// A slide in a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FolderSlide {
    id: String,
    digest: String,
    bytes: u64,
}

/// What a slide says of itself, without the properties that may hold personal data.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SlideFactsDocument {
    id: String,
    digest: String,
    bytes: u64,
    format: &'static str,
    vendor: Option<String>,
    width: u32,
    height: u32,
    tile_edge: u32,
    /// Microns per level-0 pixel with their source; absent where nobody states them.
    #[schemars(with = "Option<serde_json::Value>")]
    mpp: Option<bianque_core::Mpp>,
    /// Nominal power of the objective.
    magnification: Option<f64>,
    levels: Vec<LevelLine>,
    warnings: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct LevelLine {
    width: u32,
    height: u32,
    downsample: f64,
}

/// Every slide.
pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Json<Vec<FolderSlide>>, Refusal> {
    state.record(move |record| record.note_listing(&caller.actor, "folder")).await?;
    let line = |entry: Entry| FolderSlide {
        id: entry.id.to_string(),
        digest: entry.digest.to_string(),
        bytes: entry.bytes,
    };
    Ok(Json(state.library.entries().into_iter().map(line).collect()))
}

/// One slide.
pub(crate) async fn one(
    extract::State(state): extract::State<State>,
    Path(slide): Path<String>,
) -> Result<Json<SlideFactsDocument>, Refusal> {
    let id: SlideKey = slide.parse()?;
    let entry = state.library.entry(id)?;
    Ok(Json(state.on_slide(id, move |slide| Ok(facts(&entry, slide))).await?))
}

fn facts(entry: &Entry, slide: &dyn Slide) -> SlideFactsDocument {
    let facts = slide.facts();
    let bounds = facts.bounds();
    SlideFactsDocument {
        id: entry.id.to_string(),
        digest: entry.digest.to_string(),
        bytes: entry.bytes,
        format: facts.format.name(),
        vendor: facts.vendor.clone(),
        width: bounds.width,
        height: bounds.height,
        tile_edge: tile_edge(slide),
        mpp: facts.mpp.clone(),
        magnification: facts.magnification.as_ref().map(|(power, _)| power.power()),
        levels: facts
            .levels
            .iter()
            .map(|level| LevelLine {
                width: level.width,
                height: level.height,
                downsample: level.downsample,
            })
            .collect(),
        warnings: facts.warnings.clone(),
    }
}

/// The whole slide, small.
pub(crate) async fn thumbnail(
    extract::State(state): extract::State<State>,
    Path(slide): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id: SlideKey = slide.parse()?;
    let picture = state
        .on_slide(id, |slide| encode::picture(&slide.thumbnail(THUMBNAIL)?, ImageFormat::Jpeg))
        .await?;
    Ok(answer(picture, &headers, id))
}

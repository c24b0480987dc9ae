//! `/api/v1/cases/{case}/slides/{slide}/views`: what a reader has had on the screen.

use axum::{
    Json,
    extract::{self, Path},
    http::StatusCode,
};
use bianque_record::{
    identity::{CaseId, SlideId},
    reading::SlideView,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, Rectangle, magnification, parsed},
};
use crate::{access::Caller, answer::Refusal};

/// Views of one slide.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Views {
    views: Vec<ViewLine>,
}

/// A part of the slide that was on the screen.
#[derive(Serialize, Deserialize, JsonSchema)]
struct ViewLine {
    #[serde(flatten)]
    region: Rectangle,
    magnification: f64,
    milliseconds: u64,
}

/// Keeps a batch of views.
pub(crate) async fn keep(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide)): Path<(String, String)>,
    Body(batch): Body<Views>,
) -> Result<StatusCode, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let view = |view: &ViewLine| {
        Ok(SlideView {
            region: view.region.into(),
            magnification: magnification(view.magnification)?,
            milliseconds: view.milliseconds.min(86_400_000),
        })
    };
    let views = batch.views.iter().map(view).collect::<Result<Vec<_>, Refusal>>()?;
    state.record(move |record| record.keep_views(&caller.actor, case, slide, &views)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The reader's own views.
pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide)): Path<(String, String)>,
) -> Result<Json<Views>, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let views = state.record(move |record| record.views(&caller.actor, case, slide)).await?;
    let line = |view: SlideView| ViewLine {
        region: view.region.into(),
        magnification: view.magnification.power(),
        milliseconds: view.milliseconds,
    };
    Ok(Json(Views { views: views.into_iter().map(line).collect() }))
}

//! `/iiif/3/ID/…`: IIIF Image API 3.0.

use axum::{
    Json,
    extract::{self, Path},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{State, answer};
use crate::{
    answer::Refusal,
    library::SlideKey,
    tiles::iiif::{Request, information as describe},
};

/// The image's own address leads to its description (section 2.2 of the specification).
pub(crate) async fn base(Path(slide): Path<String>) -> Result<Redirect, Refusal> {
    let id: SlideKey = slide.parse()?;
    Ok(Redirect::to(&format!("/iiif/3/{id}/info.json")))
}

/// `info.json`.
pub(crate) async fn information(
    extract::State(state): extract::State<State>,
    Path(slide): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id: SlideKey = slide.parse()?;
    let host =
        headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    let scheme = if state.secure { "https" } else { "http" };
    let address = format!("{scheme}://{host}/iiif/3/{id}");
    let document = state.on_slide(id, move |slide| Ok(describe(slide, &address))).await?;
    let kind = "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\"";
    Ok(([(header::CONTENT_TYPE, kind)], Json(document)).into_response())
}

/// A picture.
pub(crate) async fn image(
    extract::State(state): extract::State<State>,
    Path((slide, region, size, rotation, ending)): Path<(String, String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id: SlideKey = slide.parse()?;
    let picture = state
        .on_slide(id, move |slide| {
            Request::parse(slide, [&region, &size, &rotation, &ending])?.picture(slide)
        })
        .await?;
    Ok(answer(picture, &headers, id))
}

//! Frames as they are, and pictures for people.

use axum::{
    extract::{self, Path, Query},
    http::HeaderMap,
    response::Response,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{super::answer, State};
use crate::{
    answer::Refusal,
    dicomweb::{
        self, Series, accept,
        instance::{Instance, JPEG_BASELINE},
        viewport::{self, Viewport},
    },
    library::SlideKey,
    tiles::ImageFormat,
};

/// Most frames of one answer.
const MOST_FRAMES: usize = 256;

/// What a picture is to fill.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Window {
    /// Width and height in pixels, and, where a part is wanted, its left edge, top edge, width and
    /// height: `vw,vh` or `vw,vh,sx,sy,sw,sh` (PS3.18 section 8.3.5.1.3).
    viewport: Option<String>,
}

/// `/studies/STUDY/series/SERIES/instances/INSTANCE/frames/1,2,3`.
pub(crate) async fn frames(
    extract::State(state): extract::State<State>,
    Path((study, series, instance, list)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    accept::takes_jpeg_parts(&headers)?;
    let numbers = frame_numbers(&list)?;
    let id = state.library.of_study(&study)?;
    let pictures = on_series(&state, id, Some(series), move |slide, series| {
        let instance = series.instance(&instance)?;
        numbers
            .iter()
            .map(|number| dicomweb::frame(slide, instance, *number))
            .collect::<Result<Vec<_>, _>>()
    })
    .await?;
    let bytes: Vec<_> = pictures.into_iter().map(|picture| picture.bytes).collect();
    Ok(accept::parts(&bytes, "image/jpeg", JPEG_BASELINE))
}

fn format(headers: &HeaderMap) -> Result<ImageFormat, Refusal> {
    accept::takes_pictures(headers)?;
    Ok(if accept::prefers_png(headers) { ImageFormat::Png } else { ImageFormat::Jpeg })
}

/// `…/frames/N/rendered`.
pub(crate) async fn rendered(
    extract::State(state): extract::State<State>,
    Path((study, series, instance, list)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let [number] = frame_numbers(&list)?[..] else {
        return Err(Refusal::Request("one frame can be rendered at a time".to_owned()));
    };
    let format = format(&headers)?;
    let id = state.library.of_study(&study)?;
    let picture = on_series(&state, id, Some(series), move |slide, series| {
        dicomweb::rendered(slide, series.instance(&instance)?, number, format)
    })
    .await?;
    Ok(answer(picture, &headers, id))
}

/// `…/instances/INSTANCE/rendered`.
pub(crate) async fn rendered_instance(
    extract::State(state): extract::State<State>,
    Path((study, series, instance)): Path<(String, String, String)>,
    Query(window): Query<Window>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let window = Viewport::parse(window.viewport.as_deref())?;
    picture(&state, &study, Some(series), Some(instance), window, &headers).await
}

/// `/studies/STUDY/thumbnail`.
pub(crate) async fn study_thumbnail(
    extract::State(state): extract::State<State>,
    Path(study): Path<String>,
    Query(window): Query<Window>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let window = Viewport::of_thumbnail(window.viewport.as_deref())?;
    picture(&state, &study, None, None, window, &headers).await
}

/// `/studies/STUDY/series/SERIES/thumbnail`.
pub(crate) async fn series_thumbnail(
    extract::State(state): extract::State<State>,
    Path((study, series)): Path<(String, String)>,
    Query(window): Query<Window>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let window = Viewport::of_thumbnail(window.viewport.as_deref())?;
    picture(&state, &study, Some(series), None, window, &headers).await
}

/// `…/instances/INSTANCE/thumbnail`.
pub(crate) async fn instance_thumbnail(
    extract::State(state): extract::State<State>,
    Path((study, series, instance)): Path<(String, String, String)>,
    Query(window): Query<Window>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let window = Viewport::of_thumbnail(window.viewport.as_deref())?;
    picture(&state, &study, Some(series), Some(instance), window, &headers).await
}

/// `…/frames/N/thumbnail`: a frame is small enough as it is.
pub(crate) async fn frame_thumbnail(
    state: extract::State<State>,
    path: Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    rendered(state, path, headers).await
}

/// An instance as a picture; the smallest level where none is named, since all show the same.
async fn picture(
    state: &State,
    study: &str,
    series: Option<String>,
    instance: Option<String>,
    window: Viewport,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let format = format(headers)?;
    let id = state.library.of_study(study)?;
    let picture = on_series(state, id, series, move |slide, series| {
        let chosen: &Instance = match &instance {
            Some(uid) => series.instance(uid)?,
            None => series.instances.first().ok_or(Refusal::NotFound("instance"))?,
        };
        viewport::picture(slide, chosen, window, format)
    })
    .await?;
    Ok(answer(picture, headers, id))
}

fn frame_numbers(list: &str) -> Result<Vec<u64>, Refusal> {
    let wrong = || {
        Refusal::Request(format!(
            "frames are numbers from 1, separated by commas, {MOST_FRAMES} at most"
        ))
    };
    if list.split(',').count() > MOST_FRAMES {
        return Err(wrong());
    }
    list.split(',').map(|number| number.parse().map_err(|_| wrong())).collect()
}

async fn on_series<T: Send + 'static>(
    state: &State,
    id: SlideKey,
    series: Option<String>,
    work: impl FnOnce(&dyn bianque_slide::Slide, &Series) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    state
        .on_opened(id, move |opened| {
            let own = opened.series()?;
            if series.is_some_and(|series| own.series.as_str() != series) {
                return Err(Refusal::NotFound("series of pictures"));
            }
            work(opened.slide(), &own)
        })
        .await
}

//! `/deepzoom/ID.dzi` and `/deepzoom/ID_files/LEVEL/COLUMN_ROW.jpeg`.

use axum::{
    extract::{self, Path},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::{State, answer};
use crate::{answer::Refusal, library::SlideKey, tiles::deep_zoom::DeepZoom};

/// The descriptor.
pub(crate) async fn descriptor(
    extract::State(state): extract::State<State>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let id: SlideKey = name.strip_suffix(".dzi").ok_or(Refusal::NotFound("descriptor"))?.parse()?;
    let xml = state.on_slide(id, |slide| Ok(DeepZoom::of(slide).xml())).await?;
    Ok(([(header::CONTENT_TYPE, "application/xml")], xml).into_response())
}

/// A tile.
pub(crate) async fn tile(
    extract::State(state): extract::State<State>,
    Path((files, level, tile)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let absent = || Refusal::NotFound("tile");
    let id: SlideKey = files.strip_suffix("_files").ok_or_else(absent)?.parse()?;
    let number = |text: &str| text.parse::<u32>().map_err(|_| absent());
    let level = number(&level)?;
    let place = tile.strip_suffix(".jpeg").or_else(|| tile.strip_suffix(".jpg"));
    let (column, row) = place.and_then(|place| place.split_once('_')).ok_or_else(absent)?;
    let (column, row) = (number(column)?, number(row)?);
    let picture = state
        .on_slide(id, move |slide| DeepZoom::of(slide).piece(level, column, row)?.jpeg(slide))
        .await?;
    Ok(answer(picture, &headers, id))
}

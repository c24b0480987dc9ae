//! `/dicomweb/…`: searching (QIDO-RS) and fetching (WADO-RS), PS3.18 sections 10.4 and 10.6.

use axum::{
    Json,
    extract::{self, Path, Query},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use super::{State, answer};
use crate::{
    answer::Refusal,
    dicomweb::{
        self, Series, accept,
        data_set::DataSet,
        instance::JPEG_BASELINE,
        query::{Query as Search, Wanted, results},
    },
    library::SlideKey,
    tiles::ImageFormat,
};

/// Most frames of one answer.
const MOST_FRAMES: usize = 256;
const JSON: &str = "application/dicom+json";

type Parameters = Query<Vec<(String, String)>>;

/// `/studies`.
pub(crate) async fn studies(
    extract::State(state): extract::State<State>,
    Query(parameters): Parameters,
) -> Result<Response, Refusal> {
    search(&state, None, Wanted::Studies, &parameters).await
}

/// `/series`.
pub(crate) async fn all_series(
    extract::State(state): extract::State<State>,
    Query(parameters): Parameters,
) -> Result<Response, Refusal> {
    search(&state, None, Wanted::Series, &parameters).await
}

/// `/instances`.
pub(crate) async fn all_instances(
    extract::State(state): extract::State<State>,
    Query(parameters): Parameters,
) -> Result<Response, Refusal> {
    search(&state, None, Wanted::Instances, &parameters).await
}

/// `/studies/STUDY/series`.
pub(crate) async fn series(
    extract::State(state): extract::State<State>,
    Path(study): Path<String>,
    Query(parameters): Parameters,
) -> Result<Response, Refusal> {
    let id = state.library.of_study(&study)?;
    search(&state, Some(id), Wanted::Series, &parameters).await
}

/// `/studies/STUDY/instances`.
pub(crate) async fn study_instances(
    extract::State(state): extract::State<State>,
    Path(study): Path<String>,
    Query(parameters): Parameters,
) -> Result<Response, Refusal> {
    let id = state.library.of_study(&study)?;
    search(&state, Some(id), Wanted::Instances, &parameters).await
}

/// `/studies/STUDY/series/SERIES/instances`.
pub(crate) async fn instances(
    extract::State(state): extract::State<State>,
    Path((study, series)): Path<(String, String)>,
    Query(parameters): Parameters,
) -> Result<Response, Refusal> {
    let id = state.library.of_study(&study)?;
    on_series(&state, id, series, |_, _| Ok(())).await?;
    search(&state, Some(id), Wanted::Instances, &parameters).await
}

/// `/studies/STUDY/metadata`.
pub(crate) async fn study_metadata(
    extract::State(state): extract::State<State>,
    Path(study): Path<String>,
) -> Result<Response, Refusal> {
    let id = state.library.of_study(&study)?;
    Ok(json(&described(&state, id).await?.1))
}

/// `/studies/STUDY/series/SERIES/metadata`.
pub(crate) async fn series_metadata(
    extract::State(state): extract::State<State>,
    Path((study, series)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let id = state.library.of_study(&study)?;
    on_series(&state, id, series, |_, _| Ok(())).await?;
    Ok(json(&described(&state, id).await?.1))
}

/// `/studies/STUDY/series/SERIES/instances/INSTANCE/metadata`.
pub(crate) async fn instance_metadata(
    extract::State(state): extract::State<State>,
    Path((study, series, instance)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let id = state.library.of_study(&study)?;
    on_series(&state, id, series, |_, _| Ok(())).await?;
    let (found, sets) = described(&state, id).await?;
    let at = found.instances.iter().position(|own| own.uid.as_str() == instance);
    let set = at.and_then(|at| sets.get(at)).ok_or(Refusal::NotFound("instance"))?;
    Ok(json(std::slice::from_ref(set)))
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
    let pictures = on_series(&state, id, series, move |slide, series| {
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

/// `…/frames/N/rendered`.
pub(crate) async fn rendered(
    extract::State(state): extract::State<State>,
    Path((study, series, instance, list)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let [number] = frame_numbers(&list)?[..] else {
        return Err(Refusal::Request("one frame can be rendered at a time".to_owned()));
    };
    let format = if accept::prefers_png(&headers) { ImageFormat::Png } else { ImageFormat::Jpeg };
    let id = state.library.of_study(&study)?;
    let picture = on_series(&state, id, series, move |slide, series| {
        dicomweb::rendered(slide, series.instance(&instance)?, number, format)
    })
    .await?;
    Ok(answer(picture, &headers, id))
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
    series: String,
    work: impl FnOnce(&dyn bianque_slide::Slide, &Series) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    state
        .on_opened(id, move |opened| {
            let own = opened.series()?;
            if own.series.as_str() != series {
                return Err(Refusal::NotFound("series"));
            }
            work(opened.slide(), &own)
        })
        .await
}

/// A slide's series, and what is said of each of its instances.
async fn described(
    state: &State,
    id: SlideKey,
) -> Result<(std::sync::Arc<Series>, Vec<DataSet>), Refusal> {
    let entry = state.library.entry(id)?;
    state
        .on_opened(id, move |opened| {
            let series = opened.series()?;
            let sets = series
                .instances
                .iter()
                .map(|instance| dicomweb::metadata(opened.slide(), &entry, &series, instance))
                .collect::<Result<_, _>>()?;
            Ok((series, sets))
        })
        .await
}

/// Slides that cannot be opened, or state no scale, are no instances: a search passes them over.
async fn search(
    state: &State,
    only: Option<SlideKey>,
    wanted: Wanted,
    parameters: &[(String, String)],
) -> Result<Response, Refusal> {
    let search = Search::parse(parameters)?;
    let ids = match only {
        Some(id) => vec![id],
        None => state.library.entries().iter().map(|entry| entry.id).collect(),
    };
    let mut found = Vec::new();
    for id in ids {
        match described(state, id).await {
            Ok((series, sets)) => found.extend(results(wanted, &series, &sets)),
            Err(refusal) if only.is_some() => return Err(refusal),
            Err(_) => {}
        }
    }
    Ok(json(&search.select(found.into_iter())))
}

fn json(sets: &[DataSet]) -> Response {
    // `Json` names its own type; DICOM has another.
    let mut response = Json(sets).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

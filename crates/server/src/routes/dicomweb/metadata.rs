//! Attributes without pixels, and the values that are too large to stand among them.

use axum::{
    extract::{self, Path},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::{State, Study, base, json};
use crate::{
    access::Caller,
    answer::Refusal,
    dicomweb::{
        self,
        accept::{self, Form},
        bulk_data,
        data_set::DataSet,
        document::data_set,
    },
};

/// `/studies/STUDY/metadata`.
pub(crate) async fn study_metadata(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(study): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    described(&state, &caller, &headers, &study, None, None).await
}

/// `/studies/STUDY/series/SERIES/metadata`.
pub(crate) async fn series_metadata(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((study, series)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    described(&state, &caller, &headers, &study, Some(&series), None).await
}

/// `/studies/STUDY/series/SERIES/instances/INSTANCE/metadata`.
pub(crate) async fn instance_metadata(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((study, series, instance)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    described(&state, &caller, &headers, &study, Some(&series), Some(&instance)).await
}

async fn described(
    state: &State,
    caller: &Caller,
    headers: &HeaderMap,
    study: &str,
    series: Option<&str>,
    instance: Option<&str>,
) -> Result<Response, Refusal> {
    accept::takes_json(headers)?;
    let base = base(state, headers);
    let found = Study::of(state, caller, study).await?;
    series.map_or(Ok(()), |series| found.require_series(series))?;
    let mut sets = Vec::new();
    for (series, uid, set) in attributes(state, &found, series, instance).await? {
        let address = format!("{base}/studies/{study}/series/{series}/instances/{uid}");
        sets.push(bulk_data::referred(set, &address));
    }
    if sets.is_empty() {
        return Err(Refusal::NotFound("instance"));
    }
    Ok(json(&sets))
}

/// Series, instance and attributes, bytes in line, of what an address names.
async fn attributes(
    state: &State,
    found: &Study,
    series: Option<&str>,
    instance: Option<&str>,
) -> Result<Vec<(String, String, DataSet)>, Refusal> {
    let is_wanted = |of: &str, uid: &str| {
        series.is_none_or(|series| series == of) && instance.is_none_or(|instance| instance == uid)
    };
    let own = found.series.series.as_str();
    let levels: Vec<usize> = (0..found.series.instances.len())
        .filter(|level| is_wanted(own, found.series.instances[*level].uid.as_str()))
        .collect();
    let mut sets = images(state, found, levels).await?;
    for document in &found.documents {
        if is_wanted(&document.series, &document.uid) {
            let set = data_set(&found.file(state, document).await?)?;
            sets.push((document.series.clone(), document.uid.clone(), set));
        }
    }
    Ok(sets)
}

/// The attributes of levels.
pub(super) async fn images(
    state: &State,
    found: &Study,
    levels: Vec<usize>,
) -> Result<Vec<(String, String, DataSet)>, Refusal> {
    if levels.is_empty() {
        return Ok(Vec::new());
    }
    let (entry, patient) = (state.library.entry(found.key)?, found.patient());
    state
        .on_opened(found.key, move |opened| {
            let series = opened.series()?;
            let instances = levels.iter().filter_map(|level| series.instances.get(*level));
            instances
                .map(|instance| {
                    let slide = opened.slide();
                    let set =
                        dicomweb::metadata(slide, &entry, &series, instance, patient.as_deref())?;
                    Ok((series.series.to_string(), instance.uid.to_string(), set))
                })
                .collect()
        })
        .await
}

/// `…/instances/INSTANCE/bulkdata/WAY`.
pub(crate) async fn bulk_data(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((study, series, instance, way)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let form = accept::takes_bytes(&headers)?;
    let found = Study::of(&state, &caller, &study).await?;
    let sets = attributes(&state, &found, Some(&series), Some(&instance)).await?;
    let (_, _, set) = sets.first().ok_or(Refusal::NotFound("instance"))?;
    let bytes = bulk_data::find(set, &way)?;
    let kind = "application/octet-stream";
    Ok(match form {
        Form::Single => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Form::Parts => {
            accept::parts(&[bytes.into()], kind, dicomweb::part10::EXPLICIT_LITTLE_ENDIAN)
        }
    })
}

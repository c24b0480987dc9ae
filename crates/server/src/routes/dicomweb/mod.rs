//! `/dicomweb/…`: searching (QIDO-RS) and fetching (WADO-RS), PS3.18 sections 10.4 and 10.6.

mod metadata;
mod pictures;
mod retrieve;
mod search;

pub(crate) use metadata::{bulk_data, instance_metadata, series_metadata, study_metadata};
pub(crate) use pictures::{
    Window, frame_thumbnail, frames, instance_thumbnail, rendered, rendered_instance,
    series_thumbnail, study_thumbnail,
};
pub(crate) use retrieve::{instance, series as retrieved_series, study};
pub(crate) use search::{
    SearchParameters, all_instances, all_series, instances, series, studies, study_instances,
};

use std::sync::Arc;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, header, uri::Authority},
    response::{IntoResponse, Response},
};
use bianque_core::Digest;
use bianque_record::{Actor, Record, release::KnownFile};

use super::{State, store, withheld::Standing};
use crate::{
    access::Caller,
    answer::Refusal,
    dicomweb::{
        Series,
        data_set::DataSet,
        document::{Document, documents},
    },
    library::SlideKey,
};

const JSON: &str = "application/dicom+json";

/// A slide's study: its pictures, and the documents that the caller may see.
struct Study {
    key: SlideKey,
    series: Arc<Series>,
    mpp: Option<(f64, f64)>,
    known: Vec<KnownFile>,
    documents: Vec<Document>,
}

impl Study {
    /// The study of an address.
    async fn of(state: &State, caller: &Caller, study: &str) -> Result<Self, Refusal> {
        let key = state.library.of_study(study)?;
        let (digest, actor) = (state.library.entry(key)?.digest, caller.actor);
        let known = state
            .record(move |record| {
                let mut known = record.read_documents(&actor, digest)?;
                withhold(record, &actor, &mut known)?;
                Ok(known)
            })
            .await?;
        let of_slide = state
            .on_opened(key, |opened| {
                let mpp = opened.slide().facts().mpp.as_ref().map(|mpp| (mpp.x(), mpp.y()));
                Ok((opened.series()?, mpp))
            })
            .await?;
        let (series, mpp) = of_slide;
        let documents = documents(&known, &series, mpp);
        Ok(Self { key, series, mpp, known, documents })
    }

    /// Whose material it is.
    fn patient(&self) -> Option<String> {
        self.known.first().map(|file| file.patient.to_string())
    }

    /// The bytes of a document.
    async fn file(&self, state: &State, document: &Document) -> Result<Vec<u8>, Refusal> {
        let (place, known, series) = (state.clone(), self.known.clone(), Arc::clone(&self.series));
        let (document, mpp) = (document.clone(), self.mpp);
        let work = move || {
            let kept = |digest: Digest| Ok(place.objects.get(digest, store::LARGEST as u64)?);
            document.file(&known, &series, mpp, kept)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or(Err(Refusal::Fault("a document could not be made")))
    }

    /// Refuses a series that is not the study's.
    fn require_series(&self, series: &str) -> Result<(), Refusal> {
        let own = self.series.series.as_str() == series
            || self.documents.iter().any(|document| document.series == series);
        own.then_some(()).ok_or(Refusal::NotFound("series"))
    }
}

/// What machines say is kept from whoever is to look first.
fn withhold(record: &Record, actor: &Actor, known: &mut [KnownFile]) -> bianque_record::Result<()> {
    for file in known.iter_mut().filter(|file| !file.stored.is_empty()) {
        if !Standing::of(record, actor, file.case)?.revealed {
            file.stored.clear();
        }
    }
    Ok(())
}

/// Where this service is, as the client calls it: addresses of bulk data are whole ones.
pub(super) fn base(state: &State, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.filter(|host| host.parse::<Authority>().is_ok());
    let scheme = if state.secure { "https" } else { "http" };
    // Some clients leave out the port of their address.
    let port = state.port.get().filter(|_| !state.behind_proxy);
    let host = host.map(|host| match (host.parse::<Authority>().ok(), port) {
        (Some(named), Some(port)) if named.port().is_none() => format!("{host}:{port}"),
        _ => host.to_owned(),
    });
    host.map_or_else(|| "/dicomweb".to_owned(), |host| format!("{scheme}://{host}/dicomweb"))
}

fn json(sets: &[DataSet]) -> Response {
    // `Json` names its own type; DICOM has another.
    let mut response = Json(sets).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

//! Searching: pages of studies, series and instances, of slides and of the documents beside them.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use bianque_record::release::KnownFile;
use schemars::JsonSchema;

use super::{State, Study, base, json, metadata::images, withhold};
use crate::{
    access::Caller,
    answer::Refusal,
    dicomweb::{
        accept, bulk_data,
        data_set::DataSet,
        document::{data_set, documents},
        query::{Found, Query as Search, Wanted},
        summary::Summary,
    },
    library::SlideKey,
};

/// Slides that are looked at together.
const BLOCK: usize = 64;

type Parameters = Query<Vec<(String, String)>>;

/// What a search may be asked for (PS3.18 section 8.3.4). An attribute that is not here may be a
/// parameter too, by its keyword or its tag: the search reads its parameters itself.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "it describes what is read elsewhere")]
#[allow(non_snake_case, reason = "DICOM's keywords")]
pub(crate) struct SearchParameters {
    /// The most results of one answer; never more than 1,000.
    limit: Option<usize>,
    /// Results that are passed over.
    offset: Option<usize>,
    /// Whether names match by sound: they never do, and the answer says so.
    fuzzymatching: Option<bool>,
    /// Attributes that results have beyond the usual: keywords or tags, separated by commas, or
    /// `all`.
    includefield: Option<String>,
    /// The slide's study.
    StudyInstanceUID: Option<String>,
    /// A series of it.
    SeriesInstanceUID: Option<String>,
    /// An instance of it.
    SOPInstanceUID: Option<String>,
    /// The patient's pseudonym.
    PatientID: Option<String>,
    /// What there must be in a study: `SM`, `SR`, `ANN`.
    ModalitiesInStudy: Option<String>,
    /// What a series is.
    Modality: Option<String>,
}

/// A search as it was asked for, whatever it is for.
pub(crate) struct Asked {
    state: State,
    caller: Caller,
    headers: HeaderMap,
    search: Search,
}

impl FromRequestParts<State> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refusal> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let parameters = Parameters::from_request_parts(parts, state).await;
        let Query(parameters) = parameters.map_err(|error| Refusal::Request(error.body_text()))?;
        let search = Search::parse(&parameters)?;
        Ok(Self { state: state.clone(), caller, headers: parts.headers.clone(), search })
    }
}

/// `/studies`.
pub(crate) async fn studies(asked: Asked) -> Result<Response, Refusal> {
    asked.everywhere(Wanted::Studies).await
}

/// `/series`.
pub(crate) async fn all_series(asked: Asked) -> Result<Response, Refusal> {
    asked.everywhere(Wanted::Series).await
}

/// `/instances`.
pub(crate) async fn all_instances(asked: Asked) -> Result<Response, Refusal> {
    asked.everywhere(Wanted::Instances).await
}

/// `/studies/STUDY/series`.
pub(crate) async fn series(Path(study): Path<String>, asked: Asked) -> Result<Response, Refusal> {
    asked.within(&study, Wanted::Series).await
}

/// `/studies/STUDY/instances`.
pub(crate) async fn study_instances(
    Path(study): Path<String>,
    asked: Asked,
) -> Result<Response, Refusal> {
    asked.within(&study, Wanted::Instances).await
}

/// `/studies/STUDY/series/SERIES/instances`.
pub(crate) async fn instances(
    Path((study, series)): Path<(String, String)>,
    mut asked: Asked,
) -> Result<Response, Refusal> {
    Study::of(&asked.state, &asked.caller, &study).await?.require_series(&series)?;
    asked.search = asked.search.within(&series);
    asked.within(&study, Wanted::Instances).await
}

/// The part of all results that is asked for, as it is being found.
struct Page {
    skip: usize,
    limit: usize,
    found: Vec<(SlideKey, Found)>,
    /// Whether there is more behind the page.
    more: bool,
}

impl Page {
    fn is_full(&self) -> bool {
        self.more
    }

    fn take(&mut self, key: SlideKey, result: Found) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.found.len() < self.limit {
            self.found.push((key, result));
        } else {
            self.more = true;
        }
    }
}

impl Asked {
    fn page(&self) -> Page {
        let Search { offset, limit, .. } = self.search;
        Page { skip: offset, limit, found: Vec::new(), more: false }
    }

    /// Over one study, whose slide must be readable.
    async fn within(self, study: &str, wanted: Wanted) -> Result<Response, Refusal> {
        accept::takes_json(&self.headers)?;
        let key = self.state.library.of_study(study)?;
        self.state.on_opened(key, |opened| opened.series()).await?;
        self.note().await?;
        let mut page = self.page();
        self.look_at(&[key], wanted, &mut page).await?;
        self.answer(page).await
    }

    /// Over all studies. Slides that cannot be opened, or state no scale, are no instances: a search
    /// passes them over.
    async fn everywhere(self, wanted: Wanted) -> Result<Response, Refusal> {
        accept::takes_json(&self.headers)?;
        self.note().await?;
        let mut page = self.page();
        if let Some(studies) = self.search.studies() {
            let mut keys: Vec<SlideKey> = studies
                .iter()
                .filter_map(|study| self.state.library.of_study(study).ok())
                .collect();
            keys.sort_unstable();
            keys.dedup();
            self.look_at(&keys, wanted, &mut page).await?;
            return self.answer(page).await;
        }
        let mut after = None;
        while !page.is_full() {
            let keys = self.state.library.keys_after(after, BLOCK);
            let Some(last) = keys.last() else { break };
            after = Some(*last);
            self.look_at(&keys, wanted, &mut page).await?;
        }
        self.answer(page).await
    }

    async fn note(&self) -> Result<(), Refusal> {
        let actor = self.caller.actor;
        self.state.record(move |record| record.note_listing(&actor, "dicomweb")).await
    }

    async fn look_at(
        &self,
        keys: &[SlideKey],
        wanted: Wanted,
        page: &mut Page,
    ) -> Result<(), Refusal> {
        for keys in keys.chunks(BLOCK) {
            let mut summaries = Vec::new();
            for key in keys {
                summaries.extend(self.state.summary(*key).await?.map(|summary| (*key, summary)));
            }
            // Each is one study: those before the page need no further look.
            let is_before = summaries.len() <= page.skip;
            if wanted == Wanted::Studies && self.search.is_open() && is_before {
                page.skip -= summaries.len();
                continue;
            }
            let known = self.known(&summaries).await?;
            for (key, summary) in &summaries {
                let sets = sets(summary, &known);
                for result in self.search.results(wanted, &sets) {
                    page.take(*key, result);
                }
                if page.is_full() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn known(
        &self,
        summaries: &[(SlideKey, Arc<Summary>)],
    ) -> Result<Vec<KnownFile>, Refusal> {
        let actor = self.caller.actor;
        let digests: Vec<_> = summaries.iter().map(|(_, summary)| summary.series.digest).collect();
        self.state
            .record(move |record| {
                let mut known = record.known_files(&actor, &digests)?;
                withhold(record, &actor, &mut known)?;
                Ok(known)
            })
            .await
    }

    async fn answer(self, page: Page) -> Result<Response, Refusal> {
        let mut sets = Vec::with_capacity(page.found.len());
        for (key, found) in page.found {
            sets.push(match self.search.include.is_nothing() {
                true => found.set,
                false => self.included(key, found).await?,
            });
        }
        let mut response = json(&sets);
        let mut warn = |text: &'static str| {
            response.headers_mut().append(header::WARNING, HeaderValue::from_static(text));
        };
        if page.more {
            warn("299 bianque \"There are additional results that can be requested\"");
        }
        if self.search.fuzzy {
            warn(
                "299 bianque \"The fuzzymatching parameter is not supported. Only literal matching \
                 has been performed.\"",
            );
        }
        Ok(response)
    }

    /// A result with the attributes that were asked for beyond the usual.
    async fn included(&self, key: SlideKey, found: Found) -> Result<DataSet, Refusal> {
        let digest = self.state.library.entry(key)?.digest;
        let study = crate::dicomweb::Uid::of(&digest, "study").to_string();
        let whole = Study::of(&self.state, &self.caller, &study).await?;
        let levels = whole.series.instances.len();
        let (series, uid, set) = match found.at.checked_sub(levels) {
            None => {
                let mut images = images(&self.state, &whole, vec![found.at]).await?;
                images.pop().ok_or(Refusal::NotFound("instance"))?
            }
            Some(place) => {
                let document = whole.documents.get(place).ok_or(Refusal::NotFound("instance"))?;
                let set = data_set(&whole.file(&self.state, document).await?)?;
                (document.series.clone(), document.uid.clone(), set)
            }
        };
        let base = base(&self.state, &self.headers);
        let address = format!("{base}/studies/{study}/series/{series}/instances/{uid}");
        Ok(bulk_data::referred(self.search.include.of(&set), &address).merged(found.set))
    }
}

/// What is listed of a slide's instances: its levels, then its documents.
fn sets(summary: &Summary, known: &[KnownFile]) -> Vec<DataSet> {
    let own = known.iter().filter(|file| file.digest == summary.series.digest);
    let own: Vec<KnownFile> = own.cloned().collect();
    let patient = own.first().map(|file| file.patient.to_string());
    let mut sets = summary.images(patient.as_deref());
    let documents = documents(&own, &summary.series, summary.mpp);
    sets.extend(documents.into_iter().map(|document| document.listed));
    sets
}

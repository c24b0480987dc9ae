//! `/api/v1/worklist`: what waits to be read.

use axum::{
    Json,
    extract::{self, Query},
};
use bianque_record::{
    Actor, Record, Role,
    cases::{Case, Cursor, SearchText, Slide, Status, Urgency, WorklistItem, WorklistQuery},
    identity::{CaseId, SlideId},
    site::Examination,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{parsed, parsed_if, text},
    cases::outputs_of,
    withheld::Standing,
};
use crate::{access::Caller, answer::Refusal, library::SlideKey};

/// Which cases are asked for.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct WorklistFilter {
    /// `open` (unless given), `signed` or `amending`.
    status: Option<String>,
    urgency: Option<String>,
    /// Only what is assigned to whoever asks.
    #[serde(default)]
    mine: bool,
    /// Only cases with a slide that is not fit for diagnosis.
    #[serde(default)]
    bad: bool,
    /// Only cases with this in their number or in the patient's pseudonym.
    named: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

/// A page of the worklist.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WorklistDocument {
    items: Vec<CaseLine>,
    next: Option<String>,
}

/// A case in a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CaseLine {
    #[serde(flatten)]
    facts: CaseFacts,
    bad_slide: Option<BadSlide>,
    slides: Vec<SlideLine>,
}

/// A case without its slides.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CaseFacts {
    pub(crate) id: String,
    /// The laboratory's number; a researcher is told the pseudonym alone.
    pub(crate) number: Option<String>,
    pub(crate) patient: String,
    pub(crate) status: String,
    pub(crate) reading: String,
    pub(crate) urgency: String,
    pub(crate) has_bad_slide: bool,
    pub(crate) assigned: Option<String>,
    /// The clinician who asked.
    pub(crate) requested_by: Option<String>,
    pub(crate) created: String,
    /// How many proposals wait, as far as this reader may know; absent where two read, since the
    /// number would say what the other did.
    pub(crate) undecided: Option<u64>,
}

/// What is wrong with a case's worst slide.
#[derive(Serialize, JsonSchema)]
pub(crate) struct BadSlide {
    slide: String,
    headline: String,
    crop: Option<String>,
}

/// A slide in a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SlideLine {
    id: String,
    key: String,
    thumbnail: String,
    examination: String,
}

impl CaseFacts {
    /// What this reader may know of a case.
    pub(crate) fn to(
        record: &Record,
        actor: &Actor,
        case: &Case,
        standing: Standing,
    ) -> bianque_record::Result<Self> {
        Ok(Self {
            id: text(case.id),
            number: (actor.role() != Role::Researcher).then(|| text(&case.number)),
            patient: text(&case.patient),
            status: text(case.status),
            reading: text(case.reading),
            urgency: text(case.urgency),
            has_bad_slide: case.has_bad_slide,
            assigned: case.assigned.map(text),
            requested_by: case.requested_by.map(text),
            created: text(case.created),
            undecided: standing.undecided(record, actor, case)?,
        })
    }
}

impl SlideLine {
    pub(crate) fn of(slide: &Slide, examinations: &[Examination]) -> Self {
        let key = SlideKey::of(&slide.digest);
        Self {
            id: text(slide.id),
            thumbnail: thumbnail(key),
            key: text(key),
            examination: state_of(slide.id, examinations).to_owned(),
        }
    }
}

/// Where a slide's thumbnail is.
pub(crate) fn thumbnail(key: SlideKey) -> String {
    format!("/api/v1/slides/{key}/thumbnail")
}

/// Where the picture of a slide's worst place is.
pub(crate) fn crop(case: CaseId, slide: SlideId) -> String {
    format!("/api/v1/cases/{case}/slides/{slide}/crop.jpeg")
}

/// How far a slide's examination is.
pub(crate) fn state_of(slide: SlideId, examinations: &[Examination]) -> &'static str {
    let found = examinations.iter().find(|examination| examination.slide == slide);
    found.map_or("waiting", |examination| examination.state.name())
}

fn line(item: &WorklistItem, examinations: &[Examination], facts: CaseFacts) -> CaseLine {
    let has_crop = |slide: SlideId| {
        let found = examinations.iter().find(|examination| examination.slide == slide);
        found.is_some_and(|examination| outputs_of(examination).crop.is_some())
    };
    let case = item.case.id;
    CaseLine {
        bad_slide: item.bad_slide_id.zip(item.bad_slide.as_ref()).map(|(slide, headline)| {
            BadSlide {
                slide: text(slide),
                headline: headline.clone(),
                crop: has_crop(slide).then(|| crop(case, slide)),
            }
        }),
        slides: item.slides.iter().map(|slide| SlideLine::of(slide, examinations)).collect(),
        facts,
    }
}

/// A page of the worklist: bad slides first, then urgency, then who waits longest.
pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Query(filter): Query<WorklistFilter>,
) -> Result<Json<WorklistDocument>, Refusal> {
    let query = WorklistQuery {
        status: parsed_if::<Status>(filter.status.as_deref())?.unwrap_or(Status::Open),
        urgency: parsed_if::<Urgency>(filter.urgency.as_deref())?,
        assigned: filter.mine.then(|| caller.actor.user()),
        only_bad_slides: filter.bad,
        named: parsed_if::<SearchText>(filter.named.as_deref())?,
        after: filter.after.as_deref().map(parsed::<Cursor>).transpose()?,
        limit: filter.limit.unwrap_or(50),
    };
    let document = state
        .record(move |record| {
            let page = record.worklist(&caller.actor, &query)?;
            let mut items = Vec::new();
            for item in &page.items {
                let (actor, case) = (&caller.actor, &item.case);
                let standing = Standing::of(record, actor, case.id)?;
                let facts = CaseFacts::to(record, actor, case, standing)?;
                items.push(line(item, &record.examinations(actor, case.id)?, facts));
            }
            Ok(WorklistDocument { items, next: page.next.map(text) })
        })
        .await?;
    Ok(Json(document))
}

//! `/api/v1/released`: signed cases, for those who see nothing else: clinicians their own,
//! researchers those of patients who agree.

use axum::{
    Json,
    extract::{self, Path, Query},
    http::StatusCode,
};
use bianque_record::{
    Role,
    identity::{CaseId, SlideId, UserId},
    release::ReleasedCase,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, parsed, parsed_if, text},
    findings::Scales,
    report::ReportDocument,
};
use crate::{access::Caller, answer::Refusal, events::Event, library::SlideKey};

/// From where on.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ReleasedFilter {
    /// The `next` of the page before.
    after: Option<String>,
    limit: Option<u32>,
}

/// Signed cases, the newest first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReleasedDocument {
    items: Vec<ReleasedLine>,
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct ReleasedLine {
    case: String,
    /// The laboratory's number; a researcher is told the pseudonym alone.
    number: Option<String>,
    patient: String,
    version: u32,
    signed_at: String,
}

/// What is signed of a case.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SignedReport {
    report: ReportDocument,
    /// The slides, by which exports of one slide are named.
    slides: Vec<SignedSlideName>,
}

#[derive(Serialize, JsonSchema)]
struct SignedSlideName {
    id: String,
    label: String,
}

/// Who asked for a case.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Requester {
    /// A clinician's account; nobody where it is absent.
    clinician: Option<String>,
}

fn line(item: &ReleasedCase, role: Role) -> ReleasedLine {
    ReleasedLine {
        case: text(item.case),
        number: (role != Role::Researcher).then(|| text(&item.number)),
        patient: text(&item.patient),
        version: item.version,
        signed_at: text(item.signed_at),
    }
}

/// Signed cases that the caller may see.
pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Query(filter): Query<ReleasedFilter>,
) -> Result<Json<ReleasedDocument>, Refusal> {
    let after = parsed_if::<CaseId>(filter.after.as_deref())?;
    let (actor, limit) = (caller.actor, filter.limit.unwrap_or(50));
    let page = state.record(move |record| record.released_cases(&actor, after, limit)).await?;
    let items = page.items.iter().map(|item| line(item, actor.role())).collect();
    Ok(Json(ReleasedDocument { items, next: page.next.map(text) }))
}

/// What is signed of one of them.
pub(crate) async fn one(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
) -> Result<Json<SignedReport>, Refusal> {
    let id: CaseId = parsed(&case)?;
    let released = state.record(move |record| record.released(&caller.actor, id, None)).await?;
    let version = released.content();
    let mut scales = Scales::new();
    for (slide, digest) in &version.slides {
        let key = SlideKey::of(digest);
        // A slide that is gone has no scale; what was signed of it stays.
        if let Ok(Some(mpp)) = state.on_slide(key, |open| Ok(open.facts().mpp.clone())).await {
            scales.insert(*slide, mpp);
        }
    }
    // What was signed names slides by id: a reader is better served by their number.
    let label_of = |slide: SlideId| {
        let at = version.slides.iter().position(|(known, _)| *known == slide)?;
        Some(format!("{}", at + 1))
    };
    let names = version.slides.iter().filter_map(|(slide, _)| {
        Some(SignedSlideName { id: text(slide), label: label_of(*slide)? })
    });
    let slides = names.collect();
    let report = ReportDocument::of_signed(version, text(released.digest()), &scales, label_of);
    Ok(Json(SignedReport { report, slides }))
}

/// Sets which clinician asked for a case.
pub(crate) async fn set_requester(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
    Body(new): Body<Requester>,
) -> Result<StatusCode, Refusal> {
    let id: CaseId = parsed(&case)?;
    let clinician = parsed_if::<UserId>(new.clinician.as_deref())?;
    state.record(move |record| record.set_requester(&caller.actor, id, clinician)).await?;
    state.events.tell(Event::Case { case: id });
    Ok(StatusCode::NO_CONTENT)
}

//! `/api/v1/unattached`, `/case-list`, `POST /api/v1/cases` and a case's slides: which slides make a
//! case.

use axum::{
    Json,
    extract::{self, Path, Query},
    http::StatusCode,
};
use bianque_record::{
    cases::{NewCase, Piece, Slide, SlidePlace},
    identity::{CaseId, SlideId, UserId},
    site::Examination,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, parsed, parsed_if, text},
    withheld,
    worklist::{CaseFacts, SlideLine},
};
use crate::{
    access::Caller, answer::Refusal, case_list::Standing, events::Event, examine::own_case,
};

/// From where on.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UnattachedFilter {
    /// The `next` of the page before.
    after: Option<String>,
    limit: Option<u32>,
}

/// Cases of one slide about which nobody has decided anything.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UnattachedDocument {
    items: Vec<UnattachedLine>,
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct UnattachedLine {
    case: CaseFacts,
    slide: SlideLine,
    label: String,
    stain: String,
}

/// A slide with its place in a case.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct PlacedPiece {
    slide: String,
    specimen: String,
    organ: String,
    block: String,
    label: String,
    stain: String,
}

/// A case to be made of slides that are registered.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct NewCaseBody {
    /// The laboratory's number.
    number: String,
    /// The patient's pseudonym, never a name.
    patient: String,
    /// `emergency`, `urgent`, `routine` or `low`.
    urgency: String,
    /// `single` or `double`.
    reading: String,
    /// The clinician who asked.
    requested_by: Option<String>,
    slides: Vec<PlacedPiece>,
}

/// Slides to be put into a case.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct MoreSlides {
    slides: Vec<PlacedPiece>,
}

/// A case by its id.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CaseName {
    id: String,
}

/// How `cases.csv` in the folder of slides stands.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CaseListDocument {
    /// Whether there is one.
    present: bool,
    /// Cases that could be read from it.
    cases: usize,
    /// Slides of them whose files are not there yet.
    waiting: usize,
    problems: Vec<ProblemLine>,
}

/// What is wrong on which line; never what the line says.
#[derive(Serialize, JsonSchema)]
struct ProblemLine {
    line: usize,
    what: String,
}

impl From<Standing> for CaseListDocument {
    fn from(standing: Standing) -> Self {
        let line = |problem: crate::case_list::Problem| ProblemLine {
            line: problem.line,
            what: problem.what,
        };
        Self {
            present: standing.present,
            cases: standing.cases,
            waiting: standing.waiting,
            problems: standing.problems.into_iter().map(line).collect(),
        }
    }
}

fn line(case: CaseFacts, slide: &Slide, examinations: &[Examination]) -> UnattachedLine {
    UnattachedLine {
        case,
        slide: SlideLine::of(slide, examinations),
        label: text(&slide.label),
        stain: text(&slide.stain),
    }
}

fn pieces(slides: &[PlacedPiece]) -> Result<Vec<(Piece, SlidePlace)>, Refusal> {
    let piece = |new: &PlacedPiece| {
        let place = SlidePlace {
            specimen: parsed(&new.specimen)?,
            organ: parsed(&new.organ)?,
            block: parsed(&new.block)?,
            label: parsed(&new.label)?,
            stain: parsed(&new.stain)?,
        };
        Ok((Piece::Registered(parsed::<SlideId>(&new.slide)?), place))
    };
    slides.iter().map(piece).collect()
}

/// Cases of one slide that may be put together, the oldest first.
pub(crate) async fn unattached(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Query(filter): Query<UnattachedFilter>,
) -> Result<Json<UnattachedDocument>, Refusal> {
    let after = parsed_if::<CaseId>(filter.after.as_deref())?;
    let limit = filter.limit.unwrap_or(100);
    let document = state
        .record(move |record| {
            let page = record.unattached(&caller.actor, after, limit)?;
            let mut items = Vec::new();
            for (case, slide) in &page.items {
                let actor = &caller.actor;
                let withheld = withheld::Standing::of(record, actor, case.id)?;
                let facts = CaseFacts::to(record, actor, case, withheld)?;
                items.push(line(facts, slide, &record.examinations(actor, case.id)?));
            }
            Ok(UnattachedDocument { items, next: page.next.map(text) })
        })
        .await?;
    Ok(Json(document))
}

/// Makes one case of slides.
pub(crate) async fn put_together(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(new): Body<NewCaseBody>,
) -> Result<Json<CaseName>, Refusal> {
    let case = NewCase {
        number: parsed(&new.number)?,
        patient: parsed(&new.patient)?,
        urgency: parsed(&new.urgency)?,
        reading: parsed(&new.reading)?,
        requested_by: parsed_if::<UserId>(new.requested_by.as_deref())?,
    };
    let pieces = pieces(&new.slides)?;
    let id = state.record(move |record| record.put_together(&caller.actor, &case, &pieces)).await?;
    state.events.tell(Event::Worklist {});
    Ok(Json(CaseName { id: text(id) }))
}

/// Puts slides into a case.
pub(crate) async fn put_in(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
    Body(more): Body<MoreSlides>,
) -> Result<StatusCode, Refusal> {
    let id: CaseId = parsed(&case)?;
    let pieces = pieces(&more.slides)?;
    state.record(move |record| record.put_in(&caller.actor, id, &pieces)).await?;
    state.events.tell(Event::Case { case: id });
    state.events.tell(Event::Worklist {});
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a slide out into a case of its own.
pub(crate) async fn take_out(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide)): Path<(String, String)>,
) -> Result<Json<CaseName>, Refusal> {
    let (id, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let own = state
        .record(move |record| {
            let placed = record.slide_of_case(&caller.actor, id, slide)?;
            record.take_out(&caller.actor, id, slide, &own_case(&placed.digest)?)
        })
        .await?;
    state.events.tell(Event::Case { case: id });
    state.events.tell(Event::Worklist {});
    Ok(Json(CaseName { id: text(own) }))
}

/// How the list of cases in the folder stands.
pub(crate) async fn case_list(
    extract::State(state): extract::State<State>,
) -> Json<CaseListDocument> {
    Json(state.case_list().into())
}

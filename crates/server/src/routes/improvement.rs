//! `/api/v1/improvement`: refitting the head to decisions, and which head is in use.

use axum::{
    Json,
    extract::{self, Path},
    http::StatusCode,
};
use bianque_record::{
    identity::{HeadId, Reason},
    improvement::{Activation, LessonsFrom, RefittedHead},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, parsed, parsed_if, text},
    improvement_measures::MeasuresLine,
    site::SiteSettings,
};
use crate::{access::Caller, answer::Refusal, events::Event};

/// Whether the head can be improved, what was made, and what is in use.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ImprovementDocument {
    /// The task whose head it is; absent where no task examines slides.
    task: Option<String>,
    /// Why the head cannot be refitted; absent where it can.
    obstacle: Option<String>,
    /// Whether one is being refitted now.
    running: bool,
    /// Why the last refitting since the start came to nothing.
    failed: Option<String>,
    /// The digest of the head by which slides are examined now.
    in_use: Option<String>,
    /// The refitted head that people have activated; absent where the task's own is in use.
    active: Option<String>,
    /// Refitted heads, the newest first.
    heads: Vec<RefittedHeadLine>,
    /// Which heads were put into use, the newest first.
    history: Vec<ActivationLine>,
}

/// A refitted head.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RefittedHeadLine {
    id: String,
    /// The digest of its weights: the producer's digest of what it will find.
    weights: String,
    asked_by: String,
    role: String,
    at: String,
    active: bool,
    /// Whether it is worse on the held-out decisions than the head that was in use: it comes into
    /// use only with a reason.
    worse: bool,
    /// Decisions that it learned from, and that it was measured on.
    learned: u64,
    held_out: u64,
    measured: MeasuresLine,
}

/// A refitted head with the decisions behind it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct HeadDocument {
    #[serde(flatten)]
    line: RefittedHeadLine,
    pulled_to: String,
    compared_with: String,
    learned_decisions: Vec<String>,
    held_out_decisions: Vec<String>,
}

/// That a head came into use.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ActivationLine {
    /// Which refitted head; absent for the task's own.
    head: Option<String>,
    reason: Option<String>,
    by: String,
    role: String,
    at: String,
}

/// Which head is to be used.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct WantedHead {
    /// A refitted head; without it the task's own again.
    head: Option<String>,
    /// Why: needed to go back, for a head that is worse on the held-out decisions, and for one that
    /// was compared with another head than the one in use.
    reason: Option<String>,
}

impl RefittedHeadLine {
    fn of(head: &RefittedHead, active: Option<HeadId>) -> Self {
        Self {
            id: text(head.id),
            weights: text(head.weights),
            asked_by: text(head.asked_by),
            role: text(head.role),
            at: text(head.at),
            active: active == Some(head.id),
            worse: head.measured.is_worse(),
            learned: head.learned.len() as u64,
            held_out: head.held_out.len() as u64,
            measured: (&head.measured).into(),
        }
    }
}

impl From<&Activation> for ActivationLine {
    fn from(activation: &Activation) -> Self {
        Self {
            head: activation.head.map(text),
            reason: activation.reason.as_ref().map(text),
            by: text(activation.activated_by),
            role: text(activation.role),
            at: text(activation.at),
        }
    }
}

/// What there is.
pub(crate) async fn show(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Json<ImprovementDocument>, Refusal> {
    let job = state.improvement.job();
    let Some(improver) = state.improvement.improver().cloned() else {
        return Ok(Json(ImprovementDocument {
            task: None,
            obstacle: state.improver().err().map(|refusal| refusal.words()),
            running: false,
            failed: None,
            in_use: None,
            active: None,
            heads: Vec::new(),
            history: Vec::new(),
        }));
    };
    let task = improver.task();
    let (heads, history, active) = state
        .record(move |record| {
            let heads = record.heads(&caller.actor, &task)?;
            let history = record.activations(&caller.actor, &task)?;
            Ok((heads, history, record.active_head(&task)?.map(|head| head.id)))
        })
        .await?;
    Ok(Json(ImprovementDocument {
        task: Some(text(improver.task())),
        obstacle: improver.obstacle(),
        running: job.running,
        failed: job.failed,
        in_use: Some(text(improver.head_in_use())),
        active: active.map(text),
        heads: heads.iter().map(|head| RefittedHeadLine::of(head, active)).collect(),
        history: history.iter().map(ActivationLine::from).collect(),
    }))
}

/// Begins to refit the head to all decisions that stand.
pub(crate) async fn begin(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    let everybody = state.demo.is_some() || state.record(SiteSettings::read).await?.learn_from_all;
    let from = match everybody {
        true => LessonsFrom::EveryPatient,
        false => LessonsFrom::ConsentingPatients,
    };
    let actor = caller.actor;
    let lessons = state.record(move |record| record.lessons(&actor, from)).await?;
    if lessons.is_empty() {
        let what = match from {
            LessonsFrom::EveryPatient => "no decision about a region stands yet",
            LessonsFrom::ConsentingPatients => {
                "no decision stands on a patient who agrees to training: record that the patient \
                 agrees, or have an administrator set that this site may learn from all"
            }
        };
        return Err(Refusal::Conflict(what.to_owned()));
    }
    state.begin_refitting(actor, lessons)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A refitted head with the decisions behind it.
pub(crate) async fn one(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(head): Path<String>,
) -> Result<Json<HeadDocument>, Refusal> {
    let id: HeadId = parsed(&head)?;
    let (head, active) = state
        .record(move |record| {
            let head = record.head(&caller.actor, id)?;
            let active = record.active_head(&head.task)?.map(|head| head.id);
            Ok((head, active))
        })
        .await?;
    Ok(Json(HeadDocument {
        line: RefittedHeadLine::of(&head, active),
        pulled_to: text(head.pulled_to),
        compared_with: text(head.compared_with),
        learned_decisions: head.learned.iter().map(text).collect(),
        held_out_decisions: head.held_out.iter().map(text).collect(),
    }))
}

/// Puts a head into use, or the task's own again. Slides that were examined are not examined anew.
pub(crate) async fn activate(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(wanted): Body<WantedHead>,
) -> Result<StatusCode, Refusal> {
    let id = parsed_if::<HeadId>(wanted.head.as_deref())?;
    let reason = parsed_if::<Reason>(wanted.reason.as_deref())?;
    let task = state.improver()?.task();
    let place = state.clone();
    let work = move || -> Result<(), Refusal> {
        // What cannot be used is refused before anybody is told that it is in use.
        if let Some(id) = id {
            place.head_file(&place.record.head(&caller.actor, id)?)?;
        }
        place.record.activate_head(&caller.actor, &task, id, reason.as_ref())?;
        place.follow_active_head()
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Refusal::Fault("putting the head into use failed"))??;
    state.events.tell(Event::Improvement {});
    Ok(StatusCode::NO_CONTENT)
}

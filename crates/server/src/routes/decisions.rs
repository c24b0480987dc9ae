//! `/api/v1/findings/{finding}/…`: deciding, adjudicating, amending.

use std::time::Duration;

use axum::{
    Json,
    extract::{self, Path},
};
use bianque_record::{
    Record,
    decisions::{Decision, Judgement, NewDecision, Verdict},
    identity::{DecisionId, ProposalId, Reason},
    proposals::{
        Content, LesionRegion, ProposalContent, QualityReason, QualityVerdict, SlideVerdict,
    },
    reading::ReadFinding,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, Outline, View, outline_of, parsed, parsed_if, point_of, shape, text},
    findings::{FindingDocument, Quality, is_by_person},
    withheld::{Standing, is_hidden},
};
use crate::{access::Caller, answer::Refusal, events::Event};

/// A decision to be recorded.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Decide {
    /// Names the request: sent again, it counts once.
    key: String,
    /// `accept`, `correct`, `refuse` or `defer`.
    verdict: String,
    /// Needed for all but accepting and correcting, and for every amendment.
    reason: Option<String>,
    label: Option<String>,
    outline: Option<Outline>,
    /// In the place of an outline: `[x, y]` in level-0 pixels.
    point: Option<[f64; 2]>,
    quality: Option<Quality>,
    #[serde(default)]
    viewed: Vec<View>,
    #[serde(default)]
    milliseconds: u64,
}

/// What came of it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Decided {
    decision: String,
    state: String,
    finding: FindingDocument,
}

/// A decision as it is kept.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DecisionLine {
    id: String,
    manner: String,
    verdict: String,
    reader: String,
    role: String,
    reason: Option<String>,
    label: Option<String>,
    outline: Option<Outline>,
    point: Option<[f64; 2]>,
    amends: Option<String>,
    milliseconds: u64,
    aided: bool,
    at: String,
}

impl From<&Decision> for DecisionLine {
    fn from(decision: &Decision) -> Self {
        let content = decision.content.clone();
        let region = content.and_then(|json| serde_json::from_value::<LesionRegion>(json).ok());
        Self {
            id: text(decision.id),
            manner: text(decision.manner),
            verdict: text(decision.verdict),
            reader: text(decision.reader),
            role: text(decision.role),
            reason: decision.reason.as_ref().map(text),
            label: region.as_ref().map(|region| text(&region.label)),
            outline: region.as_ref().and_then(|region| outline_of(&region.shape)),
            point: region.as_ref().and_then(|region| point_of(&region.shape)),
            amends: decision.amends.map(text),
            milliseconds: decision.milliseconds,
            aided: decision.aided,
            at: text(decision.at),
        }
    }
}

/// Which door of the record a decision goes through.
#[derive(Copy, Clone)]
enum Door {
    Decide(ProposalId),
    Adjudicate(ProposalId),
    Amend(DecisionId),
}

impl Door {
    fn pass(
        self,
        record: &Record,
        caller: &Caller,
        new: &NewDecision,
    ) -> bianque_record::Result<DecisionId> {
        match self {
            Self::Decide(proposal) => record.decide(&caller.actor, proposal, new),
            Self::Adjudicate(proposal) => record.adjudicate(&caller.actor, proposal, new),
            Self::Amend(old) => record.amend(&caller.actor, old, new),
        }
    }
}

/// A reader decides.
pub(crate) async fn decide(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(finding): Path<String>,
    Body(new): Body<Decide>,
) -> Result<Json<Decided>, Refusal> {
    let id: ProposalId = parsed(&finding)?;
    pass(state, caller, id, Door::Decide(id), new).await
}

/// A third settles what two read differently.
pub(crate) async fn adjudicate(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(finding): Path<String>,
    Body(new): Body<Decide>,
) -> Result<Json<Decided>, Refusal> {
    let id: ProposalId = parsed(&finding)?;
    pass(state, caller, id, Door::Adjudicate(id), new).await
}

/// Puts a decision in the place of the one that stands.
pub(crate) async fn amend(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(decision): Path<String>,
    Body(new): Body<Decide>,
) -> Result<Json<Decided>, Refusal> {
    let old: DecisionId = parsed(&decision)?;
    let actor = caller.actor;
    let id = state.record(move |record| record.proposal_of(&actor, old)).await?;
    pass(state, caller, id, Door::Amend(old), new).await
}

/// Who decided what about a finding.
pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(finding): Path<String>,
) -> Result<Json<Vec<DecisionLine>>, Refusal> {
    let id: ProposalId = parsed(&finding)?;
    let decisions = state.record(move |record| record.decisions(&caller.actor, id)).await?;
    Ok(Json(decisions.iter().map(DecisionLine::from).collect()))
}

async fn pass(
    state: State,
    caller: Caller,
    id: ProposalId,
    door: Door,
    new: Decide,
) -> Result<Json<Decided>, Refusal> {
    let actor = caller.actor;
    let (finding, standing) = state
        .record(move |record| {
            let finding = record.finding(&actor, id)?;
            let standing = Standing::of(record, &actor, finding.proposal.proposal.case)?;
            Ok((finding, standing))
        })
        .await?;
    if !standing.revealed && is_hidden(&finding) {
        return Err(Refusal::Conflict("look at the case first, then reveal".to_owned()));
    }
    let judgement = judgement(&state, &finding, &new)?;
    let viewed = new.viewed.iter().map(View::viewed).collect::<Result<Vec<_>, _>>()?;
    let decision = NewDecision {
        judgement,
        reason: parsed_if::<Reason>(new.reason.as_deref())?,
        viewed,
        spent: Duration::from_millis(new.milliseconds),
        // What a machine says and may be decided about is on the screen.
        aided: standing.revealed || !is_by_person(&finding.proposal.proposal.producer),
        request: Some(parsed(&new.key)?),
    };
    let decider = caller.clone();
    let made = state.record(move |record| door.pass(record, &decider, &decision)).await?;
    state.events.tell(Event::Case { case: finding.proposal.proposal.case });
    let finding = state.finding(&caller, id).await?;
    Ok(Json(Decided { decision: text(made), state: finding.state.clone(), finding }))
}

fn judgement(state: &State, finding: &ReadFinding, new: &Decide) -> Result<Judgement, Refusal> {
    let why = || -> Result<Reason, Refusal> {
        let given = new.reason.as_deref();
        parsed(given.ok_or_else(|| Refusal::Request("this needs a reason".to_owned()))?)
    };
    Ok(match parsed::<Verdict>(&new.verdict)? {
        Verdict::Accept => Judgement::Accept,
        Verdict::Refuse => Judgement::Refuse(why()?),
        Verdict::Defer => Judgement::Defer(why()?),
        Verdict::Correct => Judgement::Correct(corrected(state, finding, new)?),
    })
}

/// The content that a correction puts in the place of what stands.
fn corrected(state: &State, finding: &ReadFinding, new: &Decide) -> Result<Content, Refusal> {
    let proposal = &finding.proposal.proposal;
    let stands = finding.corrected.as_ref().unwrap_or(&proposal.content);
    if proposal.kind == LesionRegion::KIND {
        let mut region: LesionRegion =
            Content::read(&proposal.kind, proposal.kind_version, stands)?;
        if let Some(label) = &new.label {
            region.label = state.controlled(label)?;
        }
        if let Some(shape) = shape(new.outline.as_ref(), new.point)? {
            region.shape = shape;
        }
        return Ok(Content::of(&region)?);
    }
    if proposal.kind == QualityVerdict::KIND {
        let mut verdict: QualityVerdict =
            Content::read(&proposal.kind, proposal.kind_version, stands)?;
        let wanted = new.quality.as_ref();
        let wanted =
            wanted.ok_or_else(|| Refusal::Request("name the verdict in `quality`".to_owned()))?;
        verdict.verdict = parsed::<SlideVerdict>(&wanted.verdict)?;
        verdict.reasons = wanted
            .reasons
            .iter()
            .map(|reason| {
                Ok(QualityReason {
                    fault: parsed(&reason.fault)?,
                    region: reason.region.map(Into::into),
                })
            })
            .collect::<Result<_, Refusal>>()?;
        return Ok(Content::of(&verdict)?);
    }
    Err(Refusal::Request(format!("a {} cannot be corrected here", proposal.kind)))
}

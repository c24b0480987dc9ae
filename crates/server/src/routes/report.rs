//! `/api/v1/cases/{case}/report`, `/sign-out`, `/reopen`: what is signed, from confirmed findings
//! only.

use axum::{
    Json,
    extract::{self, Path, Query},
    http::StatusCode,
};
use bianque_record::{
    Role,
    cases::Status,
    identity::{CaseId, DiscrepancyId, Reason, SlideId},
    proposals::{LesionRegion, ProposalContent, QualityVerdict, State as ProposalState},
    reading::ReadFinding,
    release::{CaseVersion, Discrepancy, DiscrepancyQuery, Finding, SignOut, Undecided},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, parsed, point_of, text},
    findings::{ProducerLine, Scales, area_mm2, is_by_person},
    session::NOTICE,
    withheld::{Shown, Standing, must_fix},
};
use crate::{access::Caller, answer::Refusal, events::Event};

/// Which version is asked for.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct VersionFilter {
    /// The working copy or the newest signed version unless given.
    version: Option<u32>,
}

/// A structured report.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReportDocument {
    /// The laboratory's number; a researcher is told the pseudonym alone.
    number: Option<String>,
    patient: String,
    status: String,
    /// What was signed; absent in a preview.
    signed: Option<Signed>,
    /// What stands against signing, whatever is left out.
    blocking: Vec<Waiting>,
    /// What may be left out, and is then named as undecided.
    undecided: Vec<Waiting>,
    findings: Vec<ReportLine>,
    /// How many proposals were refused.
    refused: usize,
    /// Whether what machines say of lesions is left out until the reader asks.
    hidden: bool,
    notice: &'static str,
}

impl ReportDocument {
    /// What was signed and nothing else, for whoever sees nothing else of the case.
    pub(super) fn of_signed(
        version: &CaseVersion,
        digest: String,
        scales: &Scales,
        label_of: impl Fn(SlideId) -> Option<String>,
    ) -> Self {
        let line = |finding| signed_finding(finding, scales, &label_of, None);
        Self {
            number: version.number.as_ref().map(text),
            patient: text(&version.patient),
            status: text(Status::Signed),
            signed: Some(signed_line(version, digest)),
            blocking: Vec::new(),
            undecided: Vec::new(),
            findings: version.findings.iter().map(line).collect(),
            refused: version.refused.len(),
            hidden: false,
            notice: NOTICE,
        }
    }
}

/// A signature.
#[derive(Serialize, JsonSchema)]
struct Signed {
    version: u32,
    digest: String,
    signed_by: String,
    role: String,
    signed_at: String,
    conclusion: String,
    amends: Option<String>,
}

/// A proposal that waits.
#[derive(Serialize, JsonSchema)]
struct Waiting {
    finding: String,
    headline: String,
    state: String,
}

/// A confirmed finding.
#[derive(Serialize, JsonSchema)]
struct ReportLine {
    finding: String,
    kind: String,
    slide: Option<String>,
    slide_label: Option<String>,
    label: Option<String>,
    headline: String,
    /// On the glass; a point has none.
    area_mm2: Option<f64>,
    /// Where a point is, `[x, y]` in level-0 pixels; absent of an outline.
    point: Option<[f64; 2]>,
    score: Option<f64>,
    corrected: bool,
    producer: ProducerLine,
    /// The encoder whose features it judged.
    encoder: Option<ProducerLine>,
    by_person: bool,
    confirmed_by: Option<String>,
    confirmed_role: Option<String>,
    confirmed_at: Option<String>,
}

/// The working copy of a report, or what was signed.
pub(crate) async fn show(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
    Query(filter): Query<VersionFilter>,
) -> Result<Json<ReportDocument>, Refusal> {
    let id: CaseId = parsed(&case)?;
    let actor = caller.actor;
    let (material, shown) = state
        .record(move |record| {
            let material = record.case(&actor, id)?;
            let mut shown = Shown::to(record, &actor, id)?;
            if filter.version.is_some() || material.case.status == Status::Signed {
                // What is signed is told to whoever may read the case.
                shown.findings = record.findings(&actor, id)?;
            }
            Ok((material, shown))
        })
        .await?;
    let findings = &shown.findings;
    let scales = state.scales(&caller, id).await?;
    let label_of = |slide: SlideId| {
        let found = material.slides.iter().find(|known| known.id == slide);
        found.map(|slide| text(&slide.label))
    };
    let score_of = |finding: &Finding| {
        let known = findings.iter().find(|known| known.proposal.proposal.id == finding.proposal);
        known.and_then(|known| known.proposal.proposal.confidence).map(|c| c.value())
    };
    let signed = filter.version.is_some() || material.case.status == Status::Signed;
    let number = (actor.role() != Role::Researcher).then(|| text(&material.case.number));
    let patient = text(&material.case.patient);
    let status = text(material.case.status);
    if signed {
        let released =
            state.record(move |record| record.released(&actor, id, filter.version)).await?;
        let (version, digest) = (released.content(), text(released.digest()));
        return Ok(Json(ReportDocument {
            number,
            patient,
            status,
            signed: Some(signed_line(version, digest)),
            blocking: Vec::new(),
            undecided: waiting(findings, |finding| version.undecided.contains(&finding)),
            findings: version
                .findings
                .iter()
                .map(|finding| signed_finding(finding, &scales, label_of, score_of(finding)))
                .collect(),
            refused: version.refused.len(),
            hidden: false,
            notice: NOTICE,
        }));
    }
    let states = |wanted: &[ProposalState]| -> Vec<Waiting> {
        let found = findings.iter().filter(|finding| wanted.contains(&finding.proposal.state));
        found.map(waiting_line).collect()
    };
    let confirmed = findings.iter().filter(|finding| finding.proposal.state.is_confirmed());
    Ok(Json(ReportDocument {
        number,
        patient,
        status,
        signed: None,
        blocking: states(&[ProposalState::ReadOnce, ProposalState::Disputed]),
        undecided: states(&[ProposalState::Proposed, ProposalState::Deferred]),
        findings: confirmed.map(|finding| preview_line(finding, &scales, label_of)).collect(),
        refused: states(&[ProposalState::Refused]).len(),
        hidden: shown.hidden,
        notice: NOTICE,
    }))
}

fn signed_line(version: &CaseVersion, digest: String) -> Signed {
    let at = bianque_record::identity::Moment::from_microseconds(version.signed_at);
    Signed {
        version: version.version,
        digest,
        signed_by: text(version.signed_by),
        role: text(version.role),
        signed_at: text(at),
        conclusion: text(&version.conclusion),
        amends: version.amends.map(text),
    }
}

fn waiting(
    findings: &[ReadFinding],
    named: impl Fn(bianque_record::identity::ProposalId) -> bool,
) -> Vec<Waiting> {
    let found = findings.iter().filter(|finding| named(finding.proposal.proposal.id));
    found.map(waiting_line).collect()
}

fn waiting_line(finding: &ReadFinding) -> Waiting {
    Waiting {
        finding: text(finding.proposal.proposal.id),
        headline: finding.proposal.proposal.headline.clone(),
        state: text(finding.proposal.state),
    }
}

fn region_of(kind: &str, content: &serde_json::Value) -> Option<LesionRegion> {
    (kind == LesionRegion::KIND).then(|| serde_json::from_value(content.clone()).ok()).flatten()
}

/// A verdict as it stands, on one line: of a changed one the change, not what was proposed.
fn verdict_of(kind: &str, content: &serde_json::Value) -> Option<String> {
    let verdict = || serde_json::from_value::<QualityVerdict>(content.clone()).ok();
    (kind == QualityVerdict::KIND).then(verdict).flatten().map(|verdict| verdict.headline())
}

fn preview_line(
    finding: &ReadFinding,
    scales: &Scales,
    label_of: impl Fn(SlideId) -> Option<String>,
) -> ReportLine {
    let proposal = &finding.proposal.proposal;
    let content = finding.corrected.as_ref().unwrap_or(&proposal.content);
    let region = region_of(&proposal.kind, content);
    let area = region.as_ref().and_then(|r| area_mm2(&r.shape, scales.get(&r.slide)?));
    let point = region.as_ref().and_then(|region| point_of(&region.shape));
    let stands = finding.stands.as_ref();
    ReportLine {
        finding: text(proposal.id),
        kind: proposal.kind.clone(),
        slide: proposal.slide.map(text),
        slide_label: proposal.slide.and_then(label_of),
        label: region.as_ref().map(|region| text(&region.label)),
        headline: region
            .map(|region| region.headline())
            .or_else(|| verdict_of(&proposal.kind, content))
            .unwrap_or_else(|| proposal.headline.clone()),
        area_mm2: area,
        point,
        score: proposal.confidence.map(|confidence| confidence.value()),
        corrected: finding.corrected.is_some(),
        producer: (&proposal.producer).into(),
        encoder: proposal.encoder().map(ProducerLine::from),
        by_person: is_by_person(&proposal.producer),
        confirmed_by: stands.map(|decision| text(decision.reader)),
        confirmed_role: stands.map(|decision| text(decision.role)),
        confirmed_at: stands.map(|decision| text(decision.at)),
    }
}

fn signed_finding(
    finding: &Finding,
    scales: &Scales,
    label_of: impl Fn(SlideId) -> Option<String>,
    score: Option<f64>,
) -> ReportLine {
    let region = region_of(&finding.kind, &finding.content);
    let slide = finding.content.get("slide").and_then(serde_json::Value::as_str);
    let slide: Option<SlideId> = slide.and_then(|slide| slide.parse().ok());
    let area = region.as_ref().and_then(|r| area_mm2(&r.shape, scales.get(&r.slide)?));
    let point = region.as_ref().and_then(|region| point_of(&region.shape));
    let last = finding.confirmations.last();
    let moment = bianque_record::identity::Moment::from_microseconds;
    ReportLine {
        finding: text(finding.proposal),
        kind: finding.kind.clone(),
        slide: slide.map(text),
        slide_label: slide.and_then(label_of),
        label: region.as_ref().map(|region| text(&region.label)),
        headline: region
            .map(|region| region.headline())
            .or_else(|| verdict_of(&finding.kind, &finding.content))
            .unwrap_or_else(|| finding.kind.clone()),
        area_mm2: area,
        point,
        score,
        corrected: finding.corrected,
        producer: (&finding.producer).into(),
        encoder: finding.encoder.as_ref().map(ProducerLine::from),
        by_person: is_by_person(&finding.producer),
        confirmed_by: last.map(|confirmation| text(confirmation.reader)),
        confirmed_role: last.map(|confirmation| text(confirmation.role)),
        confirmed_at: last.map(|confirmation| text(moment(confirmation.at))),
    }
}

/// A signature to be given.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SignOutBody {
    conclusion: String,
    /// Whether what nobody has decided is left out, and named; else it stands against signing.
    #[serde(default)]
    leave_out_undecided: bool,
}

/// What was signed.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SignedDocument {
    version: u32,
    digest: String,
}

/// Signs a case.
pub(crate) async fn sign_out(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
    Body(new): Body<SignOutBody>,
) -> Result<Json<SignedDocument>, Refusal> {
    let id: CaseId = parsed(&case)?;
    let conclusion: Reason = parsed(&new.conclusion)?;
    let undecided = if new.leave_out_undecided { Undecided::LeaveOut } else { Undecided::Refuse };
    let sign = SignOut { conclusion, undecided };
    let signed = state
        .record(move |record| {
            // Signed unread, a drawn case would be missing from the comparison.
            if Standing::of(record, &caller.actor, id)?.must_commit() {
                return Ok(None);
            }
            record.sign_out(&caller.actor, id, &sign).map(Some)
        })
        .await?
        .ok_or_else(must_fix)?;
    state.events.tell(Event::Case { case: id });
    state.events.tell(Event::Worklist {});
    Ok(Json(SignedDocument { version: signed.version, digest: text(signed.digest) }))
}

/// Why.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ReasonBody {
    reason: String,
}

/// Opens a signed case again.
pub(crate) async fn reopen(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
    Body(why): Body<ReasonBody>,
) -> Result<StatusCode, Refusal> {
    let (id, reason): (CaseId, Reason) = (parsed(&case)?, parsed(&why.reason)?);
    state.record(move |record| record.reopen(&caller.actor, id, &reason)).await?;
    state.events.tell(Event::Case { case: id });
    state.events.tell(Event::Worklist {});
    Ok(StatusCode::NO_CONTENT)
}

/// A question that a late proposal raised.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DiscrepancyLine {
    id: String,
    case: String,
    /// The laboratory's number of the case.
    number: String,
    version: u32,
    finding: String,
    opened: String,
    closed: Option<String>,
}

/// Questions that late proposals raised on a signed case.
pub(crate) async fn discrepancies(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
) -> Result<Json<Vec<DiscrepancyLine>>, Refusal> {
    let id: CaseId = parsed(&case)?;
    asked(&state, caller, DiscrepancyQuery { case: Some(id), closed_too: true, after: None }).await
}

/// Questions that are still open, of all cases.
pub(crate) async fn open_discrepancies(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Json<Vec<DiscrepancyLine>>, Refusal> {
    asked(&state, caller, DiscrepancyQuery::default()).await
}

async fn asked(
    state: &State,
    caller: Caller,
    query: DiscrepancyQuery,
) -> Result<Json<Vec<DiscrepancyLine>>, Refusal> {
    let found = state.record(move |record| record.discrepancies(&caller.actor, &query)).await?;
    let line = |found: &Discrepancy| DiscrepancyLine {
        id: text(found.id),
        case: text(found.case),
        number: found.number.to_string(),
        version: found.version,
        finding: text(found.proposal),
        opened: text(found.opened),
        closed: found.closed.as_ref().map(|(at, _, _)| text(at)),
    };
    Ok(Json(found.iter().map(line).collect()))
}

/// Closes one.
pub(crate) async fn close_discrepancy(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(discrepancy): Path<String>,
    Body(why): Body<ReasonBody>,
) -> Result<StatusCode, Refusal> {
    let (id, reason): (DiscrepancyId, Reason) = (parsed(&discrepancy)?, parsed(&why.reason)?);
    state.record(move |record| record.close_discrepancy(&caller.actor, id, &reason)).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `/api/v1/cases/{case}/consent`: what the patient of a case agrees to.

use axum::{
    Json,
    extract::{self, Path},
    http::StatusCode,
};
use bianque_record::{
    Actor, Record,
    cases::{Consent, Purpose},
    identity::{CaseId, Moment, Pseudonym},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    accounts::now,
    bodies::{Body, parsed, text},
};
use crate::{access::Caller, answer::Refusal};

/// What was written down of a patient.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConsentLine {
    purpose: String,
    granted: bool,
    until: Option<String>,
    by: String,
    at: String,
}

/// What is to be written down.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct NewConsent {
    /// `research`, `training` or `exchange`; care and quality need none.
    purpose: String,
    /// Whether the patient agrees, or takes it back.
    granted: bool,
    /// The last day on which it holds, `YYYY-MM-DD`; for good unless given.
    until: Option<String>,
}

impl From<&Consent> for ConsentLine {
    fn from(consent: &Consent) -> Self {
        Self {
            purpose: text(consent.purpose),
            granted: consent.granted,
            until: consent.until.map(text),
            by: text(consent.recorded_by),
            at: text(consent.at),
        }
    }
}

/// All that was written down, the oldest first.
pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
) -> Result<Json<Vec<ConsentLine>>, Refusal> {
    let id: CaseId = parsed(&case)?;
    let all = state
        .record(move |record| record.consents(&caller.actor, &patient(record, &caller.actor, id)?))
        .await?;
    Ok(Json(all.iter().map(ConsentLine::from).collect()))
}

/// Writes down what the patient agrees to; the latest counts.
pub(crate) async fn note(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(case): Path<String>,
    Body(new): Body<NewConsent>,
) -> Result<StatusCode, Refusal> {
    let (id, purpose): (CaseId, Purpose) = (parsed(&case)?, parsed(&new.purpose)?);
    if matches!(purpose, Purpose::Care | Purpose::Quality) {
        return Err(Refusal::Request(format!(
            "{purpose} needs no consent: nothing is written down"
        )));
    }
    let until = new.until.as_deref().filter(|_| new.granted);
    let until = until.map(Moment::end_of_day).transpose()?;
    if until.is_some_and(|until| until < now()) {
        return Err(Refusal::Request("the last day of the consent is over already".to_owned()));
    }
    state
        .record(move |record| {
            let patient = patient(record, &caller.actor, id)?;
            record.record_consent(&caller.actor, &patient, purpose, new.granted, until)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The patient of a case that the actor may see.
fn patient(record: &Record, actor: &Actor, case: CaseId) -> bianque_record::Result<Pseudonym> {
    record.patient_of(actor, case)
}

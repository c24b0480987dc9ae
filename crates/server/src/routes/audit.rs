//! `/api/v1/audit`: what was done, by whom, and whether the chain holds.

use axum::{
    Json,
    extract::{self, Query},
};
use bianque_record::{
    Action,
    audit::{AuditQuery, Entry, verify_record},
    identity::{Moment, UserId},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{parsed_if, text},
};
use crate::{access::Caller, answer::Refusal};

/// Which entries are asked for.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct AuditFilter {
    before: Option<u64>,
    limit: Option<u32>,
    actor: Option<String>,
}

/// Entries, the newest first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AuditDocument {
    entries: Vec<EntryLine>,
}

/// An entry.
#[derive(Serialize, JsonSchema)]
struct EntryLine {
    sequence: u64,
    at: String,
    actor: String,
    role: String,
    event: String,
    outcome: String,
    object_kind: String,
    object: String,
    detail: String,
    hash: String,
}

/// What is gone along.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct VerifyRequest {
    /// Whether kept files (heatmaps, points) are read and held against their digests too. It takes as
    /// long as reading them.
    #[serde(default)]
    objects: bool,
}

/// Whether the chain holds.
#[derive(Serialize, JsonSchema)]
pub(crate) struct VerifyDocument {
    whole: bool,
    entries: u64,
    head: HeadLine,
    /// What is wrong, and where.
    fault: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct HeadLine {
    sequence: u64,
    hash: String,
}

fn line(entry: Entry) -> EntryLine {
    EntryLine {
        sequence: entry.sequence,
        at: text(Moment::from_microseconds(entry.at)),
        actor: entry.actor,
        role: entry.role,
        event: entry.event,
        outcome: entry.outcome,
        object_kind: entry.object_kind,
        object: entry.object,
        detail: entry.detail,
        hash: entry.hash,
    }
}

/// A page of the audit.
pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Query(filter): Query<AuditFilter>,
) -> Result<Json<AuditDocument>, Refusal> {
    let query = AuditQuery {
        actor: parsed_if::<UserId>(filter.actor.as_deref())?,
        object: None,
        before: filter.before,
        limit: filter.limit.unwrap_or(100),
    };
    let entries = state.record(move |record| record.audit_entries(&caller.actor, &query)).await?;
    Ok(Json(AuditDocument { entries: entries.into_iter().map(line).collect() }))
}

/// Goes along the whole chain and, when asked, the kept files.
pub(crate) async fn verify(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Query(request): Query<VerifyRequest>,
) -> Result<Json<VerifyDocument>, Refusal> {
    let place = state.location.clone();
    let objects = request.objects.then(|| state.objects.clone());
    let report = state
        .record(move |record| {
            // The look is a reading of the audit, and is in it.
            record
                .audit_entries(&caller.actor, &AuditQuery { limit: 1, ..AuditQuery::default() })?;
            debug_assert!(caller.actor.role().may(Action::ReadAudit));
            verify_record(place.connect_to_read()?.as_mut(), &[], objects.as_deref())
        })
        .await?;
    Ok(Json(VerifyDocument {
        whole: report.whole,
        entries: report.entries,
        head: HeadLine { sequence: report.head.sequence, hash: report.head.hash.clone() },
        fault: report.fault.as_ref().map(text),
    }))
}

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
    /// By its name, such as `decision.made`.
    event: Option<String>,
    /// What it is about: an id or its end, a case's number, a login.
    about: Option<String>,
    /// Seconds since 1970-01-01 00:00 UTC; that moment or later.
    since: Option<i64>,
    /// Seconds since 1970-01-01 00:00 UTC; before that moment.
    until: Option<i64>,
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
    /// A case's number, for a proposal or a slide too, or an account's login.
    object_name: Option<String>,
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

fn line((entry, object_name): (Entry, Option<String>)) -> EntryLine {
    EntryLine {
        sequence: entry.sequence,
        at: text(Moment::from_microseconds(entry.at)),
        actor: entry.actor,
        role: entry.role,
        event: entry.event,
        outcome: entry.outcome,
        object_kind: entry.object_kind,
        object: entry.object,
        object_name,
        detail: entry.detail,
        hash: entry.hash,
    }
}

fn moment(seconds: i64) -> Moment {
    Moment::from_microseconds(seconds.saturating_mul(1_000_000))
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
        about: filter.about.filter(|words| !words.is_empty()),
        event: filter.event.filter(|name| !name.is_empty()),
        since: filter.since.map(moment),
        until: filter.until.map(moment),
        before: filter.before,
        limit: filter.limit.unwrap_or(100),
    };
    let entries: Vec<_> = state
        .record(move |record| {
            let entries = record.audit_entries(&caller.actor, &query)?;
            let names = record.audit_names(&caller.actor, &entries)?;
            Ok(entries.into_iter().zip(names).collect())
        })
        .await?;
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

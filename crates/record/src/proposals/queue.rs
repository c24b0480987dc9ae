//! The queue: what waits for a decision, whatever its kind.

use serde::Serialize;
use serde_json::json;

use super::{Field, State};
use crate::{
    Record, Result,
    audit::{Event, Object},
    database::Value,
    identity::{CaseId, ProposalId, UserId},
    people::{Action, Actor, Role},
    store::Audited,
};

/// Which proposals are asked for.
#[derive(Clone, Debug)]
pub struct QueueQuery {
    /// Where they stand.
    pub state: State,
    /// Only this kind, if given.
    pub kind: Option<String>,
    /// Only those behind this one.
    pub after: Option<ProposalId>,
    /// At most so many; never more than 100.
    pub limit: u32,
}

impl Default for QueueQuery {
    /// The first 50 about which nobody has said anything.
    fn default() -> Self {
        Self { state: State::Proposed, kind: None, after: None, limit: 50 }
    }
}

/// A line of the queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueItem {
    /// The proposal.
    pub proposal: ProposalId,
    /// Its case.
    pub case: CaseId,
    /// The kind of its content.
    pub kind: String,
    /// What it bears on.
    pub field: Field,
    /// What it says, on one line.
    pub headline: String,
    /// How sure its producer is.
    pub confidence: Option<f64>,
    /// Who is to read the case.
    pub assigned: Option<UserId>,
}

impl Record {
    /// What waits, the oldest first.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn queue(&self, actor: &Actor, query: &QueueQuery) -> Result<Vec<QueueItem>> {
        self.deed(actor, Action::ReadWorklist, Event::WorklistRead, |unit| {
            let after = query.after.map_or(String::new(), |id| id.to_string());
            let mut values: Vec<Value> = vec![
                query.state.name().into(),
                after.into(),
                i64::from(query.limit.clamp(1, 100)).into(),
            ];
            let mut sql = "SELECT s.proposal, s.laboratory_case, s.kind, p.field, s.headline, \
                           p.confidence, c.assigned FROM proposal_state s \
                           JOIN proposal p ON p.id = s.proposal \
                           JOIN laboratory_case c ON c.id = s.laboratory_case \
                           WHERE s.state = ?1 AND s.proposal > ?2"
                .to_owned();
            if let Some(kind) = &query.kind {
                values.push(kind.as_str().into());
                sql.push_str(" AND s.kind = ?4");
            }
            if actor.role() == Role::SecondReader {
                sql.push_str(" AND c.reading = 'double'");
            }
            sql.push_str(" ORDER BY s.proposal LIMIT ?3");
            let rows = unit.query(&sql, &values)?;
            let items: Result<Vec<_>> = rows
                .iter()
                .map(|row| {
                    Ok(QueueItem {
                        proposal: row.parsed(0)?,
                        case: row.parsed(1)?,
                        kind: row.text(2)?.to_owned(),
                        field: row.parsed(3)?,
                        headline: row.text(4)?.to_owned(),
                        confidence: row.optional_real(5)?,
                        assigned: row.optional_text(6)?.map(str::parse).transpose()?,
                    })
                })
                .collect();
            let items = items?;
            let seen: Vec<ProposalId> = items.iter().map(|item| item.proposal).collect();
            let object = Object::new("queue", query.state);
            Ok(Audited::new(items, object, json!({ "proposals": seen })))
        })
    }
}

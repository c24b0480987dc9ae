//! Questions that late proposals raise on signed cases.

use serde::Serialize;
use serde_json::json;

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    database::Row,
    identity::{CaseId, CaseNumber, DiscrepancyId, Moment, ProposalId, Reason, UserId},
    people::{Action, Actor, Role},
    store::Audited,
};

/// Which discrepancies are asked for.
#[derive(Clone, Debug, Default)]
pub struct DiscrepancyQuery {
    /// Only those of a case, if given.
    pub case: Option<CaseId>,
    /// Also those that are closed.
    pub closed_too: bool,
    /// Only those behind this one.
    pub after: Option<DiscrepancyId>,
}

/// A question that a late proposal raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// Its id.
    pub id: DiscrepancyId,
    /// The signed case.
    pub case: CaseId,
    /// The laboratory's number of it.
    pub number: CaseNumber,
    /// The version that was signed when the proposal came.
    pub version: u32,
    /// The late proposal.
    pub proposal: ProposalId,
    /// When it came.
    pub opened: Moment,
    /// When, by whom and why it was closed.
    pub closed: Option<(Moment, UserId, Reason)>,
}

impl Record {
    /// Discrepancies, the oldest first; at most 100. A second reader is told of cases that two read.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn discrepancies(
        &self,
        actor: &Actor,
        query: &DiscrepancyQuery,
    ) -> Result<Vec<Discrepancy>> {
        self.deed(actor, Action::ReadWorklist, Event::DiscrepanciesRead, |unit| {
            let after = query.after.map_or(String::new(), |id| id.to_string());
            let mut values = vec![after.into()];
            let mut sql = "SELECT d.id, d.laboratory_case, c.number, d.version, d.proposal, \
                           d.opened, d.closed, d.closed_by, d.reason FROM discrepancy d \
                           JOIN laboratory_case c ON c.id = d.laboratory_case WHERE d.id > ?1"
                .to_owned();
            if let Some(case) = query.case {
                values.push(case.into());
                sql.push_str(" AND d.laboratory_case = ?2");
            }
            if !query.closed_too {
                sql.push_str(" AND d.closed IS NULL");
            }
            if actor.role() == Role::SecondReader {
                sql.push_str(" AND c.reading = 'double'");
            }
            sql.push_str(" ORDER BY d.id LIMIT 100");
            let rows = unit.query(&sql, &values)?;
            let found = rows.iter().map(discrepancy_of).collect::<Result<Vec<_>>>()?;
            let seen: Vec<DiscrepancyId> = found.iter().map(|found| found.id).collect();
            let object = Object::new("discrepancies", "list");
            Ok(Audited::new(found, object, json!({ "discrepancies": seen })))
        })
    }

    /// Closes a discrepancy: somebody has looked, and says what came of it.
    ///
    /// # Errors
    /// When the actor may not, or there is no such open discrepancy.
    pub fn close_discrepancy(
        &self,
        actor: &Actor,
        id: DiscrepancyId,
        reason: &Reason,
    ) -> Result<()> {
        self.deed(actor, Action::SignOut, Event::DiscrepancyClosed, |unit| {
            let now = unit.now();
            let changed = unit.execute(
                "UPDATE discrepancy SET closed = ?2, closed_by = ?3, reason = ?4 \
                 WHERE id = ?1 AND closed IS NULL",
                &[id.into(), now.into(), actor.user().into(), reason.into()],
            )?;
            if changed == 0 {
                return Err(RecordError::not_found("open discrepancy", id));
            }
            Ok(Audited::new((), Object::new("discrepancy", id), json!({})))
        })
    }
}

fn discrepancy_of(row: &Row) -> Result<Discrepancy> {
    let closed = match row.optional_integer(6)? {
        Some(at) => Some((Moment::from_microseconds(at), row.parsed(7)?, row.parsed(8)?)),
        None => None,
    };
    Ok(Discrepancy {
        id: row.parsed(0)?,
        case: row.parsed(1)?,
        number: row.parsed(2)?,
        version: u32::try_from(row.integer(3)?).unwrap_or(0),
        proposal: row.parsed(4)?,
        opened: Moment::from_microseconds(row.integer(5)?),
        closed,
    })
}

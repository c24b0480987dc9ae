//! Questions that late proposals raise on signed cases.

use serde::Serialize;
use serde_json::json;

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    identity::{CaseId, DiscrepancyId, Moment, ProposalId, Reason, UserId},
    people::{Action, Actor},
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
    /// Discrepancies, the oldest first; at most 100.
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
            let mut sql = "SELECT id, laboratory_case, version, proposal, opened, closed, \
                           closed_by, reason FROM discrepancy WHERE id > ?1"
                .to_owned();
            if let Some(case) = query.case {
                values.push(case.into());
                sql.push_str(" AND laboratory_case = ?2");
            }
            if !query.closed_too {
                sql.push_str(" AND closed IS NULL");
            }
            sql.push_str(" ORDER BY id LIMIT 100");
            let rows = unit.query(&sql, &values)?;
            let found: Result<Vec<_>> = rows
                .iter()
                .map(|row| {
                    let closed = match row.optional_integer(5)? {
                        Some(at) => {
                            Some((Moment::from_microseconds(at), row.parsed(6)?, row.parsed(7)?))
                        }
                        None => None,
                    };
                    Ok(Discrepancy {
                        id: row.parsed(0)?,
                        case: row.parsed(1)?,
                        version: u32::try_from(row.integer(2)?).unwrap_or(0),
                        proposal: row.parsed(3)?,
                        opened: Moment::from_microseconds(row.integer(4)?),
                        closed,
                    })
                })
                .collect();
            let found = found?;
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

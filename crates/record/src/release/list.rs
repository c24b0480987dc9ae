//! Signed cases by whoever may see them: a clinician's own, those of patients who agree to research.

use serde::Serialize;
use serde_json::json;

use crate::{
    Record, Result,
    audit::{Event, Object},
    cases::Purpose,
    database::{Row, Value},
    identity::{CaseId, CaseNumber, Moment, Pseudonym},
    people::{Action, Actor, Role},
    store::Audited,
};

/// A signed case in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleasedCase {
    /// The case.
    pub case: CaseId,
    /// The laboratory's number.
    pub number: CaseNumber,
    /// Whose material it is.
    pub patient: Pseudonym,
    /// The newest version.
    pub version: u32,
    /// When that was signed.
    pub signed_at: Moment,
}

/// A page of signed cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleasedPage {
    /// The cases, the newest first.
    pub items: Vec<ReleasedCase>,
    /// Behind which case the next page begins, if there is one.
    pub next: Option<CaseId>,
}

impl Record {
    /// Signed cases, the newest first; at most 100 at once. A clinician sees those asked for by
    /// himself, a researcher those of patients who agree to research, a second reader those that two
    /// read.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn released_cases(
        &self,
        actor: &Actor,
        after: Option<CaseId>,
        limit: u32,
    ) -> Result<ReleasedPage> {
        self.deed(actor, Action::ReadReleased, Event::ReleasedRead, |unit| {
            let limit = limit.clamp(1, 100);
            let (sql, values) = statement(actor, after, limit, unit.now());
            let rows = unit.query(&sql, &values)?;
            let found = rows.iter().take(limit as usize).map(released_of);
            let items = found.collect::<Result<Vec<_>>>()?;
            let more = rows.len() > limit as usize;
            let next = items.last().filter(|_| more).map(|item| item.case);
            let seen: Vec<CaseId> = items.iter().map(|item| item.case).collect();
            let object = Object::new("released", "list");
            Ok(Audited::new(ReleasedPage { items, next }, object, json!({ "cases": seen })))
        })
    }
}

fn statement(
    actor: &Actor,
    after: Option<CaseId>,
    limit: u32,
    now: Moment,
) -> (String, Vec<Value>) {
    let mut sql = "SELECT c.id, c.number, c.pseudonym, v.version, v.at FROM laboratory_case c \
                   JOIN case_version v ON v.laboratory_case = c.id \
                   AND v.version = (SELECT max(w.version) FROM case_version w \
                       WHERE w.laboratory_case = c.id) WHERE 1 = 1"
        .to_owned();
    let mut values: Vec<Value> = vec![(limit + 1).into()];
    let mut bind = |value: Value| {
        values.push(value);
        format!("?{}", values.len())
    };
    match actor.role() {
        Role::Clinician => {
            let own = bind(actor.user().into());
            sql.push_str(&format!(" AND c.requested_by = {own}"));
        }
        Role::Researcher => {
            let (purpose, now) = (bind(Purpose::Research.name().into()), bind(now.into()));
            sql.push_str(&format!(
                " AND c.status = 'signed' AND coalesce((SELECT CASE WHEN k.granted = 1 AND \
                 (k.until IS NULL OR k.until > {now}) THEN 1 ELSE 0 END FROM consent k \
                 WHERE k.pseudonym = c.pseudonym AND k.purpose = {purpose} \
                 ORDER BY k.ordinal DESC LIMIT 1), 0) = 1"
            ));
        }
        Role::SecondReader => sql.push_str(" AND c.reading = 'double'"),
        Role::Pathologist | Role::Technician | Role::Administrator | Role::Program => {}
    }
    if let Some(after) = after {
        let after = bind(after.into());
        sql.push_str(&format!(" AND c.id < {after}"));
    }
    sql.push_str(" ORDER BY c.id DESC LIMIT ?1");
    (sql, values)
}

fn released_of(row: &Row) -> Result<ReleasedCase> {
    Ok(ReleasedCase {
        case: row.parsed(0)?,
        number: row.parsed(1)?,
        patient: row.parsed(2)?,
        version: u32::try_from(row.integer(3)?).unwrap_or(0),
        signed_at: Moment::from_microseconds(row.integer(4)?),
    })
}

//! How long experts take: seconds by kind, verdict and reader.

use serde::Serialize;
use serde_json::json;

use crate::{
    Record, Result,
    audit::{Event, Object},
    decisions::{Manner, Verdict},
    identity::UserId,
    people::{Action, Actor},
    store::Audited,
};

/// What one reader's decisions of one sort took together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effort {
    /// Who decided.
    pub reader: UserId,
    /// The kind of the proposals.
    pub kind: String,
    /// How the decisions came about.
    pub manner: Manner,
    /// What they say.
    pub verdict: Verdict,
    /// Whether the proposals were shown before the reader looked.
    pub aided: bool,
    /// How many.
    pub decisions: u64,
    /// How long they took together.
    pub milliseconds: u64,
}

impl Record {
    /// What decisions took, by reader and kind.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn effort(&self, actor: &Actor) -> Result<Vec<Effort>> {
        self.deed(actor, Action::ReadWorklist, Event::DecisionsRead, |unit| {
            let sql = "SELECT d.reader, p.kind, d.manner, d.verdict, d.aided, count(*), \
                       CAST(sum(d.milliseconds) AS BIGINT) FROM decision d \
                       JOIN proposal p ON p.id = d.proposal \
                       GROUP BY d.reader, p.kind, d.manner, d.verdict, d.aided \
                       ORDER BY d.reader, p.kind, d.manner, d.verdict, d.aided";
            let count = |value: i64| u64::try_from(value).unwrap_or(0);
            let rows = unit.query(sql, &[])?;
            let efforts: Result<Vec<_>> = rows
                .iter()
                .map(|row| {
                    Ok(Effort {
                        reader: row.parsed(0)?,
                        kind: row.text(1)?.to_owned(),
                        manner: row.parsed(2)?,
                        verdict: row.parsed(3)?,
                        aided: row.integer(4)? == 1,
                        decisions: count(row.integer(5)?),
                        milliseconds: count(row.integer(6)?),
                    })
                })
                .collect();
            Ok(Audited::new(efforts?, Object::new("effort", "all"), json!({})))
        })
    }
}

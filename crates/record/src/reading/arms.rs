//! Reading with and without machines, case by case: what it took and what came of it.

use serde::Serialize;
use serde_json::json;

use crate::{
    Record, Result,
    audit::{Event, Object},
    database::Row,
    identity::UserId,
    people::{Action, Actor},
    store::Audited,
};

/// One reader's reading of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseReading {
    /// Who read.
    pub reader: UserId,
    /// Whether what machines say was on the screen throughout. Else it was fixed before they spoke.
    pub aided: bool,
    /// What it took: all decisions about the diagnosis, and for an unaided reading fixing it.
    pub milliseconds: u64,
    /// Regions that the reader stood for: accepted, corrected or drawn.
    pub regions: u64,
    /// Of an unaided reading, what the reader took over from machines once they spoke.
    pub taken_over: u64,
}

/// The most readings of each sort, the newest.
const MOST: i64 = 20_000;

const UNAIDED: &str = "SELECT r.account, r.milliseconds + coalesce((SELECT \
        CAST(sum(d.milliseconds) AS BIGINT) FROM decision d \
        JOIN proposal_state s ON s.proposal = d.proposal JOIN proposal p ON p.id = d.proposal \
        WHERE s.laboratory_case = r.laboratory_case AND d.reader = r.account \
        AND p.field = 'diagnosis' AND d.at <= r.at), 0), \
    (SELECT count(DISTINCT d.proposal) FROM decision d \
        JOIN proposal_state s ON s.proposal = d.proposal JOIN proposal p ON p.id = d.proposal \
        WHERE s.laboratory_case = r.laboratory_case AND d.reader = r.account \
        AND p.field = 'diagnosis' AND d.at <= r.at AND d.verdict IN ('accept', 'correct')), \
    (SELECT count(DISTINCT d.proposal) FROM decision d \
        JOIN proposal_state s ON s.proposal = d.proposal JOIN proposal p ON p.id = d.proposal \
        WHERE s.laboratory_case = r.laboratory_case AND d.reader = r.account \
        AND p.field = 'diagnosis' AND p.proposed_by <> r.account \
        AND d.at > r.at AND d.verdict IN ('accept', 'correct')) \
    FROM unaided_reading r ORDER BY r.at DESC LIMIT ?1";

/// Finished cases of which a reader decided nothing before machines spoke.
const AIDED: &str = "SELECT d.reader, CAST(sum(d.milliseconds) AS BIGINT), \
    count(DISTINCT CASE WHEN d.verdict IN ('accept', 'correct') THEN d.proposal END), 0 \
    FROM decision d JOIN proposal_state s ON s.proposal = d.proposal \
    JOIN proposal p ON p.id = d.proposal \
    JOIN laboratory_case c ON c.id = s.laboratory_case \
    WHERE p.field = 'diagnosis' AND d.manner = 'reading' AND c.undecided = 0 \
    AND NOT EXISTS (SELECT 1 FROM unaided_reading r \
        WHERE r.laboratory_case = s.laboratory_case AND r.account = d.reader) \
    GROUP BY d.reader, s.laboratory_case HAVING min(d.aided) = 1 \
    ORDER BY max(d.at) DESC LIMIT ?1";

impl Record {
    /// Every unaided reading that was fixed, and every aided reading of a finished case.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn case_readings(&self, actor: &Actor) -> Result<Vec<CaseReading>> {
        self.deed(actor, Action::ReadWorklist, Event::DecisionsRead, |unit| {
            let mut readings = Vec::new();
            for (sql, aided) in [(UNAIDED, false), (AIDED, true)] {
                for row in unit.query(sql, &[MOST.into()])? {
                    readings.push(reading_of(&row, aided)?);
                }
            }
            Ok(Audited::new(readings, Object::new("effort", "readings"), json!({})))
        })
    }
}

fn reading_of(row: &Row, aided: bool) -> Result<CaseReading> {
    let count = |column| -> Result<u64> { Ok(u64::try_from(row.integer(column)?).unwrap_or(0)) };
    Ok(CaseReading {
        reader: row.parsed(0)?,
        aided,
        milliseconds: count(1)?,
        regions: count(2)?,
        taken_over: count(3)?,
    })
}

//! Decisions about lesion regions, as they stand now, each with the outline and label that it
//! speaks of.

use std::collections::BTreeMap;

use bianque_core::Digest;
use serde_json::json;

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    cases::Purpose,
    database::Row,
    decisions::Verdict,
    identity::{CaseId, DecisionId, Pseudonym},
    people::{Action, Actor},
    proposals::{Content, LesionRegion, ProposalContent},
    store::{Audited, Unit},
};

/// Decisions that are learned from at once: the newest.
const MOST_LESSONS: i64 = 5_000;

/// What a person said of a region.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Said {
    /// It is what its label says: it was accepted, corrected to be so, or drawn.
    Is,
    /// It is not what its label says: it was refused.
    IsNot,
}

/// What one decision teaches.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// The decision.
    pub decision: DecisionId,
    /// The case that it was made on.
    pub case: CaseId,
    /// The slide's file.
    pub file: Digest,
    /// The region as the decision left it: a correction's own shape and label.
    pub region: LesionRegion,
    /// What was said of it.
    pub said: Said,
}

/// Whose decisions are learned from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum LessonsFrom {
    /// Those on patients who agree to [`Purpose::Training`].
    ConsentingPatients,
    /// All: the site has another ground on which it may.
    EveryPatient,
}

impl Record {
    /// What decisions about lesion regions teach, the newest decision first. A question that is
    /// still open, or disputed, teaches nothing.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn lessons(&self, actor: &Actor, from: LessonsFrom) -> Result<Vec<Lesson>> {
        self.deed(actor, Action::Improve, Event::LessonsRead, |unit| {
            let sql = "SELECT d.id, s.laboratory_case, c.pseudonym, f.digest, d.verdict, \
                       coalesce(d.content, p.content), p.kind_version FROM proposal_state s \
                       JOIN proposal p ON p.id = s.proposal \
                       JOIN decision d ON d.id = s.standing \
                       JOIN laboratory_case c ON c.id = s.laboratory_case \
                       JOIN slide f ON f.id = p.slide \
                       WHERE s.kind = ?1 AND \
                       s.state IN ('accepted', 'corrected', 'refused', 'released') \
                       ORDER BY d.at DESC, d.id DESC LIMIT ?2";
            let rows = unit.query(sql, &[LesionRegion::KIND.into(), MOST_LESSONS.into()])?;
            let mut lessons = Vec::new();
            let mut asked: BTreeMap<Pseudonym, bool> = BTreeMap::new();
            for row in &rows {
                let patient: Pseudonym = row.parsed(2)?;
                let may = match asked.get(&patient) {
                    Some(may) => *may,
                    None => unit.may_learn(&patient, from)?,
                };
                asked.insert(patient, may);
                if may {
                    lessons.push(lesson_of(row)?);
                }
            }
            let detail =
                json!({ "decisions": lessons.len(), "left_out": rows.len() - lessons.len() });
            Ok(Audited::new(lessons, Object::new("lessons", "all"), detail))
        })
    }
}

impl Unit<'_> {
    fn may_learn(&mut self, patient: &Pseudonym, from: LessonsFrom) -> Result<bool> {
        match from {
            LessonsFrom::EveryPatient => Ok(true),
            LessonsFrom::ConsentingPatients => self.consents(patient, Purpose::Training),
        }
    }
}

fn lesson_of(row: &Row) -> Result<Lesson> {
    let decision: DecisionId = row.parsed(0)?;
    let damaged = |why: String| RecordError::damaged("decision", decision, why);
    let content = serde_json::from_str(row.text(5)?).map_err(|error| damaged(error.to_string()))?;
    let version = u32::try_from(row.integer(6)?).map_err(|error| damaged(error.to_string()))?;
    let said = match row.parsed(4)? {
        Verdict::Accept | Verdict::Correct => Said::Is,
        Verdict::Refuse => Said::IsNot,
        Verdict::Defer => return Err(damaged("it settles nothing".to_owned())),
    };
    Ok(Lesson {
        decision,
        case: row.parsed(1)?,
        file: row.text(3)?.parse().map_err(|error| damaged(format!("{error}")))?,
        region: Content::read(LesionRegion::KIND, version, &content)?,
        said,
    })
}

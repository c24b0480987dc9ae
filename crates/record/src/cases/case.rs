//! Cases.

use serde::Serialize;
use serde_json::json;

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    database::Row,
    identity::{CaseId, CaseNumber, Moment, Pseudonym, UserId},
    names::named,
    people::{Action, Actor},
    store::{Audited, Unit},
};

/// How soon a case is wanted.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// A patient is on the table.
    Emergency,
    /// Today.
    Urgent,
    /// In its turn.
    Routine,
    /// When there is time.
    Low,
}
named!(Urgency, "urgency", {
    Emergency => "emergency",
    Urgent => "urgent",
    Routine => "routine",
    Low => "low",
});

impl Urgency {
    pub(crate) fn rank(self) -> i64 {
        match self {
            Self::Emergency => 0,
            Self::Urgent => 1,
            Self::Routine => 2,
            Self::Low => 3,
        }
    }

    pub(super) fn of_rank(rank: i64) -> Result<Self> {
        let found = Self::ALL.iter().find(|urgency| urgency.rank() == rank);
        found.copied().ok_or_else(|| RecordError::damaged("urgency", rank, "no such rank"))
    }
}

/// How many people read a case on their own.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reading {
    /// One.
    Single,
    /// Two, the second without seeing the first; a third settles what they see differently.
    Double,
}
named!(Reading, "way of reading", { Single => "single", Double => "double" });

/// Where a case stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nothing is signed yet.
    Open,
    /// Signed; nothing may be decided until it is opened again.
    Signed,
    /// Signed, and opened again for an amendment.
    Amending,
}
named!(Status, "status", { Open => "open", Signed => "signed", Amending => "amending" });

/// A case to be registered.
#[derive(Clone, Debug)]
pub struct NewCase {
    /// The laboratory's number; no two cases have the same.
    pub number: CaseNumber,
    /// Whose material it is.
    pub patient: Pseudonym,
    /// How soon it is wanted.
    pub urgency: Urgency,
    /// How many read it.
    pub reading: Reading,
    /// The clinician who asked, who may later see what is signed.
    pub requested_by: Option<UserId>,
}

impl NewCase {
    /// What the audit says of it, so that its row can be held against that.
    pub(super) fn detail(&self) -> serde_json::Value {
        json!({
            "number": self.number, "reading": self.reading, "patient": self.patient,
            "urgency": self.urgency, "requested_by": self.requested_by,
        })
    }
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Its id.
    pub id: CaseId,
    /// The laboratory's number.
    pub number: CaseNumber,
    /// Whose material it is.
    pub patient: Pseudonym,
    /// Where it stands.
    pub status: Status,
    /// How many read it.
    pub reading: Reading,
    /// How soon it is wanted.
    pub urgency: Urgency,
    /// Whether a slide of it is not fit for diagnosis.
    pub has_bad_slide: bool,
    /// Who is to read it.
    pub assigned: Option<UserId>,
    /// The clinician who asked.
    pub requested_by: Option<UserId>,
    /// When it was registered.
    pub created: Moment,
    /// Proposals that nobody has finished deciding about.
    pub undecided: u64,
    /// Whether all its slides were put into other cases: it stays for the audit alone.
    pub is_emptied: bool,
}

pub(super) const COLUMNS: &str = "c.id, c.number, c.pseudonym, c.status, c.reading, \
    c.urgency_rank, c.quality_rank, c.assigned, c.requested_by, c.created, c.undecided, \
    c.emptied";

pub(super) fn case_of(row: &Row) -> Result<Case> {
    let user = |column| -> Result<Option<UserId>> {
        row.optional_text(column)?.map(str::parse).transpose()
    };
    Ok(Case {
        id: row.parsed(0)?,
        number: row.parsed(1)?,
        patient: row.parsed(2)?,
        status: row.parsed(3)?,
        reading: row.parsed(4)?,
        urgency: Urgency::of_rank(row.integer(5)?)?,
        has_bad_slide: row.integer(6)? == 0,
        assigned: user(7)?,
        requested_by: user(8)?,
        created: Moment::from_microseconds(row.integer(9)?),
        undecided: u64::try_from(row.integer(10)?).unwrap_or(0),
        is_emptied: row.optional_integer(11)?.is_some(),
    })
}

impl Record {
    /// Registers a case, and its patient when the pseudonym is new.
    ///
    /// # Errors
    /// When the actor may not, or the number is taken.
    pub fn add_case(&self, actor: &Actor, new: &NewCase) -> Result<CaseId> {
        self.deed(actor, Action::Register, Event::CaseAdded, |unit| {
            let id = unit.insert_case(new)?;
            let detail = new.detail();
            Ok(Audited::new(id, Object::new("case", id), detail))
        })
    }

    /// Sets how soon a case is wanted and who is to read it.
    ///
    /// # Errors
    /// When the actor may not, or there is no such case or reader.
    pub fn assign(
        &self,
        actor: &Actor,
        case: CaseId,
        urgency: Urgency,
        reader: Option<UserId>,
    ) -> Result<()> {
        self.deed(actor, Action::Assign, Event::CaseAssigned, |unit| {
            unit.case(case)?;
            unit.execute(
                "UPDATE laboratory_case SET urgency_rank = ?2, assigned = ?3 WHERE id = ?1",
                &[case.into(), urgency.rank().into(), reader.into()],
            )?;
            let detail = json!({ "urgency": urgency, "reader": reader });
            Ok(Audited::new((), Object::new("case", case), detail))
        })
    }

    /// Has a case read by two people on their own. The other way is not possible: what was read
    /// twice stays so.
    ///
    /// # Errors
    /// When the actor may not, or somebody has already decided something about it.
    pub fn read_twice(&self, actor: &Actor, case: CaseId) -> Result<()> {
        self.deed(actor, Action::Assign, Event::CaseAssigned, |unit| {
            unit.case(case)?;
            let sql = "SELECT d.id FROM decision d JOIN proposal p ON p.id = d.proposal \
                       JOIN proposal_state s ON s.proposal = p.id \
                       WHERE s.laboratory_case = ?1 AND p.field = 'diagnosis' LIMIT 1";
            if unit.one(sql, &[case.into()])?.is_some() {
                return Err(RecordError::Conflict(
                    "somebody has decided about this case already: register a second reading \
                     before the first"
                        .into(),
                ));
            }
            let sql = "UPDATE laboratory_case SET reading = 'double' WHERE id = ?1";
            unit.execute(sql, &[case.into()])?;
            Ok(Audited::new((), Object::new("case", case), json!({ "reading": "double" })))
        })
    }
}

impl Unit<'_> {
    pub(crate) fn case(&mut self, id: CaseId) -> Result<Case> {
        let sql = format!("SELECT {COLUMNS} FROM laboratory_case c WHERE c.id = ?1");
        let row = self.one(&sql, &[id.into()])?;
        case_of(&row.ok_or_else(|| RecordError::not_found("case", id))?)
    }

    /// Brings a case's place in the worklist up to date with its proposals.
    pub(crate) fn recount(&mut self, case: CaseId) -> Result<()> {
        self.execute(
            "UPDATE laboratory_case SET \
             undecided = (SELECT count(*) FROM proposal_state s WHERE s.laboratory_case = ?1 \
                 AND s.state IN ('proposed', 'deferred', 'read-once', 'disputed')), \
             quality_rank = CASE WHEN EXISTS (SELECT 1 FROM proposal_state s \
                 WHERE s.laboratory_case = ?1 AND s.bad_slide = 1) THEN 0 ELSE 1 END \
             WHERE id = ?1",
            &[case.into()],
        )?;
        Ok(())
    }
}

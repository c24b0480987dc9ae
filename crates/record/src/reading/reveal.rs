//! Reading first: whether a reader has asked to see what machines say of a case.

use serde_json::json;

use crate::{
    Record, Result,
    audit::{Event, Object},
    cases::{Case, Reading, Status},
    identity::CaseId,
    people::{Action, Actor},
    proposals::{ProposalContent, QualityVerdict},
    store::Audited,
};

impl Record {
    /// Notes that a reader has looked and is now shown what machines say.
    ///
    /// # Errors
    /// When the actor may not read the case.
    pub fn reveal(&self, actor: &Actor, case: CaseId) -> Result<()> {
        self.deed(actor, Action::DecideDiagnosis, Event::Revealed, |unit| {
            let known = unit.case(case)?;
            unit.require_case(actor, Action::DecideDiagnosis, &known)?;
            unit.execute(
                "INSERT INTO reveal (laboratory_case, account, at) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (laboratory_case, account) DO NOTHING",
                &[case.into(), actor.user().into(), unit.now().into()],
            )?;
            Ok(Audited::new((), Object::new("case", case), json!({})))
        })
    }

    /// Whether the actor is one of two who read a case that is not signed yet.
    ///
    /// # Errors
    /// When there is no such case.
    pub fn reads_blind(&self, actor: &Actor, case: CaseId) -> Result<bool> {
        let reads = actor.role().may(Action::DecideDiagnosis);
        let known = self.reading(|unit| unit.case(case))?;
        Ok(reads && known.reading == Reading::Double && known.status != Status::Signed)
    }

    /// Whether a reader was shown what machines say of a case.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_revealed(&self, actor: &Actor, case: CaseId) -> Result<bool> {
        self.reading(|unit| {
            let sql = "SELECT at FROM reveal WHERE laboratory_case = ?1 AND account = ?2";
            Ok(unit.one(sql, &[case.into(), actor.user().into()])?.is_some())
        })
    }

    /// How many of a case's proposals wait, as far as the actor may know; `None` where any number
    /// would say what the other of two readers did.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn undecided_seen(
        &self,
        actor: &Actor,
        case: &Case,
        machines_hidden: bool,
    ) -> Result<Option<u64>> {
        if !machines_hidden {
            let blind = case.reading == Reading::Double && case.status != Status::Signed;
            return Ok((!blind).then_some(case.undecided));
        }
        self.reading(|unit| {
            let sql = "SELECT count(*) FROM proposal_state s JOIN proposal p ON p.id = s.proposal \
                       WHERE s.laboratory_case = ?1 AND (p.kind = ?2 OR p.proposed_by = ?3) \
                       AND s.state IN ('proposed', 'deferred', 'read-once', 'disputed')";
            let values = [case.id.into(), QualityVerdict::KIND.into(), actor.user().into()];
            let count = unit.one(sql, &values)?.map_or(Ok(0), |row| row.integer(0))?;
            Ok(u64::try_from(count).ok())
        })
    }
}

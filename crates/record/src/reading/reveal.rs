//! Reading first: whether a reader has asked to see what machines say of a case.

use serde_json::json;

use crate::{
    Record, Result,
    audit::{Event, Object},
    cases::{Reading, Status},
    identity::CaseId,
    people::{Action, Actor},
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
}

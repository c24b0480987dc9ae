//! Which clinician asked for a case, and may later see what is signed of it.

use serde_json::json;

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    identity::{CaseId, Pseudonym, UserId},
    people::{Action, Actor, Role},
    store::{Audited, Unit},
};

impl Record {
    /// Sets who asked for a case.
    ///
    /// # Errors
    /// When the actor may not, there is no such case, or the account is no clinician's.
    pub fn set_requester(
        &self,
        actor: &Actor,
        case: CaseId,
        clinician: Option<UserId>,
    ) -> Result<()> {
        self.deed(actor, Action::Assign, Event::CaseAssigned, |unit| {
            unit.case(case)?;
            unit.require_clinician(clinician)?;
            let sql = "UPDATE laboratory_case SET requested_by = ?2 WHERE id = ?1";
            unit.execute(sql, &[case.into(), clinician.into()])?;
            let detail = json!({ "requested_by": clinician });
            Ok(Audited::new((), Object::new("case", case), detail))
        })
    }

    /// The patient of a case, for whoever writes down consent and may see the case.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn patient_of(&self, actor: &Actor, case: CaseId) -> Result<Pseudonym> {
        self.deed(actor, Action::RecordConsent, Event::CaseRead, |unit| {
            let known = unit.case(case)?;
            unit.require_case(actor, Action::RecordConsent, &known)?;
            Ok(Audited::new(known.patient, Object::new("case", case), json!({})))
        })
    }
}

impl Unit<'_> {
    /// Refuses an account that is no clinician's.
    pub(super) fn require_clinician(&mut self, user: Option<UserId>) -> Result<()> {
        let Some(user) = user else { return Ok(()) };
        if self.account(user)?.roles.contains(&Role::Clinician) {
            return Ok(());
        }
        Err(RecordError::invalid("requesting clinician", "this account is no clinician's"))
    }
}

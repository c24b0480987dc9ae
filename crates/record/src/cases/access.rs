//! Who may see which case, beyond the permission table.

use super::{Case, Purpose, Reading, Status};
use crate::{
    RecordError, Result,
    people::{Action, Actor, Role},
    store::Unit,
};

impl Unit<'_> {
    /// Refuses a clinician another's case, a researcher a patient who has not agreed and a case that
    /// is not signed, and a second reader a case that is read once.
    pub(crate) fn require_case(
        &mut self,
        actor: &Actor,
        action: Action,
        case: &Case,
    ) -> Result<()> {
        match actor.role() {
            Role::Clinician if case.requested_by != Some(actor.user()) => {
                Err(actor.forbidden(action, "another clinician has asked for this case"))
            }
            Role::Researcher if !self.consents(&case.patient, Purpose::Research)? => {
                Err(RecordError::NoConsent { purpose: Purpose::Research.name() })
            }
            Role::Researcher if case.status != Status::Signed => {
                Err(actor.forbidden(action, "a researcher sees signed cases only"))
            }
            Role::SecondReader if case.reading == Reading::Single => {
                Err(actor.forbidden(action, "this case is not read a second time"))
            }
            _ => Ok(()),
        }
    }
}

//! Signing a case and opening it again.

use bianque_core::Digest;
use serde::Serialize;
use serde_json::json;

use super::{CaseVersion, Confirmation, Finding};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    cases::{Case, Status},
    identity::{CaseId, ProposalId, Reason},
    people::{Action, Actor},
    proposals::{Deed, ProposalWithState, State},
    store::{Audited, Unit},
};

/// What becomes of proposals that nobody has decided about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// They stand against signing.
    Refuse,
    /// They are left out and named as undecided. What readers dispute or one of two has read still
    /// stands against signing.
    LeaveOut,
}

/// A signature to be given.
#[derive(Clone, Debug)]
pub struct SignOut {
    /// What the person says in words.
    pub conclusion: Reason,
    /// What becomes of what is undecided.
    pub undecided: Undecided,
}

/// What was signed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedVersion {
    /// The case.
    pub case: CaseId,
    /// Its version, from 1.
    pub version: u32,
    /// The digest of the version.
    pub digest: Digest,
}

impl Record {
    /// Signs a case: freezes a version of it from confirmed findings only.
    ///
    /// # Errors
    /// When the actor may not, the case is signed already, or something undecided stands against it.
    pub fn sign_out(&self, actor: &Actor, case: CaseId, new: &SignOut) -> Result<SignedVersion> {
        self.deed(actor, Action::SignOut, Event::SignedOut, |unit| {
            let known = unit.case(case)?;
            if known.status == Status::Signed {
                return Err(RecordError::Conflict(
                    "the case is signed: open it again, with a reason, to amend it".into(),
                ));
            }
            if known.is_emptied {
                return Err(RecordError::Conflict(
                    "all slides of this case were put into other cases: sign those".into(),
                ));
            }
            let proposals = unit.proposals_of(case)?;
            let undecided = left_out(&proposals, new.undecided)?;
            let version = unit.freeze(actor, &known, &proposals, undecided, new)?;
            let text = version.canonical_text()?;
            let digest = Digest::of(text.as_bytes());
            unit.execute(
                "INSERT INTO case_version (laboratory_case, version, content, digest, signed_by, \
                 at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                &[
                    case.into(),
                    version.version.into(),
                    text.into(),
                    digest.to_string().into(),
                    actor.user().into(),
                    unit.now().into(),
                ],
            )?;
            unit.execute(
                "UPDATE laboratory_case SET status = 'signed' WHERE id = ?1",
                &[case.into()],
            )?;
            let signed = SignedVersion { case, version: version.version, digest };
            let detail = json!({
                "id": format!("{case}/{}", signed.version),
                "digest": digest,
                "findings": version.findings.len(),
                "undecided": version.undecided.len(),
            });
            Ok(Audited::new(signed, Object::new("case", case), detail))
        })
    }

    /// Opens a signed case again, for an amendment. What was signed stays as it is until another
    /// version is signed, and in the record for good.
    ///
    /// # Errors
    /// When the actor may not, or the case is not signed.
    pub fn reopen(&self, actor: &Actor, case: CaseId, reason: &Reason) -> Result<()> {
        self.deed(actor, Action::SignOut, Event::Reopened, |unit| {
            if unit.case(case)?.status != Status::Signed {
                return Err(RecordError::Conflict("the case is not signed".into()));
            }
            unit.execute(
                "UPDATE laboratory_case SET status = 'amending' WHERE id = ?1",
                &[case.into()],
            )?;
            // The reason may speak of the patient: the audit names its digest only.
            let detail = json!({ "reason": Digest::of(reason.as_str().as_bytes()) });
            Ok(Audited::new((), Object::new("case", case), detail))
        })
    }
}

/// What is undecided, when it may be left out.
fn left_out(proposals: &[ProposalWithState], rule: Undecided) -> Result<Vec<ProposalId>> {
    let begun = |state| matches!(state, State::ReadOnce | State::Disputed);
    let waiting = proposals.iter().filter(|p| p.state.is_undecided());
    let (against, left): (Vec<_>, Vec<_>) =
        waiting.partition(|p| rule == Undecided::Refuse || begun(p.state));
    if let Some(first) = against.first() {
        return Err(RecordError::Conflict(format!(
            "{} proposals stand against signing; the first is {} ('{}', {})",
            against.len(),
            first.proposal.id,
            first.proposal.headline,
            first.state
        )));
    }
    Ok(left.iter().map(|p| p.proposal.id).collect())
}

impl Unit<'_> {
    fn freeze(
        &mut self,
        actor: &Actor,
        case: &Case,
        proposals: &[ProposalWithState],
        undecided: Vec<ProposalId>,
        new: &SignOut,
    ) -> Result<CaseVersion> {
        let before = self.case_version(case.id, None)?;
        let mut findings = Vec::new();
        for proposal in proposals.iter().filter(|proposal| proposal.state.is_confirmed()) {
            findings.push(self.finding(proposal)?);
            let released = proposal.state.after(Deed::Release)?;
            self.execute(
                "UPDATE proposal_state SET state = ?2, at = ?3 WHERE proposal = ?1",
                &[proposal.proposal.id.into(), released.name().into(), self.now().into()],
            )?;
        }
        let refused = proposals.iter().filter(|proposal| proposal.state == State::Refused);
        let slides = self.slides(case.id)?;
        Ok(CaseVersion {
            schema: CaseVersion::SCHEMA.to_owned(),
            case: case.id,
            number: Some(case.number.clone()),
            patient: case.patient.clone(),
            version: before.as_ref().map_or(1, |(version, _)| version.version + 1),
            amends: before.map(|(_, digest)| digest),
            conclusion: new.conclusion.clone(),
            slides: slides.into_iter().map(|slide| (slide.id, slide.digest)).collect(),
            findings,
            refused: refused.map(|proposal| proposal.proposal.id).collect(),
            undecided,
            signed_by: actor.user(),
            role: actor.role(),
            signed_at: self.now().microseconds(),
        })
    }

    fn finding(&mut self, about: &ProposalWithState) -> Result<Finding> {
        let decisions = self.decisions_about(about.proposal.id)?;
        let stands = decisions.iter().find(|decision| Some(decision.id) == about.standing);
        let stands = stands.ok_or_else(|| {
            RecordError::damaged("proposal", about.proposal.id, "no decision stands behind it")
        })?;
        Ok(Finding {
            proposal: about.proposal.id,
            kind: about.proposal.kind.clone(),
            kind_version: about.proposal.kind_version,
            content: self.standing_content(about)?,
            corrected: stands.content.is_some(),
            producer: about.proposal.producer.clone(),
            encoder: about.proposal.encoder().cloned(),
            confirmations: decisions
                .iter()
                .map(|decision| Confirmation {
                    decision: decision.id,
                    manner: decision.manner,
                    verdict: decision.verdict,
                    reader: decision.reader,
                    role: decision.role,
                    at: decision.at.microseconds(),
                })
                .collect(),
        })
    }
}

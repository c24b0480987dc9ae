//! What may leave, by type: [`Released`] is fact, [`Unconfirmed`] says in the data that it is not.

use bianque_core::Digest;
use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::json;

use super::CaseVersion;
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    cases::{Case, Purpose},
    identity::{CaseId, ProposalId, Pseudonym},
    people::{Action, Actor, Role},
    proposals::ProposalWithState,
    store::{Audited, Unit},
};

/// Signed content. Only this crate makes one, from what a person has signed, after its digest was
/// checked. The digest is always that of the whole; what was left out since is named.
#[derive(Clone, Debug, PartialEq)]
pub struct Released<T> {
    content: T,
    digest: Digest,
    withheld: &'static [&'static str],
}

impl<T> Released<T> {
    /// Content whose digest was checked as it was read.
    pub(super) fn checked(content: T, digest: Digest) -> Self {
        Self { content, digest, withheld: &[] }
    }

    /// The content.
    #[must_use]
    pub fn content(&self) -> &T {
        &self.content
    }

    /// The digest under which it was signed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl<T: Serialize> Serialize for Released<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let withheld = !self.withheld.is_empty();
        let mut document = serializer.serialize_struct("Released", 4 + usize::from(withheld))?;
        document.serialize_field("schema", "bianque.released/1")?;
        document.serialize_field("status", "released")?;
        document.serialize_field("digest", &self.digest)?;
        if withheld {
            document.serialize_field("withheld", self.withheld)?;
        }
        document.serialize_field("content", &self.content)?;
        document.end()
    }
}

impl Released<CaseVersion> {
    /// The same for somebody who may know the patient by the pseudonym alone.
    fn without_number(mut self) -> Self {
        self.content.number = None;
        self.withheld = &["number"];
        self
    }
}

/// Content that nobody has signed. However it is written, the mark is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Unconfirmed<T> {
    content: T,
}

impl<T> Unconfirmed<T> {
    /// What stands beside the content wherever it goes.
    pub const MARK: &'static str =
        "UNCONFIRMED: proposals that no responsible person has signed; not for care";

    /// The content.
    #[must_use]
    pub fn content(&self) -> &T {
        &self.content
    }
}

impl Unconfirmed<WorkingCopy> {
    /// The same with only some of its proposals.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(ProposalId) -> bool) -> Self {
        self.content.proposals.retain(|kept| wanted(kept.proposal.id));
        self
    }
}

impl<T: Serialize> Serialize for Unconfirmed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Unconfirmed", 4)?;
        document.serialize_field("schema", "bianque.unconfirmed/1")?;
        document.serialize_field("status", "unconfirmed")?;
        document.serialize_field("notice", Self::MARK)?;
        document.serialize_field("content", &self.content)?;
        document.end()
    }
}

/// A case as it is being worked on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkingCopy {
    /// The case.
    pub case: LeavingCase,
    /// Its proposals, each with its state.
    pub proposals: Vec<ProposalWithState>,
}

/// A case as it leaves: with the laboratory's number for care alone.
#[derive(Clone, Debug, PartialEq)]
pub struct LeavingCase {
    case: Case,
    tells_number: bool,
}

impl Serialize for LeavingCase {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut case = serde_json::to_value(&self.case).map_err(serde::ser::Error::custom)?;
        if let Some(fields) = case.as_object_mut().filter(|_| !self.tells_number) {
            fields.remove("number");
        }
        case.serialize(serializer)
    }
}

impl Record {
    /// What is signed of a case, newest version or a certain one, to be looked at within the
    /// hospital.
    ///
    /// # Errors
    /// When the actor may not see it, or nothing (or not that version) is signed.
    pub fn released(
        &self,
        actor: &Actor,
        case: CaseId,
        version: Option<u32>,
    ) -> Result<Released<CaseVersion>> {
        self.deed(actor, Action::ReadReleased, Event::ReleasedRead, |unit| {
            let known = unit.case(case)?;
            unit.require_case(actor, Action::ReadReleased, &known)?;
            unit.released_version(case, version, tells_number(actor, None))
        })
    }

    /// What is signed of a case, to leave for a purpose.
    ///
    /// # Errors
    /// When the actor may not, the patient has not agreed to the purpose, or nothing is signed.
    pub fn export_released(
        &self,
        actor: &Actor,
        case: CaseId,
        purpose: Purpose,
    ) -> Result<Released<CaseVersion>> {
        self.deed(actor, Action::ExportReleased, Event::ReleasedExported, |unit| {
            let known = unit.case(case)?;
            unit.require_case(actor, Action::ExportReleased, &known)?;
            unit.require_consent(&known.patient, purpose)?;
            let tells = tells_number(actor, Some(purpose));
            Ok(unit.released_version(case, None, tells)?.for_purpose(purpose))
        })
    }

    /// A case as it is being worked on, to leave for a purpose, marked as unconfirmed. For other
    /// purposes than care only proposals that are tagged for them.
    ///
    /// # Errors
    /// When the actor may not, or the patient has not agreed to the purpose.
    pub fn export_unconfirmed(
        &self,
        actor: &Actor,
        case: CaseId,
        purpose: Purpose,
    ) -> Result<Unconfirmed<WorkingCopy>> {
        self.deed(actor, Action::ExportUnconfirmed, Event::UnconfirmedExported, |unit| {
            let known = unit.case(case)?;
            unit.require_case(actor, Action::ExportUnconfirmed, &known)?;
            unit.require_consent(&known.patient, purpose)?;
            let mut proposals = unit.proposals_of(case)?;
            for proposal in &mut proposals {
                unit.blind(actor, &known, proposal)?;
            }
            proposals.retain(|ProposalWithState { proposal, .. }| {
                proposal.purpose == purpose
                    || proposal.consent_tags.contains(&purpose)
                    || matches!(purpose, Purpose::Care | Purpose::Quality)
            });
            let detail = json!({ "purpose": purpose, "proposals": proposals.len() });
            let case_as_it_leaves =
                LeavingCase { case: known, tells_number: tells_number(actor, Some(purpose)) };
            let content = WorkingCopy { case: case_as_it_leaves, proposals };
            Ok(Audited::new(Unconfirmed { content }, Object::new("case", case), detail))
        })
    }
}

/// Whether somebody may be told, for a purpose, by which number the laboratory knows a case.
fn tells_number(actor: &Actor, purpose: Option<Purpose>) -> bool {
    actor.role() != Role::Researcher && purpose.is_none_or(Purpose::tells_numbers)
}

impl Unit<'_> {
    fn require_consent(&mut self, patient: &Pseudonym, purpose: Purpose) -> Result<()> {
        if self.consents(patient, purpose)? {
            return Ok(());
        }
        Err(RecordError::NoConsent { purpose: purpose.name() })
    }

    fn released_version(
        &mut self,
        case: CaseId,
        version: Option<u32>,
        tells_number: bool,
    ) -> Result<Audited<Released<CaseVersion>>> {
        let found = self.case_version(case, version)?;
        let (content, digest) =
            found.ok_or_else(|| RecordError::not_found("signed version of case", case))?;
        let detail = json!({ "version": content.version, "digest": digest });
        let whole = Released::checked(content, digest);
        let released = if tells_number { whole } else { whole.without_number() };
        Ok(Audited::new(released, Object::new("case", case), detail))
    }
}

//! The proposals of a case as a reader sees them: with what stands now and what the reader said.

use serde_json::{Value as Json, json};

use crate::{
    Record, Result,
    audit::{Event, Object},
    cases::Case,
    decisions::{Decision, Manner, Verdict},
    identity::{CaseId, DecisionId, ProposalId},
    people::{Action, Actor},
    proposals::{ProposalWithState, State},
    store::{Audited, Unit},
};

/// A proposal as a reader sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadFinding {
    /// The proposal and where it stands.
    pub proposal: ProposalWithState,
    /// The content that stands in its place, where it was corrected.
    pub corrected: Option<Json>,
    /// The decision that settled it.
    pub stands: Option<Decision>,
    /// Whether one of two readers has decided, whoever it was. Not to be shown to the other.
    pub read_once: bool,
    /// What the reader decided about it last.
    pub own: Option<Decision>,
}

impl Record {
    /// All proposals of a case as a reader sees them, in the order in which they came.
    ///
    /// # Errors
    /// When the actor may not see the case.
    pub fn findings(&self, actor: &Actor, case: CaseId) -> Result<Vec<ReadFinding>> {
        self.deed(actor, Action::ReadCase, Event::ProposalsRead, |unit| {
            let known = unit.case(case)?;
            unit.require_case(actor, Action::ReadCase, &known)?;
            let mut findings = Vec::new();
            for proposal in unit.proposals_of(case)? {
                findings.push(unit.read_finding(actor, &known, proposal)?);
            }
            Ok(Audited::new(findings, Object::new("case", case), json!({})))
        })
    }

    /// The proposal that a decision is about.
    ///
    /// # Errors
    /// When the actor may not see its case, or there is no such decision.
    pub fn proposal_of(&self, actor: &Actor, decision: DecisionId) -> Result<ProposalId> {
        self.reading(|unit| {
            unit.require(actor, Action::ReadCase)?;
            let proposal = unit.decision(decision)?.proposal;
            let case = unit.proposal(proposal)?.proposal.case;
            let case = unit.case(case)?;
            unit.require_case(actor, Action::ReadCase, &case)?;
            Ok(proposal)
        })
    }

    /// One proposal as a reader sees it.
    ///
    /// # Errors
    /// When the actor may not see its case, or there is no such proposal.
    pub fn finding(&self, actor: &Actor, id: ProposalId) -> Result<ReadFinding> {
        self.deed(actor, Action::ReadCase, Event::ProposalsRead, |unit| {
            let proposal = unit.proposal(id)?;
            let case = unit.case(proposal.proposal.case)?;
            unit.require_case(actor, Action::ReadCase, &case)?;
            let finding = unit.read_finding(actor, &case, proposal)?;
            Ok(Audited::new(finding, Object::new("proposal", id), json!({})))
        })
    }
}

impl Unit<'_> {
    fn read_finding(
        &mut self,
        actor: &Actor,
        case: &Case,
        mut proposal: ProposalWithState,
    ) -> Result<ReadFinding> {
        let read_once = proposal.state == State::ReadOnce;
        self.blind(actor, case, &mut proposal)?;
        let stands = proposal.standing.map(|id| self.decision(id)).transpose()?;
        let mut corrected = stands.as_ref().and_then(|decision| decision.content.clone());
        let mut own = None;
        for decision in self.decisions_about(proposal.proposal.id)? {
            if decision.reader == actor.user() {
                own = Some(decision);
            }
        }
        // Before the second reading a reader sees his own correction, and no one else's.
        if proposal.standing.is_none()
            && let Some(decision) = &own
            && decision.manner == Manner::Reading
            && decision.verdict == Verdict::Correct
        {
            corrected = decision.content.clone();
        }
        Ok(ReadFinding { proposal, corrected, stands, read_once, own })
    }
}

//! Deciding: alone, as one of two, and as the third.

use bianque_core::Digest;
use serde_json::{Value as Json, json};

use super::{Decision, Judgement, Manner, NewDecision, Verdict};
use crate::{
    Record, RecordError, Result,
    audit::{self, Event, Object},
    cases::{Case, Reading, Status},
    identity::{DecisionId, ProposalId},
    people::{Action, Actor},
    proposals::{Deed, Field, ProposalWithState, State},
    store::{Audited, Unit},
};

impl Record {
    /// Records what a reader decides about a proposal. In a case that is read twice the first
    /// decision waits for the second; where the two differ, the proposal is disputed.
    ///
    /// # Errors
    /// When the reader may not, has decided already, the case is signed, or the state does not
    /// allow it.
    pub fn decide(
        &self,
        actor: &Actor,
        proposal: ProposalId,
        new: &NewDecision,
    ) -> Result<DecisionId> {
        new.check()?;
        let field = self.reading(|unit| Ok(unit.proposal(proposal)?.proposal.field))?;
        let decide = |unit: &mut Unit<'_>| {
            let (about, case) = unit.open_question(actor, field.decided_by(), proposal)?;
            let before = unit.readings(proposal)?;
            if before.iter().any(|reading| reading.reader == actor.user()) {
                return Err(RecordError::Conflict(
                    "this reader has decided about it already: amend that decision".into(),
                ));
            }
            let twice = case.reading == Reading::Double && field == Field::Diagnosis;
            let deed = deed_of(new, twice, &before);
            let decision = Written { manner: Manner::Reading, deed, amends: None };
            unit.write(actor, &about, new, decision)
        };
        self.once(actor, new.request.as_ref(), || {
            self.deed(actor, field.decided_by(), Event::Decided, decide)
        })
    }

    /// Settles what two readers see differently.
    ///
    /// # Errors
    /// When the actor may not, is one of the two, or nothing is disputed.
    pub fn adjudicate(
        &self,
        actor: &Actor,
        proposal: ProposalId,
        new: &NewDecision,
    ) -> Result<DecisionId> {
        new.check()?;
        let adjudicate = |unit: &mut Unit<'_>| {
            let (about, _) = unit.open_question(actor, Action::Adjudicate, proposal)?;
            let before = unit.readings(proposal)?;
            if before.iter().any(|reading| reading.reader == actor.user()) {
                return Err(actor.forbidden(
                    Action::Adjudicate,
                    "whoever has read it cannot settle it: a third must",
                ));
            }
            let deed = new.verdict().settled().map_or(Deed::Defer, Deed::Adjudicate);
            let decision = Written { manner: Manner::Adjudication, deed, amends: None };
            unit.write(actor, &about, new, decision)
        };
        self.once(actor, new.request.as_ref(), || {
            self.deed(actor, Action::Adjudicate, Event::Adjudicated, adjudicate)
        })
    }

    /// The decisions about a proposal in the order in which they came. Who has yet to read it sees
    /// none.
    ///
    /// # Errors
    /// When the actor may not see the case.
    pub fn decisions(&self, actor: &Actor, proposal: ProposalId) -> Result<Vec<Decision>> {
        self.deed(actor, Action::ReadCase, Event::DecisionsRead, |unit| {
            let about = unit.proposal(proposal)?;
            let case = unit.case(about.proposal.case)?;
            unit.require_case(actor, Action::ReadCase, &case)?;
            let mut decisions = unit.decisions_about(proposal)?;
            let blind = case.reading == Reading::Double
                && about.proposal.field == Field::Diagnosis
                && matches!(about.state, State::Proposed | State::Deferred | State::ReadOnce);
            if blind {
                decisions.retain(|decision| decision.reader == actor.user());
            }
            Ok(Audited::new(decisions, Object::new("proposal", proposal), json!({})))
        })
    }
}

/// What becomes of a proposal by a reader's decision.
fn deed_of(new: &NewDecision, twice: bool, before: &[Decision]) -> Deed {
    let Some(settled) = new.verdict().settled() else { return Deed::Defer };
    match before.first() {
        _ if !twice => Deed::Settle(settled),
        None => Deed::ReadFirst,
        Some(first) if agrees(first, new) => Deed::Settle(settled),
        Some(_) => Deed::Dispute,
    }
}

/// Whether a new decision says what an earlier one says.
pub(super) fn agrees(first: &Decision, new: &NewDecision) -> bool {
    let content = match &new.judgement {
        Judgement::Correct(content) => Some(&content.body),
        Judgement::Accept | Judgement::Refuse(_) | Judgement::Defer(_) => None,
    };
    say_the_same((first.verdict, first.content.as_ref()), (new.verdict(), content))
}

/// Two corrections agree only when they come to the same content.
pub(super) fn say_the_same(
    first: (Verdict, Option<&Json>),
    second: (Verdict, Option<&Json>),
) -> bool {
    first == second
}

/// How a decision is written down.
pub(super) struct Written {
    pub(super) manner: Manner,
    pub(super) deed: Deed,
    pub(super) amends: Option<DecisionId>,
}

impl Unit<'_> {
    /// A proposal of a case in which something may be decided, as far as the actor may see it.
    pub(super) fn open_question(
        &mut self,
        actor: &Actor,
        action: Action,
        proposal: ProposalId,
    ) -> Result<(ProposalWithState, Case)> {
        let about = self.proposal(proposal)?;
        let case = self.case(about.proposal.case)?;
        self.require_case(actor, action, &case)?;
        if case.status == Status::Signed {
            return Err(RecordError::Conflict(
                "the case is signed: open it again, with a reason, before deciding".into(),
            ));
        }
        Ok((about, case))
    }

    /// Decisions of readers on their own that put nothing off.
    pub(super) fn readings(&mut self, proposal: ProposalId) -> Result<Vec<Decision>> {
        let mut all = self.decisions_about(proposal)?;
        all.retain(|d| d.manner == Manner::Reading && d.verdict != Verdict::Defer);
        Ok(all)
    }

    pub(crate) fn has_read(&mut self, actor: &Actor, proposal: ProposalId) -> Result<bool> {
        Ok(self.readings(proposal)?.iter().any(|decision| decision.reader == actor.user()))
    }

    /// The content that stands: as it was corrected, or else as it was proposed.
    pub(crate) fn standing_content(&mut self, about: &ProposalWithState) -> Result<Json> {
        let decision = about.standing.map(|id| self.decision(id)).transpose()?;
        let corrected = decision.and_then(|decision| decision.content);
        Ok(corrected.unwrap_or_else(|| about.proposal.content.clone()))
    }

    pub(super) fn write(
        &mut self,
        actor: &Actor,
        about: &ProposalWithState,
        new: &NewDecision,
        written: Written,
    ) -> Result<Audited<DecisionId>> {
        let state = about.state.after(written.deed)?;
        let content = match &new.judgement {
            Judgement::Correct(content) if content.kind != about.proposal.kind => {
                let why = format!("a {} cannot become a {}", about.proposal.kind, content.kind);
                return Err(RecordError::invalid("correction", why));
            }
            Judgement::Correct(content) => Some(content),
            Judgement::Accept | Judgement::Refuse(_) | Judgement::Defer(_) => None,
        };
        self.require_views(about, new)?;
        let decision = Decision {
            id: DecisionId::fresh(self.now())?,
            proposal: about.proposal.id,
            manner: written.manner,
            verdict: new.verdict(),
            reader: actor.user(),
            role: actor.role(),
            reason: new.why().cloned(),
            replaced: None,
            content: None,
            difference: None,
            amends: written.amends,
            viewed: new.viewed.clone(),
            milliseconds: new.milliseconds(),
            aided: new.aided,
            at: self.now(),
        };
        let replaced = self.standing_content(about)?;
        let decision = decision.with_edit(&replaced, content);
        let digest = self.insert_decision(&decision)?;
        let shown = self.move_to(about, state, &decision, new)?;
        self.remember(actor, new.request.as_ref(), decision.id)?;
        Ok(audited(&decision, digest, about, state, &shown))
    }

    fn require_views(&mut self, about: &ProposalWithState, new: &NewDecision) -> Result<()> {
        let slides: std::collections::BTreeSet<_> = new.viewed.iter().map(|v| v.slide).collect();
        for slide in slides {
            let sql = "SELECT id FROM slide WHERE id = ?1 AND laboratory_case = ?2";
            if self.one(sql, &[slide.into(), about.proposal.case.into()])?.is_none() {
                return Err(RecordError::not_found("slide of this case", slide));
            }
        }
        Ok(())
    }

    fn move_to(
        &mut self,
        about: &ProposalWithState,
        state: State,
        decision: &Decision,
        new: &NewDecision,
    ) -> Result<String> {
        let proposal = &about.proposal;
        let (headline, bad_slide) = match &new.judgement {
            Judgement::Correct(content) if state == State::Corrected => {
                (content.headline.as_str(), content.bad_slide)
            }
            _ => (proposal.headline.as_str(), proposal.bad_slide && state != State::Refused),
        };
        let standing = (!state.is_undecided()).then_some(decision.id);
        self.execute(
            "UPDATE proposal_state SET state = ?2, standing = ?3, headline = ?4, bad_slide = ?5, \
             at = ?6 WHERE proposal = ?1",
            &[
                proposal.id.into(),
                state.name().into(),
                standing.into(),
                headline.into(),
                bad_slide.into(),
                decision.at.into(),
            ],
        )?;
        self.recount(proposal.case)?;
        Ok(audit::shown(headline, bad_slide))
    }
}

fn audited(
    decision: &Decision,
    digest: Digest,
    about: &ProposalWithState,
    state: State,
    shown: &str,
) -> Audited<DecisionId> {
    let detail = json!({
        "id": decision.id,
        "digest": digest,
        "proposal": about.proposal.id,
        "verdict": decision.verdict,
        "state": state,
        "amends": decision.amends,
        "shown": shown,
    });
    Audited::new(decision.id, Object::new("case", about.proposal.case), detail)
}

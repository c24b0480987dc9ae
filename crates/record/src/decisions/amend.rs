//! Deciding anew. What two have read no one of them overturns alone: a reader may take back only
//! the own reading, and what a third has settled only a third amends.

use std::collections::BTreeSet;

use super::{
    Decision, Manner, NewDecision,
    decide::{Written, agrees},
};
use crate::{
    Record, RecordError, Result,
    audit::Event,
    identity::{DecisionId, ProposalId, UserId},
    people::{Action, Actor},
    proposals::{Deed, ProposalWithState},
    store::Unit,
};

/// As what somebody amends.
enum Amender {
    /// One read it, and whoever may decide about it amends.
    Alone,
    /// One of two whose agreement stands, with what the other says.
    Reader { other: Box<Decision> },
    /// Somebody who is neither of the two.
    Third,
}

impl Amender {
    /// What becomes of the proposal by the new decision.
    fn deed(&self, new: &NewDecision) -> Deed {
        let Some(settled) = new.verdict().settled() else { return Deed::Defer };
        match self {
            Self::Reader { other } if !agrees(other, new) => Deed::PartWays,
            Self::Alone | Self::Reader { .. } | Self::Third => Deed::Amend(settled),
        }
    }
}

impl Record {
    /// Puts a new decision in the place of an old one, which is kept. A proposal that one has read
    /// follows the new decision. Of two readers who agreed, each may amend the own reading: where
    /// they then differ, the proposal is disputed again. What is settled otherwise needs somebody
    /// who may adjudicate and is neither of the two.
    ///
    /// # Errors
    /// When the actor may not, no reason is given, or `old` is not a decision that stands.
    pub fn amend(&self, actor: &Actor, old: DecisionId, new: &NewDecision) -> Result<DecisionId> {
        new.check()?;
        if new.why().is_none() {
            return Err(RecordError::invalid("reason", "an amendment must say why"));
        }
        let (proposal, needs) = self.reading(|unit| unit.needed_to_amend(actor, old))?;
        let amend = |unit: &mut Unit<'_>| {
            let (about, _) = unit.open_question(actor, needs, proposal)?;
            let amender = unit.amender(actor, &about, old)?;
            let written =
                Written { manner: Manner::Amendment, deed: amender.deed(new), amends: Some(old) };
            unit.write(actor, &about, new, written)
        };
        self.once(actor, new.request.as_ref(), || self.deed(actor, needs, Event::Amended, amend))
    }
}

impl Unit<'_> {
    /// What an amendment is about, and what the table must allow whoever makes it.
    fn needed_to_amend(&mut self, actor: &Actor, old: DecisionId) -> Result<(ProposalId, Action)> {
        let proposal = self.decision(old)?.proposal;
        let about = self.proposal(proposal)?;
        let all = self.decisions_about(proposal)?;
        let as_third = readers(&all).len() > 1 && !is_reader(actor, &all);
        let field = about.proposal.field;
        Ok((proposal, if as_third { Action::Adjudicate } else { field.decided_by() }))
    }

    /// As what the actor amends a decision, if that is allowed and it stands.
    fn amender(
        &mut self,
        actor: &Actor,
        about: &ProposalWithState,
        old: DecisionId,
    ) -> Result<Amender> {
        let all = self.decisions_about(about.proposal.id)?;
        let standing = about.standing.ok_or_else(|| stands_not(old))?;
        let may_amend = amendable(actor, about, &all).ok_or_else(|| {
            actor
                .forbidden(Action::Adjudicate, "whoever has read it cannot settle it: a third must")
        })?;
        if old != may_amend && old == standing {
            return Err(actor.forbidden(
                Action::Adjudicate,
                "a reader amends only the own reading, not the other's",
            ));
        }
        if old != may_amend {
            return Err(stands_not(old));
        }
        Ok(match (readers(&all).len() > 1, is_reader(actor, &all)) {
            (false, _) => Amender::Alone,
            (true, false) => Amender::Third,
            (true, true) => {
                let other = last_reading(&all, |reader| reader != actor.user());
                Amender::Reader { other: Box::new(other.ok_or_else(|| stands_not(old))?.clone()) }
            }
        })
    }
}

/// Which decision the actor amends who decides anew; none where the actor cannot.
fn amendable(actor: &Actor, about: &ProposalWithState, all: &[Decision]) -> Option<DecisionId> {
    let standing = about.standing?;
    if readers(all).len() < 2 || !is_reader(actor, all) {
        return Some(standing);
    }
    let own = last_reading(all, |reader| reader == actor.user());
    own.filter(|_| is_of_readings(all, standing)).map(|own| own.id)
}

/// Everybody who has read it and put nothing off.
fn readers(all: &[Decision]) -> BTreeSet<UserId> {
    let read = all.iter().filter(|one| one.manner == Manner::Reading);
    read.filter(|one| one.verdict.settled().is_some()).map(|one| one.reader).collect()
}

fn is_reader(actor: &Actor, all: &[Decision]) -> bool {
    readers(all).contains(&actor.user())
}

fn last_reading(all: &[Decision], wanted: impl Fn(UserId) -> bool) -> Option<&Decision> {
    all.iter().rev().find(|one| wanted(one.reader) && is_of_readings(all, one.id))
}

fn stands_not(old: DecisionId) -> RecordError {
    RecordError::Conflict(format!("decision {old} does not stand: amend the one that does"))
}

/// Whether a decision is a reading that settles something, or its reader's own amendment of one.
fn is_of_readings(all: &[Decision], id: DecisionId) -> bool {
    let Some(decision) = all.iter().find(|decision| decision.id == id) else { return false };
    match (decision.manner, decision.amends) {
        (Manner::Reading, _) => decision.verdict.settled().is_some(),
        (Manner::Amendment, Some(old)) => {
            let amended = all.iter().find(|amended| amended.id == old);
            amended.is_some_and(|amended| {
                amended.reader == decision.reader && is_of_readings(all, old)
            })
        }
        (Manner::Amendment | Manner::Adjudication, _) => false,
    }
}

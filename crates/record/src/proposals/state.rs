//! Where a proposal stands, and the one function by which it gets elsewhere.

use std::fmt;

use crate::{RecordError, Result, names::named};

/// Where a proposal stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody has said anything.
    Proposed,
    /// Somebody looked and put it off.
    Deferred,
    /// One of two readers has decided.
    ReadOnce,
    /// Two readers decided differently; a third has to.
    Disputed,
    /// Confirmed as it is.
    Accepted,
    /// Confirmed with changes.
    Corrected,
    /// Not so.
    Refused,
    /// Part of a signed case.
    Released,
}
named!(State, "state", {
    Proposed => "proposed",
    Deferred => "deferred",
    ReadOnce => "read-once",
    Disputed => "disputed",
    Accepted => "accepted",
    Corrected => "corrected",
    Refused => "refused",
    Released => "released",
});

/// How a question is settled.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Settled {
    /// It is so.
    Accept,
    /// It is so, with changes.
    Correct,
    /// It is not so.
    Refuse,
}

impl Settled {
    fn state(self) -> State {
        match self {
            Self::Accept => State::Accepted,
            Self::Correct => State::Corrected,
            Self::Refuse => State::Refused,
        }
    }
}

/// What happens to a proposal.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// A reader puts it off.
    Defer,
    /// The first of two readers decides.
    ReadFirst,
    /// The second of two readers decides differently.
    Dispute,
    /// The only reader decides, or the second as the first.
    Settle(Settled),
    /// A third decides what two readers see differently.
    Adjudicate(Settled),
    /// A new decision takes the place of an old one.
    Amend(Settled),
    /// One of two readers who agreed no longer does.
    PartWays,
    /// It becomes part of a signed case.
    Release,
}

impl fmt::Display for Deed {
    /// As it reads after "cannot be".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Defer => "deferred",
            Self::ReadFirst => "read for the first time",
            Self::Dispute => "disputed",
            Self::Settle(_) => "decided",
            Self::Adjudicate(_) => "adjudicated",
            Self::Amend(_) => "amended",
            Self::PartWays => "disputed again",
            Self::Release => "released",
        })
    }
}

impl State {
    /// The state after a deed. Every pair that is not here is an error: there is no other way from
    /// one state to another.
    ///
    /// # Errors
    /// [`RecordError::Transition`].
    pub fn after(self, deed: Deed) -> Result<Self> {
        match (self, deed) {
            (Self::Proposed | Self::Deferred, Deed::Defer) => Ok(Self::Deferred),
            // The first reading stands while the second is put off.
            (Self::ReadOnce, Deed::Defer) => Ok(Self::ReadOnce),
            (Self::Proposed | Self::Deferred, Deed::ReadFirst) => Ok(Self::ReadOnce),
            (Self::ReadOnce, Deed::Dispute) => Ok(Self::Disputed),
            (Self::Proposed | Self::Deferred | Self::ReadOnce, Deed::Settle(settled))
            | (Self::Disputed, Deed::Adjudicate(settled))
            | (
                Self::Accepted | Self::Corrected | Self::Refused | Self::Released,
                Deed::Amend(settled),
            ) => Ok(settled.state()),
            (Self::Accepted | Self::Corrected | Self::Refused | Self::Released, Deed::PartWays) => {
                Ok(Self::Disputed)
            }
            // Released again with the next version of its case.
            (Self::Accepted | Self::Corrected | Self::Released, Deed::Release) => {
                Ok(Self::Released)
            }
            (state, deed) => Err(RecordError::Transition { state, deed }),
        }
    }

    /// Whether a person has confirmed it and nothing stands against it.
    #[must_use]
    pub fn is_confirmed(self) -> bool {
        matches!(self, Self::Accepted | Self::Corrected | Self::Released)
    }

    /// Whether somebody still has to decide.
    #[must_use]
    pub fn is_undecided(self) -> bool {
        matches!(self, Self::Proposed | Self::Deferred | Self::ReadOnce | Self::Disputed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deeds across, states down: the state that follows, or a dash.
    #[test]
    fn every_pair_of_state_and_deed_is_as_it_stands_here() {
        let settled = Settled::Correct;
        let deeds = [
            Deed::Defer,
            Deed::ReadFirst,
            Deed::Dispute,
            Deed::Settle(settled),
            Deed::Adjudicate(settled),
            Deed::Amend(settled),
            Deed::PartWays,
            Deed::Release,
        ];
        for (state, row) in [
            (State::Proposed, "deferred read-once - corrected - - - -"),
            (State::Deferred, "deferred read-once - corrected - - - -"),
            (State::ReadOnce, "read-once - disputed corrected - - - -"),
            (State::Disputed, "- - - - corrected - - -"),
            (State::Accepted, "- - - - - corrected disputed released"),
            (State::Corrected, "- - - - - corrected disputed released"),
            (State::Refused, "- - - - - corrected disputed -"),
            (State::Released, "- - - - - corrected disputed released"),
        ] {
            for (deed, expected) in deeds.into_iter().zip(row.split(' ')) {
                let found = state.after(deed).map_or("-", State::name);
                assert_eq!(found, expected, "{state}, {deed:?}");
            }
        }
    }

    #[test]
    fn nothing_that_is_refused_or_undecided_can_be_released() {
        for state in State::ALL {
            assert_eq!(state.after(Deed::Release).is_ok(), state.is_confirmed(), "{state}");
            assert!(!(state.is_confirmed() && state.is_undecided()), "{state}");
        }
    }
}

//! Roles, actions, and the table of which may do which.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::RecordError;

/// In which capacity somebody acts. A person may have several, and acts in one at a time.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Decides, adjudicates and signs.
    Pathologist,
    /// Reads a second time, without seeing the first reading.
    SecondReader,
    /// Registers material and decides about its quality.
    Technician,
    /// Asked for the case; sees what is signed of it.
    Clinician,
    /// Sees what patients have agreed to for research.
    Researcher,
    /// Manages accounts and reads the audit; sees no patient's data.
    Administrator,
    /// A program: registers and proposes, decides nothing.
    Program,
}

/// What the permission table speaks of.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Read a case with all that is proposed and decided.
    ReadCase,
    /// Read the lists over all cases: worklist, queue, discrepancies, agreement of readers.
    ReadWorklist,
    /// Read what is signed of a case.
    ReadReleased,
    /// Register patients, cases, specimens, blocks and slides.
    Register,
    /// Set urgency, reader and way of reading.
    Assign,
    /// Put a proposal.
    Propose,
    /// Decide about what bears on a diagnosis.
    DecideDiagnosis,
    /// Decide about the quality of a slide.
    DecideQuality,
    /// Decide about what a patient is told.
    DecideAdvice,
    /// Settle what two readers see differently.
    Adjudicate,
    /// Sign a case, open it again, close a discrepancy.
    SignOut,
    /// Let signed content leave.
    ExportReleased,
    /// Let unconfirmed content leave, marked as such.
    ExportUnconfirmed,
    /// Write down what a patient agrees to.
    RecordConsent,
    /// Make accounts, give roles, issue links and tokens.
    ManageAccounts,
    /// Have the head refitted to decisions.
    Improve,
    /// See refitted heads, put one into use, go back.
    ActivateHead,
    /// Read and export the audit.
    ReadAudit,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Pathologist,
        Self::SecondReader,
        Self::Technician,
        Self::Clinician,
        Self::Researcher,
        Self::Administrator,
        Self::Program,
    ];

    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pathologist => "pathologist",
            Self::SecondReader => "second-reader",
            Self::Technician => "technician",
            Self::Clinician => "clinician",
            Self::Researcher => "researcher",
            Self::Administrator => "administrator",
            Self::Program => "program",
        }
    }

    /// The permission table. Some actions have further conditions, which are checked where the
    /// rows are read: a clinician's own cases, a patient's consent to research, cases that are read
    /// twice.
    #[must_use]
    pub fn may(self, action: Action) -> bool {
        use Role::{
            Administrator, Clinician, Pathologist, Program, Researcher, SecondReader, Technician,
        };
        let who: &[Self] = match action {
            Action::ReadCase => &[Pathologist, SecondReader, Technician, Researcher, Program],
            Action::ReadReleased => {
                &[Pathologist, SecondReader, Technician, Clinician, Researcher, Program]
            }
            Action::ReadWorklist => &[Pathologist, SecondReader, Technician, Program],
            Action::Register => &[Pathologist, Technician, Program],
            Action::Assign => &[Pathologist, Technician],
            Action::Propose => &[Pathologist, SecondReader, Technician, Program],
            Action::DecideDiagnosis => &[Pathologist, SecondReader],
            Action::DecideQuality => &[Pathologist, Technician],
            Action::DecideAdvice => &[Pathologist, Clinician],
            Action::Adjudicate | Action::SignOut | Action::Improve => &[Pathologist],
            Action::ExportReleased => &[Pathologist, Clinician, Researcher],
            Action::ExportUnconfirmed => &[Pathologist, Researcher],
            Action::RecordConsent => &[Pathologist, Technician, Clinician],
            Action::ActivateHead => &[Pathologist, Administrator],
            Action::ManageAccounts | Action::ReadAudit => &[Administrator],
        };
        who.contains(&self)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|role| role.name() == text);
        known.ok_or_else(|| RecordError::invalid("role", format!("there is no role '{text}'")))
    }
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 18] = [
        Self::ReadCase,
        Self::ReadWorklist,
        Self::ReadReleased,
        Self::Register,
        Self::Assign,
        Self::Propose,
        Self::DecideDiagnosis,
        Self::DecideQuality,
        Self::DecideAdvice,
        Self::Adjudicate,
        Self::SignOut,
        Self::ExportReleased,
        Self::ExportUnconfirmed,
        Self::RecordConsent,
        Self::ManageAccounts,
        Self::Improve,
        Self::ActivateHead,
        Self::ReadAudit,
    ];
}

impl fmt::Display for Action {
    /// As it reads after "may not".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadCase => "read a case",
            Self::ReadWorklist => "read the worklist",
            Self::ReadReleased => "read what is signed",
            Self::Register => "register material",
            Self::Assign => "assign a case",
            Self::Propose => "put a proposal",
            Self::DecideDiagnosis => "decide about a diagnosis",
            Self::DecideQuality => "decide about quality",
            Self::DecideAdvice => "decide about advice",
            Self::Adjudicate => "adjudicate",
            Self::SignOut => "sign a case",
            Self::ExportReleased => "export signed content",
            Self::ExportUnconfirmed => "export unconfirmed content",
            Self::RecordConsent => "record consent",
            Self::ManageAccounts => "manage accounts",
            Self::Improve => "have the head refitted",
            Self::ActivateHead => "put a head into use",
            Self::ReadAudit => "read the audit",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written down a second time on purpose: a changed permission must be changed in two places.
    /// Columns as in [`Role::ALL`].
    const TABLE: [(Action, &str); 18] = [
        (Action::ReadCase, "xxx.x.x"),
        (Action::ReadWorklist, "xxx...x"),
        (Action::ReadReleased, "xxxxx.x"),
        (Action::Register, "x.x...x"),
        (Action::Assign, "x.x...."),
        (Action::Propose, "xxx...x"),
        (Action::DecideDiagnosis, "xx....."),
        (Action::DecideQuality, "x.x...."),
        (Action::DecideAdvice, "x..x..."),
        (Action::Adjudicate, "x......"),
        (Action::SignOut, "x......"),
        (Action::ExportReleased, "x..xx.."),
        (Action::ExportUnconfirmed, "x...x.."),
        (Action::RecordConsent, "x.xx..."),
        (Action::ManageAccounts, ".....x."),
        (Action::Improve, "x......"),
        (Action::ActivateHead, "x....x."),
        (Action::ReadAudit, ".....x."),
    ];

    #[test]
    fn the_permissions_are_those_of_the_table() {
        assert_eq!(TABLE.map(|(action, _)| action), Action::ALL);
        for (action, row) in TABLE {
            for (role, mark) in Role::ALL.into_iter().zip(row.chars()) {
                assert_eq!(role.may(action), mark == 'x', "{role}: {action}");
            }
        }
    }

    #[test]
    fn names_come_back() {
        for role in Role::ALL {
            assert_eq!(role.name().parse::<Role>().unwrap(), role);
        }
        assert!("root".parse::<Role>().is_err());
    }
}

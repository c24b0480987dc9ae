//! What can go wrong, by who must act.

use std::path::PathBuf;

use crate::{
    identity::Moment,
    people::{Action, Role},
    proposals::{Deed, State},
};

/// Why the record did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The person may not do this: someone with the right role must. The attempt is in the audit.
    #[error("a {role} may not {action}: {why}")]
    Forbidden {
        /// The role in which it was tried.
        role: Role,
        /// What was tried.
        action: Action,
        /// Which rule stands against it.
        why: String,
    },
    /// Name, password, token or link do not open anything. Deliberately no more than that.
    #[error("the login is refused: name, password, token or link is wrong, used or too old")]
    LoginRefused,
    /// Too many failures: the person must wait, or an administrator must reset the password.
    #[error("the account is locked after failed logins until {until}")]
    Locked {
        /// When it opens again.
        until: Moment,
    },
    /// A value is not of its form: the caller must mend it.
    #[error("{what}: {why}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing has this id, or not for this person: the caller must look again.
    #[error("there is no {what} '{id}'")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The proposal is in a state in which this cannot be done: look at it again.
    #[error("a proposal that is {state} cannot be {deed}")]
    Transition {
        /// Its state.
        state: State,
        /// What was tried.
        deed: Deed,
    },
    /// The deed contradicts what is already recorded: look again and decide anew.
    #[error("{0}")]
    Conflict(String),
    /// The patient's consent does not cover the purpose: ask the patient, not the program.
    #[error("the patient's consent does not cover {purpose}")]
    NoConsent {
        /// What the material was wanted for.
        purpose: &'static str,
    },
    /// Another program holds the database: try again.
    #[error("the database is busy: try again ({0})")]
    Busy(String),
    /// The disk is full: whoever runs the machine must make room. Nothing was half done.
    #[error("there is no room left for the database: make room and try again ({0})")]
    Full(String),
    /// The database cannot be reached or used: whoever runs the machine must act.
    #[error("the database cannot be {doing}: {what}")]
    Database {
        /// `opened`, `read`, `written`.
        doing: &'static str,
        /// What it said.
        what: String,
    },
    /// The object store cannot be reached or used: whoever runs the machine must act.
    #[error("the object store cannot be {doing}: {what}")]
    Objects {
        /// `opened`, `read`, `written`.
        doing: &'static str,
        /// What it said.
        what: String,
    },
    /// A newer program has written this database: install that version or a later one.
    #[error(
        "the database has version {found} and this program knows versions up to {known}: use a \
         program that is at least as new as the one that last opened it"
    )]
    Newer {
        /// The database's version.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The database was made by other statements than this program's: restore a backup.
    #[error("migration {version} of the database is not the one that this program knows: {what}")]
    ForeignMigration {
        /// Which one.
        version: u32,
        /// How they differ.
        what: String,
    },
    /// What is stored does not parse or does not match its digest: someone must look into it.
    #[error("the stored {what} '{id}' is damaged: {why}")]
    Damaged {
        /// What it is.
        what: &'static str,
        /// Its id.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file cannot be read or written: whoever runs the machine must act.
    #[error("cannot {doing} {path}: {source}")]
    File {
        /// `read` or `write`.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl RecordError {
    pub(crate) fn invalid(what: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { what, why: why.into() }
    }

    pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    pub(crate) fn damaged(
        what: &'static str,
        id: impl ToString,
        why: impl std::fmt::Display,
    ) -> Self {
        Self::Damaged { what, id: id.to_string(), why: why.to_string() }
    }
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, RecordError>;

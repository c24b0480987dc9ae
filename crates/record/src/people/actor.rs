//! Somebody who acts.

use super::{Action, Role};
use crate::{Record, RecordError, Result, identity::UserId, store::Unit};

/// An account in one of its roles. It is handed out by a login, a session, a token or
/// [`Record::actor`], and looked up again in the transaction of every deed: who loses a role loses
/// it at once.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    user: UserId,
    role: Role,
}

impl Actor {
    pub(crate) fn new(user: UserId, role: Role) -> Self {
        Self { user, role }
    }

    /// Whoever sits at the command line of the machine, as the administrator of the record.
    #[must_use]
    pub fn console() -> Self {
        Self::new(UserId::CONSOLE, Role::Administrator)
    }

    /// The program itself, at the machine's own command line.
    #[must_use]
    pub fn console_program() -> Self {
        Self::new(UserId::CONSOLE, Role::Program)
    }

    /// The account.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn forbidden(&self, action: Action, why: impl Into<String>) -> RecordError {
        RecordError::Forbidden { role: self.role, action, why: why.into() }
    }
}

impl Record {
    /// An account in one of its roles, for whoever has made sure by other means who it is.
    ///
    /// # Errors
    /// When the account is not there, is closed, or has not the role.
    pub fn actor(&self, user: UserId, role: Role) -> Result<Actor> {
        let actor = Actor::new(user, role);
        self.reading(|unit| {
            if unit.holds_role(&actor)? {
                return Ok(actor);
            }
            Err(RecordError::not_found("open account with this role", user))
        })
    }
}

impl Unit<'_> {
    /// Refuses unless the table allows it and the account is open and still has the role.
    pub(crate) fn require(&mut self, actor: &Actor, action: Action) -> Result<()> {
        if !actor.role.may(action) {
            return Err(actor.forbidden(action, "the permission table does not allow it"));
        }
        if !self.holds_role(actor)? {
            return Err(actor.forbidden(action, "the account is closed or has not this role"));
        }
        Ok(())
    }

    pub(super) fn holds_role(&mut self, actor: &Actor) -> Result<bool> {
        let sql = "SELECT a.active FROM account a JOIN account_role r ON r.account = a.id \
                   WHERE a.id = ?1 AND r.role = ?2";
        let row = self.one(sql, &[actor.user.into(), actor.role.name().into()])?;
        row.map_or(Ok(false), |row| Ok(row.integer(0)? == 1))
    }
}

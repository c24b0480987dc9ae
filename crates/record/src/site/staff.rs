//! The login names of staff, for lists and for whoever asks who decided.

use serde::Serialize;

use crate::{
    Record, RecordError, Result,
    identity::UserId,
    people::{Action, Actor, Role},
};

/// A member of staff, or a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StaffMember {
    /// The account.
    pub id: UserId,
    /// The name under which it logs in.
    pub login: String,
    /// Its roles.
    pub roles: Vec<Role>,
}

impl Record {
    /// Open accounts by login name, without anything that opens them.
    ///
    /// # Errors
    /// When the actor may not read the worklist.
    pub fn staff(&self, actor: &Actor) -> Result<Vec<StaffMember>> {
        self.reading(|unit| {
            unit.require(actor, Action::ReadWorklist)?;
            let sql = "SELECT a.id, a.login, r.role FROM account a \
                       JOIN account_role r ON r.account = a.id \
                       WHERE a.active = 1 ORDER BY a.login, r.role";
            let mut staff: Vec<StaffMember> = Vec::new();
            for row in unit.query(sql, &[])? {
                let (id, role): (UserId, Role) = (row.parsed(0)?, row.parsed(2)?);
                match staff.last_mut().filter(|last| last.id == id) {
                    Some(last) => last.roles.push(role),
                    None => {
                        let login = row.text(1)?.to_owned();
                        staff.push(StaffMember { id, login, roles: vec![role] });
                    }
                }
            }
            Ok(staff)
        })
    }

    /// The login name and roles of whoever acts.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn who_is(&self, actor: &Actor) -> Result<StaffMember> {
        self.reading(|unit| {
            let account = unit.account(actor.user())?;
            let login = account.login.to_string();
            Ok(StaffMember { id: account.id, login, roles: account.roles })
        })
    }

    /// The open account of a login name and its roles; for whoever has made sure by other means who
    /// it is.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] when there is none.
    pub fn account_named(&self, login: &str) -> Result<StaffMember> {
        self.reading(|unit| {
            let sql = "SELECT id FROM account WHERE login = ?1 AND active = 1";
            let row = unit.one(sql, &[login.into()])?;
            let row =
                row.ok_or_else(|| RecordError::not_found("open account", "with this name"))?;
            let account = unit.account(row.parsed(0)?)?;
            let login = account.login.to_string();
            Ok(StaffMember { id: account.id, login, roles: account.roles })
        })
    }
}

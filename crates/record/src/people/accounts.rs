//! Accounts: made, given roles, closed; never deleted, since the audit names them.

use bianque_core::Digest;

use super::{Action, Actor, Password, Role};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    database::Row,
    identity::{LoginName, Moment, UserId},
    store::{Audited, Unit},
};
use serde::Serialize;
use serde_json::json;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// The name under which it logs in.
    pub login: LoginName,
    /// Whether it may still be used.
    pub active: bool,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Until when it is locked after failed logins, if it is.
    pub locked_until: Option<Moment>,
}

/// An account to be made.
#[derive(Debug)]
pub struct NewAccount {
    /// The name under which it logs in; no two accounts have the same.
    pub login: LoginName,
    /// Its password. Without one it opens by a link, a token or another system's login.
    pub password: Option<Password>,
    /// Its roles.
    pub roles: Vec<Role>,
}

const OF_THE_PROGRAM: &str =
    "this account is the program's own: it has no password, and its roles stay as they are";

impl Record {
    /// Makes an account.
    ///
    /// # Errors
    /// When the actor may not, or the login name is taken.
    pub fn add_account(&self, actor: &Actor, account: &NewAccount) -> Result<UserId> {
        // Hashing takes a while: not while the database is held.
        let hash = account.password.as_ref().map(|p| p.hash(self.settings().password_cost));
        let hash = hash.transpose()?;
        self.deed(actor, Action::ManageAccounts, Event::AccountAdded, |unit| {
            let id = unit.insert_account(&account.login, hash.as_deref(), &account.roles)?;
            let password = hash.as_deref().map(|hash| Digest::of(hash.as_bytes()));
            let detail = json!({ "roles": account.roles, "password": password });
            Ok(Audited::new(id, Object::new("account", id), detail))
        })
    }

    /// Gives an account exactly these roles. Its sessions in other roles end.
    ///
    /// # Errors
    /// When the actor may not, there is no such account, or it is the program's own.
    pub fn set_roles(&self, actor: &Actor, user: UserId, roles: &[Role]) -> Result<()> {
        self.deed(actor, Action::ManageAccounts, Event::RolesSet, |unit| {
            unit.persons_account(user)?;
            unit.execute("DELETE FROM account_role WHERE account = ?1", &[user.into()])?;
            unit.insert_roles(user, roles)?;
            Ok(Audited::new((), Object::new("account", user), json!({ "roles": roles })))
        })
    }

    /// Closes an account, ends its sessions and tokens and forgets who opens it by single sign-on;
    /// or opens it again.
    ///
    /// # Errors
    /// When the actor may not, there is no such account, or it is the program's own.
    pub fn set_active(&self, actor: &Actor, user: UserId, active: bool) -> Result<()> {
        self.deed(actor, Action::ManageAccounts, Event::AccountActivity, |unit| {
            unit.persons_account(user)?;
            unit.execute(
                "UPDATE account SET active = ?2, failures = 0, locked_until = NULL WHERE id = ?1",
                &[user.into(), active.into()],
            )?;
            unit.forget_sources(user)?;
            if !active {
                unit.end_access(user)?;
                unit.forget_person(user)?;
            }
            Ok(Audited::new((), Object::new("account", user), json!({ "active": active })))
        })
    }

    /// Login names of all accounts but the console's, for the program's own checks at its start.
    ///
    /// # Errors
    /// When the database fails.
    pub fn login_names(&self) -> Result<Vec<LoginName>> {
        self.reading(|unit| {
            let sql = "SELECT login FROM account WHERE id <> ?1 ORDER BY login";
            let rows = unit.query(sql, &[UserId::CONSOLE.into()])?;
            rows.iter().map(|row| row.parsed(0)).collect()
        })
    }

    /// All accounts but the console's, by login name.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn accounts(&self, actor: &Actor) -> Result<Vec<Account>> {
        self.deed(actor, Action::ManageAccounts, Event::AccountsRead, |unit| {
            let sql = "SELECT id, login, active, locked_until FROM account WHERE id <> ?1 \
                       ORDER BY login";
            let rows = unit.query(sql, &[UserId::CONSOLE.into()])?;
            let accounts: Result<Vec<_>> = rows.iter().map(|row| unit.account_of(row)).collect();
            Ok(Audited::new(accounts?, Object::new("accounts", "all"), json!({})))
        })
    }
}

impl Unit<'_> {
    pub(super) fn insert_account(
        &mut self,
        login: &LoginName,
        password: Option<&str>,
        roles: &[Role],
    ) -> Result<UserId> {
        let taken = self.one("SELECT id FROM account WHERE login = ?1", &[login.into()])?;
        if taken.is_some() {
            return Err(RecordError::Conflict(format!("the login name '{login}' is taken")));
        }
        let id = UserId::fresh(self.now())?;
        self.execute(
            "INSERT INTO account (id, login, password, active, failures, created) \
             VALUES (?1, ?2, ?3, 1, 0, ?4)",
            &[id.into(), login.into(), password.into(), self.now().into()],
        )?;
        self.insert_roles(id, roles)?;
        Ok(id)
    }

    fn insert_roles(&mut self, user: UserId, roles: &[Role]) -> Result<()> {
        let roles: std::collections::BTreeSet<Role> = roles.iter().copied().collect();
        for role in roles {
            self.execute(
                "INSERT INTO account_role (account, role) VALUES (?1, ?2)",
                &[user.into(), role.name().into()],
            )?;
        }
        Ok(())
    }

    pub(crate) fn account(&mut self, user: UserId) -> Result<Account> {
        let sql = "SELECT id, login, active, locked_until FROM account WHERE id = ?1";
        let row = self.one(sql, &[user.into()])?;
        self.account_of(&row.ok_or_else(|| RecordError::not_found("account", user))?)
    }

    /// As [`Unit::account`], and refuses the console's: nobody logs in as the program, and without
    /// it no slide would be taken up.
    pub(super) fn persons_account(&mut self, user: UserId) -> Result<Account> {
        if user == UserId::CONSOLE {
            return Err(RecordError::Conflict(OF_THE_PROGRAM.to_owned()));
        }
        self.account(user)
    }

    fn account_of(&mut self, row: &Row) -> Result<Account> {
        let id: UserId = row.parsed(0)?;
        let sql = "SELECT role FROM account_role WHERE account = ?1 ORDER BY role";
        let roles: Result<Vec<Role>> =
            self.query(sql, &[id.into()])?.iter().map(|row| row.parsed(0)).collect();
        Ok(Account {
            id,
            login: row.parsed(1)?,
            active: row.integer(2)? == 1,
            roles: roles?,
            locked_until: row.optional_integer(3)?.map(Moment::from_microseconds),
        })
    }

    /// Ends every session, link and token of an account.
    pub(super) fn end_access(&mut self, user: UserId) -> Result<()> {
        let now = self.now();
        for sql in [
            "UPDATE session SET ended = ?2 WHERE account = ?1 AND ended IS NULL",
            "UPDATE one_time_link SET used = ?2 WHERE account = ?1 AND used IS NULL",
            "UPDATE service_token SET revoked = ?2 WHERE account = ?1 AND revoked IS NULL",
        ] {
            self.execute(sql, &[user.into(), now.into()])?;
        }
        Ok(())
    }
}

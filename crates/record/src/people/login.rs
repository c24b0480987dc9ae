//! Logging in by name and password; locking after failures.

use std::time::Duration;

use serde_json::json;

use super::{Actor, OpenedSession, Password, Role, password};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    identity::{Moment, UserId},
    store::{Audited, Unit},
};

/// How logins are guarded.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LoginPolicy {
    /// After so many failures in a row from one place an account is locked for that place.
    pub failures: u32,
    /// After so many failures from places that are not known it is locked for all such places.
    pub failures_elsewhere: u32,
    /// For how long.
    pub lock: Duration,
    /// A session that is not used ends after this time.
    pub idle: Duration,
    /// Every session ends after this time.
    pub longest: Duration,
}

impl Default for LoginPolicy {
    /// Five failures, twenty from places that are not known, a quarter of an hour; an hour idle, twelve hours in all.
    fn default() -> Self {
        Self {
            failures: 5,
            failures_elsewhere: 20,
            lock: Duration::from_secs(900),
            idle: Duration::from_secs(3600),
            longest: Duration::from_secs(12 * 3600),
        }
    }
}

/// What the database knows of the account that somebody tries to open.
struct Door {
    user: UserId,
    hash: Option<String>,
    open: bool,
    failures: i64,
    locked_until: Option<Moment>,
}

impl Record {
    /// Opens a session in a role by name and password. Success and failure are in the audit; the
    /// name that was typed is not, since it may be a password in the wrong field.
    ///
    /// # Errors
    /// [`RecordError::LoginRefused`], whatever was wrong; [`RecordError::Locked`] after too many
    /// failures, even for the right password.
    pub fn log_in(&self, login: &str, password: &str, role: Role) -> Result<OpenedSession> {
        self.log_in_from("here", login, password, Some(role))
    }

    /// As [`Record::log_in`], from a place that is named by any mark of it; without a role, in the
    /// first of the account's roles in the order of [`Role::ALL`].
    ///
    /// # Errors
    /// As [`Record::log_in`].
    pub fn log_in_from(
        &self,
        source: &str,
        login: &str,
        password: &str,
        role: Option<Role>,
    ) -> Result<OpenedSession> {
        let role = match role {
            Some(role) => role,
            None => self.usual_role_of(login)?,
        };
        let door = self.reading(|unit| unit.door(login))?;
        let hash = door.as_ref().and_then(|door| door.hash.as_deref());
        // A name that nobody has takes as long as one that somebody has.
        let right =
            password::matches(password, hash.unwrap_or(self.decoy_hash()?)) && hash.is_some();
        let Some(door) = door else {
            self.note_refusal(Event::Login, None, role, "unknown")?;
            return Err(RecordError::LoginRefused);
        };
        self.audited(Event::Login, |unit| {
            unit.judge_login(self, (login, source), &door, right, role)
        })?
    }

    fn usual_role_of(&self, login: &str) -> Result<Role> {
        let role = self.reading(|unit| {
            let sql = "SELECT r.role FROM account a JOIN account_role r ON r.account = a.id \
                       WHERE a.login = ?1";
            let rows = unit.query(sql, &[login.into()])?;
            let roles = rows.iter().map(|row| row.parsed(0)).collect::<Result<Vec<Role>>>()?;
            Ok(Role::ALL.into_iter().find(|role| roles.contains(role)))
        })?;
        Ok(role.unwrap_or(Role::Program))
    }

    fn decoy_hash(&self) -> Result<&str> {
        if let Some(hash) = self.decoy().get() {
            return Ok(hash);
        }
        let hash =
            Password::new("nobody has this password")?.hash(self.settings().password_cost)?;
        Ok(self.decoy().get_or_init(|| hash))
    }
}

type Judged = (Actor, Audited<Result<OpenedSession>>);

impl Unit<'_> {
    fn door(&mut self, login: &str) -> Result<Option<Door>> {
        let sql = "SELECT id, password, active, failures, locked_until FROM account \
                   WHERE login = ?1 AND id <> ?2";
        let Some(row) = self.one(sql, &[login.into(), UserId::CONSOLE.into()])? else {
            return Ok(None);
        };
        Ok(Some(Door {
            user: row.parsed(0)?,
            hash: row.optional_text(1)?.map(str::to_owned),
            open: row.integer(2)? == 1,
            failures: row.integer(3)?,
            locked_until: row.optional_integer(4)?.map(Moment::from_microseconds),
        }))
    }

    /// The password was checked outside the transaction: the row is read again inside.
    fn judge_login(
        &mut self,
        record: &Record,
        (login, source): (&str, &str),
        seen: &Door,
        right: bool,
        role: Role,
    ) -> Result<Judged> {
        let actor = Actor::new(seen.user, role);
        let object = Object::new("account", seen.user);
        let refused = |error, why| {
            Ok((actor, Audited::refused(Err(error), object.clone(), json!({ "why": why }))))
        };
        let door =
            self.door(login)?.filter(|door| door.user == seen.user && door.hash == seen.hash);
        let Some(door) = door else { return refused(RecordError::LoginRefused, "changed") };
        let place = self.login_source(door.user, source)?;
        let elsewhere = door.locked_until.filter(|_| !place.known);
        let until = place.locked_until.max(elsewhere).filter(|until| *until > self.now());
        if let Some(until) = until {
            return refused(RecordError::Locked { until }, "locked");
        }
        if !right {
            let policy = record.settings().login;
            self.count_failure(policy, door.user, source, door.failures)?;
            return refused(RecordError::LoginRefused, "password");
        }
        if !door.open || !self.holds_role(&actor)? {
            return refused(RecordError::LoginRefused, "closed, or not this role");
        }
        self.know_source(door.user, source)?;
        let session = self.open_session(record.settings().login, &actor)?;
        Ok((actor, Audited::new(Ok(session), object, json!({}))))
    }
}

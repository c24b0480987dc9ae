//! One-time links: the first administrator's, and those by which somebody sets a password.

use std::time::Duration;

use bianque_core::Digest;
use serde_json::json;

use super::{Action, Actor, Password, Role};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    identity::{LoginName, Moment, Token, TokenDigest, UserId},
    store::{Audited, Unit},
};

/// What a link is for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Makes the first administrator of a new record.
    FirstAdministrator,
    /// Sets the password of an account.
    Password(UserId),
}

/// A link that was just issued. Its token is not to be had again.
#[derive(Debug)]
pub struct Link {
    /// What whoever follows the link shows.
    pub token: Token,
    /// When it stops to work.
    pub expires: Moment,
}

const FIRST: &str = "first-administrator";
const PASSWORD: &str = "password";
const LASTS: Duration = Duration::from_secs(24 * 3600);

impl Record {
    /// Issues a link that works once within a day. Earlier ones for the same purpose stop to work.
    ///
    /// # Errors
    /// When the actor may not; when there is an administrator already and a first one is asked for;
    /// when there is no such account, or it is the program's own.
    pub fn issue_link(&self, actor: &Actor, purpose: LinkPurpose) -> Result<Link> {
        self.deed(actor, Action::ManageAccounts, Event::LinkIssued, |unit| {
            let (name, user) = match purpose {
                LinkPurpose::FirstAdministrator if unit.has_administrator()? => {
                    return Err(RecordError::Conflict("there is an administrator already".into()));
                }
                LinkPurpose::FirstAdministrator => (FIRST, None),
                LinkPurpose::Password(user) => (PASSWORD, Some(unit.persons_account(user)?.id)),
            };
            let (token, now) = (Token::fresh()?, unit.now());
            let expires = now.after(LASTS);
            unit.execute(
                "UPDATE one_time_link SET used = ?1 WHERE purpose = ?2 AND used IS NULL \
                 AND coalesce(account, '') = ?3",
                &[now.into(), name.into(), user.map_or(String::new(), |u| u.to_string()).into()],
            )?;
            unit.execute(
                "INSERT INTO one_time_link (token, account, purpose, expires) \
                 VALUES (?1, ?2, ?3, ?4)",
                &[token.digest().into(), user.into(), name.into(), expires.into()],
            )?;
            let object = Object::new("account", user.map_or("first".into(), |u| u.to_string()));
            Ok(Audited::new(Link { token, expires }, object, json!({ "purpose": name })))
        })
    }

    /// Makes the first administrator by a link.
    ///
    /// # Errors
    /// [`RecordError::LoginRefused`] when the link does not work; when the login name is taken.
    pub fn redeem_first_administrator(
        &self,
        shown: &str,
        login: &LoginName,
        password: &Password,
    ) -> Result<UserId> {
        let hash = password.hash(self.settings().password_cost)?;
        self.audited(Event::LinkUsed, |unit| {
            let console = Actor::console();
            if unit.use_link(shown, FIRST)?.is_none() || unit.has_administrator()? {
                return Ok((console, refused_link()));
            }
            let id = unit.insert_account(login, Some(&hash), &[Role::Administrator])?;
            let object = Object::new("account", id);
            let detail = json!({ "purpose": FIRST, "password": Digest::of(hash.as_bytes()) });
            Ok((Actor::new(id, Role::Administrator), Audited::new(Ok(id), object, detail)))
        })?
    }

    /// Sets a password by a link; sessions that were open end.
    ///
    /// # Errors
    /// [`RecordError::LoginRefused`] when the link does not work.
    pub fn redeem_password(&self, shown: &str, password: &Password) -> Result<UserId> {
        let hash = password.hash(self.settings().password_cost)?;
        self.audited(Event::LinkUsed, |unit| {
            let Some(Some(user)) = unit.use_link(shown, PASSWORD)? else {
                return Ok((Actor::console(), refused_link()));
            };
            unit.end_access(user)?;
            unit.forget_sources(user)?;
            unit.execute(
                "UPDATE account SET password = ?2, failures = 0, locked_until = NULL \
                 WHERE id = ?1",
                &[user.into(), hash.as_str().into()],
            )?;
            let role = unit.account(user)?.roles.first().copied().unwrap_or(Role::Program);
            let object = Object::new("account", user);
            let detail = json!({ "purpose": PASSWORD, "password": Digest::of(hash.as_bytes()) });
            Ok((Actor::new(user, role), Audited::new(Ok(user), object, detail)))
        })?
    }
}

fn refused_link() -> Audited<Result<UserId>> {
    let object = Object::new("account", "unknown");
    Audited::refused(Err(RecordError::LoginRefused), object, json!({ "why": "link" }))
}

impl Unit<'_> {
    /// Whether anybody but the console administers this record.
    fn has_administrator(&mut self) -> Result<bool> {
        let sql = "SELECT a.id FROM account a JOIN account_role r ON r.account = a.id \
                   WHERE r.role = 'administrator' AND a.active = 1 AND a.id <> ?1 LIMIT 1";
        Ok(self.one(sql, &[UserId::CONSOLE.into()])?.is_some())
    }

    /// Uses a link up: `None` when it does not work, else the account that it is for, if any.
    fn use_link(&mut self, shown: &str, purpose: &str) -> Result<Option<Option<UserId>>> {
        let (digest, now) = (TokenDigest::of(shown), self.now());
        let used = self.execute(
            "UPDATE one_time_link SET used = ?1 \
             WHERE token = ?2 AND purpose = ?3 AND used IS NULL AND expires > ?1",
            &[now.into(), digest.clone().into(), purpose.into()],
        )?;
        if used == 0 {
            return Ok(None);
        }
        let row =
            self.one("SELECT account FROM one_time_link WHERE token = ?1", &[digest.into()])?;
        let account = row.as_ref().map(|row| row.optional_text(0)).transpose()?.flatten();
        Ok(Some(account.map(str::parse).transpose()?))
    }
}

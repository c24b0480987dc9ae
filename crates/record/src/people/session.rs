//! Sessions of people: a random token that a browser shows, its digest here.

use serde_json::json;

use super::{Action, Actor, LoginPolicy, Role};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    identity::{Moment, Token, TokenDigest, UserId},
    store::{Audited, Unit},
};

/// A session that was just opened. Its token is not to be had again.
#[derive(Debug)]
pub struct OpenedSession {
    /// What the browser shows.
    pub token: Token,
    /// Who acts.
    pub actor: Actor,
    /// When it ends at the latest.
    pub expires: Moment,
}

/// A session that is open.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who acts.
    pub actor: Actor,
    /// When it ends at the latest.
    pub expires: Moment,
}

impl Record {
    /// The session of a token that somebody shows; it counts as used now.
    ///
    /// # Errors
    /// [`RecordError::LoginRefused`] when there is none, it has ended, or the account is closed or
    /// has lost the role.
    pub fn session(&self, shown: &str) -> Result<Session> {
        let digest = TokenDigest::of(shown);
        let (session, last_used) = self.reading(|unit| unit.live_session(self, &digest))?;
        // Not every picture of a page needs a write: a minute is near enough.
        let now = self.now();
        if now.microseconds() - last_used.microseconds() > 60_000_000 {
            self.writing(|unit| {
                let sql = "UPDATE session SET last_used = ?2 WHERE token = ?1";
                unit.execute(sql, &[digest.into(), now.into()]).map(drop)
            })?;
        }
        Ok(session)
    }

    /// Whether a session is still open, without counting this as a use of it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_session_open(&self, shown: &str) -> Result<bool> {
        let digest = TokenDigest::of(shown);
        match self.reading(|unit| unit.live_session(self, &digest)) {
            Ok(_) => Ok(true),
            Err(RecordError::LoginRefused) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`RecordError::LoginRefused`] when there is none.
    pub fn log_out(&self, shown: &str) -> Result<()> {
        let digest = TokenDigest::of(shown);
        let (session, _) = self.reading(|unit| unit.live_session(self, &digest))?;
        self.audited(Event::Logout, |unit| {
            let now = unit.now();
            let sql = "UPDATE session SET ended = ?2 WHERE token = ?1";
            unit.execute(sql, &[digest.into(), now.into()])?;
            let object = Object::new("account", session.actor.user());
            Ok((session.actor, Audited::new((), object, json!({}))))
        })
    }

    /// Goes on in another of the account's roles: the session ends and another begins, which lasts
    /// no longer than the first would have.
    ///
    /// # Errors
    /// [`RecordError::LoginRefused`] when there is no such session; [`RecordError::Forbidden`] when
    /// the account has not the role.
    pub fn change_role(&self, shown: &str, role: Role) -> Result<OpenedSession> {
        let digest = TokenDigest::of(shown);
        let (session, _) = self.reading(|unit| unit.live_session(self, &digest))?;
        let actor = Actor::new(session.actor.user(), role);
        self.audited(Event::RoleChanged, |unit| {
            let object = Object::new("account", actor.user());
            let detail = json!({ "from": session.actor.role(), "to": role });
            if !unit.holds_role(&actor)? {
                let why = RecordError::Forbidden {
                    role,
                    action: Action::ReadWorklist,
                    why: "the account has not this role".to_owned(),
                };
                return Ok((session.actor, Audited::refused(Err(why), object, detail)));
            }
            let now = unit.now();
            let ended = unit.execute(
                "UPDATE session SET ended = ?2 WHERE token = ?1 AND ended IS NULL",
                &[digest.clone().into(), now.into()],
            )?;
            if ended == 0 {
                let refused = Audited::refused(Err(RecordError::LoginRefused), object, detail);
                return Ok((session.actor, refused));
            }
            let mut opened = unit.open_session(self.settings().login, &actor)?;
            opened.expires = session.expires;
            unit.execute(
                "UPDATE session SET expires = ?2 WHERE token = ?1",
                &[opened.token.digest().into(), opened.expires.into()],
            )?;
            Ok((actor, Audited::new(Ok(opened), object, detail)))
        })?
    }

    /// Opens a session for an account of which nobody asks a password: the demo's people.
    ///
    /// # Errors
    /// [`RecordError::LoginRefused`] when the account is closed or has not the role.
    pub fn log_in_recognised(&self, user: UserId, role: Role) -> Result<OpenedSession> {
        let actor = Actor::new(user, role);
        self.audited(Event::Login, |unit| {
            let object = Object::new("account", user);
            if !unit.holds_role(&actor)? {
                let why = json!({ "why": "closed, or not this role" });
                return Ok((actor, Audited::refused(Err(RecordError::LoginRefused), object, why)));
            }
            let session = unit.open_session(self.settings().login, &actor)?;
            Ok((actor, Audited::new(Ok(session), object, json!({ "by": "no password asked" }))))
        })?
    }
}

impl Unit<'_> {
    pub(super) fn open_session(
        &mut self,
        policy: LoginPolicy,
        actor: &Actor,
    ) -> Result<OpenedSession> {
        let (token, now) = (Token::fresh()?, self.now());
        let expires = now.after(policy.longest);
        self.execute(
            "INSERT INTO session (token, account, role, created, last_used, expires) \
             VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
            &[
                token.digest().into(),
                actor.user().into(),
                actor.role().name().into(),
                now.into(),
                expires.into(),
            ],
        )?;
        Ok(OpenedSession { token, actor: *actor, expires })
    }

    fn live_session(&mut self, record: &Record, digest: &TokenDigest) -> Result<(Session, Moment)> {
        let sql = "SELECT account, role, last_used, expires FROM session \
                   WHERE token = ?1 AND ended IS NULL";
        let row = self.one(sql, &[digest.clone().into()])?.ok_or(RecordError::LoginRefused)?;
        let actor = Actor::new(row.parsed(0)?, row.parsed(1)?);
        let last_used = Moment::from_microseconds(row.integer(2)?);
        let expires = Moment::from_microseconds(row.integer(3)?);
        let idle_until = last_used.after(record.settings().login.idle);
        if self.now() >= expires.min(idle_until) || !self.holds_role(&actor)? {
            return Err(RecordError::LoginRefused);
        }
        Ok((Session { actor, expires }, last_used))
    }
}

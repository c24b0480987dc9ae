//! Standing tokens of programs: a scanner's folder watcher, a hospital system.

use bianque_core::Digest;
use serde::Serialize;
use serde_json::json;

use super::{Action, Actor, Role};
use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    identity::{Label, Moment, ServiceTokenId, Token, TokenDigest, UserId},
    store::Audited,
};

/// A token to be issued.
#[derive(Clone, Debug)]
pub struct NewServiceToken {
    /// The account that it acts as.
    pub user: UserId,
    /// The role in which it acts.
    pub role: Role,
    /// What it is for.
    pub label: Label,
    /// When it stops to work, if ever.
    pub expires: Option<Moment>,
}

/// A token as the list of tokens shows it: without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceToken {
    /// Its id.
    pub id: ServiceTokenId,
    /// The account that it acts as.
    pub user: UserId,
    /// The role in which it acts.
    pub role: Role,
    /// What it is for.
    pub label: Label,
    /// When it stops to work, if ever.
    pub expires: Option<Moment>,
    /// When it was revoked, if it was.
    pub revoked: Option<Moment>,
}

impl Record {
    /// Issues a token. Its secret is not to be had again.
    ///
    /// # Errors
    /// When the actor may not, the account has not the role, or it is the program's own.
    pub fn issue_service_token(
        &self,
        actor: &Actor,
        new: &NewServiceToken,
    ) -> Result<(ServiceTokenId, Token)> {
        self.deed(actor, Action::ManageAccounts, Event::ServiceTokenIssued, |unit| {
            unit.persons_account(new.user)?;
            if !unit.holds_role(&Actor::new(new.user, new.role))? {
                return Err(RecordError::not_found("open account with this role", new.user));
            }
            let (id, token) = (ServiceTokenId::fresh(unit.now())?, Token::fresh()?);
            unit.execute(
                "INSERT INTO service_token (id, token, account, role, label, created, expires) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                &[
                    id.into(),
                    token.digest().into(),
                    new.user.into(),
                    new.role.name().into(),
                    (&new.label).into(),
                    unit.now().into(),
                    new.expires.into(),
                ],
            )?;
            let detail = json!({
                "account": new.user, "role": new.role,
                "expires": new.expires.map(Moment::microseconds),
                "token": Digest::of(token.digest().as_str().as_bytes()),
            });
            Ok(Audited::new((id, token), Object::new("service-token", id), detail))
        })
    }

    /// Who acts by a token that a program shows.
    ///
    /// # Errors
    /// [`RecordError::LoginRefused`] when it does not work; see [`Record::note_refused_token`].
    pub fn service_actor(&self, shown: &str) -> Result<Actor> {
        let digest = TokenDigest::of(shown);
        let found = self.reading(|unit| {
            let sql = "SELECT account, role FROM service_token WHERE token = ?1 \
                       AND revoked IS NULL AND (expires IS NULL OR expires > ?2)";
            let Some(row) = unit.one(sql, &[digest.into(), unit.now().into()])? else {
                return Ok(None);
            };
            let actor = Actor::new(row.parsed(0)?, row.parsed(1)?);
            Ok(unit.holds_role(&actor)?.then_some(actor))
        })?;
        found.ok_or(RecordError::LoginRefused)
    }

    /// Notes that a token was refused. Whoever has no token can show one as often as he likes, so
    /// the caller decides how often that is worth a line.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_refused_token(&self) -> Result<()> {
        self.note_refusal(Event::Login, None, Role::Program, "service token")
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// When the actor may not, or there is no such token.
    pub fn revoke_service_token(&self, actor: &Actor, id: ServiceTokenId) -> Result<()> {
        self.deed(actor, Action::ManageAccounts, Event::ServiceTokenRevoked, |unit| {
            let now = unit.now();
            let sql = "UPDATE service_token SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL";
            if unit.execute(sql, &[id.into(), now.into()])? == 0 {
                return Err(RecordError::not_found("working service token", id));
            }
            Ok(Audited::new((), Object::new("service-token", id), json!({})))
        })
    }

    /// All tokens, the newest first, without their secrets.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn service_tokens(&self, actor: &Actor) -> Result<Vec<ServiceToken>> {
        self.deed(actor, Action::ManageAccounts, Event::AccountsRead, |unit| {
            let sql = "SELECT id, account, role, label, expires, revoked FROM service_token \
                       ORDER BY id DESC";
            let tokens: Result<Vec<_>> = unit
                .query(sql, &[])?
                .iter()
                .map(|row| {
                    Ok(ServiceToken {
                        id: row.parsed(0)?,
                        user: row.parsed(1)?,
                        role: row.parsed(2)?,
                        label: row.parsed(3)?,
                        expires: row.optional_integer(4)?.map(Moment::from_microseconds),
                        revoked: row.optional_integer(5)?.map(Moment::from_microseconds),
                    })
                })
                .collect();
            Ok(Audited::new(tokens?, Object::new("service-tokens", "all"), json!({})))
        })
    }
}

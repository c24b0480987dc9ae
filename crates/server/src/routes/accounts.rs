//! `/api/v1/users` and `/api/v1/service-tokens`: who may log in, and as what.

use std::time::Duration;

use axum::{
    Json,
    extract::{self, Path},
    http::StatusCode,
};
use bianque_record::{
    Role,
    identity::{Label, LoginName, Moment, ServiceTokenId, UserId},
    people::{Account, LinkPurpose, NewAccount, NewServiceToken, ServiceToken},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, parsed, text},
    session::DEMO_PREFIX,
};
use crate::{access::Caller, answer::Refusal};

/// An account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UserLine {
    id: String,
    login: String,
    active: bool,
    roles: Vec<String>,
    locked_until: Option<String>,
}

impl From<Account> for UserLine {
    fn from(account: Account) -> Self {
        Self {
            id: text(account.id),
            login: text(account.login),
            active: account.active,
            roles: account.roles.iter().map(text).collect(),
            locked_until: account.locked_until.map(text),
        }
    }
}

/// An account to be made.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct NewUser {
    login: String,
    roles: Vec<String>,
}

/// Roles to be given.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Roles {
    roles: Vec<String>,
}

/// Whether an account may be used.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Activity {
    active: bool,
}

/// An account that was made, with the link by which its holder sets a password.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UserLink {
    id: String,
    /// Works once, within a day.
    link: String,
}

/// A program's token to be issued.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct NewToken {
    user: String,
    role: String,
    label: String,
    /// For how many days it works; for good unless given.
    days: Option<u32>,
}

/// A token that was issued. It is not to be had again.
#[derive(Serialize, JsonSchema)]
pub(crate) struct IssuedToken {
    id: String,
    token: String,
}

/// A token in a list, without its secret.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TokenLine {
    id: String,
    user: String,
    role: String,
    label: String,
    expires: Option<String>,
    revoked: Option<String>,
}

impl From<ServiceToken> for TokenLine {
    fn from(token: ServiceToken) -> Self {
        Self {
            id: text(token.id),
            user: text(token.user),
            role: text(token.role),
            label: text(token.label),
            expires: token.expires.map(text),
            revoked: token.revoked.map(text),
        }
    }
}

fn roles(names: &[String]) -> Result<Vec<Role>, Refusal> {
    if names.len() > 16 {
        return Err(Refusal::Request("there are fewer roles than that".to_owned()));
    }
    names.iter().map(|name| parsed(name)).collect()
}

fn link_of(token: &str) -> String {
    format!("/#/password?token={token}")
}

/// Every account.
pub(crate) async fn users(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Json<Vec<UserLine>>, Refusal> {
    let accounts = state.record(move |record| record.accounts(&caller.actor)).await?;
    Ok(Json(accounts.into_iter().map(UserLine::from).collect()))
}

/// Makes an account and the link for its password.
pub(crate) async fn add_user(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(new): Body<NewUser>,
) -> Result<Json<UserLink>, Refusal> {
    let (login, roles): (LoginName, _) = (parsed(&new.login)?, roles(&new.roles)?);
    if login.as_str().starts_with(DEMO_PREFIX) {
        return Err(Refusal::Request(format!("names with {DEMO_PREFIX} are the demo's")));
    }
    let made = state
        .record(move |record| {
            let account = NewAccount { login, password: None, roles };
            let id = record.add_account(&caller.actor, &account)?;
            Ok((id, record.issue_link(&caller.actor, LinkPurpose::Password(id))?))
        })
        .await?;
    Ok(Json(UserLink { id: text(made.0), link: link_of(made.1.token.reveal()) }))
}

/// Gives an account exactly these roles.
pub(crate) async fn set_roles(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(user): Path<String>,
    Body(new): Body<Roles>,
) -> Result<StatusCode, Refusal> {
    let (user, roles): (UserId, _) = (parsed(&user)?, roles(&new.roles)?);
    state.record(move |record| record.set_roles(&caller.actor, user, &roles)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes an account or opens it again.
pub(crate) async fn set_active(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(user): Path<String>,
    Body(new): Body<Activity>,
) -> Result<StatusCode, Refusal> {
    let user: UserId = parsed(&user)?;
    state.record(move |record| record.set_active(&caller.actor, user, new.active)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new link for an account's password.
pub(crate) async fn password_link(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(user): Path<String>,
) -> Result<Json<UserLink>, Refusal> {
    let user: UserId = parsed(&user)?;
    let link = state
        .record(move |record| record.issue_link(&caller.actor, LinkPurpose::Password(user)))
        .await?;
    Ok(Json(UserLink { id: text(user), link: link_of(link.token.reveal()) }))
}

/// Every token of a program.
pub(crate) async fn tokens(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Json<Vec<TokenLine>>, Refusal> {
    let tokens = state.record(move |record| record.service_tokens(&caller.actor)).await?;
    Ok(Json(tokens.into_iter().map(TokenLine::from).collect()))
}

/// Issues a token.
pub(crate) async fn issue_token(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(new): Body<NewToken>,
) -> Result<Json<IssuedToken>, Refusal> {
    let (user, role): (UserId, Role) = (parsed(&new.user)?, parsed(&new.role)?);
    let label: Label = parsed(&new.label)?;
    let (id, token) = state
        .record(move |record| {
            let lasts = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
            let expires = new.days.map(|days| now().after(lasts(days)));
            let new = NewServiceToken { user, role, label, expires };
            record.issue_service_token(&caller.actor, &new)
        })
        .await?;
    Ok(Json(IssuedToken { id: text(id), token: token.reveal().to_owned() }))
}

pub(super) fn now() -> Moment {
    bianque_record::identity::system_clock()()
}

/// Revokes a token.
pub(crate) async fn revoke_token(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(token): Path<String>,
) -> Result<StatusCode, Refusal> {
    let token: ServiceTokenId = parsed(&token)?;
    state.record(move |record| record.revoke_service_token(&caller.actor, token)).await?;
    Ok(StatusCode::NO_CONTENT)
}

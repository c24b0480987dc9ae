//! `/api/v1/session`: logging in and out, and the links that set passwords.

use axum::{
    Json,
    extract::{self, Request},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bianque_record::{
    Action, Actor, Role,
    identity::LoginName,
    people::{OpenedSession, Password},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Body, parsed, text},
};
use crate::{
    access::{Address, Caller, Known, clearing_cookie, csrf_token, session_cookie},
    answer::Refusal,
};

/// What everything says of itself.
pub(crate) const NOTICE: &str =
    "For research use until a site validates it. A person decides; the program proposes.";

/// A session as a page sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SessionDocument {
    /// Whether everybody is a pathologist without a login.
    demo: bool,
    notice: &'static str,
    /// What the site's identity provider is called, if people log in by it.
    provider: Option<String>,
    /// To be shown in the header `X-CSRF-Token` on everything that changes something.
    csrf: String,
    me: Option<Me>,
}

/// Who is logged in.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Me {
    id: String,
    login: String,
    role: String,
    roles: Vec<String>,
    /// What the role may do.
    may: Vec<String>,
}

/// A login.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Login {
    login: String,
    #[serde(default)]
    password: String,
    /// The role to act in; the account's first unless named.
    role: Option<String>,
}

/// A link that sets a password.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct PasswordLink {
    token: String,
    password: String,
}

/// The link that makes the first administrator.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct FirstAdministrator {
    token: String,
    login: String,
    password: String,
}

fn kebab(value: impl Serialize) -> String {
    let text = serde_json::to_value(value).ok();
    text.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

async fn document(state: &State, caller: Option<&Caller>) -> Result<SessionDocument, Refusal> {
    let me = match caller {
        None => None,
        Some(caller) => {
            let actor = caller.actor;
            let member = state.record(move |record| record.who_is(&actor)).await?;
            let may = Action::ALL.into_iter().filter(|action| actor.role().may(*action));
            Some(Me {
                id: text(member.id),
                login: member.login,
                role: text(actor.role()),
                roles: member.roles.iter().map(text).collect(),
                may: may.map(kebab).collect(),
            })
        }
    };
    let csrf = csrf_token(state, caller);
    let provider = state.sign_on.as_ref().map(|sign_on| sign_on.called().to_owned());
    Ok(SessionDocument { demo: state.demo.is_some(), notice: NOTICE, provider, csrf, me })
}

/// Who is logged in, if anybody.
pub(crate) async fn show(
    extract::State(state): extract::State<State>,
    request: Request,
) -> Result<Response, Refusal> {
    let caller = request.extensions().get::<Caller>().cloned();
    let document = document(&state, caller.as_ref()).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(document)).into_response())
}

/// Logs in.
pub(crate) async fn open(
    extract::State(state): extract::State<State>,
    from: Address,
    Body(login): Body<Login>,
) -> Result<Response, Refusal> {
    state.may_try_login(from)?;
    if login.login.len() > 64 || login.password.len() > 256 {
        return Err(Refusal::LogIn);
    }
    let role = login.role.as_deref().map(parsed::<Role>).transpose()?;
    let demo = state.demo.is_some();
    let opened = state
        .record(move |record| match role {
            _ if demo && login.login.starts_with(DEMO_PREFIX) => {
                let member = record.account_named(&login.login)?;
                let role = role.or_else(|| member.roles.first().copied());
                record.log_in_recognised(member.id, role.unwrap_or(Role::Pathologist))
            }
            role => record.log_in_from(&from.mark(), &login.login, &login.password, role),
        })
        .await;
    // A name that is not there must look like a wrong password.
    let opened = opened.map_err(|error| match error {
        Refusal::NotFound(_) => Refusal::LogIn,
        other => other,
    })?;
    opened_session(&state, &opened).await
}

async fn opened_session(state: &State, opened: &OpenedSession) -> Result<Response, Refusal> {
    let token = opened.token.reveal();
    let caller = Caller { actor: opened.actor, known: Known::Session(token.to_owned()) };
    let document = document(state, Some(&caller)).await?;
    let cookie = session_cookie(token, state.secure);
    let cookie = cookie.ok_or(Refusal::Fault("the session's token is no cookie"))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::SET_COOKIE, cookie);
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok((headers, Json(document)).into_response())
}

/// Another of the account's roles.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct NewRole {
    role: String,
}

/// Goes on in another of the account's roles.
pub(crate) async fn change_role(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(new): Body<NewRole>,
) -> Result<Response, Refusal> {
    let role: Role = parsed(&new.role)?;
    let Known::Session(token) = caller.known else {
        return Err(Refusal::Conflict("only somebody who logged in has roles to choose".into()));
    };
    state.doors.close_session(&token);
    let opened = state.record(move |record| record.change_role(&token, role)).await?;
    opened_session(&state, &opened).await
}

/// Logs out.
pub(crate) async fn close(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Response, Refusal> {
    if let Known::Session(token) = caller.known {
        state.doors.close_session(&token);
        state.record(move |record| record.log_out(&token)).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, clearing_cookie())]).into_response())
}

/// Makes the first administrator by the link that the first start has printed.
pub(crate) async fn first_administrator(
    extract::State(state): extract::State<State>,
    from: Address,
    Body(link): Body<FirstAdministrator>,
) -> Result<StatusCode, Refusal> {
    state.may_try_login(from)?;
    let login: LoginName = parsed(&link.login)?;
    let password = Password::new(&link.password)?;
    state
        .record(move |record| record.redeem_first_administrator(&link.token, &login, &password))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a password by a link.
pub(crate) async fn set_password(
    extract::State(state): extract::State<State>,
    from: Address,
    Body(link): Body<PasswordLink>,
) -> Result<StatusCode, Refusal> {
    state.may_try_login(from)?;
    let password = Password::new(&link.password)?;
    state.record(move |record| record.redeem_password(&link.token, &password)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// With this begin the names of the demo's accounts, and of no others.
pub(crate) const DEMO_PREFIX: &str = "demo-";

/// Accounts that the demo has, by login name and role. None has a password.
pub(crate) const DEMO_ACCOUNTS: [(&str, Role); 6] = [
    ("demo-pathologist", Role::Pathologist),
    ("demo-adjudicator", Role::Pathologist),
    ("demo-second-reader", Role::SecondReader),
    ("demo-technician", Role::Technician),
    ("demo-clinician", Role::Clinician),
    ("demo-administrator", Role::Administrator),
];

/// Makes the demo's accounts where they are not there; gives the one that acts unasked.
pub(crate) fn demo_actor(record: &bianque_record::Record) -> bianque_record::Result<Actor> {
    let console = Actor::console();
    let mut first = None;
    for (login, role) in DEMO_ACCOUNTS {
        let user = match record.account_named(login) {
            Ok(member) => member.id,
            Err(_) => {
                let login = login.parse()?;
                let account =
                    bianque_record::people::NewAccount { login, password: None, roles: vec![role] };
                record.add_account(&console, &account)?
            }
        };
        first = first.or(Some(record.actor(user, role)?));
    }
    first.ok_or(bianque_record::RecordError::LoginRefused)
}

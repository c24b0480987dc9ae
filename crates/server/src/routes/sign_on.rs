//! `/api/v1/session/provider`: to the site's identity provider and back.

use axum::{
    extract::{self, Query},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bianque_record::{RecordError, Role};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{State, bodies::parsed};
use crate::{
    access::{Address, clearing_sign_on_cookie, session_cookie, shown_sign_on, sign_on_cookie},
    answer::Refusal,
    sign_on::{Returned, SignOnError},
};

/// As what somebody asks to act.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Beginning {
    /// The role to act in; the account's first unless named.
    role: Option<String>,
}

/// What the provider adds to the address.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Return {
    state: Option<String>,
    code: Option<String>,
    /// Why the provider refuses.
    error: Option<String>,
}

/// What the login page says when nothing came of it.
#[derive(Copy, Clone, Debug)]
enum Outcome {
    /// The provider cannot be reached or speaks wrongly.
    Provider,
    /// No account is open to this person.
    Unknown,
    /// It took too long, or somebody turned back.
    Again,
}

impl Outcome {
    fn address(self) -> &'static str {
        match self {
            Self::Provider => "/#/login?sign-on=provider",
            Self::Unknown => "/#/login?sign-on=unknown",
            Self::Again => "/#/login?sign-on=again",
        }
    }
}

/// Sends a browser to the provider.
pub(crate) async fn begin(
    extract::State(state): extract::State<State>,
    from: Address,
    Query(beginning): Query<Beginning>,
) -> Result<Response, Refusal> {
    let sign_on = state.sign_on.as_ref().ok_or(Refusal::NotFound("single sign-on here"))?;
    let role = beginning.role.as_deref().map(parsed::<Role>).transpose()?;
    state.may_try_login(from)?;
    match sign_on.begin(role.map(|role| role.to_string())).await {
        Ok(begun) => {
            let cookie = sign_on_cookie(&begun.state, state.secure);
            let cookie = cookie.ok_or(Refusal::Fault("the sign-on's state is no cookie"))?;
            leading_to(&begun.address, &[cookie])
        }
        Err(error) => {
            tracing::error!(%error, "single sign-on cannot begin");
            leading_to(Outcome::Provider.address(), &[])
        }
    }
}

/// Takes back whom the provider sends, and opens their session.
pub(crate) async fn finish(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
    Query(back): Query<Return>,
) -> Result<Response, Refusal> {
    let sign_on = state.sign_on.as_ref().ok_or(Refusal::NotFound("single sign-on here"))?;
    let clearing = clearing_sign_on_cookie();
    let Return { state: Some(shown), code: Some(code), error: None } = back else {
        return leading_to(Outcome::Again.address(), &[clearing]);
    };
    let returned = Returned { state: shown, code };
    let (person, role) = match sign_on.recognise(returned, shown_sign_on(&headers)).await {
        Ok(found) => found,
        Err(error) => {
            let outcome = match error {
                SignOnError::NotAsked | SignOnError::Refused(_) => Outcome::Again,
                SignOnError::Provider(_) | SignOnError::Token(_) => Outcome::Provider,
            };
            tracing::warn!(%error, "a single sign-on failed");
            return leading_to(outcome.address(), &[clearing]);
        }
    };
    let role = role.as_deref().map(parsed::<Role>).transpose()?;
    let record = state.clone();
    let opened =
        tokio::task::spawn_blocking(move || record.record.log_in_by_provider(&person, role)).await;
    match opened.map_err(|_| Refusal::Fault("the record's work failed"))? {
        Ok(opened) => {
            let cookie = session_cookie(opened.token.reveal(), state.secure);
            let cookie = cookie.ok_or(Refusal::Fault("the session's token is no cookie"))?;
            // The page that follows asks who is logged in, and its own requests carry the cookie.
            leading_to("/", &[cookie, clearing])
        }
        Err(RecordError::LoginRefused) => leading_to(Outcome::Unknown.address(), &[clearing]),
        Err(error) => Err(error.into()),
    }
}

fn leading_to(address: &str, cookies: &[HeaderValue]) -> Result<Response, Refusal> {
    let mut headers = HeaderMap::new();
    let address = HeaderValue::try_from(address);
    let address = address.map_err(|_| Refusal::Fault("an address is no header"))?;
    headers.insert(header::LOCATION, address);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie.clone());
    }
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

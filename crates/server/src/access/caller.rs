//! Who calls: by a session's cookie, a program's token, or, in the demo, anybody.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};
use bianque_core::Digest;
use bianque_record::Actor;

use super::cookie::shown_token;
use crate::{answer::Refusal, routes::State};

/// The header in which a page shows that it is ours.
const CSRF: &str = "x-csrf-token";

/// By what somebody is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// A browser's session, by its token.
    Session(String),
    /// A program's standing token.
    Program,
    /// Nobody logged in: the demo's pathologist.
    Demo,
}

/// Who calls. The gate puts it into the request; there is none on routes that are open to all.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) actor: Actor,
    pub(crate) known: Known,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or(Refusal::LogIn)
    }
}

impl Caller {
    /// Who calls, or nobody; a token that does not work is refused.
    pub(crate) async fn find(
        state: &State,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Refusal> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let token = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
            let token = token.filter(|token| token.len() <= 128).ok_or(Refusal::LogIn)?.to_owned();
            let found = state.record(move |record| record.service_actor(&token)).await;
            if matches!(found, Err(Refusal::LogIn)) && state.refused_tokens.take() {
                state.record(bianque_record::Record::note_refused_token).await?;
            }
            let actor = found?;
            return Ok(Some(Self { actor, known: Known::Program }));
        }
        if let Some(token) = shown_token(headers) {
            let kept = state.doors.session(token).filter(|_| method.is_safe());
            if let Some(actor) = kept {
                return Ok(Some(Self { actor, known: Known::Session(token.to_owned()) }));
            }
            let shown = token.to_owned();
            match state.record(move |record| record.session(&shown)).await {
                Ok(session) => {
                    state.doors.keep_session(token, session.actor);
                    let known = Known::Session(token.to_owned());
                    return Ok(Some(Self { actor: session.actor, known }));
                }
                Err(Refusal::LogIn) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(state.demo.map(|actor| Self { actor, known: Known::Demo }))
    }
}

/// The token that pages of a session must show on everything that changes something.
pub(crate) fn csrf_token(state: &State, caller: Option<&Caller>) -> String {
    let session = match caller.map(|caller| &caller.known) {
        Some(Known::Session(token)) => token.as_str(),
        Some(Known::Program | Known::Demo) | None => "nobody",
    };
    let digest = Digest::of(format!("csrf {} {session}", state.secret).as_bytes()).to_string();
    digest.rsplit(':').next().unwrap_or_default().get(..40).unwrap_or_default().to_owned()
}

/// Refuses what another site's page could have sent. Programs show a token that no browser adds by
/// itself.
pub(super) fn require_own_page(
    state: &State,
    method: &Method,
    headers: &HeaderMap,
    caller: Option<&Caller>,
) -> Result<(), Refusal> {
    if method.is_safe() || caller.is_some_and(|caller| caller.known == Known::Program) {
        return Ok(());
    }
    let shown = headers.get(CSRF).map(|value| value.as_bytes());
    if shown == Some(csrf_token(state, caller).as_bytes()) {
        return Ok(());
    }
    Err(Refusal::NotOwnPage)
}

//! What stands before every route.

use axum::{
    extract::{self, RawPathParams, Request},
    middleware::Next,
    response::Response,
};
use bianque_record::{Action, Actor, Role};

use super::{Address, Caller, caller::require_own_page};
use crate::{answer::Refusal, library::SlideKey, log::WhoCalls, routes::State};

/// To whom a route is open.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// To everybody.
    Everybody,
    /// To whoever is logged in.
    LoggedIn,
    /// To roles that may do this; the record looks again.
    May(Action),
    /// To who may open the slide that the address names.
    Slide,
    /// To this machine itself, and to programs.
    Metrics,
}

/// A route's gate.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) state: State,
    pub(crate) access: Access,
}

/// Lets a request through to its route, or refuses it.
pub(crate) async fn gate(
    extract::State(gate): extract::State<Gate>,
    parameters: RawPathParams,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let state = &gate.state;
    let found = Caller::find(state, request.method(), request.headers()).await;
    // A wrong token must not keep anybody from the login page.
    let caller = match found {
        Err(Refusal::LogIn) if gate.access == Access::Everybody => None,
        // Whoever tries tokens is a stranger, and as slow as one.
        Err(Refusal::LogIn) => {
            require_pace(state, gate.access, None, &request)?;
            return Err(Refusal::LogIn);
        }
        found => found?,
    };
    if let (Some(caller), Some(who)) = (&caller, request.extensions().get::<WhoCalls>()) {
        who.is(caller.actor);
    }
    require_pace(state, gate.access, caller.as_ref(), &request)?;
    require_own_page(state, request.method(), request.headers(), caller.as_ref())?;
    match (gate.access, &caller) {
        (Access::Everybody, _) => {}
        (Access::Metrics, _) if state.metrics_are_open => {}
        (_, None) => return Err(Refusal::LogIn),
        (Access::LoggedIn, Some(_)) => {}
        (Access::May(action), Some(caller)) => require(state, &caller.actor, action).await?,
        (Access::Metrics, Some(caller)) => {
            if !matches!(caller.actor.role(), Role::Program | Role::Administrator) {
                require(state, &caller.actor, Action::ManageAccounts).await?;
            }
        }
        (Access::Slide, Some(caller)) => {
            require(state, &caller.actor, Action::ReadCase).await?;
            open_slide(state, caller, slide_of(state, &parameters)?).await?;
        }
    }
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

/// Nobody may ask faster than people and viewers do. The demo is this machine's own.
fn require_pace(
    state: &State,
    access: Access,
    caller: Option<&Caller>,
    request: &Request,
) -> Result<(), Refusal> {
    if state.demo.is_some() || access == Access::Metrics {
        return Ok(());
    }
    let is_let_in = match caller {
        Some(caller) => state.requests_of.take(caller.actor.user()),
        None => state.strangers.take(Address::of_request_to(state, request)),
    };
    let what = "too many requests at once: go on more slowly".to_owned();
    is_let_in.then_some(()).ok_or(Refusal::TooOften { what, seconds: 1 })
}

/// Refuses a role that may not; that is in the audit, at a pace.
async fn require(state: &State, actor: &Actor, action: Action) -> Result<(), Refusal> {
    if actor.role().may(action) {
        return Ok(());
    }
    let actor = *actor;
    state.record(move |record| record.note_refused(&actor, action)).await?;
    Err(Refusal::Forbidden(format!("a {} may not {action}", actor.role())))
}

/// The slide that an address names, in whichever of the ways in which addresses do.
fn slide_of(state: &State, parameters: &RawPathParams) -> Result<SlideKey, Refusal> {
    let absent = || Refusal::NotFound("slide");
    let (name, value) = parameters.iter().next().ok_or_else(absent)?;
    match name {
        "slide" => value.parse(),
        "descriptor" => value.strip_suffix(".dzi").ok_or_else(absent)?.parse(),
        "files" => value.strip_suffix("_files").ok_or_else(absent)?.parse(),
        "study" => state.library.of_study(value),
        _ => Err(absent()),
    }
}

async fn open_slide(state: &State, caller: &Caller, slide: SlideKey) -> Result<(), Refusal> {
    if state.doors.is_open(&caller.actor, slide) {
        return Ok(());
    }
    let (digest, actor) = (state.library.entry(slide)?.digest, caller.actor);
    state.record(move |record| record.open_slide(&actor, digest)).await?;
    state.doors.keep_open(&caller.actor, slide);
    Ok(())
}

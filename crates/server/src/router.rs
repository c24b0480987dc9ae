//! The table of routes as a router, with what stands before and around every route.

use std::time::Duration;

use axum::{
    Router, extract::DefaultBodyLimit, http::StatusCode, middleware, routing::MethodRouter,
};
use tower_http::{limit::RequestBodyLimitLayer, timeout::TimeoutLayer};

use crate::{
    access::{Gate, gate},
    answer::Refusal,
    cross_origin::cross_origin,
    guard, log,
    routes::{State, metrics, table},
};

const LONGEST_ANSWER: Duration = Duration::from_secs(60);

pub(crate) fn router(state: &State, only_loopback: bool) -> Router {
    let mut router = Router::new();
    for route in table() {
        let gate_of = Gate { state: state.clone(), access: route.access };
        // The gate stands before the body: who may not is not read from.
        let handler: MethodRouter<State> =
            route.handler.layer(DefaultBodyLimit::max(route.largest));
        let handler: MethodRouter<State> = handler.layer(RequestBodyLimitLayer::new(route.largest));
        let handler = handler.layer(middleware::from_fn_with_state(gate_of, gate));
        router = router.route(route.path, handler);
    }
    let router = router
        .fallback(async || Refusal::NotFound("address"))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST_ANSWER))
        .layer(middleware::from_fn(guard::one_form_of_refusal))
        .layer(middleware::from_fn_with_state(state.clone(), guard::security_headers))
        .layer(middleware::from_fn_with_state(state.clone(), metrics::count));
    let router = if only_loopback {
        router.layer(middleware::from_fn(guard::only_loopback_names))
    } else {
        router
    };
    let router = router.layer(middleware::from_fn_with_state(state.clone(), cross_origin));
    // Outermost: what is turned away is in the log too.
    let router = router.layer(middleware::from_fn_with_state(state.clone(), log::log));
    router.with_state(state.clone())
}

//! `/metrics`: counters for Prometheus.

use axum::{
    extract::{self, Request},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Instant;

use super::State;

/// Counters since the start.
pub(crate) async fn show(extract::State(state): extract::State<State>) -> impl IntoResponse {
    let text = state.counts.text(state.library.entries().len(), &state.case_list());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// Counts every answer. Neither address nor caller is kept: both may lead to a patient.
pub(crate) async fn count(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let response = next.run(request).await;
    state.counts.answered(response.status().as_u16(), start.elapsed());
    response
}

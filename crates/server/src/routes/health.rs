//! Whether the server lives, and whether it can do its work.

use axum::{Json, extract, http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};

use super::State;

/// The process answers.
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive", "version": env!("CARGO_PKG_VERSION") }))
}

/// The folder of slides can be read.
pub(crate) async fn ready(extract::State(state): extract::State<State>) -> impl IntoResponse {
    if state.library.folder_is_there() {
        (StatusCode::OK, Json(json!({ "status": "ready" })))
    } else {
        let status = json!({ "status": "not ready", "why": "the folder of slides is gone" });
        (StatusCode::SERVICE_UNAVAILABLE, Json(status))
    }
}

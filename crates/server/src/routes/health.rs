//! Whether the server lives, and whether it can do its work.

use axum::{Json, extract};
use serde_json::{Value, json};

use super::State;
use crate::answer::Refusal;

/// The process answers.
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive", "version": env!("CARGO_PKG_VERSION") }))
}

/// The folder of slides and the record can be read.
pub(crate) async fn ready(
    extract::State(state): extract::State<State>,
) -> Result<Json<Value>, Refusal> {
    if state.library.folder_is_there() {
        let _ = state.record(|record| record.settings_of_site()).await?;
        return Ok(Json(json!({ "status": "ready" })));
    }
    Err(Refusal::Unavailable("the folder of slides is gone".to_owned()))
}

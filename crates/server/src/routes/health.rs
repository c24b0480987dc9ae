//! Whether the server lives, and whether it can do its work.

use std::sync::atomic::Ordering;

use axum::{Json, extract};
use serde_json::{Value, json};

use super::State;
use crate::answer::Refusal;

/// The process answers.
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive", "version": env!("CARGO_PKG_VERSION") }))
}

/// The folder of slides and the record can be read, and what is in the folder is taken up.
pub(crate) async fn ready(
    extract::State(state): extract::State<State>,
) -> Result<Json<Value>, Refusal> {
    if !state.library.folder_is_there() {
        return Err(Refusal::Unavailable("the folder of slides is gone".to_owned()));
    }
    let _ = state.record(|record| record.settings_of_site()).await?;
    if state.unregistered.load(Ordering::Relaxed) {
        let what = "slides in the folder cannot be registered: the log says why";
        return Err(Refusal::Unavailable(what.to_owned()));
    }
    Ok(Json(json!({ "status": "ready" })))
}

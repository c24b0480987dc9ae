//! `/api/v1/settings`, `/labels`, `/readers`, `/events`, `/cost`: what belongs to the site.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json, extract,
    http::{HeaderMap, Method, StatusCode},
    response::sse::{self, KeepAlive, Sse},
};
use bianque_record::Record;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast::error::RecvError, mpsc};
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};

use super::{
    State,
    bodies::{Body, text},
};
use crate::{
    access::{Caller, Known},
    answer::Refusal,
    events::Event,
};

/// How often it is looked whether who listens to events may still.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What the site has decided on.
#[derive(Copy, Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct SiteSettings {
    /// Whether readers look at a case before they are shown what machines say.
    pub(crate) read_first: bool,
    /// The power that the viewing map asks for.
    pub(crate) look_magnification: f64,
    /// The share of cases, drawn by chance, that are read unaided whatever else is set.
    pub(crate) unaided_share: f64,
    /// Whether decisions on all patients improve the head: the site has another ground than each
    /// patient's consent to training.
    pub(crate) learn_from_all: bool,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self {
            read_first: false,
            look_magnification: 5.0,
            unaided_share: 0.0,
            learn_from_all: false,
        }
    }
}

/// Under which name the record keeps them.
const READING: &str = "reading";

impl SiteSettings {
    pub(crate) fn read(record: &Record) -> bianque_record::Result<Self> {
        let mut all = record.settings_of_site()?;
        let kept = all.remove(READING).and_then(|value| serde_json::from_value(value).ok());
        Ok(kept.unwrap_or_default())
    }
}

/// What a region may be called.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LabelLine {
    name: String,
    en: String,
    zh: String,
    color: String,
    lesion: bool,
}

/// A member of staff.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReaderLine {
    id: String,
    login: String,
    roles: Vec<String>,
}

/// What one reader's decisions of one sort took.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CostLine {
    reader: String,
    kind: String,
    manner: String,
    verdict: String,
    /// Whether machines had spoken before the reader looked.
    aided: bool,
    decisions: u64,
    milliseconds: u64,
}

/// The site's settings.
pub(crate) async fn settings(
    extract::State(state): extract::State<State>,
) -> Result<Json<SiteSettings>, Refusal> {
    Ok(Json(state.record(SiteSettings::read).await?))
}

/// Changes them.
pub(crate) async fn set_settings(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Body(new): Body<SiteSettings>,
) -> Result<StatusCode, Refusal> {
    let sane =
        (0.1..=100.0).contains(&new.look_magnification) && (0.0..=0.5).contains(&new.unaided_share);
    if !sane {
        let what = "look_magnification is 0.1 to 100, unaided_share 0 to 0.5";
        return Err(Refusal::Request(what.to_owned()));
    }
    let value =
        serde_json::to_value(new).map_err(|_| Refusal::Fault("the settings are no JSON"))?;
    state
        .record(move |record| record.set_setting(&caller.actor, &READING.parse()?, &value))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What regions may be called.
pub(crate) async fn labels(extract::State(state): extract::State<State>) -> Json<Vec<LabelLine>> {
    let line = |label: &crate::ControlledLabel| {
        let [red, green, blue] = label.color;
        LabelLine {
            name: label.name.clone(),
            en: label.english.clone(),
            zh: label.chinese.clone(),
            color: format!("#{red:02x}{green:02x}{blue:02x}"),
            lesion: label.lesion,
        }
    };
    Json(state.labels.iter().map(line).collect())
}

/// Staff by name.
pub(crate) async fn readers(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Json<Vec<ReaderLine>>, Refusal> {
    let staff = state.record(move |record| record.staff(&caller.actor)).await?;
    let line = |member: bianque_record::site::StaffMember| ReaderLine {
        id: text(member.id),
        login: member.login,
        roles: member.roles.iter().map(text).collect(),
    };
    Ok(Json(staff.into_iter().map(line).collect()))
}

/// What experts' decisions take.
pub(crate) async fn cost(
    extract::State(state): extract::State<State>,
    caller: Caller,
) -> Result<Json<Vec<CostLine>>, Refusal> {
    let efforts = state.record(move |record| record.effort(&caller.actor)).await?;
    let line = |effort: bianque_record::reading::Effort| CostLine {
        reader: text(effort.reader),
        kind: effort.kind,
        manner: text(effort.manner),
        verdict: text(effort.verdict),
        aided: effort.aided,
        decisions: effort.decisions,
        milliseconds: effort.milliseconds,
    };
    Ok(Json(efforts.into_iter().map(line).collect()))
}

/// What changes, as it changes, as long as the caller is let in.
pub(crate) async fn events(
    extract::State(state): extract::State<State>,
    caller: Caller,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let (tell, told) = mpsc::channel(1);
    tokio::spawn(tell_while_let_in(state, caller, headers, tell));
    let told = ReceiverStream::new(told).filter_map(|event: Event| {
        sse::Event::default().event(event.name()).json_data(&event).ok().map(Ok)
    });
    Sse::new(told).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// Passes events on until the client goes, its session ends or its account is closed.
async fn tell_while_let_in(
    state: State,
    caller: Caller,
    headers: HeaderMap,
    tell: mpsc::Sender<Event>,
) {
    let mut events = state.events.listen();
    let mut look = tokio::time::interval(LOOK_AGAIN);
    let mut waiting: Option<Event> = None;
    loop {
        tokio::select! {
            () = tell.closed() => return,
            _ = look.tick() => {
                if !is_let_in(&state, &caller, &headers).await {
                    return;
                }
            }
            // A client that takes nothing must not keep its session from being looked at.
            place = tell.reserve(), if waiting.is_some() => {
                if let (Ok(place), Some(event)) = (place, waiting.take()) {
                    place.send(event);
                }
            }
            event = events.recv(), if waiting.is_none() => match event {
                Ok(event) => waiting = Some(event),
                // Who was too slow and missed some is told to load anew.
                Err(RecvError::Lagged(_)) => waiting = Some(Event::Worklist {}),
                Err(RecvError::Closed) => return,
            },
        }
    }
}

/// Whether the caller would be let in again now. An open stream is no use of a session: that a page
/// stands open must not keep it from ending.
async fn is_let_in(state: &State, caller: &Caller, headers: &HeaderMap) -> bool {
    let found = match &caller.known {
        Known::Demo => return true,
        Known::Session(token) => {
            let token = token.clone();
            state.record(move |record| record.is_session_open(&token)).await
        }
        Known::Program => {
            let found = Caller::find(state, &Method::GET, headers).await;
            found.map(|found| found.is_some_and(|found| found.actor == caller.actor))
        }
    };
    match found {
        Ok(is_open) => is_open,
        Err(Refusal::LogIn) => false,
        // The record is busy, say: the next look decides.
        Err(_) => true,
    }
}

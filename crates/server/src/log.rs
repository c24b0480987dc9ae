//! One line of the log a request: what was asked for by its template, never by its path, its query
//! or its body, which may lead to a patient or be a secret.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    extract::{self, MatchedPath, Request},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use bianque_core::Digest;
use bianque_record::{Actor, Role, identity::UserId};
use tracing::Instrument;

use crate::routes::State;

/// The header in which an answer names its request, for whoever asks about it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What begins with one of these is a picture or a file of the page: many a second.
const MANY: [&str; 4] = ["/deepzoom", "/iiif", "/dicomweb/studies/{study}/series/", "/assets"];

/// Numbers requests. The mark is another at each start, so that numbers of two starts differ.
pub(crate) struct Requests {
    mark: String,
    next: AtomicU64,
}

impl Requests {
    pub(crate) fn new(secret: &str) -> Self {
        let mark = short(&format!("requests {secret}"));
        Self { mark, next: AtomicU64::new(1) }
    }

    fn id(&self) -> String {
        format!("{}-{}", self.mark, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Where a gate writes down whom it has let through.
#[derive(Clone, Default)]
pub(crate) struct WhoCalls(Arc<OnceLock<Actor>>);

impl WhoCalls {
    pub(crate) fn is(&self, actor: Actor) {
        let _ = self.0.set(actor);
    }
}

/// Writes a line when a request is answered.
pub(crate) async fn log(
    extract::State(state): extract::State<State>,
    mut request: Request,
    next: Next,
) -> Response {
    let (start, id) = (Instant::now(), state.requests.id());
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);
    let who = WhoCalls::default();
    request.extensions_mut().insert(who.clone());
    let span = tracing::info_span!("request", %id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::try_from(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    let milliseconds = (milliseconds * 10.0).round() / 10.0;
    // Worked out only where somebody listens.
    let role = || who.0.get().map_or("nobody", |actor| Role::name(actor.role()));
    let user = || who.0.get().map_or_else(|| "-".to_owned(), |actor| name(actor.user()));
    // A level is fixed where an event is written: hence three times the same.
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request = %id, %method, route, status, milliseconds, role = role(), user = user(),
                "answered"
            )
        };
    }
    if status >= 500 {
        line!(warn);
    } else if MANY.iter().any(|many| route.starts_with(many)) {
        line!(debug);
    } else {
        line!(info);
    }
    response
}

/// What stands for an account in the log: the same at each start, and no way back to its id.
fn name(user: UserId) -> String {
    short(&format!("account {user}"))
}

fn short(text: &str) -> String {
    let digest = Digest::of(text.as_bytes()).to_string();
    digest.rsplit(':').next().unwrap_or_default().chars().take(8).collect()
}

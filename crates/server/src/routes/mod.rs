//! One module a family of addresses.

pub(crate) mod deep_zoom;
pub(crate) mod dicomweb;
pub(crate) mod health;
pub(crate) mod iiif;
pub(crate) mod slides;

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod bodies;
pub(crate) mod bulk;
pub(crate) mod cases;
pub(crate) mod comparison;
pub(crate) mod consent;
pub(crate) mod decisions;
pub(crate) mod exports;
pub(crate) mod findings;
pub(crate) mod imports;
pub(crate) mod improvement;
mod improvement_measures;
pub(crate) mod metrics;
pub(crate) mod register;
pub(crate) mod released;
pub(crate) mod report;
pub(crate) mod session;
pub(crate) mod sign_on;
pub(crate) mod site;
pub(crate) mod store;
pub(crate) mod unaided;
pub(crate) mod views;
pub(crate) mod web;
mod withheld;
pub(crate) mod worklist;

mod route;
mod table;

pub(crate) use route::{Answer, Further, RequestBody, Route};
pub(crate) use table::table;

use std::{
    ops::Deref,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicBool},
};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bianque_record::{Actor, Record, database::Location, identity::UserId, objects::ObjectStore};
use bianque_slide::Slide;
use tokio::sync::Semaphore;

use crate::{
    Settings,
    access::{ALL_LOGINS, Address, Doors, LOGINS, Pace, Paces, REQUESTS, STRANGERS},
    answer::Refusal,
    case_list,
    counts::Counts,
    cross_origin::Origin,
    dicomweb::summary::{Summaries, Summary},
    events::Events,
    improve::Improvement,
    library::{Library, OpenedSlide, SlideKey},
    log::Requests,
    settings::ControlledLabel,
    sign_on::SignOn,
    tiles::Picture,
};

/// What is made before a state is.
pub(crate) struct Parts {
    pub(crate) library: Arc<Library>,
    pub(crate) record: Arc<Record>,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) secret: String,
    pub(crate) demo: Option<Actor>,
    pub(crate) sign_on: Option<SignOn>,
}

/// Whole files that are sent at once, each holding a place of the disk and a few megabytes.
const SENT_AT_ONCE: usize = 4;

/// Whether a picture is made of the file's own bytes: `file` or `decoded`.
const SOURCE: HeaderName = HeaderName::from_static("x-picture-source");
/// A slide's address is its content's digest, so what lies there never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// What every route can reach.
#[derive(Clone)]
pub(crate) struct State(Arc<Shared>);

/// The one copy of it.
pub(crate) struct Shared {
    pub(crate) library: Arc<Library>,
    pub(crate) record: Arc<Record>,
    /// Where the record is, for verifying it over a connection that changes nothing.
    pub(crate) location: Location,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) doors: Doors,
    /// Guards the logins from one address.
    logins: Paces<Address>,
    /// Guards the machine from all logins together.
    all_logins: Pace,
    /// Requests of whoever is logged in, by account.
    pub(crate) requests_of: Paces<UserId>,
    /// Requests of nobody, by address.
    pub(crate) strangers: Paces<Address>,
    /// How many refused tokens are worth a line in the audit.
    pub(crate) refused_tokens: Pace,
    pub(crate) events: Events,
    pub(crate) counts: Counts,
    /// How the list of cases in the folder stands.
    case_list: Mutex<case_list::Standing>,
    /// Whether slides of the folder could not be registered at the last look.
    pub(crate) unregistered: AtomicBool,
    pub(crate) requests: Requests,
    /// Makes the tokens of pages; another at each start.
    pub(crate) secret: String,
    /// Who acts where nobody is logged in, in the demo.
    pub(crate) demo: Option<Actor>,
    /// Origins whose pages may see answers.
    pub(crate) origins: Vec<Origin>,
    /// Where the server listens, once it does.
    pub(crate) port: OnceLock<u16>,
    /// Whether the site's own proxy says who calls.
    pub(crate) behind_proxy: bool,
    /// Whether cookies are only for TLS.
    pub(crate) secure: bool,
    /// Whether metrics need no token: nobody but this machine reaches the server.
    pub(crate) metrics_are_open: bool,
    pub(crate) labels: Vec<ControlledLabel>,
    pub(crate) improvement: Improvement,
    /// The site's identity provider, if it has one.
    pub(crate) sign_on: Option<SignOn>,
    /// What searches of DICOMweb need of each slide.
    summaries: Summaries,
    /// Whole files that are sent at once.
    pub(crate) sending: Arc<Semaphore>,
    /// Decoding at once: more would only make everybody wait longer and take more memory.
    places: Arc<Semaphore>,
}

impl Deref for State {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl State {
    pub(crate) fn new(settings: &Settings, parts: Parts) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let Parts { library, record, objects, secret, demo, sign_on } = parts;
        let secure = settings.certificate.is_some() || settings.behind_proxy;
        Self(Arc::new(Shared {
            library,
            record,
            location: settings.location(),
            objects,
            doors: Doors::default(),
            logins: Paces::new(LOGINS),
            all_logins: Pace::new(ALL_LOGINS),
            requests_of: Paces::new(REQUESTS),
            strangers: Paces::new(STRANGERS),
            refused_tokens: Pace::new(LOGINS),
            events: Events::default(),
            counts: Counts::default(),
            case_list: Mutex::default(),
            unregistered: AtomicBool::new(false),
            requests: Requests::new(&secret),
            secret,
            demo,
            origins: settings.allow_origins.clone(),
            port: OnceLock::new(),
            behind_proxy: settings.behind_proxy,
            secure,
            metrics_are_open: settings.listen.ip().is_loopback() && !settings.behind_proxy,
            labels: settings.labels.clone(),
            improvement: Improvement::new(settings.improver.clone()),
            sign_on,
            summaries: Summaries::default(),
            sending: Arc::new(Semaphore::new(SENT_AT_ONCE)),
            places: Arc::new(Semaphore::new(2 * cores)),
        }))
    }

    /// Refuses an address that tries to log in too often, and everybody while all together do.
    pub(crate) fn may_try_login(&self, from: Address) -> Result<(), Refusal> {
        if !self.logins.take(from) {
            let what = "too many logins from this address: wait a moment";
            return Err(Refusal::TooOften { what: what.to_owned(), seconds: 1 });
        }
        if !self.all_logins.take() {
            let what = "too many logins at once: wait a moment";
            return Err(Refusal::TooOften { what: what.to_owned(), seconds: 1 });
        }
        Ok(())
    }

    pub(crate) fn set_case_list(&self, standing: case_list::Standing) {
        *self.case_list.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// How the list of cases in the folder stands.
    pub(crate) fn case_list(&self) -> case_list::Standing {
        self.case_list.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the record where blocking is allowed.
    pub(crate) async fn record<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Record) -> bianque_record::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let state = self.clone();
        let task = tokio::task::spawn_blocking(move || work(&state.record));
        Ok(task.await.map_err(|_| Refusal::Fault("the record's work failed"))??)
    }

    /// Does work on a slide's pixels where blocking is allowed.
    pub(crate) async fn on_slide<T: Send + 'static>(
        &self,
        id: SlideKey,
        work: impl FnOnce(&dyn Slide) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.on_opened(id, |opened| work(opened.slide())).await
    }

    /// Does work on an opened slide where blocking is allowed.
    pub(crate) async fn on_opened<T: Send + 'static>(
        &self,
        id: SlideKey,
        work: impl FnOnce(&OpenedSlide) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let closed = |_| Refusal::Fault("the server is stopping");
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(closed)?;
        let state = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&*state.library.open(id)?)
        });
        task.await.unwrap_or(Err(Refusal::Fault("reading the slide failed")))
    }
}

impl State {
    /// A slide as searches see it; nothing where its file is no DICOM series.
    pub(crate) async fn summary(&self, id: SlideKey) -> Result<Option<Arc<Summary>>, Refusal> {
        if let Some(kept) = self.summaries.get(id) {
            return Ok(kept);
        }
        let summary = match self.on_opened(id, Summary::of).await {
            Ok(summary) => Some(Arc::new(summary)),
            // A file that cannot be reached now may be reached later.
            Err(Refusal::Slide(bianque_slide::SlideError::Io { .. }) | Refusal::NotFound(_)) => {
                return Ok(None);
            }
            Err(Refusal::Slide(_)) => None,
            Err(refusal) => return Err(refusal),
        };
        self.summaries.keep(id, summary.clone());
        Ok(summary)
    }
}

/// A picture that may be kept for ever; `304` where the client has it.
fn answer(picture: Picture, asked: &HeaderMap, id: SlideKey) -> Response {
    let tag = format!("\"{id}\"");
    let has_it =
        asked.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let source = if picture.as_in_the_file { "file" } else { "decoded" };
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, FOR_EVER);
    headers.insert(SOURCE, HeaderValue::from_static(source));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    if has_it {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(picture.format.media_type()));
    (headers, picture.bytes).into_response()
}

//! One module a family of addresses.

pub(crate) mod deep_zoom;
pub(crate) mod dicomweb;
pub(crate) mod health;
pub(crate) mod iiif;
pub(crate) mod slides;

use std::sync::Arc;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bianque_slide::Slide;
use tokio::sync::Semaphore;

use crate::{
    answer::Refusal,
    library::{Library, OpenedSlide, SlideId},
    tiles::Picture,
};

/// Whether a picture is made of the file's own bytes: `file` or `decoded`.
const SOURCE: HeaderName = HeaderName::from_static("x-picture-source");
/// A slide's address is its content's digest, so what lies there never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// What every route can reach.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) library: Arc<Library>,
    /// Decoding at once: more would only make everybody wait longer and take more memory.
    places: Arc<Semaphore>,
}

impl State {
    pub(crate) fn new(library: Arc<Library>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self { library, places: Arc::new(Semaphore::new(2 * cores)) }
    }

    /// Does work on a slide's pixels where blocking is allowed.
    pub(crate) async fn on_slide<T: Send + 'static>(
        &self,
        id: SlideId,
        work: impl FnOnce(&dyn Slide) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.on_opened(id, |opened| work(opened.slide())).await
    }

    /// Does work on an opened slide where blocking is allowed.
    pub(crate) async fn on_opened<T: Send + 'static>(
        &self,
        id: SlideId,
        work: impl FnOnce(&OpenedSlide) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let closed = |_| Refusal::Fault("the server is stopping");
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(closed)?;
        let library = Arc::clone(&self.library);
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&*library.open(id)?)
        });
        task.await.unwrap_or(Err(Refusal::Fault("reading the slide failed")))
    }
}

/// A picture that may be kept for ever; `304` where the client has it.
fn answer(picture: Picture, asked: &HeaderMap, id: SlideId) -> Response {
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

//! Which address is answered by what.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::StatusCode, middleware, routing::get};
use tower_http::{limit::RequestBodyLimitLayer, timeout::TimeoutLayer};

use crate::{
    answer::Refusal,
    guard,
    library::Library,
    routes::{State, deep_zoom, dicomweb as dicom, health, iiif, slides},
};

/// Nothing that is taken so far has a body.
const LARGEST_BODY: usize = 64 << 10;
const LONGEST_ANSWER: Duration = Duration::from_secs(60);

pub(crate) fn router(library: Arc<Library>) -> Router {
    Router::new()
        .route("/health", get(health::alive))
        .route("/ready", get(health::ready))
        .route("/api/v1/slides", get(slides::list))
        .route("/api/v1/slides/{slide}", get(slides::one))
        .route("/api/v1/slides/{slide}/thumbnail", get(slides::thumbnail))
        .route("/deepzoom/{descriptor}", get(deep_zoom::descriptor))
        .route("/deepzoom/{files}/{level}/{tile}", get(deep_zoom::tile))
        .route("/iiif/3/{slide}", get(iiif::base))
        .route("/iiif/3/{slide}/info.json", get(iiif::information))
        .route("/iiif/3/{slide}/{region}/{size}/{rotation}/{ending}", get(iiif::image))
        .nest("/dicomweb", dicomweb())
        .fallback(async || Refusal::NotFound("address"))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST_ANSWER))
        .layer(middleware::from_fn(guard::security_headers))
        .layer(middleware::from_fn(guard::only_loopback_names))
        .with_state(State::new(library))
}

fn dicomweb() -> Router<State> {
    const SERIES: &str = "/studies/{study}/series/{series}";
    const INSTANCE: &str = "/studies/{study}/series/{series}/instances/{instance}";
    Router::new()
        .route("/studies", get(dicom::studies))
        .route("/series", get(dicom::all_series))
        .route("/instances", get(dicom::all_instances))
        .route("/studies/{study}/series", get(dicom::series))
        .route("/studies/{study}/instances", get(dicom::study_instances))
        .route("/studies/{study}/metadata", get(dicom::study_metadata))
        .route(&format!("{SERIES}/instances"), get(dicom::instances))
        .route(&format!("{SERIES}/metadata"), get(dicom::series_metadata))
        .route(&format!("{INSTANCE}/metadata"), get(dicom::instance_metadata))
        .route(&format!("{INSTANCE}/frames/{{frames}}"), get(dicom::frames))
        .route(&format!("{INSTANCE}/frames/{{frames}}/rendered"), get(dicom::rendered))
}

//! What every answer carries, and which hosts' names are answered.

use axum::{
    extract::{self, Request},
    http::{HeaderValue, StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use crate::{
    answer::{PROBLEM, problem},
    routes::State,
};

/// The longest text of a refusal that is passed on.
const LONGEST_REFUSAL: usize = 1 << 10;

/// Everything comes from this server: no script, style or frame of another, and none within a page.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; \
                      object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
                      form-action 'self'";

/// Answers only those who call the server by a loopback name: a page of another site that lets its
/// own name point here (DNS rebinding) is refused.
pub(crate) async fn only_loopback_names(request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let host = named
        .and_then(|value| value.parse::<Authority>().ok())
        .or_else(|| request.uri().authority().cloned());
    let is_loopback = host.is_some_and(|host| {
        let name = host.host().trim_matches(['[', ']']).to_ascii_lowercase();
        name == "localhost"
            || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    if !is_loopback {
        return problem(StatusCode::MISDIRECTED_REQUEST, "call this server by a loopback name");
    }
    next.run(request).await
}

/// Refusals that are not ours (a query that does not parse, a method that is not there, a body that
/// is too large) in the one form that the description has.
pub(crate) async fn one_form_of_refusal(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_ours = kind.is_some_and(|kind| {
        kind == PROBLEM || kind.as_bytes().starts_with(b"application/dicom+json")
    });
    if !(status.is_client_error() || status.is_server_error()) || is_ours {
        return response;
    }
    let allowed = response.headers().get(header::ALLOW).cloned();
    let said = axum::body::to_bytes(response.into_body(), LONGEST_REFUSAL).await;
    let said = said.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let mut response = problem(status, &said);
    if let Some(allowed) = allowed {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// Headers that keep browsers from guessing and from mixing sites.
pub(crate) async fn security_headers(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if state.secure {
        let a_year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, a_year);
    }
    // What says not how long it may be kept may be of a patient.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

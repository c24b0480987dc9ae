//! What every answer carries, and which hosts' names are answered.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

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
        return (StatusCode::MISDIRECTED_REQUEST, "call this server by a loopback name\n")
            .into_response();
    }
    next.run(request).await
}

/// Headers that keep browsers from guessing and from mixing sites.
pub(crate) async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
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

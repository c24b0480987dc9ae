//! Pages of other origins (the Fetch standard's CORS): none, but for viewers that the site names.
//! They show a program's token; cookies are never part of it.

use std::{fmt, str::FromStr};

use axum::{
    extract::{self, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::Uri},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{ServerError, routes::State};

/// What a page may send.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, accept, content-type, range");
/// What a page may see of an answer beside its body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "content-type, content-length, etag, retry-after, warning, x-picture-source, x-request-id",
);
/// For so many seconds a browser need not ask again.
const LASTS: HeaderValue = HeaderValue::from_static("600");

/// A page's origin: scheme, host and port, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl FromStr for Origin {
    type Err = ServerError;

    fn from_str(text: &str) -> Result<Self, ServerError> {
        let wrong = || ServerError::Origin(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains(['@', '*']));
        let (Some(scheme), Some(authority)) = (scheme, authority) else { return Err(wrong()) };
        let plain = format!("{scheme}://{authority}").to_ascii_lowercase();
        // Browsers leave out a scheme's own port.
        let usual = if scheme == "https" { ":443" } else { ":80" };
        let plain = plain.strip_suffix(usual).map_or(plain.clone(), str::to_owned);
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        is_bare.then_some(Self(plain)).ok_or_else(wrong)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Lets pages of the named origins see answers, and tells browsers so before they ask.
pub(crate) async fn cross_origin(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    if state.origins.is_empty() {
        return next.run(request).await;
    }
    let origin = named(&state, request.headers());
    let asks_before = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &origin {
        Some(_) if asks_before => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    // Whoever keeps an answer must not show one origin's to another.
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if asks_before {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, LASTS);
        }
    }
    response
}

/// The request's origin, if the site named it.
fn named(state: &State, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let text = origin.to_str().ok()?;
    state.origins.iter().any(|known| known.0 == text).then(|| origin.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let origin = |text: &str| text.parse::<Origin>().map(|origin| origin.0).ok();
        assert_eq!(origin("https://slim.example/").as_deref(), Some("https://slim.example"));
        assert_eq!(origin("https://Slim.example:443").as_deref(), Some("https://slim.example"));
        assert_eq!(origin("http://localhost:3000").as_deref(), Some("http://localhost:3000"));
        for bad in
            ["*", "https://*", "null", "slim.example", "ftp://a", "https://a/b", "https://u@a"]
        {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }
}

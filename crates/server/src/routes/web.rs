//! `/` and `/assets/…`: the web app.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{answer::Refusal, web_app};

/// Names with a digest in them never change; the page that names them may.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const NEVER: &str = "no-cache";

/// The page.
pub(crate) async fn page(headers: HeaderMap) -> Result<Response, Refusal> {
    file("index.html", NEVER, &headers)
}

/// A file beside the page, such as its icon.
pub(crate) async fn beside(
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    file(&name, NEVER, &headers)
}

/// A file that the page names.
pub(crate) async fn asset(
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    file(&format!("assets/{path}"), FOR_EVER, &headers)
}

fn file(path: &str, kept: &'static str, asked: &HeaderMap) -> Result<Response, Refusal> {
    let file = web_app::file(path).ok_or(Refusal::NotFound("page"))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", file.tag)) {
        if asked.get(header::IF_NONE_MATCH) == Some(&tag) {
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(web_app::media_type(path)));
    Ok((headers, file.bytes).into_response())
}

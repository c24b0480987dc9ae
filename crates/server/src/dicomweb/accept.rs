//! What a client takes (RFC 9110 section 12.5.1; PS3.18 section 8.7), and answers of many parts.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::answer::Refusal;

/// A media range of an Accept header.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    kind: String,
    /// The parameter `type` of a multipart range.
    part: Option<String>,
    /// Whether it takes frames in whatever form they are kept in: `transfer-syntax=*`.
    as_kept: bool,
}

/// Splits at a separator outside quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
    .collect()
}

fn ranges(headers: &HeaderMap) -> Vec<Range> {
    let texts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| split(text, ','))
        .map(|range| {
            let mut parts = split(range, ';').into_iter().map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let mut range = Range { kind, part: None, as_kept: false };
            for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
                let value = value.trim().trim_matches('"').to_ascii_lowercase();
                match name.trim().to_ascii_lowercase().as_str() {
                    "type" => range.part = Some(value),
                    "transfer-syntax" => range.as_kept = value == "*",
                    _ => {}
                }
            }
            range
        })
        .collect()
}

/// Refuses a client that takes no JPEG frames: the only form in which they can be had.
pub(crate) fn takes_jpeg_parts(headers: &HeaderMap) -> Result<(), Refusal> {
    let ranges = ranges(headers);
    let takes = ranges.is_empty()
        || ranges.iter().any(|range| match range.kind.as_str() {
            "*/*" | "multipart/*" | "image/jpeg" | "image/*" => true,
            "multipart/related" => {
                // Some viewers ask for bytes and take them as they are kept, which is JPEG.
                matches!(range.part.as_deref(), None | Some("image/jpeg" | "*/*" | "image/*"))
                    || range.as_kept
            }
            _ => false,
        });
    let why = "frames can be had as multipart/related; type=\"image/jpeg\"";
    takes.then_some(()).ok_or(Refusal::NotAcceptable(why))
}

/// Whether a client asks for PNG rather than JPEG.
pub(crate) fn prefers_png(headers: &HeaderMap) -> bool {
    let ranges = ranges(headers);
    let at = |kind: &str| ranges.iter().position(|range| range.kind == kind);
    match (at("image/png"), at("image/jpeg")) {
        (Some(png), Some(jpeg)) => png < jpeg,
        (png, _) => png.is_some(),
    }
}

/// An answer of many parts of one kind (RFC 2387).
pub(crate) fn parts(parts: &[Bytes], kind: &str, transfer_syntax: &str) -> Response {
    let boundary = boundary(parts);
    let mut body = Vec::with_capacity(parts.iter().map(|part| part.len() + 256).sum());
    for part in parts {
        let head = format!(
            "--{boundary}\r\nContent-Type: {kind}; transfer-syntax={transfer_syntax}\r\n\
             Content-Length: {}\r\n\r\n",
            part.len()
        );
        body.extend(head.as_bytes());
        body.extend(part);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").as_bytes());
    let whole = format!("multipart/related; type=\"{kind}\"; boundary={boundary}");
    let mut response = body.into_response();
    if let Ok(whole) = HeaderValue::try_from(whole) {
        response.headers_mut().insert(header::CONTENT_TYPE, whole);
    }
    response
}

/// A line that stands in no part.
fn boundary(parts: &[Bytes]) -> String {
    let mut number = 0_u32;
    loop {
        let boundary = format!("bianque-part-{number:08x}");
        let stands_in =
            |part: &Bytes| part.windows(boundary.len()).any(|window| window == boundary.as_bytes());
        if !parts.iter().any(stands_in) {
            return boundary;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(text))])
    }

    #[test]
    fn clients_ask_in_many_ways() {
        for takes in [
            "*/*",
            "multipart/related; type=\"image/jpeg\"; transfer-syntax=1.2.840.10008.1.2.4.50",
            "multipart/related; type=\"application/octet-stream\", multipart/related; type=image/jpeg",
            "multipart/related",
            "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
            "image/jpeg",
        ] {
            assert!(takes_jpeg_parts(&accepting(takes)).is_ok(), "{takes}");
        }
        assert!(takes_jpeg_parts(&HeaderMap::new()).is_ok());
        for refuses in
            ["multipart/related; type=\"application/octet-stream\"", "image/jp2", "text/html"]
        {
            assert!(takes_jpeg_parts(&accepting(refuses)).is_err(), "{refuses}");
        }
        assert!(prefers_png(&accepting("image/png, image/jpeg")));
        assert!(!prefers_png(&accepting("image/jpeg, image/png")));
    }

    #[test]
    fn the_boundary_stands_in_no_part() {
        let part = Bytes::from_static(b"xx bianque-part-00000000 xx");
        assert_eq!(boundary(&[part]), "bianque-part-00000001");
    }
}

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
    /// The transfer syntax that it names; `*` is whichever is kept.
    syntax: Option<String>,
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
            let mut range = Range { kind, part: None, syntax: None };
            for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
                let value = value.trim().trim_matches('"').to_ascii_lowercase();
                match name.trim().to_ascii_lowercase().as_str() {
                    "type" => range.part = Some(value),
                    "transfer-syntax" => range.syntax = Some(value),
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
                    || range.syntax.as_deref() == Some("*")
            }
            _ => false,
        });
    let why = "frames can be had as multipart/related; type=\"image/jpeg\"";
    takes.then_some(()).ok_or(Refusal::NotAcceptable(why))
}

/// How files or bytes are handed over.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As `multipart/related`.
    Parts,
    /// As the one body.
    Single,
}

/// How a client takes DICOM files in one of these transfer syntaxes. One that names no syntax takes
/// what there is: pictures are kept in a form that loses something, and no other is made of them.
pub(crate) fn takes_files(headers: &HeaderMap, syntaxes: &[&str]) -> Result<Form, Refusal> {
    let in_syntax = |range: &Range| match range.syntax.as_deref() {
        None | Some("*") => true,
        Some(syntax) => syntaxes.contains(&syntax),
    };
    let form = |range: &Range| match (range.kind.as_str(), range.part.as_deref()) {
        ("*/*" | "multipart/*", _) => Some(Form::Parts),
        ("multipart/related", None | Some("application/dicom" | "application/*" | "*/*")) => {
            in_syntax(range).then_some(Form::Parts)
        }
        ("application/dicom" | "application/*", _) => in_syntax(range).then_some(Form::Single),
        _ => None,
    };
    let ranges = ranges(headers);
    let why = "files can be had as multipart/related; type=\"application/dicom\"; \
               transfer-syntax=*: images are JPEG Baseline (1.2.840.10008.1.2.4.50), documents \
               explicit VR little endian (1.2.840.10008.1.2.1)";
    if ranges.is_empty() {
        return Ok(Form::Parts);
    }
    ranges.iter().find_map(form).ok_or(Refusal::NotAcceptable(why))
}

/// How a client takes a value's bytes.
pub(crate) fn takes_bytes(headers: &HeaderMap) -> Result<Form, Refusal> {
    let form = |range: &Range| match (range.kind.as_str(), range.part.as_deref()) {
        ("*/*" | "multipart/*", _) => Some(Form::Parts),
        ("multipart/related", None | Some("application/octet-stream" | "*/*")) => Some(Form::Parts),
        ("application/octet-stream" | "application/*", _) => Some(Form::Single),
        _ => None,
    };
    let ranges = ranges(headers);
    let why = "bytes can be had as multipart/related; type=\"application/octet-stream\", or as \
               application/octet-stream";
    if ranges.is_empty() {
        return Ok(Form::Parts);
    }
    ranges.iter().find_map(form).ok_or(Refusal::NotAcceptable(why))
}

/// Refuses a client that takes no JSON.
pub(crate) fn takes_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let ranges = ranges(headers);
    let json = |range: &Range| {
        let kind = range.kind.as_str();
        matches!(kind, "*/*" | "application/*" | "application/dicom+json" | "application/json")
            || (kind == "multipart/related"
                && matches!(range.part.as_deref(), Some("application/dicom+json")))
    };
    let why = "attributes can be had as application/dicom+json";
    (ranges.is_empty() || ranges.iter().any(json)).then_some(()).ok_or(Refusal::NotAcceptable(why))
}

/// Refuses a client that takes neither JPEG nor PNG.
pub(crate) fn takes_pictures(headers: &HeaderMap) -> Result<(), Refusal> {
    let ranges = ranges(headers);
    let picture = |range: &Range| {
        matches!(range.kind.as_str(), "*/*" | "image/*" | "image/jpeg" | "image/png")
    };
    let why = "rendered pictures can be had as image/jpeg or image/png";
    (ranges.is_empty() || ranges.iter().any(picture))
        .then_some(())
        .ok_or(Refusal::NotAcceptable(why))
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
    fn files_are_given_in_the_syntax_that_there_is() {
        let jpeg = ["1.2.840.10008.1.2.4.50"];
        for (text, form) in [
            ("*/*", Some(Form::Parts)),
            ("multipart/related; type=\"application/dicom\"", Some(Form::Parts)),
            ("multipart/related; type=application/dicom; transfer-syntax=*", Some(Form::Parts)),
            ("application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50", Some(Form::Single)),
            ("application/dicom; transfer-syntax=1.2.840.10008.1.2.1", None),
            ("multipart/related; type=\"image/jpeg\"", None),
            ("application/dicom+json", None),
        ] {
            assert_eq!(takes_files(&accepting(text), &jpeg).ok(), form, "{text}");
        }
        assert_eq!(takes_bytes(&accepting("application/octet-stream")).ok(), Some(Form::Single));
        assert!(takes_bytes(&accepting("image/jpeg")).is_err());
        assert!(
            takes_json(&accepting("multipart/related; type=\"application/dicom+xml\"")).is_err()
        );
        assert!(takes_json(&accepting("application/dicom+json")).is_ok());
        assert!(takes_pictures(&accepting("video/mp4")).is_err());
    }

    #[test]
    fn the_boundary_stands_in_no_part() {
        let part = Bytes::from_static(b"xx bianque-part-00000000 xx");
        assert_eq!(boundary(&[part]), "bianque-part-00000001");
    }
}

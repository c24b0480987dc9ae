//! Bodies of several parts (RFC 2046), as STOW-RS sends them.

/// Parts of one body.
const MOST_PARTS: usize = 64;

/// The boundary that a content type of `multipart/related` names.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/related") {
        return None;
    }
    let found = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (1..=70).contains(&found.len()).then(|| found.to_owned())
}

/// The parts' contents, without their headers.
///
/// # Errors
/// What is wrong.
pub(crate) fn parts<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>, &'static str> {
    let mark = format!("--{boundary}");
    let mut rest = body;
    let mut parts = Vec::new();
    let first = find(rest, mark.as_bytes()).ok_or("it has no part")?;
    rest = &rest[first + mark.len()..];
    let between = format!("\r\n{mark}");
    while !rest.starts_with(b"--") {
        let end = find(rest, between.as_bytes()).ok_or("its last part does not end")?;
        let part = &rest[..end];
        let head = find(part, b"\r\n\r\n").ok_or("a part has no head")?;
        parts.push(&part[head + 4..]);
        if parts.len() > MOST_PARTS {
            return Err("it has too many parts");
        }
        rest = &rest[end + between.len()..];
    }
    Ok(parts)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if bytes.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_at_the_boundary_and_nowhere_else() {
        let kind = "multipart/related; type=\"application/dicom\"; boundary=\"b1\"";
        assert_eq!(boundary(kind).as_deref(), Some("b1"));
        assert_eq!(boundary("application/dicom"), None);
        let body = b"--b1\r\nContent-Type: x\r\n\r\none\r\n--b\r\n--b1\r\n\r\ntwo\r\n--b1--";
        let found = parts(body, "b1").unwrap();
        assert_eq!(found, [&b"one\r\n--b"[..], b"two"]);
        for broken in [&b""[..], b"--b1\r\n\r\nx", b"--b1\r\nx\r\n--b1--"] {
            assert!(parts(broken, "b1").is_err());
        }
    }
}

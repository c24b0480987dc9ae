//! The session's cookie: no script sees it, no other site sends it.

use axum::http::{HeaderMap, HeaderValue, header};

const NAME: &str = "bianque-session";

/// The token that a browser shows, if it shows one of a sane length.
pub(super) fn shown_token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let pairs = cookies.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == NAME)
        .map(|(_, token)| token)
        .filter(|token| (1..=128).contains(&token.len()))
}

/// The header that gives a browser its token.
pub(crate) fn session_cookie(token: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{NAME}={token}; Path=/; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::try_from(text).ok()
}

/// The header that takes it away again.
pub(crate) fn clearing_cookie() -> HeaderValue {
    HeaderValue::from_static("bianque-session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_cookie_of_a_sane_length_is_read() {
        let shown = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(text).unwrap());
            shown_token(&headers).map(str::to_owned)
        };
        assert_eq!(shown("a=b; bianque-session=token; c=d").as_deref(), Some("token"));
        assert_eq!(shown("bianque-session="), None);
        assert_eq!(shown("other=token"), None);
        assert_eq!(shown(&format!("bianque-session={}", "x".repeat(129))), None);
    }
}

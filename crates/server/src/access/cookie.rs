//! The session's cookie: no script sees it, no other site sends it.

use axum::http::{HeaderMap, HeaderValue, header};

const NAME: &str = "bianque-session";
/// Kept while somebody is at the site's identity provider.
const SIGN_ON: &str = "bianque-sign-on";

/// The token that a browser shows, if it shows one of a sane length.
pub(super) fn shown_token(headers: &HeaderMap) -> Option<&str> {
    shown(headers, NAME)
}

/// What a browser kept of the sign-on that it began.
pub(crate) fn shown_sign_on(headers: &HeaderMap) -> Option<&str> {
    shown(headers, SIGN_ON)
}

fn shown<'a>(headers: &'a HeaderMap, cookie: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let pairs = cookies.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie)
        .map(|(_, token)| token)
        .filter(|token| (1..=128).contains(&token.len()))
}

/// The header that gives a browser its token.
pub(crate) fn session_cookie(token: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{NAME}={token}; Path=/; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::try_from(text).ok()
}

/// The header by which a browser keeps what it must show when the provider sends it back. That
/// comes from another site, so the cookie cannot be as strict as the session's.
pub(crate) fn sign_on_cookie(state: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let path = "/api/v1/session/provider";
    let text =
        format!("{SIGN_ON}={state}; Path={path}; HttpOnly; SameSite=Lax; Max-Age=600{secure}");
    HeaderValue::try_from(text).ok()
}

/// The header that takes that away again.
pub(crate) fn clearing_sign_on_cookie() -> HeaderValue {
    HeaderValue::from_static(
        "bianque-sign-on=; Path=/api/v1/session/provider; HttpOnly; SameSite=Lax; Max-Age=0",
    )
}

/// The header that takes a session's away again.
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

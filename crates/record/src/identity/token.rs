//! Secrets that a program or a browser shows: random, kept only as their digest.

use std::fmt;

use crate::{RecordError, Result};

/// Random bytes of the operating system.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| RecordError::Database {
        doing: "written",
        what: format!("the system gives no random bytes: {error}"),
    })?;
    Ok(bytes)
}

/// 256 random bits as 64 hexadecimal digits. Shown once to whom it is for; the database keeps its
/// digest, which is of no use to a thief.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// What the database keeps of a token: its BLAKE3 digest. A slow hash adds nothing to 256 random
/// bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenDigest(String);

impl Token {
    /// A new token.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn fresh() -> Result<Self> {
        let bytes = random_bytes::<32>()?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The secret itself: for a cookie, a header, a link.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the database looks up.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}

impl TokenDigest {
    /// The digest of what was shown to us, whatever it is.
    #[must_use]
    pub fn of(shown: &str) -> Self {
        Self(blake3::derive_key("bianque 2026 token digest", shown.as_bytes()).iter().fold(
            String::new(),
            |mut text, byte| {
                use fmt::Write as _;
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
                text
            },
        ))
    }
}

impl TokenDigest {
    /// As it is stored.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<TokenDigest> for crate::database::Value {
    fn from(digest: TokenDigest) -> Self {
        Self::Text(digest.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_in_its_debug_text_and_differs_each_time() {
        let (a, b) = (Token::fresh().unwrap(), Token::fresh().unwrap());
        assert_ne!(a, b);
        assert!(!format!("{a:?}").contains(a.reveal()));
        assert_eq!(TokenDigest::of(a.reveal()), a.digest());
        assert_ne!(a.digest().0, a.reveal());
    }
}

//! Passwords and their hashes: argon2id, in the PHC form that carries its own settings.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use crate::{RecordError, Result};

/// What somebody typed as a password: 12 to 256 bytes. Never shown, never logged.
pub struct Password(String);

/// How dear a guess is. More costs every login as much as every guess.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for PasswordCost {
    /// 19 MiB and two passes on one lane: the lesser of the two settings that OWASP's password
    /// storage sheet names first, and the `argon2` crate's own default.
    fn default() -> Self {
        Self { memory: Params::DEFAULT_M_COST, passes: Params::DEFAULT_T_COST }
    }
}

impl Password {
    /// A password that may be set.
    ///
    /// # Errors
    /// When it is shorter than 12 bytes or longer than 256.
    pub fn new(text: &str) -> Result<Self> {
        if (12..=256).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(RecordError::invalid("password", "it must have 12 to 256 bytes"))
    }

    pub(crate) fn hash(&self, cost: PasswordCost) -> Result<String> {
        let failed = |error: &dyn std::fmt::Display| RecordError::Database {
            doing: "written",
            what: format!("the password cannot be hashed: {error}"),
        };
        let params =
            Params::new(cost.memory, cost.passes, 1, None).map_err(|error| failed(&error))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = argon2.hash_password(self.0.as_bytes()).map_err(|error| failed(&error))?;
        Ok(hash.to_string())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(secret)")
    }
}

/// Whether what was typed has this hash. A longer text than any password is not even hashed.
pub(super) fn matches(typed: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    typed.len() <= 256 && Argon2::default().verify_password(typed.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordCost = PasswordCost { memory: 64, passes: 1 };

    #[test]
    fn a_hash_opens_for_its_password_only() {
        let password = Password::new("correct horse").unwrap();
        let hash = password.hash(CHEAP).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert!(matches("correct horse", &hash));
        assert!(!matches("correct horsf", &hash));
        assert!(!matches(&"x".repeat(300), &hash));
        assert!(!matches("correct horse", "no hash"));
        assert_ne!(password.hash(CHEAP).unwrap(), hash, "salted");
    }

    #[test]
    fn weak_and_endless_passwords_are_refused_and_none_is_shown() {
        assert!(Password::new("short").is_err());
        assert!(Password::new(&"x".repeat(257)).is_err());
        assert!(!format!("{:?}", Password::new("correct horse").unwrap()).contains("horse"));
    }
}

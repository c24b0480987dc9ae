//! Names that are safe on every file system, and therefore in every package.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name of an entry: what a tar header holds.
const LONGEST_ENTRY: usize = 100;
/// How many folders may stand in each other.
const DEEPEST: usize = 4;
/// The longest name of a package.
const LONGEST_PACKAGE: usize = 64;

/// Names that Windows keeps for devices, whatever their extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// The name of an entry: parts of letters, digits, `-`, `_` and `.`, joined by `/`. It cannot leave
/// the folder that it is unpacked into and means the same file everywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntryName(String);

impl EntryName {
    /// Takes a name that keeps to the rules.
    ///
    /// # Errors
    /// With the rule that it breaks.
    pub fn new(name: impl Into<String>) -> Result<Self, String> {
        let name = name.into();
        match broken_rule(&name) {
            None => Ok(Self(name)),
            Some(rule) => Err(format!("the entry name {:?} {rule}", shortened(&name))),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a file system that ignores case takes for the same name.
    pub(crate) fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > LONGEST_ENTRY {
        return Some("is empty or longer than 100 bytes");
    }
    if name.split('/').count() > DEEPEST {
        return Some("lies more than 4 folders deep");
    }
    name.split('/').find_map(broken_part)
}

fn broken_part(part: &str) -> Option<&'static str> {
    if part.is_empty() || part.starts_with('.') || part.ends_with('.') {
        return Some("leaves its folder, is absolute or begins or ends with a dot");
    }
    if !part.bytes().all(is_plain) {
        return Some("has characters other than letters, digits, '-', '_' and '.'");
    }
    let stem = part.split('.').next().unwrap_or(part).to_ascii_lowercase();
    let device = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    DEVICES.contains(&device).then_some("is a device's name on Windows")
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn shortened(name: &str) -> String {
    name.chars().take(120).collect()
}

/// The name of a package: a folder's name, lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(String);

impl PackageName {
    /// Takes a name of 1 to 64 lower-case letters, digits, `-`, `_` and `.`.
    ///
    /// # Errors
    /// With the rule that it breaks.
    pub fn new(name: impl Into<String>) -> Result<Self, String> {
        let name = name.into();
        let plain = name.len() <= LONGEST_PACKAGE
            && broken_rule(&name).is_none()
            && !name.contains('/')
            && !name.bytes().any(|byte| byte.is_ascii_uppercase());
        if plain {
            return Ok(Self(name));
        }
        Err(format!(
            "the package name {:?} is not 1 to 64 lower-case letters, digits, '-', '_' and '.', \
             beginning with none of the latter",
            shortened(&name)
        ))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(name: String) -> Result<Self, String> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text!(EntryName);
text!(PackageName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_folder_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "../a",
            "a/../b",
            "/etc/passwd",
            "a//b",
            "a/",
            "C:\\a",
            "a\\b",
            "a:b",
            ".ssh/x",
            "a.",
            "a\0",
            "a b",
            "é",
            "nul",
            "NUL.txt",
            "x/com1.json",
            "a/b/c/d/e",
        ] {
            assert!(EntryName::new(name).is_err(), "{name:?}");
        }
        assert!(EntryName::new("a".repeat(101)).is_err());
    }

    #[test]
    fn plain_names_are_taken() {
        for name in ["task.json", "a/b/c/d", "head.safetensors", "CARD.md", "a-b_c.1", "common"] {
            assert_eq!(EntryName::new(name).unwrap().as_str(), name);
        }
        assert_eq!(PackageName::new("colon").unwrap().to_string(), "colon");
        for name in ["", "Colon", "a/b", "..", "-", "a".repeat(65).as_str()] {
            assert_eq!(PackageName::new(name).is_ok(), name == "-", "{name:?}");
        }
    }
}

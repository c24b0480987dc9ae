//! Texts of a bounded length and alphabet.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{RecordError, Result};

macro_rules! text {
    ($(#[$meta:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = RecordError;

            fn from_str(text: &str) -> Result<Self> {
                let check: fn(&str) -> std::result::Result<(), &'static str> = $check;
                check(text).map_err(|why| RecordError::invalid($what, why))?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} '{}'", $what, self.0)
            }
        }

        impl From<&$name> for crate::database::Value {
            fn from(text: &$name) -> Self {
                Self::Text(text.0.clone())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

text!(
    /// What stands for a patient: 4 to 64 letters, digits, `.`, `_` and `-` of ASCII, at least two
    /// of them digits. A name in any script has a space, a letter outside ASCII, or no digit: it
    /// does not fit. Who the patient is, is known to the hospital's own system alone.
    Pseudonym,
    "pseudonym",
    |text| coded(text, 4, 64, "._-")
);
text!(
    /// The laboratory's number of a case, 2 to 64 letters, digits, `.`, `_`, `-` and `/` of ASCII,
    /// at least two of them digits.
    CaseNumber,
    "case number",
    |text| coded(text, 2, 64, "._-/")
);
text!(
    /// The name under which a member of staff or a program logs in: 2 to 64 letters, digits, `.`,
    /// `_`, `-` and `@` of ASCII.
    LoginName,
    "login name",
    |text| {
        let ours = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        if (2..=64).contains(&text.len()) && text.chars().all(ours) {
            Ok(())
        } else {
            Err("2 to 64 letters, digits, '.', '_', '-' and '@' are allowed")
        }
    }
);
text!(
    /// A short text on one line, 1 to 200 characters: a specimen's, a stain's, a label's. Never of
    /// a patient.
    Label,
    "label",
    |text| words(text, 200, false)
);
text!(
    /// Why somebody did something, 1 to 4000 characters. Never a patient's name.
    Reason,
    "reason",
    |text| words(text, 4000, true)
);

text!(
    /// By what a client names a request that it may send again: 8 to 64 letters, digits and `-` of
    /// ASCII.
    RequestKey,
    "request key",
    |text| {
        let ours = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if (8..=64).contains(&text.len()) && text.chars().all(ours) {
            Ok(())
        } else {
            Err("8 to 64 letters, digits and '-' are allowed")
        }
    }
);

text!(
    /// A DICOM unique identifier: 1 to 64 digits and dots (PS3.5 section 9.1).
    InstanceUid,
    "instance UID",
    |text| {
        let ours = |c: char| c.is_ascii_digit() || c == '.';
        if (1..=64).contains(&text.len()) && text.chars().all(ours) {
            Ok(())
        } else {
            Err("1 to 64 digits and dots are allowed")
        }
    }
);

fn coded(
    text: &str,
    shortest: usize,
    longest: usize,
    marks: &str,
) -> std::result::Result<(), &'static str> {
    if !(shortest..=longest).contains(&text.len()) {
        return Err("it is too short or too long (4 to 64 characters; a case number 2 to 64)");
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c)) {
        return Err(
            "only letters and digits of ASCII, '.', '_' and '-' are allowed: a name is not",
        );
    }
    if text.chars().filter(char::is_ascii_digit).count() < 2 {
        return Err("it has fewer than two digits and may be a name");
    }
    Ok(())
}

fn words(text: &str, longest: usize, lines: bool) -> std::result::Result<(), &'static str> {
    if text.trim().is_empty() {
        return Err("it is empty");
    }
    // Longer in bytes than any text of that many characters: not even counted.
    if text.len() > 4 * longest || text.chars().count() > longest {
        return Err("it is too long");
    }
    if text.chars().any(|c| c.is_control() && !(lines && c == '\n')) {
        return Err("it has control characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_pseudonyms() {
        for name in ["Zhang San", "张三", "Zhang.San", "Müller-12", "anna", "", "A1", "José 12"]
        {
            assert!(name.parse::<Pseudonym>().is_err(), "{name}");
        }
        assert!("a".repeat(65).parse::<Pseudonym>().is_err());
        assert!("P-0042".parse::<Pseudonym>().is_ok());
    }

    #[test]
    fn texts_are_bounded_and_plain() {
        assert!("".parse::<Reason>().is_err());
        assert!(" \n".parse::<Reason>().is_err());
        assert!("a\u{0}b".parse::<Reason>().is_err());
        assert!("a\nb".parse::<Label>().is_err());
        assert!("a\nb".parse::<Reason>().is_ok());
        assert!("字".repeat(4000).parse::<Reason>().is_ok());
        assert!("字".repeat(4001).parse::<Reason>().is_err());
        assert!("a b".parse::<LoginName>().is_err());
    }
}

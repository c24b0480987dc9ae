//! Unique identifiers that follow from a slide's content: the same slide has the same ones on every
//! machine, without a register.

use std::{borrow::Borrow, fmt};

use bianque_core::Digest;

/// A DICOM unique identifier of the form `2.25.N` (PS3.5 section B.2; ITU-T X.667).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Uid(String);

impl Uid {
    /// The identifier of a slide's part, `study`, `series` or `level 0`.
    pub(crate) fn of(slide: &Digest, part: &str) -> Self {
        let digest = Digest::of(format!("bianque dicomweb 1\n{slide}\n{part}").as_bytes());
        let hex = digest.to_string();
        let hex = hex.rsplit(':').next().unwrap_or_default();
        let number = hex.get(..32).and_then(|hex| u128::from_str_radix(hex, 16).ok());
        // Version 8 (own content) and the variant of RFC 9562, as X.667 wants a UUID.
        let uuid =
            number.unwrap_or_default() & !(0xF << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
        Self(format!("2.25.{uuid}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Uid {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_follow_from_content_and_fit_dicom() {
        let slide = Digest::of(b"slide");
        let study = Uid::of(&slide, "study");
        assert_eq!(study, Uid::of(&slide, "study"));
        assert_ne!(study, Uid::of(&slide, "series"));
        assert_ne!(study, Uid::of(&Digest::of(b"other"), "study"));
        assert!(study.as_str().len() <= 64, "{study}");
        let number: u128 = study.as_str().strip_prefix("2.25.").unwrap().parse().unwrap();
        assert_eq!((number >> 76 & 0xF, number >> 62 & 0x3), (0x8, 0x2));
    }
}

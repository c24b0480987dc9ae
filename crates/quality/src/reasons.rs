//! What a mask pixel is, and why it is tissue or not.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The colour of pen or margin ink.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InkColour {
    /// Green to cyan.
    Green,
    /// Blue.
    Blue,
    /// Black.
    Black,
    /// Red.
    Red,
}

impl InkColour {
    /// All colours, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Green, Self::Blue, Self::Black, Self::Red];
}

impl fmt::Display for InkColour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Green => "green",
            Self::Blue => "blue",
            Self::Black => "black",
            Self::Red => "red",
        })
    }
}

/// What a mask pixel is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Empty glass, or the fill outside the scanned part.
    Glass,
    /// Tissue.
    Tissue,
    /// Ink.
    Ink(InkColour),
    /// The dark edge of a cover slip or of the scan.
    DarkEdge,
    /// Dust, a hair, a grey blur on the glass.
    Dust,
}

impl Reason {
    /// The pixel's value in [`crate::Tissue::reasons`].
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Glass => 0,
            Self::Tissue => 1,
            Self::DarkEdge => 2,
            Self::Dust => 3,
            Self::Ink(InkColour::Green) => 4,
            Self::Ink(InkColour::Blue) => 5,
            Self::Ink(InkColour::Black) => 6,
            Self::Ink(InkColour::Red) => 7,
        }
    }

    /// What a pixel's value means.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Glass),
            1 => Some(Self::Tissue),
            2 => Some(Self::DarkEdge),
            3 => Some(Self::Dust),
            4 => Some(Self::Ink(InkColour::Green)),
            5 => Some(Self::Ink(InkColour::Blue)),
            6 => Some(Self::Ink(InkColour::Black)),
            7 => Some(Self::Ink(InkColour::Red)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_both_ways() {
        for code in 0..=255 {
            match Reason::from_code(code) {
                Some(reason) => assert_eq!(reason.code(), code),
                None => assert!(code > 7),
            }
        }
    }
}

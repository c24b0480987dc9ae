//! Ids: 16 bytes, 48 bits of milliseconds and 80 random bits, written as 32 hexadecimal digits.
//! They sort by the time at which they were made and are hard to guess; they are no secrets.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Moment, token::random_bytes};
use crate::{RecordError, Result};

fn fresh(now: Moment) -> Result<[u8; 16]> {
    let mut bytes = random_bytes::<16>()?;
    let milliseconds = now.microseconds() / 1000;
    bytes[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
    Ok(bytes)
}

fn parse(what: &'static str, text: &str) -> Result<[u8; 16]> {
    let wrong = || RecordError::invalid(what, "an id has 32 hexadecimal digits, lower case");
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 32 || !text.bytes().all(digit) {
        return Err(wrong());
    }
    u128::from_str_radix(text, 16).map(u128::to_be_bytes).map_err(|_| wrong())
}

macro_rules! id {
    ($(#[$meta:meta])* $name:ident, $what:literal) => {
        $(#[$meta])*
        #[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A new id.
            ///
            /// # Errors
            /// When the system gives no random bytes.
            pub fn fresh(now: Moment) -> Result<Self> {
                fresh(now).map(Self)
            }
        }

        impl FromStr for $name {
            type Err = RecordError;

            fn from_str(text: &str) -> Result<Self> {
                parse($what, text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", u128::from_be_bytes(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {self}", $what)
            }
        }

        impl From<$name> for crate::database::Value {
            fn from(id: $name) -> Self {
                Self::Text(id.to_string())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_str(self)
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

id!(
    /// A case: what a laboratory was asked about one patient's material.
    CaseId,
    "case"
);
id!(
    /// A specimen: what was taken from the patient in one piece or place.
    SpecimenId,
    "specimen"
);
id!(
    /// A block: a piece of a specimen, embedded.
    BlockId,
    "block"
);
id!(
    /// A slide: a section of a block on glass, and its scan.
    SlideId,
    "slide"
);
id!(
    /// What a machine, or a person beside the machine, said.
    ProposalId,
    "proposal"
);
id!(
    /// What a person decided about a proposal.
    DecisionId,
    "decision"
);
id!(
    /// A question that a late proposal raised on a signed case.
    DiscrepancyId,
    "discrepancy"
);
id!(
    /// A person or program with an account.
    UserId,
    "user"
);
id!(
    /// A head that was refitted to decisions.
    HeadId,
    "refitted head"
);
id!(
    /// A program's standing token.
    ServiceTokenId,
    "service token"
);

impl UserId {
    /// Whoever sits at the machine's own command line: the first migration makes this user, which
    /// cannot log in.
    pub const CONSOLE: Self = Self([0; 16]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "0", &"g".repeat(32), &"A".repeat(32), &"+".repeat(32), &"0".repeat(33)] {
            assert!(text.parse::<CaseId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_come_back_and_sort_by_time() {
        let early = CaseId::fresh(Moment::from_microseconds(1_000_000)).unwrap();
        let late = CaseId::fresh(Moment::from_microseconds(9_000_000)).unwrap();
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse::<CaseId>().unwrap(), early);
    }
}

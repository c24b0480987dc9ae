//! What a licence lets a site do with weights.
//!
//! A run for patients is refused unless the licence allows it: a licence that is silent, unknown
//! or not stated allows nothing.

use serde::{Deserialize, Serialize};

/// What a run is for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Finding things out; no patient's care depends on it.
    Research,
    /// The care of a patient.
    Clinical,
}

impl Purpose {
    /// The purpose's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Research => "research",
            Self::Clinical => "clinical",
        }
    }
}

/// Terms of a licence that its name does not tell, as somebody read them. What was not found in the
/// text stays absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Whether commercial use is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commercial: Option<bool>,
    /// Whether use in the care of patients is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinical: Option<bool>,
    /// Whether the source hands the weights out only to those whom it admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gated: Option<bool>,
    /// Conditions in words, and where they are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Whether a licence allows a purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "answer", content = "why")]
pub enum Permission {
    /// It does.
    Allowed,
    /// It does not, and by which of its terms.
    Forbidden(String),
    /// Nobody has stated whether it does.
    NotStated(String),
}

/// Licences that allow every use (approved by the Open Source Initiative, or dedicated to the
/// public), by their SPDX identifiers.
const OPEN: [&str; 14] = [
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC-BY-4.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "ISC",
    "MIT",
    "MPL-2.0",
];

/// What the parts of Creative Commons identifiers are called that forbid commercial use.
fn is_non_commercial(licence: &str) -> bool {
    licence.starts_with("CC-BY-NC-")
}

/// What stands where nobody stated a licence.
fn is_absent(licence: &str) -> bool {
    matches!(licence, "" | "NOASSERTION" | "NONE")
}

pub(super) fn check(licence: &str, terms: Option<&Terms>) -> Result<(), String> {
    let commercial = terms.and_then(|terms| terms.commercial);
    if is_non_commercial(licence) && commercial == Some(true) {
        return Err(format!(
            "terms.commercial contradicts {licence}; what an agreement of your own allows stands \
             under a licence of its own name, such as LicenseRef-agreement"
        ));
    }
    Ok(())
}

pub(super) fn permits(licence: &str, terms: Option<&Terms>, purpose: Purpose) -> Permission {
    let none = Terms::default();
    let terms = terms.unwrap_or(&none);
    let by_name = if is_non_commercial(licence) {
        Some(false)
    } else {
        OPEN.contains(&licence).then_some(true)
    };
    if purpose == Purpose::Research {
        // Every licence known here lets weights be used for research by whoever was given them.
        return if is_absent(licence) {
            Permission::NotStated("no licence is stated".to_owned())
        } else {
            Permission::Allowed
        };
    }
    let commercial = terms.commercial.or(by_name);
    match (terms.clinical, commercial) {
        (Some(false), _) => {
            Permission::Forbidden(format!("{licence} excludes use in the care of patients"))
        }
        (Some(true), _) => Permission::Allowed,
        (None, Some(false)) => {
            Permission::Forbidden(format!("{licence} is for non-commercial use"))
        }
        (None, Some(true)) => Permission::Allowed,
        (None, None) if is_absent(licence) => {
            Permission::NotStated("no licence is stated".to_owned())
        }
        (None, None) => Permission::NotStated(format!(
            "nothing is stated of what {licence} allows in the care of patients"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clinical(licence: &str, commercial: Option<bool>, clinical: Option<bool>) -> Permission {
        let terms = Terms { commercial, clinical, ..Terms::default() };
        permits(licence, Some(&terms), Purpose::Clinical)
    }

    #[test]
    fn only_what_allows_it_is_allowed_for_patients() {
        for (licence, commercial, stated, allowed) in [
            ("Apache-2.0", None, None, true),
            ("GPL-3.0-or-later", None, None, true),
            ("Apache-2.0", None, Some(false), false),
            ("Apache-2.0", Some(false), None, false),
            ("LicenseRef-agreement", None, None, false),
            ("LicenseRef-agreement", None, Some(true), true),
            ("LicenseRef-agreement", Some(true), None, true),
            ("CC-BY-NC-ND-4.0", None, None, false),
            ("NOASSERTION", None, None, false),
            ("", None, None, false),
            ("MIT OR Apache-2.0", None, None, false),
        ] {
            let answer = clinical(licence, commercial, stated);
            assert_eq!(answer == Permission::Allowed, allowed, "{licence}: {answer:?}");
        }
        assert!(matches!(clinical("NOASSERTION", None, None), Permission::NotStated(_)));
        assert!(matches!(clinical("CC-BY-NC-SA-4.0", None, None), Permission::Forbidden(_)));
    }

    #[test]
    fn research_needs_a_licence_at_least() {
        assert_eq!(permits("CC-BY-NC-4.0", None, Purpose::Research), Permission::Allowed);
        assert!(matches!(permits("NONE", None, Purpose::Research), Permission::NotStated(_)));
    }

    #[test]
    fn terms_do_not_contradict_the_name() {
        let terms = Terms { commercial: Some(true), ..Terms::default() };
        assert!(check("CC-BY-NC-ND-4.0", Some(&terms)).is_err());
        assert!(check("LicenseRef-agreement", Some(&terms)).is_ok());
        assert!(check("CC-BY-NC-ND-4.0", None).is_ok());
    }
}

//! What a fault means and what to do about it, in English and Chinese: `explanations.toml`.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::fault::Fault;

const TEXT: &str = include_str!("../../explanations.toml");

/// What a fault means, for a person at the bench.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// Its name for people.
    pub title: String,
    /// The same in Chinese.
    pub title_zh: String,
    /// What is wrong, and why it matters.
    pub means: String,
    /// The same in Chinese.
    pub means_zh: String,
    /// What the program looks at.
    pub measured: String,
    /// The same in Chinese.
    pub measured_zh: String,
    /// What to do at bench, scanner or stainer, in the order in which it is worth trying.
    pub act: String,
    /// The same in Chinese.
    pub act_zh: String,
    /// What looks like it and is not.
    pub mistaken: String,
    /// The same in Chinese.
    pub mistaken_zh: String,
}

static EXPLANATIONS: LazyLock<BTreeMap<String, Explanation>> =
    LazyLock::new(|| toml::from_str(TEXT).unwrap_or_default());

static NOTHING: LazyLock<Explanation> = LazyLock::new(Explanation::default);

/// What a fault means and what to do about it.
#[must_use]
pub fn explain(fault: Fault) -> &'static Explanation {
    // A test holds the file against every fault: it is never absent.
    EXPLANATIONS.get(fault.name()).unwrap_or(&NOTHING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_every_text_and_no_other() {
        let all: BTreeMap<String, Explanation> = toml::from_str(TEXT).unwrap();
        assert_eq!(all.len(), Fault::ALL.len(), "a text for a fault that is not");
        for fault in Fault::ALL {
            let texts = serde_json::to_value(explain(*fault)).unwrap();
            for (key, text) in texts.as_object().unwrap() {
                let text = text.as_str().unwrap();
                let han = text.chars().filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)).count();
                if key.ends_with("_zh") {
                    assert!(han >= 2, "{fault}.{key}: '{text}' is not Chinese");
                } else {
                    assert_eq!(han, 0, "{fault}.{key} is not English");
                }
                let least = if key.starts_with("title") { 2 } else { 12 };
                assert!(text.chars().count() >= least, "{fault}.{key}: '{text}'");
                assert_eq!(text.trim(), text, "{fault}.{key}");
            }
        }
    }

    #[test]
    fn a_text_refers_only_to_faults_that_exist() {
        for fault in Fault::ALL {
            let explanation = explain(*fault);
            for text in [&explanation.means, &explanation.act, &explanation.mistaken] {
                for other in text.split("(see ").skip(1) {
                    let name = other.split([')', ';']).next().unwrap_or_default();
                    assert!(Fault::from_name(name).is_some(), "{fault} refers to '{name}'");
                }
            }
        }
    }
}

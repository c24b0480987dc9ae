//! What is kept of one slide.

use std::collections::BTreeMap;

use bianque_core::Digest;
use serde::{Deserialize, Deserializer, Serialize};

use super::day::Day;
use crate::Verdict;

/// What is kept of one slide. No patient: the slide goes by the digest of its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlideRecord {
    /// The slide's bytes.
    pub digest: Digest,
    /// The file's name, only where the site asks for it: names may hold a patient's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Maker, model and serial number as the file or a person gives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner: Option<String>,
    /// The staining machine or bench, as a person gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stainer: Option<String>,
    /// When it was scanned; where the file does not say, when it was checked.
    pub day: Day,
    /// Version of the program that measured.
    pub version: String,
    /// What was decided.
    #[serde(deserialize_with = "verdict")]
    pub verdict: Verdict,
    /// Measures by name, in the unit that the name ends with.
    pub measures: BTreeMap<String, f64>,
}

impl SlideRecord {
    /// The most measures that a record keeps.
    pub const MOST_MEASURES: usize = 256;
    /// The longest name of a scanner, a stainer or a measure, in characters.
    pub const LONGEST_NAME: usize = 120;

    /// The record within its bounds: names without control characters and not too long, measures
    /// finite and not too many. What does not fit is left out.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        for name in [&mut self.name, &mut self.scanner, &mut self.stainer] {
            *name = name.take().map(|name| tidy(&name)).filter(|name| !name.is_empty());
        }
        self.version = tidy(&self.version);
        self.measures = self
            .measures
            .into_iter()
            .filter(|(name, value)| {
                value.is_finite()
                    && !name.is_empty()
                    && name.len() <= Self::LONGEST_NAME
                    && !name.contains(char::is_control)
            })
            .take(Self::MOST_MEASURES)
            .collect();
        self
    }
}

fn tidy(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c.is_control());
    let joined = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    joined.chars().take(SlideRecord::LONGEST_NAME).collect()
}

fn verdict<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Verdict, D::Error> {
    let name = String::deserialize(deserializer)?;
    Verdict::ALL
        .into_iter()
        .find(|verdict| verdict.name() == name)
        .ok_or_else(|| serde::de::Error::custom("no verdict"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> SlideRecord {
        SlideRecord {
            digest: Digest::of(b"glass"),
            name: None,
            scanner: Some(" Maker\n X\u{7} 12 ".into()),
            stainer: Some(" \t".into()),
            day: "2026-03-02".parse().unwrap(),
            version: "0.1.0".into(),
            verdict: Verdict::PassMarked,
            measures: [("focus.edge_width_um", 1.5), ("bad", f64::NAN), ("", 1.0)]
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
        }
    }

    #[test]
    fn goes_through_json() {
        let record = record().tidied();
        assert_eq!(record.scanner.as_deref(), Some("Maker X 12"));
        assert_eq!((&record.stainer, record.measures.len()), (&None, 1));
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("name\":null"), "{text}");
        assert_eq!(serde_json::from_str::<SlideRecord>(&text).unwrap(), record);
        for (from, to) in [("pass-marked", "fine"), ("2026-03-02", "2026-02-30"), ("1.5", "null")] {
            let broken = text.replace(from, to);
            assert!(serde_json::from_str::<SlideRecord>(&broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn is_bounded() {
        let mut record = record();
        record.scanner = Some("é".repeat(10_000));
        record.measures = (0..5_000).map(|n| (format!("m{n}"), 0.0)).collect();
        let tidied = record.tidied();
        assert_eq!(tidied.scanner.unwrap().chars().count(), SlideRecord::LONGEST_NAME);
        assert_eq!(tidied.measures.len(), SlideRecord::MOST_MEASURES);
    }
}

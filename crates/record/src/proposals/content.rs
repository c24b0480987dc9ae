//! The content of a proposal: any kind, as JSON of a version.

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use crate::{RecordError, Result, canonical::canonical, names::named, people::Action};

/// What a proposal bears on: who may decide about it follows from that.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// What the patient has.
    Diagnosis,
    /// Whether a slide is fit for its purpose.
    Quality,
    /// What a patient is told.
    Advice,
}
named!(Field, "field", {
    Diagnosis => "diagnosis",
    Quality => "quality",
    Advice => "advice",
});

impl Field {
    pub(crate) fn decided_by(self) -> Action {
        match self {
            Self::Diagnosis => Action::DecideDiagnosis,
            Self::Quality => Action::DecideQuality,
            Self::Advice => Action::DecideAdvice,
        }
    }
}

/// A kind of content. Whoever makes a new kind writes this; tables, queue, decisions and release
/// need nothing more.
pub trait ProposalContent: Serialize + DeserializeOwned {
    /// Its stable name: lower-case letters, digits and hyphens.
    const KIND: &'static str;
    /// The version of its JSON; raised when old readers would misunderstand it.
    const VERSION: u32;
    /// What it bears on.
    const FIELD: Field;

    /// What a list shows of it, on one line; cut at 200 characters. No names.
    fn headline(&self) -> String;

    /// Whether it says that a slide is not fit for diagnosis.
    fn bad_slide(&self) -> bool {
        false
    }

    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn check(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}

/// Content of some kind, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub(crate) kind: &'static str,
    pub(crate) version: u32,
    pub(crate) field: Field,
    pub(crate) headline: String,
    pub(crate) bad_slide: bool,
    pub(crate) body: Json,
}

impl Content {
    /// The longest content, as JSON in bytes.
    pub const LONGEST: usize = 1 << 20;

    /// Content of a kind.
    ///
    /// # Errors
    /// When it does not pass its kind's check, or is too long.
    pub fn of<T: ProposalContent>(content: &T) -> Result<Self> {
        content.check().map_err(|why| RecordError::invalid("content", why))?;
        let body = serde_json::to_value(content)
            .map_err(|error| RecordError::invalid("content", error.to_string()))?;
        let length = canonical(&body).len();
        if length > Self::LONGEST {
            let why = format!("it has {length} bytes; at most {} are kept", Self::LONGEST);
            return Err(RecordError::invalid("content", why));
        }
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        Ok(Self {
            kind: T::KIND,
            version: T::VERSION,
            field: T::FIELD,
            headline: content.headline().chars().map(plain).take(200).collect(),
            bad_slide: content.bad_slide(),
            body,
        })
    }

    /// Stored JSON as content of a kind.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] when it is another kind's or version's, or does not parse.
    pub fn read<T: ProposalContent>(kind: &str, version: u32, body: &Json) -> Result<T> {
        if kind != T::KIND || version != T::VERSION {
            let why = format!("expected {}/{}, found {kind}/{version}", T::KIND, T::VERSION);
            return Err(RecordError::damaged("content", kind, why));
        }
        T::deserialize(body).map_err(|error| RecordError::damaged("content", kind, error))
    }
}

/// How sure the producer is, from 0 to 1. What it means is the producer's to say.
#[derive(Copy, Clone, Debug, PartialEq, PartialOrd, Serialize)]
pub struct ModelConfidence(f64);

impl ModelConfidence {
    /// A number from 0 to 1.
    ///
    /// # Errors
    /// When it is another.
    pub fn new(value: f64) -> Result<Self> {
        if (0.0..=1.0).contains(&value) {
            // Minus zero is equal to zero but is written differently.
            return Ok(Self(value.abs()));
        }
        Err(RecordError::invalid("confidence", format!("{value} is not between 0 and 1")))
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for ModelConfidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_is_a_number_from_nothing_to_certainty() {
        for value in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(ModelConfidence::new(value).is_err(), "{value}");
        }
        assert!(ModelConfidence::new(-0.0).unwrap().value().is_sign_positive());
    }
}

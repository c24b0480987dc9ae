//! How a chain ended at some time: what is kept apart from the database, so that a cut or rewritten
//! chain shows.

use serde::{Deserialize, Serialize};

use crate::RecordError;

/// The last entry of a chain, as one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// `bianque.audit-head/1`.
    schema: String,
    /// The number of the last entry; 0 for a chain without entries.
    pub sequence: u64,
    /// Its digest.
    pub hash: String,
}

impl Head {
    const SCHEMA: &'static str = "bianque.audit-head/1";

    pub(super) fn new(sequence: u64, hash: String) -> Self {
        Self { schema: Self::SCHEMA.to_owned(), sequence, hash }
    }

    /// The line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        // A struct of two texts and a number always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads heads, one a line; empty lines are passed over.
    ///
    /// # Errors
    /// When a line is none.
    pub fn read_lines(text: &str) -> Result<Vec<Self>, RecordError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(number, line)| {
                let head: Self = serde_json::from_str(line).map_err(|error| {
                    RecordError::invalid("audit head", format!("line {}: {error}", number + 1))
                })?;
                if head.schema == Self::SCHEMA {
                    return Ok(head);
                }
                let why = format!("line {}: schema '{}' is not known", number + 1, head.schema);
                Err(RecordError::invalid("audit head", why))
            })
            .collect()
    }
}

//! What produced a result.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// A program, model or rule that produced a result, named so that the result can be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Producer {
    /// Its name, such as `bianque` or a model's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of its weights or rules; a program has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<Digest>,
    /// The licence under which it may be used, as an SPDX expression.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub licence: Option<String>,
}

//! What a package says of itself.

use std::collections::{BTreeMap, BTreeSet};

use bianque_core::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    MANIFEST_FILE, SIGNATURE_FILE,
    archive::LARGEST_ENTRY,
    error::{PackageError, Result},
    name::{EntryName, PackageName},
};

/// The schema that this version writes and reads.
const SCHEMA: &str = "bianque.package/1";
/// The largest manifest.
pub(crate) const LARGEST_MANIFEST: u64 = 1 << 20;
/// The most entries.
const MOST_ENTRIES: usize = 4096;
/// The most packages that one may need.
const MOST_REQUIREMENTS: usize = 64;
/// The longest version and licence.
const LONGEST_TEXT: usize = 200;

/// What a package is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An encoder: recipe and weights.
    Model,
    /// A head with everything that is needed to use it on a slide.
    Task,
    /// A doctor's questions, reasoning and words.
    Avatar,
    /// Rules of a guard.
    RulePack,
}

impl Kind {
    /// The kind's name, as in the manifest and in file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Task => "task",
            Self::Avatar => "avatar",
            Self::RulePack => "rule-pack",
        }
    }
}

/// A file in the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name.
    pub name: EntryName,
    /// Its size in bytes.
    pub bytes: u64,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// Something that must be there for the package to be of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// What it is.
    pub kind: Kind,
    /// Its name, as its recipe or manifest has it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of its weights.
    pub digest: Digest,
    /// The digest of its recipe, where that counts too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Digest>,
}

/// What a package says of itself; the digest of its bytes names the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    schema: String,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: String,
    /// The licence of what is in it, as an SPDX expression.
    pub licence: String,
    /// The entry with the structured card.
    pub card: EntryName,
    /// The entry with the licence's text or statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence_text: Option<EntryName>,
    /// What must be there for it to be of use.
    pub requires: Vec<Requirement>,
    /// Every other file, by name.
    pub entries: Vec<Entry>,
}

impl Manifest {
    /// Puts a manifest together; entries may come in any order.
    ///
    /// # Errors
    /// [`PackageError::Content`] with the rule that is broken.
    #[allow(clippy::too_many_arguments, reason = "one argument a field, each of its own type")]
    pub fn new(
        kind: Kind,
        name: PackageName,
        version: String,
        licence: String,
        card: EntryName,
        licence_text: Option<EntryName>,
        requires: Vec<Requirement>,
        mut entries: Vec<Entry>,
    ) -> Result<Self> {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let schema = SCHEMA.to_owned();
        let manifest =
            Self { schema, kind, name, version, licence, card, licence_text, requires, entries };
        match manifest.contradiction() {
            None => Ok(manifest),
            Some(what) => Err(PackageError::Content(what)),
        }
    }

    /// The bytes that stand for it; their digest names the package.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain data with text keys: there is nothing that could not be written.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The package's name by content.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// Bytes of all entries together.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        // Each is below 2^33 and there are at most 2^12.
        self.entries.iter().map(|entry| entry.bytes).sum()
    }

    /// The entry of a name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.as_str() == name)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is none, of a schema that is not known, breaks a rule, or is not written as
    /// [`Self::to_bytes`] writes it: one content has one digest.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let wrong = |what: String| PackageError::Malformed(format!("{MANIFEST_FILE}: {what}"));
        /// The schema first: another version's fields would only confuse.
        #[derive(Deserialize)]
        struct Version {
            schema: String,
        }
        let version: Version = serde_json::from_slice(bytes).map_err(|e| wrong(e.to_string()))?;
        if version.schema != SCHEMA {
            return Err(PackageError::Schema(version.schema.chars().take(60).collect()));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|e| wrong(e.to_string()))?;
        if let Some(what) = manifest.contradiction() {
            return Err(wrong(what));
        }
        if manifest.to_bytes() != bytes {
            return Err(wrong("is not written in its one form".into()));
        }
        Ok(manifest)
    }

    fn contradiction(&self) -> Option<String> {
        for (field, text) in [("version", &self.version), ("licence", &self.licence)] {
            if text.trim().is_empty()
                || text.len() > LONGEST_TEXT
                || text.contains(char::is_control)
            {
                return Some(format!("'{field}' is empty, too long or has odd characters"));
            }
        }
        if self.entries.len() > MOST_ENTRIES || self.requires.len() > MOST_REQUIREMENTS {
            let (entries, needs) = (self.entries.len(), self.requires.len());
            return Some(format!("{entries} entries and {needs} requirements: too many"));
        }
        let odd = |text: &String| text.trim().is_empty() || text.len() > LONGEST_TEXT;
        if self.requires.iter().any(|needed| odd(&needed.name) || odd(&needed.version)) {
            return Some("a requirement without name or version, or with a very long one".into());
        }
        if let Some(pair) = self.entries.windows(2).find(|pair| pair[0].name >= pair[1].name) {
            let [first, second] = [&pair[0].name, &pair[1].name];
            return Some(if first == second {
                format!("the entry {first} is listed twice")
            } else {
                format!("the entry {second} stands after {first}: entries are listed by name")
            });
        }
        self.clash().or_else(|| self.pointing_nowhere())
    }

    /// Two entries that some file system takes for the same, or one that is the other's folder.
    fn clash(&self) -> Option<String> {
        let mut folders = BTreeSet::new();
        let mut files: BTreeMap<String, &EntryName> = BTreeMap::new();
        for kept in [MANIFEST_FILE, SIGNATURE_FILE] {
            if let Some(entry) = self.entries.iter().find(|entry| entry.name.folded() == kept) {
                return Some(format!(
                    "the entry {} bears a name that the format keeps",
                    entry.name
                ));
            }
        }
        for entry in &self.entries {
            if entry.bytes > LARGEST_ENTRY {
                return Some(format!("the entry {} is larger than 8 GiB", entry.name));
            }
            let folded = entry.name.folded();
            for (at, _) in folded.match_indices('/') {
                folders.insert(folded[..at].to_owned());
            }
            if let Some(other) = files.insert(folded, &entry.name) {
                return Some(format!(
                    "{other} and {} are one file where case is ignored",
                    entry.name
                ));
            }
        }
        let both = folders.iter().find_map(|folder| files.get(folder));
        both.map(|name| format!("the entry {name} is a file and a folder"))
    }

    fn pointing_nowhere(&self) -> Option<String> {
        let named = std::iter::once(&self.card).chain(&self.licence_text);
        named.into_iter().find_map(|name| {
            let there = self.entry(name.as_str()).is_some();
            (!there).then(|| format!("it names {name}, which is not among its entries"))
        })
    }
}

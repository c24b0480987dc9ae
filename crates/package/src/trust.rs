//! Whose packages a site takes: a folder of public keys, each file's name the signer's.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    error::{PackageError, Result, at},
    key::{KeyId, PublicKey},
    name::PackageName,
    signature::Signature,
};

/// How a key file in the folder ends.
const ENDING: &str = "pub";
/// The most keys that are read.
const MOST_KEYS: usize = 10_000;

/// What a site knows of a package's signer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "standing")]
pub enum Standing {
    /// Signed by a key that the site trusts, under the name that the site gave it.
    Trusted {
        /// The site's name for the signer.
        signer: String,
        /// The key.
        key: KeyId,
    },
    /// Signed, by a key that the site does not know.
    UnknownSigner {
        /// The key.
        key: KeyId,
    },
    /// Nobody signed it.
    Unsigned,
}

impl Standing {
    /// Whether the site trusts the signer.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Trusted { .. })
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Trusted { signer, key } => write!(f, "signed by {signer} (key {key}), trusted"),
            Self::UnknownSigner { key } => {
                write!(f, "signed by key {key}, which this site does not know")
            }
            Self::Unsigned => f.write_str("not signed"),
        }
    }
}

/// The keys that a site trusts, by the names that it gave them.
#[derive(Debug, Default)]
pub struct TrustStore {
    keys: BTreeMap<String, PublicKey>,
}

impl TrustStore {
    /// Reads a folder of `NAME.pub` files. A folder that does not exist trusts nobody.
    ///
    /// # Errors
    /// When a file cannot be read or is no public key: a key that is silently passed over would
    /// look like one that was withdrawn.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut store = Self::default();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(store),
            Err(error) => return Err(at(folder)(error)),
        };
        for entry in entries.take(MOST_KEYS) {
            let path = entry.map_err(at(folder))?.path();
            if path.extension().is_some_and(|ending| ending == ENDING)
                && let Some(name) = path.file_stem()
            {
                store.keys.insert(name.to_string_lossy().into_owned(), PublicKey::read(&path)?);
            }
        }
        Ok(store)
    }

    /// Adds a key to the folder under a name, making the folder if needed; gives the file.
    ///
    /// # Errors
    /// When the name is no plain one, is taken by another key, or the file cannot be written.
    pub fn add(folder: &Path, name: &str, key: &PublicKey) -> Result<PathBuf> {
        let name = PackageName::new(name).map_err(|what| PackageError::Key {
            path: folder.to_owned(),
            what: what.replace("package name", "signer's name"),
        })?;
        let path = folder.join(format!("{name}.{ENDING}"));
        if path.exists() {
            if PublicKey::read(&path)? == *key {
                return Ok(path);
            }
            let what = "another key bears this name: give another, or remove the file first";
            return Err(PackageError::Key { path, what: what.into() });
        }
        fs::create_dir_all(folder).map_err(at(folder))?;
        let part = folder.join(format!(".{name}.{}.part", std::process::id()));
        fs::write(&part, key.to_pem()).map_err(at(&part))?;
        fs::rename(&part, &path).map_err(at(&path))?;
        Ok(path)
    }

    /// The trusted keys by name.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &PublicKey)> {
        self.keys.iter().map(|(name, key)| (name.as_str(), key))
    }

    /// What this site knows of a package's signer; the signature was checked when it was read.
    #[must_use]
    pub fn standing(&self, signature: Option<&Signature>) -> Standing {
        let Some(signature) = signature else { return Standing::Unsigned };
        let key = signature.key.id();
        match self.keys.iter().find(|(_, known)| **known == signature.key) {
            Some((signer, _)) => Standing::Trusted { signer: signer.clone(), key },
            None => Standing::UnknownSigner { key },
        }
    }
}

#[cfg(test)]
mod tests {
    use bianque_core::Digest;

    use super::*;
    use crate::SecretKey;

    #[test]
    fn a_signer_is_trusted_unknown_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let (known, unknown) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
        let path = folder.path().join("keys");
        assert!(TrustStore::read(&path).unwrap().keys().next().is_none());
        TrustStore::add(&path, "ruijin", &known.public()).unwrap();
        TrustStore::add(&path, "ruijin", &known.public()).unwrap();
        assert!(TrustStore::add(&path, "ruijin", &unknown.public()).is_err());
        assert!(TrustStore::add(&path, "../x", &known.public()).is_err());
        let store = TrustStore::read(&path).unwrap();
        let digest = Digest::of(b"m");
        let standing = |key| store.standing(Some(&Signature::sign(digest, key)));
        assert!(standing(&known).is_trusted());
        assert!(matches!(standing(&unknown), Standing::UnknownSigner { .. }));
        assert_eq!(store.standing(None), Standing::Unsigned);
    }

    #[test]
    fn a_broken_key_in_the_folder_is_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.pub"), "nonsense").unwrap();
        assert!(matches!(TrustStore::read(folder.path()), Err(PackageError::Key { .. })));
    }
}

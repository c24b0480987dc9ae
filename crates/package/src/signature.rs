//! Who vouches for a package.

use base64::{Engine, engine::general_purpose::STANDARD};
use bianque_core::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    SIGNATURE_FILE,
    error::{PackageError, Result},
    key::{PublicKey, SecretKey},
};

const SCHEMA: &str = "bianque.signature/1";
const ALGORITHM: &str = "ed25519";
/// The largest signature file.
pub(crate) const LARGEST: u64 = 4 << 10;

/// A key's signature over a manifest's digest, kept beside the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    schema: String,
    algorithm: String,
    /// The signer's key. Whether it may be trusted is the site's question, not the package's.
    pub key: PublicKey,
    signature: Bytes,
}

/// 64 bytes as base64.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bytes([u8; 64]);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("the signature has not 64 bytes"))
    }
}

/// What is signed: a sentence of its own, so that no other signature of the key fits here.
fn message(manifest: Digest) -> Vec<u8> {
    format!("bianque package manifest, version 1\n{manifest}\n").into_bytes()
}

impl Signature {
    /// Signs a manifest's digest.
    #[must_use]
    pub fn sign(manifest: Digest, key: &SecretKey) -> Self {
        Self {
            schema: SCHEMA.into(),
            algorithm: ALGORITHM.into(),
            key: key.public(),
            signature: Bytes(key.sign(&message(manifest))),
        }
    }

    /// The bytes of its file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain data with text keys: there is nothing that could not be written.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a signature and checks that its key signed `manifest`.
    ///
    /// # Errors
    /// When it is none, of an unknown schema, or does not fit.
    pub fn from_bytes(bytes: &[u8], manifest: Digest) -> Result<Self> {
        let wrong = |what: String| PackageError::Malformed(format!("{SIGNATURE_FILE}: {what}"));
        let read: Self = serde_json::from_slice(bytes).map_err(|e| wrong(e.to_string()))?;
        if read.schema != SCHEMA || read.algorithm != ALGORITHM {
            let what = format!("{} {}", read.schema, read.algorithm);
            return Err(PackageError::Schema(what.chars().take(60).collect()));
        }
        if read.to_bytes() != bytes {
            return Err(wrong("is not written in its one form".into()));
        }
        if !read.key.verifies(&message(manifest), &read.signature.0) {
            return Err(PackageError::Signature { key: read.key.id() });
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signed_digest_fits() {
        let key = SecretKey::generate().unwrap();
        let digest = Digest::of(b"manifest");
        let bytes = Signature::sign(digest, &key).to_bytes();
        assert_eq!(Signature::from_bytes(&bytes, digest).unwrap().key, key.public());
        let other = Signature::from_bytes(&bytes, Digest::of(b"other"));
        assert!(matches!(other, Err(PackageError::Signature { .. })));
    }

    #[test]
    fn another_keys_name_on_it_does_not_fit() {
        let digest = Digest::of(b"manifest");
        let mut signature = Signature::sign(digest, &SecretKey::generate().unwrap());
        signature.key = SecretKey::generate().unwrap().public();
        let read = Signature::from_bytes(&signature.to_bytes(), digest);
        assert!(matches!(read, Err(PackageError::Signature { .. })));
    }
}

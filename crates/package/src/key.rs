//! Keys as files that OpenSSL and everyone else reads: PEM of PKCS#8 and SubjectPublicKeyInfo, as
//! RFC 8410 lays them down for Ed25519.

use std::{fmt, fs, io::Write, path::Path, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use bianque_core::Digest;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{PackageError, Result, at};

/// What precedes the 32 bytes of a secret key in PKCS#8 (RFC 8410, section 7).
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// What precedes the 32 bytes of a public key in SubjectPublicKeyInfo (RFC 8410, section 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
/// Key files are some hundred bytes.
const LARGEST_FILE: u64 = 16 << 10;

/// The first 16 hexadecimal digits of a public key's digest: short enough to read out on a telephone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A key that signatures are checked with.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a key file (`PUBLIC KEY`, PEM).
    ///
    /// # Errors
    /// When it cannot be read or is no Ed25519 public key.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_small(path)?;
        Self::from_pem(&text).map_err(|what| PackageError::Key { path: path.to_owned(), what })
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn from_pem(text: &str) -> std::result::Result<Self, String> {
        if text.contains("PRIVATE KEY") {
            return Err("this is a secret key: keep it, and give its .pub file instead".into());
        }
        let bytes = unpem(text, "PUBLIC KEY", &SPKI)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| "is no point of the curve")?;
        if key.is_weak() {
            return Err("is a weak key, which signs anything".into());
        }
        Ok(Self(key))
    }

    /// The text of its file.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", &SPKI, self.0.as_bytes())
    }

    /// Its short name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest = Digest::of(self.0.as_bytes()).to_string();
        KeyId(digest.trim_start_matches("blake3:").chars().take(16).collect())
    }

    /// Whether `signature` is this key's over `message`. Strict as RFC 8032 allows: one message has
    /// one signature that is taken.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0.as_bytes()))
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|_| "the key is no base64")?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| "the key has not 32 bytes")?;
        Self::from_pem(&pem("PUBLIC KEY", &SPKI, &bytes))
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A key that packages are signed with.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new key from the system's source of randomness.
    ///
    /// # Errors
    /// When the system has none.
    pub fn generate() -> Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| PackageError::Stream(error.into()))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads a key file (`PRIVATE KEY`, PEM, not encrypted).
    ///
    /// # Errors
    /// When it cannot be read or is no Ed25519 secret key.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_small(path)?;
        let wrong = |what: String| PackageError::Key { path: path.to_owned(), what };
        if text.contains("BEGIN PUBLIC KEY") {
            return Err(wrong(
                "this is a public key: packages are signed with the secret one".into(),
            ));
        }
        let seed = unpem(&text, "PRIVATE KEY", &PKCS8).map_err(wrong)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Writes the key's file, readable by its owner alone; an existing file is never replaced.
    ///
    /// # Errors
    /// When a file is there or cannot be written.
    pub fn write_new(&self, path: &Path) -> Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(at(path))?;
        file.write_all(pem("PRIVATE KEY", &PKCS8, self.0.as_bytes()).as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(at(path))
    }

    /// The key that its signatures are checked with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

fn read_small(path: &Path) -> Result<String> {
    let file = fs::File::open(path).map_err(at(path))?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(file, LARGEST_FILE), &mut text)
        .map_err(at(path))?;
    Ok(text)
}

fn pem(label: &str, prefix: &[u8], key: &[u8; 32]) -> String {
    let coded = STANDARD.encode([prefix, key].concat());
    format!("-----BEGIN {label}-----\n{coded}\n-----END {label}-----\n")
}

fn unpem(text: &str, label: &str, prefix: &[u8]) -> std::result::Result<[u8; 32], String> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let inside = text.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end));
    let Some((coded, _)) = inside else {
        return Err(format!("has no '{begin}': it is no such key, or is encrypted"));
    };
    let coded: String = coded.split_whitespace().collect();
    let bytes = STANDARD.decode(coded).map_err(|_| "its text is no base64")?;
    let key = bytes.strip_prefix(prefix).and_then(|key| key.try_into().ok());
    key.ok_or_else(|| "is no Ed25519 key: make one by `bianque key new`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.key");
        let key = SecretKey::generate().unwrap();
        key.write_new(&path).unwrap();
        assert!(key.write_new(&path).is_err(), "a key is never overwritten");
        let read = SecretKey::read(&path).unwrap();
        assert_eq!(read.public(), key.public());
        assert_eq!(PublicKey::from_pem(&key.public().to_pem()), Ok(key.public()));
        assert_eq!(key.public().to_string().parse(), Ok(key.public()));
        assert_eq!(key.public().id().to_string().len(), 16);
    }

    /// The pair of RFC 8410, sections 10.1 and 10.3.
    #[test]
    fn the_standards_own_pair_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        let secret = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
        let public = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
        let framed = |label: &str, text: &str| {
            format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
        };
        fs::write(&path, framed("PRIVATE KEY", secret)).unwrap();
        let key = SecretKey::read(&path).unwrap();
        assert_eq!(key.public().to_pem(), framed("PUBLIC KEY", public));
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_key_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.key");
        SecretKey::generate().unwrap().write_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_secret_key_in_the_place_of_a_public_one_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.key");
        SecretKey::generate().unwrap().write_new(&path).unwrap();
        let error = PublicKey::read(&path).unwrap_err().to_string();
        assert!(error.contains("secret key"), "{error}");
        fs::write(&path, SecretKey::generate().unwrap().public().to_pem()).unwrap();
        let error = SecretKey::read(&path).err().unwrap().to_string();
        assert!(error.contains("public key"), "{error}");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let weak = pem("PUBLIC KEY", &SPKI, &[0; 32]);
        let rsa = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJB\n-----END PUBLIC KEY-----";
        for text in ["", "ssh-ed25519 AAAA", "-----BEGIN PUBLIC KEY-----", rsa, &weak] {
            assert!(PublicKey::from_pem(text).is_err(), "{text}");
        }
    }
}

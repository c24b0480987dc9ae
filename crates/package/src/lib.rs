//! Signed, content-addressed bundles (models, tasks, avatars, rule packs): manifest, card, licence, digest, verification.
//!
//! A package is one file. Its bytes follow from its content: packing the same files twice gives the
//! same bytes, and there is only one way to write a package that this crate reads.
//!
//! # The container
//! An uncompressed POSIX tar (`ustar`, IEEE Std 1003.1-1988), not a zip:
//! - a tar says each thing once. A zip names every entry twice, in a local header and in the central
//!   directory, and readers differ in whom they believe;
//! - nothing is compressed, so nothing can unfold into more than the file's own bytes;
//! - it is read in one pass, from a pipe or a half-finished transfer too, with a buffer of fixed size;
//! - `tar tf` shows and `tar xf` unpacks it in twenty years.
//!
//! Of what tar allows, one form is read: plain files with mode 644, owner and time zero. A header is
//! compared byte by byte with the one that this crate would write for the same name and size, so
//! links, devices, sparse files, long names and GNU or pax extensions are all refused by one rule.
//!
//! # What lies in it, in this order
//! 1. `manifest.json`: kind, name, version, licence, what it needs, and every other entry with its
//!    size and BLAKE3 digest ([`Manifest`]). The digest of these bytes names the package.
//! 2. `signature.json`, absent when nobody signed: Ed25519 (RFC 8032) over that digest
//!    ([`Signature`]).
//! 3. the manifest's entries, by name.
//!
//! # Reading
//! [`PackageReader::open`] takes in the manifest and the signature, [`PackageReader::entries`] hands
//! out the entries one after the other and compares each with the manifest. What came out of a
//! package counts only after `entries` returned without an error. Who signed is one question
//! ([`PackageReader::signature`], checked), whether this site trusts them another ([`TrustStore`]).

mod archive;
mod error;
mod folder;
mod key;
mod manifest;
mod name;
mod reader;
mod signature;
mod trust;
mod writer;

pub use error::{PackageError, Result};
pub use folder::{check_folder, pack_folder, unpack};
pub use key::{KeyId, PublicKey, SecretKey};
pub use manifest::{Entry, Kind, Manifest, Requirement};
pub use name::{EntryName, PackageName};
pub use reader::PackageReader;
pub use signature::Signature;
pub use trust::{Standing, TrustStore};
pub use writer::{Content, write_package};

/// The manifest's place in a package and in an unpacked folder.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The signature's place in a package and in an unpacked folder.
pub const SIGNATURE_FILE: &str = "signature.json";

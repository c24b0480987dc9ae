//! Reading a package in one pass.

use std::io::{Read, Write};

use bianque_core::Digest;

use crate::{
    MANIFEST_FILE, SIGNATURE_FILE, archive,
    error::{PackageError, Result},
    manifest::{self, Entry, Manifest},
    signature::{self, Signature},
};

/// Bytes that are held at a time.
const PIECE: usize = 64 << 10;

/// How files begin that people take for packages.
const OTHERS: [(&[u8], &str); 5] = [
    (b"PK", "it is a zip archive"),
    (b"\x1f\x8b", "it is compressed by gzip; packages are not compressed"),
    (b"\x28\xb5\x2f\xfd", "it is compressed by zstd; packages are not compressed"),
    (b"BZh", "it is compressed by bzip2; packages are not compressed"),
    (b"\xfd7zXZ", "it is compressed by xz; packages are not compressed"),
];

/// A package whose manifest and signature were read and checked, and whose entries come next.
#[derive(Debug)]
pub struct PackageReader<R> {
    stream: R,
    manifest: Manifest,
    signature: Option<Signature>,
    /// The header after manifest and signature, already taken from the stream.
    next: Option<archive::Header>,
}

impl<R: Read> PackageReader<R> {
    /// Reads manifest and signature. A signature that does not fit is an error; one by an unknown
    /// key is not, see [`crate::TrustStore::standing`].
    ///
    /// # Errors
    /// When it is no package, malformed, of another version, or the signature does not fit.
    pub fn open(mut stream: R) -> Result<Self> {
        let first = first_header(&mut stream)?;
        let bytes = archive::read_small(&mut stream, &first, manifest::LARGEST_MANIFEST)?;
        let manifest = Manifest::from_bytes(&bytes)?;
        let mut next = archive::read_header(&mut stream)?;
        let mut signature = None;
        if let Some(header) = next.take_if(|header| header.name == SIGNATURE_FILE) {
            let bytes = archive::read_small(&mut stream, &header, signature::LARGEST)?;
            signature = Some(Signature::from_bytes(&bytes, Digest::of(&manifest.to_bytes()))?);
            next = archive::read_header(&mut stream)?;
        }
        Ok(Self { stream, manifest, signature, next })
    }

    /// What the package says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Who signed it; the signature fits the manifest.
    #[must_use]
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// Hands out every entry: `place` gives where its bytes go. `stop` is asked between pieces.
    ///
    /// # Errors
    /// When the entries are not exactly those of the manifest, in size and digest too, or something
    /// follows them. What was handed out by then must be thrown away.
    pub fn entries<'a>(
        mut self,
        mut place: impl FnMut(&Entry) -> Result<Box<dyn Write + 'a>>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(Manifest, Option<Signature>)> {
        for entry in &self.manifest.entries {
            let header = match self.next.take() {
                Some(header) => header,
                None => return Err(missing(entry)),
            };
            self.expect(&header, entry)?;
            let mut out = place(entry)?;
            copy_checked(&mut (&mut self.stream).take(entry.bytes), &mut out, entry, stop)?;
            out.flush().map_err(PackageError::Stream)?;
            archive::read_padding(&mut self.stream, entry.bytes)?;
            self.next = archive::read_header(&mut self.stream)?;
        }
        match self.next {
            None => Ok((self.manifest, self.signature)),
            Some(header) => Err(unlisted(&header.name)),
        }
    }

    /// Reads every entry and keeps none: whether the package is whole.
    ///
    /// # Errors
    /// As [`Self::entries`].
    pub fn check(self, stop: &dyn Fn() -> bool) -> Result<(Manifest, Option<Signature>)> {
        self.entries(|_| Ok(Box::new(std::io::sink())), stop)
    }

    fn expect(&self, header: &archive::Header, entry: &Entry) -> Result<()> {
        if header.name != entry.name.as_str() {
            let listed = self.manifest.entry(&header.name).is_some();
            return Err(if !listed {
                unlisted(&header.name)
            } else if header.name.as_str() < entry.name.as_str() {
                PackageError::Malformed(format!("the entry {} comes twice", header.name))
            } else {
                missing(entry)
            });
        }
        if header.bytes != entry.bytes {
            let (has, states) = (header.bytes, entry.bytes);
            return Err(PackageError::Malformed(format!(
                "{} has {has} bytes, the manifest states {states}",
                entry.name
            )));
        }
        Ok(())
    }
}

fn first_header(stream: &mut impl Read) -> Result<archive::Header> {
    let mut start = [0; 6];
    let mut got = 0;
    while got < start.len() {
        match stream.read(&mut start[got..]).map_err(PackageError::Stream)? {
            0 => break,
            more => got += more,
        }
    }
    let start = &start[..got];
    if start.is_empty() {
        return Err(PackageError::NotAPackage("it is empty".into()));
    }
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(PackageError::NotAPackage((*what).into()));
    }
    if !MANIFEST_FILE.as_bytes().starts_with(start) && !start.starts_with(b"manife") {
        return Err(PackageError::NotAPackage(format!("it does not begin with {MANIFEST_FILE}")));
    }
    match archive::read_header(&mut start.chain(stream))? {
        Some(header) if header.name == MANIFEST_FILE => Ok(header),
        _ => Err(PackageError::NotAPackage(format!("it does not begin with {MANIFEST_FILE}"))),
    }
}

fn missing(entry: &Entry) -> PackageError {
    PackageError::Malformed(format!("{} is in the manifest but not in the package", entry.name))
}

fn unlisted(name: &str) -> PackageError {
    let name: String = name.chars().take(100).collect();
    PackageError::Malformed(format!("{name} is in the package but not in the manifest"))
}

/// Copies an entry's bytes and compares size and digest with the manifest's.
pub(crate) fn copy_checked(
    source: &mut dyn Read,
    out: &mut dyn Write,
    entry: &Entry,
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    let (mut digest, mut copied) = (Digest::builder(), 0);
    let mut piece = vec![0; PIECE];
    loop {
        if stop() {
            return Err(PackageError::Interrupted);
        }
        let read = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(PackageError::Stream(error)),
        };
        digest.update(&piece[..read]);
        copied += read as u64;
        if copied > entry.bytes {
            break;
        }
        out.write_all(&piece[..read]).map_err(PackageError::Stream)?;
    }
    if copied < entry.bytes {
        return Err(PackageError::Truncated(entry.name.to_string()));
    }
    let has = digest.finish();
    if copied > entry.bytes || has != entry.digest {
        let (entry, states) = (entry.name.to_string(), entry.digest);
        return Err(PackageError::Altered { entry, has, states });
    }
    Ok(())
}

//! Packages from folders and folders from packages.

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
};

use bianque_core::Digest;

use crate::{
    MANIFEST_FILE, SIGNATURE_FILE, archive,
    error::{PackageError, Result, at},
    key::SecretKey,
    manifest::{self, Entry, Manifest},
    name::EntryName,
    reader::{PackageReader, copy_checked},
    signature::{self, Signature},
    writer::{Content, write_package},
};

/// The entry for a file of a folder: its size and digest.
///
/// # Errors
/// When the file cannot be read or is larger than a package holds.
fn entry(folder: &Path, name: &EntryName) -> Result<Entry> {
    let path = folder.join(name.as_str());
    let mut file = BufReader::new(File::open(&path).map_err(at(&path))?);
    let (mut digest, mut bytes) = (Digest::builder(), 0);
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut piece).map_err(at(&path))?;
        if read == 0 {
            break;
        }
        digest.update(&piece[..read]);
        bytes += read as u64;
    }
    if bytes > archive::LARGEST_ENTRY {
        return Err(PackageError::Content(format!("{} is larger than 8 GiB", path.display())));
    }
    Ok(Entry { name: name.clone(), bytes, digest: digest.finish() })
}

/// Packs the named files of a folder into `out`, which appears whole or not at all. `describe` makes
/// the manifest of the entries.
///
/// # Errors
/// When a file cannot be read or written, or the content breaks the format's rules.
pub fn pack_folder(
    folder: &Path,
    names: &[EntryName],
    describe: impl FnOnce(Vec<Entry>) -> Result<Manifest>,
    key: Option<&SecretKey>,
    out: &Path,
) -> Result<Manifest> {
    let entries = names.iter().map(|name| entry(folder, name)).collect::<Result<_>>()?;
    let manifest = describe(entries)?;
    let mut content = Content::new();
    for entry in &manifest.entries {
        let path = folder.join(entry.name.as_str());
        let file = BufReader::new(File::open(&path).map_err(at(&path))?);
        content.insert(entry.name.clone(), Box::new(file));
    }
    let mut part = out.file_name().unwrap_or_default().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = out.with_file_name(part);
    let written = File::create(&part).map_err(at(&part)).and_then(|file| {
        let mut file = BufWriter::new(file);
        write_package(&mut file, &manifest, key, content)?;
        file.into_inner()
            .map_err(|error| at(&part)(error.into_error()))?
            .sync_all()
            .map_err(at(&part))
    });
    let moved = written.and_then(|()| fs::rename(&part, out).map_err(at(out)));
    if moved.is_err() {
        // What was begun is of no use; the error says what went wrong.
        let _ = fs::remove_file(&part);
    }
    moved.map(|()| manifest)
}

/// Unpacks a package into the folder `part`, which must not exist, gives it to `accept`, and moves it
/// to `folder`: whole or not at all. An error, a stop or a refusal leaves nothing behind.
///
/// # Errors
/// When the package is not sound, `accept` refuses it, or something cannot be written.
pub fn unpack<E: From<PackageError>>(
    package: PackageReader<impl Read>,
    part: &Path,
    folder: &Path,
    stop: &dyn Fn() -> bool,
    accept: impl FnOnce(&Path) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    if let Some(above) = part.parent() {
        fs::create_dir_all(above).map_err(at(above))?;
    }
    fs::create_dir(part).map_err(at(part))?;
    let done = unpack_into(package, part, stop)
        .map_err(E::from)
        .and_then(|()| accept(part))
        .and_then(|()| {
            if stop() {
                return Err(PackageError::Interrupted.into());
            }
            fs::rename(part, folder).map_err(|error| at(folder)(error).into())
        });
    if done.is_err() {
        let _ = fs::remove_dir_all(part);
    }
    done
}

fn unpack_into(
    package: PackageReader<impl Read>,
    part: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    let place = |entry: &Entry| -> Result<Box<dyn Write>> {
        let path = part.join(entry.name.as_str());
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(at(above))?;
        }
        Ok(Box::new(Synced(File::create_new(&path).map_err(at(&path))?)))
    };
    let (manifest, signature) = package.entries(place, stop)?;
    write(&part.join(MANIFEST_FILE), &manifest.to_bytes())?;
    match signature {
        Some(signature) => write(&part.join(SIGNATURE_FILE), &signature.to_bytes()),
        None => Ok(()),
    }
}

/// A file that is on the disk when it is flushed.
struct Synced(File);

impl Write for Synced {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.sync_all()
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = Synced(File::create_new(path).map_err(at(path))?);
    file.write_all(bytes).and_then(|()| file.flush()).map_err(at(path))
}

/// Reads the manifest and the signature of an unpacked folder and compares every file with them:
/// what was changed after installing is found.
///
/// # Errors
/// When a file is missing, changed, or the signature does not fit.
pub fn check_folder(folder: &Path) -> Result<(Manifest, Option<Signature>)> {
    let manifest =
        Manifest::from_bytes(&bounded(&folder.join(MANIFEST_FILE), manifest::LARGEST_MANIFEST)?)?;
    let path = folder.join(SIGNATURE_FILE);
    let signature = match path.exists() {
        true => {
            Some(Signature::from_bytes(&bounded(&path, signature::LARGEST)?, manifest.digest())?)
        }
        false => None,
    };
    for entry in &manifest.entries {
        let path = folder.join(entry.name.as_str());
        let mut file = BufReader::new(File::open(&path).map_err(at(&path))?);
        copy_checked(&mut file, &mut std::io::sink(), entry, &|| false)?;
    }
    Ok((manifest, signature))
}

fn bounded(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(at(path))?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(at(path))?;
    if bytes.len() as u64 > limit {
        let what = format!("{} is larger than {limit} bytes", path.display());
        return Err(PackageError::Malformed(what));
    }
    Ok(bytes)
}

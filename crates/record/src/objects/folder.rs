//! Objects as files: `objects/ab/cdef…`.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use bianque_core::Digest;

use super::ObjectStore;
use crate::{RecordError, Result, identity::Token};

/// A folder of objects.
#[derive(Clone, Debug)]
pub struct ObjectFolder {
    root: PathBuf,
}

impl ObjectFolder {
    /// A folder, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root).map_err(|source| writing(&root, source))?;
        Ok(Self { root })
    }

    /// Where an object lies: for programs that read it in pieces, and check it themselves.
    #[must_use]
    pub fn path(&self, digest: Digest) -> PathBuf {
        let (folder, name) = super::place_of(digest);
        self.root.join(folder).join(name)
    }

    fn write_part(&self, part: &Path, content: &mut dyn Read) -> Result<Digest> {
        let mut file = File::create_new(part).map_err(|source| writing(part, source))?;
        let (mut digest, mut buffer) = (Digest::builder(), vec![0; 1 << 16]);
        loop {
            let length = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(reading(part, source)),
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            digest.update(bytes);
            file.write_all(bytes).map_err(|source| writing(part, source))?;
        }
        file.sync_all().map_err(|source| writing(part, source))?;
        Ok(digest.finish())
    }

    fn move_in(&self, part: &Path, digest: Digest) -> Result<()> {
        let path = self.path(digest);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|source| writing(folder, source))?;
        fs::rename(part, &path).map_err(|source| writing(&path, source))?;
        // The name is on the disk only when its folder is.
        for folder in [folder, &self.root].into_iter().filter(|_| cfg!(unix)) {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|source| writing(folder, source))?;
        }
        Ok(())
    }
}

impl ObjectStore for ObjectFolder {
    fn put(&self, content: &mut dyn Read) -> Result<Digest> {
        let part = self.root.join(format!("part-{}", Token::fresh()?.reveal()));
        let kept = self.write_part(&part, content).and_then(|digest| {
            self.move_in(&part, digest)?;
            Ok(digest)
        });
        if kept.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(&part);
        }
        kept
    }

    fn get(&self, digest: Digest, longest: u64) -> Result<Vec<u8>> {
        let path = self.path(digest);
        let file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => RecordError::not_found("object", digest),
            _ => reading(&path, source),
        })?;
        let mut bytes = Vec::new();
        let limit = longest.saturating_add(1);
        file.take(limit).read_to_end(&mut bytes).map_err(|source| reading(&path, source))?;
        if bytes.len() as u64 > longest {
            return Err(RecordError::invalid(
                "object",
                format!("it is longer than {longest} bytes"),
            ));
        }
        if Digest::of(&bytes) != digest {
            return Err(RecordError::damaged("object", digest, "its bytes have another digest"));
        }
        Ok(bytes)
    }

    fn check(&self, digest: Digest) -> Result<()> {
        let path = self.path(digest);
        let mut file = File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => RecordError::not_found("object", digest),
            _ => reading(&path, source),
        })?;
        let (mut found, mut buffer) = (Digest::builder(), vec![0; 1 << 20]);
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    found.update(buffer.get(..length).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(reading(&path, source)),
            }
        }
        if found.finish() == digest {
            return Ok(());
        }
        Err(RecordError::damaged("object", digest, "its bytes have another digest"))
    }
}

fn writing(path: &Path, source: io::Error) -> RecordError {
    RecordError::File { doing: "write", path: path.to_owned(), source }
}

fn reading(path: &Path, source: io::Error) -> RecordError {
    RecordError::File { doing: "read", path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, ObjectFolder) {
        let folder = tempfile::tempdir().unwrap();
        let store = ObjectFolder::open(folder.path().join("objects")).unwrap();
        (folder, store)
    }

    #[test]
    fn what_is_put_comes_back_and_is_kept_once() {
        let (_folder, store) = store();
        let digest = store.put(&mut &b"heatmap"[..]).unwrap();
        assert_eq!(store.put(&mut &b"heatmap"[..]).unwrap(), digest);
        assert_eq!(digest, Digest::of(b"heatmap"));
        assert_eq!(store.get(digest, 7).unwrap(), b"heatmap");
        assert!(store.get(digest, 6).is_err());
        assert!(matches!(store.get(Digest::of(b""), 9), Err(RecordError::NotFound { .. })));
        let text = store.path(digest).display().to_string();
        assert!(text.contains(&format!("objects/{}/", &digest.to_string()[7..9])), "{text}");
    }

    #[test]
    fn a_changed_object_is_not_given_out() {
        let (_folder, store) = store();
        let digest = store.put(&mut &b"heatmap"[..]).unwrap();
        fs::write(store.path(digest), b"heatmaq").unwrap();
        assert!(matches!(store.get(digest, 99), Err(RecordError::Damaged { .. })));
    }

    #[test]
    fn a_source_that_breaks_off_leaves_nothing() {
        struct Broken(u8);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                if self.0 > 3 { Err(io::Error::other("gone")) } else { Ok(buffer.len()) }
            }
        }
        let (_folder, store) = store();
        assert!(store.put(&mut Broken(0)).is_err());
        assert_eq!(fs::read_dir(&store.root).unwrap().count(), 0);
    }
}

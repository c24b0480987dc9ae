//! Features of tile files kept on disk, so that a second training decodes nothing.
//!
//! One file per encoder and stain copy: a header, then records of one size that are only ever
//! appended. A record that was cut off by a crash ends the file; what follows is made again.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use bianque_core::Digest;

use crate::{
    error::{LesionError, Result},
    files::at,
    splits::ColourStatistics,
};

const MAGIC: &[u8; 16] = b"bianque-tiles-2\n";
/// Bytes of a BLAKE3 digest's text: `blake3:` and 64 digits.
const DIGEST: usize = 71;
const COLOURS: usize = 6;
const CHECK: usize = 8;

/// What is kept of a tile.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) colour: ColourStatistics,
    pub(crate) features: Vec<f32>,
}

/// Records by the digest of the tile's file.
pub(crate) struct FeatureCache {
    path: PathBuf,
    file: File,
    dimension: usize,
    records: HashMap<Digest, Record>,
}

impl FeatureCache {
    /// Opens the cache of `key` in a folder, making it if needed. A file that is no such cache is
    /// replaced.
    pub(crate) fn open(folder: &Path, key: Digest, dimension: usize) -> Result<Self> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        let path = folder.join(format!("{}.features", key.short()));
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(at(&path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(at(&path))?;
        let header = header(key, dimension);
        let mut cache = Self { path, file, dimension, records: HashMap::new() };
        let good = match bytes.strip_prefix(header.as_slice()) {
            Some(body) => header.len() + cache.load(body),
            None => 0,
        };
        if good < bytes.len() {
            cache.file.set_len(good as u64).map_err(at(&cache.path))?;
        }
        if good == 0 {
            cache.write(&header)?;
        }
        Ok(cache)
    }

    /// Takes records up to the first that is cut off or damaged; returns how many bytes are good.
    fn load(&mut self, body: &[u8]) -> usize {
        let size = DIGEST + 4 * (COLOURS + self.dimension) + CHECK;
        let mut good = 0;
        for record in body.chunks_exact(size) {
            let Some((digest, record)) = decode(record) else { break };
            self.records.insert(digest, record);
            good += size;
        }
        good
    }

    /// What is kept of a tile.
    pub(crate) fn get(&self, digest: &Digest) -> Option<&Record> {
        self.records.get(digest)
    }

    /// Appends records, whole.
    pub(crate) fn append(&mut self, records: &[(Digest, Record)]) -> Result<()> {
        let fresh = |(digest, _): &&(Digest, Record)| !self.records.contains_key(digest);
        let bytes: Vec<u8> = records.iter().filter(fresh).flat_map(encode).collect();
        self.write(&bytes)?;
        self.records.extend(records.iter().cloned());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|source| LesionError::Io { path: self.path.clone(), source })
    }
}

fn header(key: Digest, dimension: usize) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(key.to_string().bytes());
    bytes.extend((dimension as u64).to_le_bytes());
    bytes
}

fn encode((digest, record): &(Digest, Record)) -> Vec<u8> {
    let mut bytes = digest.to_string().into_bytes();
    let values = record.colour.iter().chain(&record.features);
    bytes.extend(values.flat_map(|value| value.to_le_bytes()));
    bytes.extend(check(&bytes));
    bytes
}

fn decode(bytes: &[u8]) -> Option<(Digest, Record)> {
    let (body, own_check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK)?)?;
    if own_check != check(body) {
        return None;
    }
    let (digest, values) = body.split_at_checked(DIGEST)?;
    let digest = std::str::from_utf8(digest).ok()?.parse().ok()?;
    let values: Vec<f32> =
        values.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let (colour, features) = values.split_at_checked(COLOURS)?;
    let colour = ColourStatistics::try_from(colour).ok()?;
    Some((digest, Record { colour, features: features.to_vec() }))
}

/// The first digits of a record's own digest.
fn check(bytes: &[u8]) -> [u8; CHECK] {
    let digits = Digest::of(bytes).short();
    let mut check = [0; CHECK];
    check.iter_mut().zip(digits.bytes()).for_each(|(to, digit)| *to = digit);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: f32) -> Record {
        Record { colour: [value; 6], features: vec![value, 2.0, 3.0] }
    }

    fn keys() -> [Digest; 3] {
        [b"a", b"b", b"c"].map(|bytes| Digest::of(bytes))
    }

    #[test]
    fn records_survive_and_other_keys_are_apart() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, key] = keys();
        let mut cache = FeatureCache::open(folder.path(), key, 3).unwrap();
        cache.append(&[(a, record(1.0)), (b, record(2.0))]).unwrap();
        let again = FeatureCache::open(folder.path(), key, 3).unwrap();
        assert_eq!(again.get(&b), Some(&record(2.0)));
        assert_eq!(again.get(&key), None);
        assert_eq!(FeatureCache::open(folder.path(), a, 3).unwrap().get(&a), None);
    }

    #[test]
    fn a_cut_or_damaged_tail_is_dropped_and_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, key] = keys();
        let mut cache = FeatureCache::open(folder.path(), key, 3).unwrap();
        cache.append(&[(a, record(1.0)), (b, record(2.0))]).unwrap();
        let path = cache.path.clone();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
        let mut cut = FeatureCache::open(folder.path(), key, 3).unwrap();
        assert_eq!((cut.get(&a), cut.get(&b)), (Some(&record(1.0)), None));
        cut.append(&[(b, record(2.0))]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        let mut damaged = bytes.clone();
        let last = damaged.len() - 20;
        damaged[last] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert_eq!(FeatureCache::open(folder.path(), key, 3).unwrap().get(&b), None);
    }

    #[test]
    fn what_is_no_cache_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [a, _, key] = keys();
        let path = FeatureCache::open(folder.path(), key, 3).unwrap().path;
        fs::write(&path, b"something else").unwrap();
        assert_eq!(FeatureCache::open(folder.path(), key, 3).unwrap().get(&a), None);
        assert_eq!(fs::read(&path).unwrap(), header(key, 3));
    }
}

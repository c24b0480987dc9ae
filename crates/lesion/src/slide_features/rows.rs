//! Some rows of a kept features file, without reading the others' header again or any other part.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use serde::Deserialize;

use super::{
    grid::Cell,
    store::{FeatureFacts, KEY, facts_from_json},
};
use crate::{
    error::{LesionError, Result},
    files::at,
    matrix::FeatureMatrix,
};

/// Largest header that is read: the reasons of a million tiles that have no features.
const MAX_HEADER: u64 = 1 << 27;

/// A features file whose header was read and checked: its vectors can be read in any choice.
#[derive(Clone, Debug)]
pub struct FeatureRows {
    path: PathBuf,
    facts: FeatureFacts,
    tiles: usize,
    first: u64,
    grid: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Tensor { dtype: String, shape: Vec<usize>, data_offsets: (u64, u64) },
    Metadata(HashMap<String, String>),
}

impl FeatureRows {
    /// Reads and checks a file's header.
    ///
    /// # Errors
    /// When the file cannot be read or is no features file.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(at(path))?;
        let length = file.metadata().map_err(at(path))?.len();
        let wrong = |what: String| LesionError::FeatureFile { path: path.to_owned(), what };
        let mut size = [0; 8];
        file.read_exact(&mut size).map_err(|e| wrong(format!("no safetensors file: {e}")))?;
        let size = u64::from_le_bytes(size);
        if size > MAX_HEADER || size.saturating_add(8) > length {
            return Err(wrong(format!("a header of {size} bytes in a file of {length}")));
        }
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(at(path))?;
        parse(&header, length - size - 8)
            .map(|parsed| Self {
                path: path.to_owned(),
                facts: parsed.facts,
                tiles: parsed.tiles,
                first: 8 + size + parsed.features,
                grid: 8 + size + parsed.grid,
            })
            .map_err(wrong)
    }

    /// Everything that must be known to use the features.
    #[must_use]
    pub fn facts(&self) -> &FeatureFacts {
        &self.facts
    }

    /// Number of tiles.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.tiles
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the tiles lie.
    ///
    /// # Errors
    /// When the file cannot be read or was cut since.
    pub fn cells(&self) -> Result<Vec<Cell>> {
        let mut file = File::open(&self.path).map_err(at(&self.path))?;
        file.seek(SeekFrom::Start(self.grid)).map_err(at(&self.path))?;
        let mut bytes = vec![0; self.tiles * 8];
        file.read_exact(&mut bytes).map_err(at(&self.path))?;
        let number = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
        let pairs = bytes.as_chunks::<4>().0.as_chunks::<2>().0;
        Ok(pairs.iter().map(|[r, c]| Cell { row: number(r), column: number(c) }).collect())
    }

    /// The chosen tiles' vectors (ascending), or all.
    ///
    /// # Errors
    /// When the file cannot be read or was cut since, a row does not exist, or a value is not
    /// finite.
    pub fn read(&self, rows: Option<&[usize]>) -> Result<FeatureMatrix> {
        let dimension = self.facts.dimension;
        let all: Vec<usize>;
        let rows = match rows {
            Some(rows) => rows,
            None => {
                all = (0..self.tiles).collect();
                &all
            }
        };
        let (Some(first), Some(last)) = (rows.first().copied(), rows.last().copied()) else {
            return FeatureMatrix::new(dimension, Vec::new());
        };
        if last >= self.tiles || !rows.is_sorted() {
            let what = format!("rows to {last} of {} in ascending order", self.tiles);
            return Err(LesionError::Data(what));
        }
        let mut file = File::open(&self.path).map_err(at(&self.path))?;
        let width = dimension * 2;
        let place = self.first + (first * width) as u64;
        file.seek(SeekFrom::Start(place)).map_err(at(&self.path))?;
        let mut bytes = vec![0; (last + 1 - first) * width];
        file.read_exact(&mut bytes).map_err(at(&self.path))?;
        let mut values = vec![0.0; rows.len() * dimension];
        let mut bits = vec![0_u16; dimension];
        for (row, out) in rows.iter().zip(values.chunks_exact_mut(dimension)) {
            let own = bytes[(row - first) * width..][..width].as_chunks::<2>().0;
            bits.iter_mut().zip(own).for_each(|(to, from)| *to = u16::from_le_bytes(*from));
            bits.reinterpret_cast::<half::f16>().convert_to_f32_slice(out);
        }
        FeatureMatrix::new(dimension, values)
    }
}

/// What a header says: facts, number of tiles, and the places of both tensors after it.
struct Parsed {
    facts: FeatureFacts,
    tiles: usize,
    features: u64,
    grid: u64,
}

fn parse(header: &[u8], length: u64) -> std::result::Result<Parsed, String> {
    let entries: HashMap<String, Entry> =
        serde_json::from_slice(header).map_err(|e| format!("no safetensors file: {e}"))?;
    let facts = match entries.get("__metadata__") {
        Some(Entry::Metadata(metadata)) => metadata.get(KEY),
        _ => None,
    };
    let facts = facts_from_json(facts.ok_or_else(|| format!("its header has no '{KEY}'"))?)?;
    let (tiles, features) = tensor(&entries, "features", ("F16", 2), facts.dimension, length)?;
    let (cells, grid) = tensor(&entries, "grid", ("U32", 4), 2, length)?;
    if facts.dimension == 0 || cells != tiles {
        return Err(format!("{cells} tiles and {tiles} vectors of {}", facts.dimension));
    }
    Ok(Parsed { facts, tiles, features, grid })
}

/// Rows of a tensor and its place after the header.
fn tensor(
    entries: &HashMap<String, Entry>,
    name: &str,
    (kind, width): (&str, u64),
    columns: usize,
    length: u64,
) -> std::result::Result<(usize, u64), String> {
    let Some(Entry::Tensor { dtype, shape, data_offsets: (first, end) }) = entries.get(name) else {
        return Err(format!("it has no tensor '{name}'"));
    };
    let [rows, own] = shape[..] else { return Err(format!("'{name}' is {shape:?}")) };
    if dtype != kind || own != columns {
        return Err(format!("'{name}' is {dtype} {shape:?}, expected {kind} rows of {columns}"));
    }
    let bytes = (rows as u64).checked_mul(own as u64).and_then(|n| n.checked_mul(width));
    if end.checked_sub(*first) != bytes || *end > length {
        return Err(format!("'{name}' lies at {first} to {end} of {length} bytes"));
    }
    Ok((rows, *first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide_features::store::tests::features;

    #[test]
    fn chosen_rows_equal_the_whole_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.safetensors");
        let whole = features(40);
        whole.write(&path).unwrap();
        let rows = FeatureRows::open(&path).unwrap();
        assert_eq!((rows.tiles(), rows.facts()), (40, &whole.facts));
        assert_eq!(rows.read(None).unwrap(), whole.matrix().unwrap());
        assert_eq!(rows.cells().unwrap(), whole.cells());
        let some = rows.read(Some(&[3, 17, 39])).unwrap();
        assert_eq!(some, whole.matrix().unwrap().select(&[3, 17, 39]));
        assert_eq!(rows.read(Some(&[])).unwrap().rows(), 0);
        assert!(rows.read(Some(&[40])).is_err() && rows.read(Some(&[2, 1])).is_err());
    }

    #[test]
    fn every_truncation_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.safetensors");
        features(2).write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(FeatureRows::open(&path).is_err(), "{length}");
        }
    }
}

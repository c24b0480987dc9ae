//! Files of `torch.save`: a zip archive with one pickle that names the tensors, and one
//! uncompressed entry a run of values (PyTorch's `caffe2/serialize/inline_container.h`).

use std::{collections::BTreeMap, io::SeekFrom, path::Path};

use zip::{CompressionMethod, ZipArchive};

use super::{
    pickle::{self, Element, Id, Pickle, Tensor, Value},
    stored::{Kind, Source, Stored, View},
};
use crate::error::VisionError;

/// How deep dictionaries may stand in each other.
const DEEPEST: usize = 12;
/// The most values that are looked at: shared ones count as often as they are reached.
const MOST_VISITS: usize = 1 << 20;
/// The most tensors; those of optimisers count.
const MOST_TENSORS: usize = 100_000;
/// The longest name of a tensor, containers included.
const LONGEST_NAME: usize = 512;

/// How a zip archive begins.
pub(super) const MAGIC: [u8; 4] = *b"PK\x03\x04";

/// An uncompressed entry of the archive.
struct Entry {
    start: u64,
    bytes: u64,
    crc32: u32,
}

/// Why a file gives no tensors.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is cut, changed, or contradicts itself.
    Damaged(String),
    /// It is what was written, and holds what is not read.
    NotRead(String),
}

impl From<String> for Fault {
    fn from(what: String) -> Self {
        Self::Damaged(what)
    }
}

impl Fault {
    pub(super) fn into_error(self, path: &Path) -> VisionError {
        let path = path.to_owned();
        match self {
            Self::Damaged(what) => VisionError::Weights { path, what },
            Self::NotRead(what) => VisionError::NotRead { path, what },
        }
    }
}

/// The tensors of a file of `size` bytes, by their names in all dictionaries joined by dots.
///
/// # Errors
/// With what is malformed or not allowed, for a message.
pub(super) fn tensors(
    source: &mut dyn Source,
    size: u64,
) -> Result<BTreeMap<String, Stored>, Fault> {
    let (folder, entries) = entries(source, size)?;
    if let Some(order) = entries.get(&format!("{folder}byteorder")) {
        let order = read(source, order, 16)?;
        if order != b"little" {
            return Err(Fault::NotRead("its values are not little-endian".to_owned()));
        }
    }
    let Some(entry) = entries.get(&format!("{folder}data.pkl")) else {
        let what = "is a zip archive without data.pkl: torch.save did not write it";
        return Err(Fault::NotRead(what.to_owned()));
    };
    let bytes = read(source, entry, pickle::LONGEST)?;
    // Its checksum is right: what is wrong with it was written so.
    let pickle = Pickle::read(&bytes).map_err(Fault::NotRead)?;
    let mut flat = Flat { pickle: &pickle, found: BTreeMap::new(), visits: 0 };
    flat.visit(pickle.root(), "", 0)?;
    let mut tensors = BTreeMap::new();
    for (name, tensor) in flat.found {
        let place = format!("{folder}data/{}", tensor.storage.key);
        let Some(entry) = entries.get(&place) else {
            let what = format!("tensor '{name}' lies in '{place}', which the archive lacks");
            return Err(Fault::Damaged(what));
        };
        let stored = stored(tensor, entry).map_err(|what| format!("tensor '{name}' {what}"))?;
        tensors.insert(name, stored);
    }
    if tensors.is_empty() {
        return Err(Fault::NotRead("holds no tensor under a name".to_owned()));
    }
    Ok(tensors)
}

/// The archive's entries, and the folder in which all lie. None may be compressed: that bounds all
/// that is read by the size of the file.
fn entries(source: &mut dyn Source, size: u64) -> Result<(String, BTreeMap<String, Entry>), Fault> {
    source.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
    let malformed = |error: zip::result::ZipError| format!("malformed zip archive: {error}");
    let mut archive = ZipArchive::new(source).map_err(malformed)?;
    let mut entries = BTreeMap::new();
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(malformed)?;
        let name = file.name().map_err(malformed)?.into_owned();
        if file.compression() != CompressionMethod::Stored
            || file.encrypted()
            || file.size() != file.compressed_size()
        {
            let what = format!("entry '{name}' is compressed: torch.save did not write it");
            return Err(Fault::NotRead(what));
        }
        let (start, bytes) = (file.data_start().unwrap_or(u64::MAX), file.size());
        if start.checked_add(bytes).is_none_or(|end| end > size) {
            return Err(Fault::Damaged(format!("entry '{name}' reaches beyond the file's end")));
        }
        entries.insert(name, Entry { start, bytes, crc32: file.crc32() });
    }
    let is_root = |name: &&str| name.strip_suffix("data.pkl").is_some_and(|f| !f.ends_with("_"));
    let folder = entries.keys().map(String::as_str).find(is_root);
    let folder = folder.and_then(|name| name.strip_suffix("data.pkl")).unwrap_or("").to_owned();
    if entries.contains_key(&format!("{folder}constants.pkl")) {
        let what = "is a TorchScript program: save its state_dict() by torch.save";
        return Err(Fault::NotRead(what.to_owned()));
    }
    Ok((folder, entries))
}

/// A small entry's bytes.
fn read(source: &mut dyn Source, entry: &Entry, longest: u64) -> Result<Vec<u8>, String> {
    if entry.bytes > longest {
        return Err(format!("an entry of {} bytes is longer than {longest}", entry.bytes));
    }
    let mut bytes = vec![0; entry.bytes as usize];
    source
        .seek(SeekFrom::Start(entry.start))
        .and_then(|_| source.read_exact(&mut bytes))
        .map_err(|error| error.to_string())?;
    if crc32fast::hash(&bytes) != entry.crc32 {
        return Err("is damaged: an entry's checksum is not the one that is stated".to_owned());
    }
    Ok(bytes)
}

/// Collects tensors from dictionaries in dictionaries.
struct Flat<'a> {
    pickle: &'a Pickle,
    found: BTreeMap<String, &'a Tensor>,
    visits: usize,
}

impl Flat<'_> {
    fn visit(&mut self, id: Id, name: &str, depth: usize) -> Result<(), String> {
        self.visits += 1;
        if depth > DEEPEST || self.visits > MOST_VISITS {
            return Err("its dictionaries stand in each other too deep or too often".to_owned());
        }
        match self.pickle.value(id) {
            Value::Tensor(_) if self.found.len() >= MOST_TENSORS => {
                return Err(format!("has more than {MOST_TENSORS} tensors"));
            }
            Value::Tensor(tensor) => {
                self.found.insert(name.to_owned(), tensor);
            }
            Value::Dictionary(entries) => {
                for (key, value) in entries {
                    let key = match self.pickle.value(*key) {
                        Value::Text(key) => key.clone(),
                        Value::Integer(key) => key.to_string(),
                        _ => return Err("a dictionary's key is no text".to_owned()),
                    };
                    self.visit(*value, &joined(name, &key)?, depth + 1)?;
                }
            }
            Value::List(items) | Value::Tuple(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.visit(*item, &joined(name, &index.to_string())?, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn joined(name: &str, key: &str) -> Result<String, String> {
    if name.len() + key.len() >= LONGEST_NAME {
        return Err(format!("a tensor's name is longer than {LONGEST_NAME} bytes"));
    }
    Ok(if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") })
}

/// A tensor whose values all lie in its entry.
fn stored(tensor: &Tensor, entry: &Entry) -> Result<Stored, String> {
    let storage = &tensor.storage;
    let width = storage.element.width();
    if storage.length.checked_mul(width) != Some(entry.bytes) {
        return Err(format!(
            "lies in {} values of {width} bytes, which do not fill the {} bytes of its entry",
            storage.length, entry.bytes
        ));
    }
    let beyond = || "reaches beyond the values of its entry".to_owned();
    if tensor.shape.len() != tensor.strides.len() {
        return Err("has another number of strides than of axes".to_owned());
    }
    let count = tensor.shape.iter().try_fold(1_u64, |count, n| count.checked_mul(*n));
    // As many values at most as there are stored: a stride of zero would make more of them.
    let count = count.filter(|count| *count <= storage.length).ok_or_else(beyond)?;
    let steps = tensor.shape.iter().zip(&tensor.strides);
    let last = steps.clone().try_fold(tensor.offset, |last, (n, stride)| {
        last.checked_add(n.saturating_sub(1).checked_mul(*stride)?)
    });
    if count > 0 && last.is_none_or(|last| last >= storage.length) {
        return Err(beyond());
    }
    let (start, bytes, view) = place(tensor, count, last.unwrap_or(0))?;
    let shape = tensor.shape.iter().map(to_usize).collect::<Result<_, _>>()?;
    let whole = bytes == entry.bytes;
    Ok(Stored {
        shape,
        kind: kind(storage.element),
        start: entry.start + start,
        bytes,
        view,
        // The checksum is that of the whole entry.
        crc32: whole.then_some(entry.crc32),
    })
}

/// The bytes of an entry that a tensor of `count` values with the `last` one lies in, and how it
/// lies in them if not in C order.
fn place(tensor: &Tensor, count: u64, last: u64) -> Result<(u64, u64, Option<View>), String> {
    let width = tensor.storage.element.width();
    let mut next = 1;
    let in_order = tensor.shape.iter().zip(&tensor.strides).rev().all(|(n, stride)| {
        let right = *n == 1 || *stride == next;
        next *= n;
        right
    });
    if count == 0 || in_order {
        return Ok((tensor.offset * width * u64::from(count > 0), count * width, None));
    }
    let strides = tensor.strides.iter().map(to_usize).collect::<Result<_, _>>()?;
    Ok((tensor.offset * width, (last + 1 - tensor.offset) * width, Some(View { strides })))
}

fn to_usize(number: &u64) -> Result<usize, String> {
    usize::try_from(*number).map_err(|_| "is larger than this machine can hold".to_owned())
}

fn kind(element: Element) -> Kind {
    match element {
        Element::F64 => Kind::F64,
        Element::F32 => Kind::F32,
        Element::F16 => Kind::F16,
        Element::BF16 => Kind::BF16,
        other => Kind::Other(format!("{other:?}")),
    }
}

#[cfg(test)]
#[path = "torch_tests.rs"]
mod tests;

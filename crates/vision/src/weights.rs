//! Weight files: safetensors, read tensor by tensor into 32-bit floats.
//!
//! The file is read, never mapped: a file that another program shortens while we run is then an
//! error and not a crash, and no unsafe code is needed.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use bianque_core::Digest;
use half::{bf16, f16};
use safetensors::{Dtype, tensor::Metadata};

use crate::error::{Result, VisionError};

/// The longest header that is believed: a thousand tensors need about 100 kB.
const LONGEST_HEADER: u64 = 16 << 20;
/// Bytes read at once.
const PIECE: usize = 1 << 16;

/// An open weight file. Each tensor is taken once; [`Weights::finish`] names what nobody took.
pub(crate) struct Weights {
    path: PathBuf,
    file: File,
    digest: Digest,
    /// Where the tensors' bytes begin in the file.
    start: u64,
    metadata: Metadata,
    left: BTreeSet<String>,
}

impl Weights {
    /// Opens a safetensors file, and refuses one whose digest is not the `expected`.
    ///
    /// # Errors
    /// When the file cannot be read, is malformed, or is another one.
    pub(crate) fn open(path: &Path, expected: Option<&Digest>) -> Result<Self> {
        let mut file = File::open(path).map_err(|source| io_error(path, source))?;
        let digest = digest_of(&mut file).map_err(|source| io_error(path, source))?;
        if let Some(expected) = expected
            && *expected != digest
        {
            return Err(weights_error(
                path,
                format!("the file's digest is {digest}, the recipe asks for {expected}"),
            ));
        }
        let (start, metadata) = read_header(path, &mut file)?;
        let left = metadata.offset_keys().into_iter().collect();
        Ok(Self { path: path.to_owned(), file, digest, start, metadata, left })
    }

    /// Which file this is, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of the whole file.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether the file has a tensor of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    /// A tensor's shape.
    ///
    /// # Errors
    /// When it is missing.
    pub(crate) fn shape(&self, name: &str) -> Result<Vec<usize>> {
        match self.metadata.info(name) {
            Some(info) => Ok(info.shape.clone()),
            None => Err(weights_error(&self.path, format!("has no tensor '{name}'"))),
        }
    }

    /// A tensor's values as 32-bit floats in C order; stored as F32, F16 or BF16.
    ///
    /// # Errors
    /// When it is missing, has another shape or type, or cannot be read.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let path = &self.path;
        let Some(info) = self.metadata.info(name) else {
            return Err(weights_error(path, format!("has no tensor '{name}' of shape {shape:?}")));
        };
        if info.shape != shape {
            return Err(weights_error(
                path,
                format!("tensor '{name}' has shape {:?}, the recipe needs {shape:?}", info.shape),
            ));
        }
        let (from, to) = info.data_offsets;
        let dtype = info.dtype;
        if !matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            return Err(weights_error(
                path,
                format!("tensor '{name}' is stored as {dtype:?}; F32, F16 and BF16 can be read"),
            ));
        }
        self.left.remove(name);
        let values = self
            .file
            .seek(SeekFrom::Start(self.start + from as u64))
            .and_then(|_| read_floats(&mut self.file, to - from, dtype))
            .map_err(|source| io_error(path, source))?;
        // An activation with bounds would hide a NaN, and the features would only be wrong.
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(weights_error(
                path,
                format!("tensor '{name}' is damaged: value {place} is {}", values[place]),
            ));
        }
        Ok(values)
    }

    /// Says that a tensor is known and not needed: a training head, a mask token.
    pub(crate) fn ignore(&mut self, name: &str) {
        self.left.remove(name);
    }

    /// The names of tensors that nobody has taken yet.
    pub(crate) fn untaken(&self) -> impl Iterator<Item = &str> {
        self.left.iter().map(String::as_str)
    }

    /// Ends reading.
    ///
    /// # Errors
    /// When tensors are left over: the recipe then describes another network than the file's.
    pub(crate) fn finish(self) -> Result<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.left.iter().take(8).map(String::as_str).collect();
        Err(weights_error(
            &self.path,
            format!(
                "{} tensors have no place in the recipe's network, such as {}",
                self.left.len(),
                names.join(", ")
            ),
        ))
    }
}

fn io_error(path: &Path, source: std::io::Error) -> VisionError {
    VisionError::Io { path: path.to_owned(), source }
}

fn weights_error(path: &Path, what: String) -> VisionError {
    VisionError::Weights { path: path.to_owned(), what }
}

fn digest_of(file: &mut File) -> std::io::Result<Digest> {
    let mut builder = Digest::builder();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            count => builder.update(&piece[..count]),
        };
    }
    file.rewind()?;
    Ok(builder.finish())
}

/// Reads the header (safetensors format: length as little-endian u64, JSON, tensor bytes).
fn read_header(path: &Path, file: &mut File) -> Result<(u64, Metadata)> {
    let size = file.metadata().map_err(|source| io_error(path, source))?.len();
    let mut reader = BufReader::new(file);
    let mut length = [0; 8];
    if size < 8 {
        return Err(weights_error(path, format!("is no safetensors file: {size} bytes long")));
    }
    reader.read_exact(&mut length).map_err(|source| io_error(path, source))?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER || length > size - 8 {
        return Err(weights_error(
            path,
            format!("is no safetensors file: header of {length} bytes in a file of {size}"),
        ));
    }
    let mut header = vec![0; length as usize];
    reader.read_exact(&mut header).map_err(|source| io_error(path, source))?;
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|error| weights_error(path, format!("malformed safetensors header: {error}")))?;
    let start = 8 + length;
    if start.checked_add(metadata.data_len() as u64) != Some(size) {
        return Err(weights_error(
            path,
            format!(
                "is cut short or has bytes appended: {size} bytes, header asks for {start} + {}",
                metadata.data_len()
            ),
        ));
    }
    Ok((start, metadata))
}

/// Reads `bytes` bytes as floats; the header check has bounded them by the file's size.
fn read_floats(file: &mut File, bytes: usize, dtype: Dtype) -> std::io::Result<Vec<f32>> {
    let width = if dtype == Dtype::F32 { 4 } else { 2 };
    let mut values = Vec::with_capacity(bytes / width);
    let mut piece = vec![0; PIECE.min(bytes)];
    let mut left = bytes;
    while left > 0 {
        let count = left.min(PIECE);
        let piece = &mut piece[..count];
        file.read_exact(piece)?;
        match dtype {
            Dtype::F16 => values.extend(pairs(piece).map(|b| f16::from_le_bytes(b).to_f32())),
            Dtype::BF16 => values.extend(pairs(piece).map(|b| bf16::from_le_bytes(b).to_f32())),
            _ => values.extend(piece.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b))),
        }
        left -= count;
    }
    Ok(values)
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    bytes.as_chunks::<2>().0.iter().copied()
}

/// Tensors by name, as a test or an exporter writes them.
#[cfg(test)]
pub(crate) fn write_for_test(
    path: &Path,
    tensors: &std::collections::BTreeMap<String, (Vec<usize>, Vec<f32>)>,
) {
    let bytes: std::collections::BTreeMap<_, Vec<u8>> = tensors
        .iter()
        .map(|(name, (_, values))| (name, values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = tensors.iter().map(|(name, (shape, _))| {
        let view =
            safetensors::tensor::TensorView::new(Dtype::F32, shape.clone(), &bytes[name]).unwrap();
        (name.clone(), view)
    });
    safetensors::serialize_to_file(views, None, path).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> tempfile::NamedTempFile {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn opened(header: &str, data: &[u8]) -> Result<Weights> {
        Weights::open(file(header, data).path(), None)
    }

    #[test]
    fn malformed_files_are_named_errors() {
        let empty = tempfile::NamedTempFile::new().unwrap();
        assert!(Weights::open(empty.path(), None).is_err());
        let huge = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(huge.path(), u64::MAX.to_le_bytes()).unwrap();
        assert!(Weights::open(huge.path(), None).is_err());
        for (header, data) in [
            ("", &[][..]),
            ("not json", &[]),
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, &[0; 7]),
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, &[0; 9]),
            (r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, &[0; 8]),
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, &[0; 12]),
            (r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, &[]),
            (r#"{"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#, &[0; 8]),
        ] {
            let error = opened(header, data).err().map(|error| error.to_string());
            assert!(
                error.is_some_and(|text| text.contains("safetensors") || text.contains("cut")),
                "{header}"
            );
        }
    }

    #[test]
    fn a_value_that_is_no_number_is_refused_by_place() {
        let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
        let data = [1.0_f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat();
        let error = opened(header, &data).unwrap().take("a", &[2]).unwrap_err().to_string();
        assert!(error.contains("'a' is damaged: value 1 is NaN"), "{error}");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

        /// Whatever a file holds, reading it ends in tensors or an error.
        #[test]
        fn no_bytes_break_the_reader(
            at in 0_usize..80,
            with in proptest::prelude::any::<[u8; 3]>(),
            cut in 0_usize..90,
        ) {
            let header = r#"{"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]}}"#;
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(&[0; 8]);
            let end = (at + 3).min(bytes.len());
            let start = at.min(end);
            bytes[start..end].copy_from_slice(&with[..end - start]);
            bytes.truncate(cut);
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            if let Ok(mut weights) = Weights::open(file.path(), None) {
                let shape = weights.shape("a").unwrap_or_default();
                let _ = weights.take("a", &shape);
            }
        }
    }

    #[test]
    fn every_float_type_becomes_f32() {
        let header = r#"{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]},"c":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"d":{"dtype":"I32","shape":[1],"data_offsets":[8,12]}}"#;
        let mut data = f16::from_f32(-1.5).to_le_bytes().to_vec();
        data.extend(bf16::from_f32(2.25).to_le_bytes());
        data.extend(0.1_f32.to_le_bytes());
        data.extend([0; 4]);
        let mut weights = opened(header, &data).unwrap();
        assert_eq!(weights.take("a", &[1]).unwrap(), [-1.5]);
        assert_eq!(weights.take("b", &[1]).unwrap(), [2.25]);
        assert_eq!(weights.take("c", &[]).unwrap(), [0.1]);
        assert!(weights.take("d", &[1]).unwrap_err().to_string().contains("I32"));
        assert!(weights.finish().unwrap_err().to_string().contains("such as d"));
    }

    #[test]
    fn a_wrong_shape_a_missing_tensor_and_another_file_are_refused() {
        let tensors =
            std::collections::BTreeMap::from([("a".to_owned(), (vec![2, 3], vec![1.0; 6]))]);
        let file = tempfile::NamedTempFile::new().unwrap();
        write_for_test(file.path(), &tensors);
        let other = Digest::of(b"another file");
        assert!(Weights::open(file.path(), Some(&other)).is_err());
        let mut weights = Weights::open(file.path(), None).unwrap();
        assert_eq!(weights.digest(), Digest::of(&std::fs::read(file.path()).unwrap()));
        assert!(weights.take("a", &[3, 2]).unwrap_err().to_string().contains("[2, 3]"));
        assert!(weights.take("b", &[3, 2]).unwrap_err().to_string().contains("'b'"));
        assert!(weights.shape("b").is_err());
        assert_eq!(weights.shape("a").unwrap(), [2, 3]);
        assert_eq!(weights.take("a", &[2, 3]).unwrap(), [1.0; 6]);
        assert!(weights.finish().is_ok());
    }
}

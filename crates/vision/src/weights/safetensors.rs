//! The header of a safetensors file: length as little-endian u64, JSON, tensor bytes.

use std::{
    collections::BTreeMap,
    io::{BufReader, Read, SeekFrom},
};

use safetensors::{Dtype, tensor::Metadata};

use super::stored::{Kind, Source, Stored};

/// The longest header that is believed: a thousand tensors need about 100 kB.
const LONGEST_HEADER: u64 = 16 << 20;

/// The tensors of a file of `size` bytes.
///
/// # Errors
/// With what is malformed, for a message.
pub(super) fn tensors(
    source: &mut dyn Source,
    size: u64,
) -> Result<BTreeMap<String, Stored>, String> {
    let text = |error: std::io::Error| error.to_string();
    if size < 8 {
        return Err(format!("is no safetensors file: {size} bytes long"));
    }
    source.seek(SeekFrom::Start(0)).map_err(text)?;
    let mut reader = BufReader::new(source);
    let mut length = [0; 8];
    reader.read_exact(&mut length).map_err(text)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER || length > size - 8 {
        return Err(format!(
            "is no safetensors file: header of {length} bytes in a file of {size}"
        ));
    }
    let mut header = vec![0; length as usize];
    reader.read_exact(&mut header).map_err(text)?;
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|error| format!("malformed safetensors header: {error}"))?;
    let start = 8 + length;
    if start.checked_add(metadata.data_len() as u64) != Some(size) {
        return Err(format!(
            "is cut short or has bytes appended: {size} bytes, header asks for {start} + {}",
            metadata.data_len()
        ));
    }
    let stored = metadata.tensors().into_iter().map(|(name, info)| {
        let (from, to) = info.data_offsets;
        let kind = match info.dtype {
            Dtype::F64 => Kind::F64,
            Dtype::F32 => Kind::F32,
            Dtype::F16 => Kind::F16,
            Dtype::BF16 => Kind::BF16,
            other => Kind::Other(format!("{other:?}")),
        };
        let stored = Stored {
            shape: info.shape.clone(),
            kind,
            start: start + from as u64,
            bytes: (to - from) as u64,
            view: None,
            crc32: None,
        };
        (name, stored)
    });
    Ok(stored.collect())
}

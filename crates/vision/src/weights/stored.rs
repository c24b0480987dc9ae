//! A tensor in a file: where its values lie, and how they are read.

use std::io::{Read, Seek, SeekFrom};

use half::{bf16, f16};

/// Bytes read at once.
const PIECE: usize = 1 << 16;

/// What weights are read from: a file, or bytes in memory.
pub(crate) trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// How values are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F64,
    F32,
    F16,
    BF16,
    /// A type that no encoder's weights have, by its name.
    Other(String),
}

impl Kind {
    /// The type's name, as safetensors spells it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Other(name) => name,
        }
    }
}

/// A tensor in a file. Its bytes lie within the file, and its values within its bytes: whoever
/// makes one has checked both.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) shape: Vec<usize>,
    pub(super) kind: Kind,
    /// Where its run of values begins in the file.
    pub(super) start: u64,
    /// The run's length.
    pub(super) bytes: u64,
    /// How the tensor lies in the run; `None` is C order without gaps, over all of it.
    pub(super) view: Option<View>,
    /// The checksum that the file states for the run.
    pub(super) crc32: Option<u32>,
}

/// How a tensor that begins with its run lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// Values from one index to the next, an axis each.
    pub(super) strides: Vec<usize>,
}

impl Stored {
    /// The values in C order.
    ///
    /// # Errors
    /// When the file cannot be read or its checksum is another.
    pub(super) fn read(&self, source: &mut dyn Source) -> std::io::Result<Vec<f32>> {
        source.seek(SeekFrom::Start(self.start))?;
        let (values, crc32) = read_run(source, self.bytes, &self.kind)?;
        if self.crc32.is_some_and(|stated| stated != crc32) {
            let what = "the checksum of its bytes is not the one that the file states";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
        }
        Ok(match &self.view {
            None => values,
            Some(view) => view.gathered(&values, &self.shape),
        })
    }
}

impl View {
    /// The view's values in C order.
    fn gathered(&self, run: &[f32], shape: &[usize]) -> Vec<f32> {
        let mut values = Vec::with_capacity(shape.iter().product());
        let mut index = vec![0; shape.len()];
        let mut place = 0;
        'values: while values.len() < values.capacity() {
            values.push(run[place]);
            for axis in (0..shape.len()).rev() {
                index[axis] += 1;
                place += self.strides[axis];
                if index[axis] < shape[axis] {
                    continue 'values;
                }
                place -= self.strides[axis] * shape[axis];
                index[axis] = 0;
            }
            break;
        }
        values
    }
}

/// Reads a run of floats and its checksum.
fn read_run(source: &mut dyn Source, bytes: u64, kind: &Kind) -> std::io::Result<(Vec<f32>, u32)> {
    let bytes = usize::try_from(bytes).map_err(std::io::Error::other)?;
    let width = match kind {
        Kind::F64 => 8,
        Kind::F16 | Kind::BF16 => 2,
        _ => 4,
    };
    let mut values = Vec::with_capacity(bytes / width);
    let mut checksum = crc32fast::Hasher::new();
    let mut piece = vec![0; PIECE.min(bytes)];
    let mut left = bytes;
    while left > 0 {
        let piece = &mut piece[..left.min(PIECE)];
        source.read_exact(piece)?;
        checksum.update(piece);
        match kind {
            // Rounded: encoders compute in 32-bit floats.
            Kind::F64 => {
                let wide = piece.as_chunks::<8>().0.iter();
                values.extend(wide.map(|b| f64::from_le_bytes(*b) as f32));
            }
            Kind::F16 => values.extend(pairs(piece).map(|b| f16::from_le_bytes(b).to_f32())),
            Kind::BF16 => values.extend(pairs(piece).map(|b| bf16::from_le_bytes(b).to_f32())),
            _ => values.extend(piece.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b))),
        }
        left -= piece.len();
    }
    Ok((values, checksum.finalize()))
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    bytes.as_chunks::<2>().0.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(shape: &[usize], view: Option<View>, crc32: Option<u32>) -> Stored {
        Stored { shape: shape.to_vec(), kind: Kind::F32, start: 4, bytes: 24, view, crc32 }
    }

    fn run() -> Vec<u8> {
        let values = (0..6).flat_map(|value| (value as f32).to_le_bytes());
        [9; 4].into_iter().chain(values).collect()
    }

    #[test]
    fn views_are_read_in_c_order() {
        let read = |stored: Stored| stored.read(&mut std::io::Cursor::new(run())).unwrap();
        let view = |strides: &[usize]| Some(View { strides: strides.to_vec() });
        assert_eq!(read(stored(&[2, 3], None, None)), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let transposed = read(stored(&[3, 2], view(&[1, 3]), None));
        assert_eq!(transposed, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(read(stored(&[2], view(&[3]), None)), [0.0, 3.0]);
        assert_eq!(read(stored(&[], view(&[]), None)), [0.0]);
        assert!(read(stored(&[0, 7], view(&[7, 1]), None)).is_empty());
    }

    #[test]
    fn a_wrong_checksum_and_a_short_file_are_errors() {
        let right = crc32fast::hash(&run()[4..]);
        let read = |crc32, bytes: Vec<u8>| {
            stored(&[6], None, Some(crc32)).read(&mut std::io::Cursor::new(bytes))
        };
        assert!(read(right, run()).is_ok());
        assert!(read(right ^ 1, run()).unwrap_err().to_string().contains("checksum"));
        assert!(read(right, run()[..20].to_vec()).is_err());
    }
}

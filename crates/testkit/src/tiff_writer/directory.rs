//! Tags and image file directories as bytes (TIFF 6.0, section 2; BigTIFF as libtiff defines it).

/// The numbers of the tags that the writer uses (TIFF 6.0, appendix A).
pub mod tag {
    /// `NewSubfileType`.
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    /// `ImageWidth`.
    pub const IMAGE_WIDTH: u16 = 256;
    /// `ImageLength`.
    pub const IMAGE_LENGTH: u16 = 257;
    /// `BitsPerSample`.
    pub const BITS_PER_SAMPLE: u16 = 258;
    /// `Compression`.
    pub const COMPRESSION: u16 = 259;
    /// `PhotometricInterpretation`.
    pub const PHOTOMETRIC: u16 = 262;
    /// `ImageDescription`.
    pub const IMAGE_DESCRIPTION: u16 = 270;
    /// `Make`.
    pub const MAKE: u16 = 271;
    /// `StripOffsets`.
    pub const STRIP_OFFSETS: u16 = 273;
    /// `SamplesPerPixel`.
    pub const SAMPLES_PER_PIXEL: u16 = 277;
    /// `RowsPerStrip`.
    pub const ROWS_PER_STRIP: u16 = 278;
    /// `StripByteCounts`.
    pub const STRIP_BYTE_COUNTS: u16 = 279;
    /// `XResolution`.
    pub const X_RESOLUTION: u16 = 282;
    /// `YResolution`.
    pub const Y_RESOLUTION: u16 = 283;
    /// `PlanarConfiguration`.
    pub const PLANAR_CONFIGURATION: u16 = 284;
    /// `ResolutionUnit`.
    pub const RESOLUTION_UNIT: u16 = 296;
    /// `Software`.
    pub const SOFTWARE: u16 = 305;
    /// `Predictor`.
    pub const PREDICTOR: u16 = 317;
    /// `TileWidth`.
    pub const TILE_WIDTH: u16 = 322;
    /// `TileLength`.
    pub const TILE_LENGTH: u16 = 323;
    /// `TileOffsets`.
    pub const TILE_OFFSETS: u16 = 324;
    /// `TileByteCounts`.
    pub const TILE_BYTE_COUNTS: u16 = 325;
    /// `JPEGTables` (TIFF Technical Note 2).
    pub const JPEG_TABLES: u16 = 347;
    /// `YCbCrSubSampling`.
    pub const YCBCR_SUBSAMPLING: u16 = 530;
    /// `ICCProfile`.
    pub const ICC_PROFILE: u16 = 34675;
}

/// A tag's values with their type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Type 7, uninterpreted bytes.
    Bytes(Vec<u8>),
    /// Type 2; the closing zero is added.
    Ascii(String),
    /// Type 3.
    Short(Vec<u16>),
    /// Type 4.
    Long(Vec<u32>),
    /// Type 5, numerator and denominator.
    Rational(Vec<(u32, u32)>),
    /// File offsets and byte counts: type 4, or type 16 in a BigTIFF.
    Offsets(Vec<u64>),
}

/// The byte order of all numbers in the file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// `II`.
    Little,
    /// `MM`.
    Big,
}

/// How a file is laid out: byte order and size of its offsets.
#[derive(Copy, Clone, Debug)]
pub(super) struct Encoding {
    pub(super) order: ByteOrder,
    pub(super) big: bool,
}

impl Encoding {
    fn put(self, out: &mut Vec<u8>, value: u64, bytes: usize) {
        match self.order {
            ByteOrder::Little => out.extend_from_slice(&value.to_le_bytes()[..bytes]),
            ByteOrder::Big => out.extend_from_slice(&value.to_be_bytes()[8 - bytes..]),
        }
    }

    fn offset_bytes(self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// The file's first bytes, which point to the first directory.
    pub(super) fn header(self, first_directory: u64) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(if self.order == ByteOrder::Little { b"II" } else { b"MM" });
        if self.big {
            self.put(&mut out, 43, 2);
            self.put(&mut out, 8, 2);
            self.put(&mut out, 0, 2);
        } else {
            self.put(&mut out, 42, 2);
        }
        self.put(&mut out, first_directory, self.offset_bytes());
        out
    }

    fn value(self, value: &Value) -> (u16, u64, Vec<u8>) {
        let mut out = Vec::new();
        let (kind, count) = match value {
            Value::Bytes(bytes) => {
                out.extend_from_slice(bytes);
                (7, bytes.len())
            }
            Value::Ascii(text) => {
                out.extend_from_slice(text.as_bytes());
                out.push(0);
                (2, out.len())
            }
            Value::Short(list) => {
                list.iter().for_each(|v| self.put(&mut out, u64::from(*v), 2));
                (3, list.len())
            }
            Value::Long(list) => {
                list.iter().for_each(|v| self.put(&mut out, u64::from(*v), 4));
                (4, list.len())
            }
            Value::Rational(list) => {
                for (numerator, denominator) in list {
                    self.put(&mut out, u64::from(*numerator), 4);
                    self.put(&mut out, u64::from(*denominator), 4);
                }
                (5, list.len())
            }
            Value::Offsets(list) => {
                list.iter().for_each(|v| self.put(&mut out, *v, self.offset_bytes()));
                (if self.big { 16 } else { 4 }, list.len())
            }
        };
        (kind, count as u64, out)
    }

    /// One directory as it stands at file offset `at`, the values that do not fit into their entry
    /// behind it; another directory follows at once unless it is the last.
    pub(super) fn directory(self, tags: &[(u16, Value)], at: u64, last: bool) -> Vec<u8> {
        let (count_bytes, field, entry) = if self.big { (8, 8, 20) } else { (2, 4, 12) };
        let mut sorted: Vec<&(u16, Value)> = tags.iter().collect();
        sorted.sort_by_key(|(tag, _)| *tag);
        let fixed = count_bytes + sorted.len() * entry + field;
        let mut out = Vec::with_capacity(fixed);
        let mut behind = Vec::new();
        self.put(&mut out, sorted.len() as u64, count_bytes);
        for (tag, value) in sorted {
            let (kind, count, bytes) = self.value(value);
            self.put(&mut out, u64::from(*tag), 2);
            self.put(&mut out, u64::from(kind), 2);
            self.put(&mut out, count, field);
            if bytes.len() <= field {
                out.extend_from_slice(&bytes);
                out.extend(std::iter::repeat_n(0, field - bytes.len()));
            } else {
                self.put(&mut out, at + (fixed + behind.len()) as u64, field);
                behind.extend_from_slice(&bytes);
                behind.extend(std::iter::repeat_n(0, bytes.len() % 2));
            }
        }
        let end = at + (fixed + behind.len()) as u64;
        let next = end.next_multiple_of(8);
        self.put(&mut out, if last { 0 } else { next }, field);
        out.extend_from_slice(&behind);
        out.extend(std::iter::repeat_n(0, (next - end) as usize));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classic_directory_is_as_the_standard_says() {
        let encoding = Encoding { order: ByteOrder::Little, big: false };
        let tags = [(257, Value::Long(vec![7])), (256, Value::Short(vec![3]))];
        let bytes = encoding.directory(&tags, 8, true);
        let expected = [
            2, 0, 0, 1, 3, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 1, 4, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0,
            0,
        ];
        assert_eq!(bytes[..30], expected);
        assert_eq!(encoding.header(8), [b'I', b'I', 42, 0, 8, 0, 0, 0]);
    }

    #[test]
    fn long_values_stand_behind_the_directory() {
        let encoding = Encoding { order: ByteOrder::Big, big: true };
        let bytes = encoding.directory(&[(324, Value::Offsets(vec![1, 2]))], 16, false);
        assert_eq!(bytes[..8], 1_u64.to_be_bytes());
        assert_eq!(bytes[20..28], 52_u64.to_be_bytes());
        assert_eq!(bytes[28..36], 72_u64.to_be_bytes());
        assert_eq!(bytes[36..52], [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
    }
}

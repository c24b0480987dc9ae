//! Byte order, field types and the values of one entry.

/// The order of the bytes of a number.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    /// `II`.
    Little,
    /// `MM`.
    Big,
}

impl ByteOrder {
    /// The unsigned number in up to 8 bytes.
    pub(super) fn number(self, bytes: &[u8]) -> u64 {
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        match self {
            Self::Little => bytes.iter().rev().fold(0, join),
            Self::Big => bytes.iter().fold(0, join),
        }
    }
}

/// The type of an entry's values (TIFF 6.0, section 2; BigTIFF's 16 to 18).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum FieldType {
    Byte,
    Ascii,
    Short,
    Long,
    Rational,
    SignedByte,
    Undefined,
    SignedShort,
    SignedLong,
    SignedRational,
    Float,
    Double,
    Ifd,
    Long8,
    SignedLong8,
    Ifd8,
}

impl FieldType {
    /// The type of a code; later versions of the format may add others.
    pub(super) fn from_code(code: u64) -> Option<Self> {
        Some(match code {
            1 => Self::Byte,
            2 => Self::Ascii,
            3 => Self::Short,
            4 => Self::Long,
            5 => Self::Rational,
            6 => Self::SignedByte,
            7 => Self::Undefined,
            8 => Self::SignedShort,
            9 => Self::SignedLong,
            10 => Self::SignedRational,
            11 => Self::Float,
            12 => Self::Double,
            13 => Self::Ifd,
            16 => Self::Long8,
            17 => Self::SignedLong8,
            18 => Self::Ifd8,
            _ => return None,
        })
    }

    /// Bytes of one value.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Byte | Self::Ascii | Self::SignedByte | Self::Undefined => 1,
            Self::Short | Self::SignedShort => 2,
            Self::Long | Self::SignedLong | Self::Float | Self::Ifd => 4,
            Self::Rational | Self::SignedRational | Self::Double => 8,
            Self::Long8 | Self::SignedLong8 | Self::Ifd8 => 8,
        }
    }
}

/// The values of one entry, kept as they lie in the file: a tile table of 32-bit offsets stays at
/// four bytes a tile.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub(super) kind: FieldType,
    pub(super) order: ByteOrder,
    pub(super) bytes: Vec<u8>,
}

impl Values {
    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() / self.kind.size()
    }

    fn at(&self, index: usize) -> Option<&[u8]> {
        let size = self.kind.size();
        self.bytes.get(index.checked_mul(size)?..)?.get(..size)
    }

    /// The value at `index` where it is an unsigned whole number.
    pub(super) fn unsigned(&self, index: usize) -> Option<u64> {
        match self.kind {
            FieldType::Byte
            | FieldType::Short
            | FieldType::Long
            | FieldType::Ifd
            | FieldType::Long8
            | FieldType::Ifd8 => self.at(index).map(|bytes| self.order.number(bytes)),
            _ => None,
        }
    }

    /// The value at `index` as a fraction or floating-point number; always finite.
    pub(super) fn real(&self, index: usize) -> Option<f64> {
        let bytes = self.at(index)?;
        let number = self.order.number(bytes);
        let value = match self.kind {
            FieldType::Rational => {
                let (numerator, denominator) = bytes.split_at_checked(4)?;
                self.order.number(numerator) as f64 / self.order.number(denominator) as f64
            }
            FieldType::Float => f64::from(f32::from_bits(u32::try_from(number).ok()?)),
            FieldType::Double => f64::from_bits(number),
            _ => self.unsigned(index)? as f64,
        };
        value.is_finite().then_some(value)
    }

    /// The text up to its first NUL; bytes that are no UTF-8 are read as Latin-1, which older
    /// scanners write.
    pub(super) fn text(&self) -> Option<String> {
        if !matches!(self.kind, FieldType::Ascii | FieldType::Byte | FieldType::Undefined) {
            return None;
        }
        let text = self.bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Some(match std::str::from_utf8(text) {
            Ok(text) => text.to_owned(),
            Err(_) => text.iter().map(|byte| char::from(*byte)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(kind: FieldType, order: ByteOrder, bytes: &[u8]) -> Values {
        Values { kind, order, bytes: bytes.to_vec() }
    }

    #[test]
    fn numbers_follow_the_byte_order() {
        let bytes = [1, 2, 3, 4];
        let little = values(FieldType::Short, ByteOrder::Little, &bytes);
        let big = values(FieldType::Short, ByteOrder::Big, &bytes);
        assert_eq!((little.unsigned(0), little.unsigned(1)), (Some(0x0201), Some(0x0403)));
        assert_eq!((big.unsigned(1), big.unsigned(2)), (Some(0x0304), None));
        assert_eq!(big.unsigned(usize::MAX), None);
    }

    #[test]
    fn a_fraction_over_zero_is_no_number() {
        let order = ByteOrder::Little;
        let half = values(FieldType::Rational, order, &[1, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(half.real(0), Some(0.5));
        for bytes in [[0; 8], [1, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(values(FieldType::Rational, order, &bytes).real(0), None);
        }
        assert_eq!(values(FieldType::Double, order, &[255; 8]).real(0), None);
    }

    #[test]
    fn text_ends_at_nul_and_may_be_latin_1() {
        let order = ByteOrder::Little;
        assert_eq!(values(FieldType::Ascii, order, b"a\0b").text().unwrap(), "a");
        assert_eq!(values(FieldType::Ascii, order, b"\xb5m").text().unwrap(), "µm");
        assert_eq!(values(FieldType::Short, order, b"ab").text(), None);
    }
}

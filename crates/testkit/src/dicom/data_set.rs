//! Data sets and how they become bytes (PS3.5, section 7). Always little endian.

use std::collections::BTreeMap;

/// A tag by group and element number.
pub type Tag = (u16, u16);

/// Tags that the writer and its callers name (PS3.6).
pub mod tag {
    #![allow(missing_docs)]
    use super::Tag;

    pub const IMAGE_TYPE: Tag = (0x0008, 0x0008);
    pub const SOP_CLASS_UID: Tag = (0x0008, 0x0016);
    pub const SOP_INSTANCE_UID: Tag = (0x0008, 0x0018);
    pub const PYRAMID_UID: Tag = (0x0008, 0x0019);
    pub const MODALITY: Tag = (0x0008, 0x0060);
    pub const MANUFACTURER: Tag = (0x0008, 0x0070);
    pub const PATIENT_NAME: Tag = (0x0010, 0x0010);
    pub const PATIENT_ID: Tag = (0x0010, 0x0020);
    pub const STUDY_INSTANCE_UID: Tag = (0x0020, 0x000D);
    pub const SERIES_INSTANCE_UID: Tag = (0x0020, 0x000E);
    pub const INSTANCE_NUMBER: Tag = (0x0020, 0x0013);
    pub const FRAME_OF_REFERENCE_UID: Tag = (0x0020, 0x0052);
    pub const CONCATENATION_UID: Tag = (0x0020, 0x9161);
    pub const IN_CONCATENATION_NUMBER: Tag = (0x0020, 0x9162);
    pub const IN_CONCATENATION_TOTAL_NUMBER: Tag = (0x0020, 0x9163);
    pub const CONCATENATION_SOURCE: Tag = (0x0020, 0x0242);
    pub const CONCATENATION_FRAME_OFFSET: Tag = (0x0020, 0x9228);
    pub const DIMENSION_ORGANIZATION_TYPE: Tag = (0x0020, 0x9311);
    pub const SAMPLES_PER_PIXEL: Tag = (0x0028, 0x0002);
    pub const PHOTOMETRIC_INTERPRETATION: Tag = (0x0028, 0x0004);
    pub const PLANAR_CONFIGURATION: Tag = (0x0028, 0x0006);
    pub const NUMBER_OF_FRAMES: Tag = (0x0028, 0x0008);
    pub const ROWS: Tag = (0x0028, 0x0010);
    pub const COLUMNS: Tag = (0x0028, 0x0011);
    pub const PIXEL_SPACING: Tag = (0x0028, 0x0030);
    pub const BITS_ALLOCATED: Tag = (0x0028, 0x0100);
    pub const BITS_STORED: Tag = (0x0028, 0x0101);
    pub const HIGH_BIT: Tag = (0x0028, 0x0102);
    pub const PIXEL_REPRESENTATION: Tag = (0x0028, 0x0103);
    pub const LOSSY_IMAGE_COMPRESSION: Tag = (0x0028, 0x2110);
    pub const PIXEL_MEASURES: Tag = (0x0028, 0x9110);
    pub const CONTAINER_IDENTIFIER: Tag = (0x0040, 0x0512);
    pub const IMAGED_VOLUME_WIDTH: Tag = (0x0048, 0x0001);
    pub const IMAGED_VOLUME_HEIGHT: Tag = (0x0048, 0x0002);
    pub const IMAGED_VOLUME_DEPTH: Tag = (0x0048, 0x0003);
    pub const TOTAL_PIXEL_MATRIX_COLUMNS: Tag = (0x0048, 0x0006);
    pub const TOTAL_PIXEL_MATRIX_ROWS: Tag = (0x0048, 0x0007);
    pub const TOTAL_PIXEL_MATRIX_ORIGIN: Tag = (0x0048, 0x0008);
    pub const SPECIMEN_LABEL_IN_IMAGE: Tag = (0x0048, 0x0010);
    pub const FOCUS_METHOD: Tag = (0x0048, 0x0011);
    pub const EXTENDED_DEPTH_OF_FIELD: Tag = (0x0048, 0x0012);
    pub const IMAGE_ORIENTATION_SLIDE: Tag = (0x0048, 0x0102);
    pub const OPTICAL_PATH: Tag = (0x0048, 0x0105);
    pub const PLANE_POSITION_SLIDE: Tag = (0x0048, 0x021A);
    pub const COLUMN_POSITION: Tag = (0x0048, 0x021E);
    pub const ROW_POSITION: Tag = (0x0048, 0x021F);
    pub const NUMBER_OF_OPTICAL_PATHS: Tag = (0x0048, 0x0302);
    pub const FOCAL_PLANES: Tag = (0x0048, 0x0303);
    pub const SHARED_FUNCTIONAL_GROUPS: Tag = (0x5200, 0x9229);
    pub const PER_FRAME_FUNCTIONAL_GROUPS: Tag = (0x5200, 0x9230);
    pub const EXTENDED_OFFSET_TABLE: Tag = (0x7FE0, 0x0001);
    pub const EXTENDED_OFFSET_TABLE_LENGTHS: Tag = (0x7FE0, 0x0002);
    pub const PIXEL_DATA: Tag = (0x7FE0, 0x0010);
}

/// A value with its representation.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text of a representation such as `CS`, `UI` or `DS`.
    Text([u8; 2], String),
    /// `US`.
    UnsignedShort(Vec<u16>),
    /// `UL`.
    UnsignedLong(Vec<u32>),
    /// `SL`.
    SignedLong(Vec<i32>),
    /// `FL`.
    Float(Vec<f32>),
    /// `OV`.
    VeryLong(Vec<u64>),
    /// `OB`.
    Bytes(Vec<u8>),
    /// `SQ`.
    Sequence(Vec<DataSet>),
    /// Encapsulated pixel data: the basic offset table, then fragments.
    Fragments(Vec<Vec<u8>>),
    /// A representation and length that need not fit the bytes.
    Claim([u8; 2], u32, Vec<u8>),
}

impl Value {
    /// Text of a two-letter representation.
    #[must_use]
    pub fn text(vr: &[u8; 2], text: impl Into<String>) -> Self {
        Self::Text(*vr, text.into())
    }
}

/// How a data set becomes bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Implicit instead of explicit representations.
    pub implicit: bool,
    /// Sequences and items end with delimiters instead of stating their length.
    pub delimited: bool,
}

/// Elements by tag.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataSet {
    elements: BTreeMap<Tag, Value>,
}

const UNDEFINED: u32 = u32::MAX;
const LONG: [&[u8; 2]; 12] =
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT"];

impl DataSet {
    /// A data set of these elements.
    #[must_use]
    pub fn of(elements: impl IntoIterator<Item = (Tag, Value)>) -> Self {
        Self { elements: elements.into_iter().collect() }
    }

    /// Sets or replaces an element.
    pub fn set(&mut self, tag: Tag, value: Value) {
        self.elements.insert(tag, value);
    }

    /// Sets an element, or removes it.
    pub fn change(&mut self, tag: Tag, value: Option<Value>) {
        match value {
            Some(value) => self.set(tag, value),
            None => drop(self.elements.remove(&tag)),
        }
    }

    /// The bytes of all elements in the order of their tags.
    #[must_use]
    pub fn encode(&self, encoding: Encoding) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (tag, value) in &self.elements {
            element(&mut bytes, *tag, value, encoding);
        }
        bytes
    }
}

fn element(out: &mut Vec<u8>, tag: Tag, value: &Value, encoding: Encoding) {
    let (vr, length, mut bytes) = encoded(value, encoding);
    if length != UNDEFINED && bytes.len() % 2 == 1 {
        bytes.push(if matches!(&vr, b"UI" | b"OB") { 0 } else { b' ' });
    }
    let length = match value {
        Value::Claim(_, claimed, _) => *claimed,
        _ if length == UNDEFINED => UNDEFINED,
        _ => bytes.len() as u32,
    };
    out.extend(tag.0.to_le_bytes());
    out.extend(tag.1.to_le_bytes());
    if encoding.implicit {
        out.extend(length.to_le_bytes());
    } else if LONG.contains(&&vr) {
        out.extend(vr);
        out.extend([0, 0]);
        out.extend(length.to_le_bytes());
    } else {
        out.extend(vr);
        out.extend((length as u16).to_le_bytes());
    }
    out.extend(bytes);
}

/// A value's representation, its length or [`UNDEFINED`], and its bytes.
fn encoded(value: &Value, encoding: Encoding) -> ([u8; 2], u32, Vec<u8>) {
    fn numbers<const N: usize>(numbers: impl Iterator<Item = [u8; N]>) -> Vec<u8> {
        numbers.flatten().collect()
    }
    match value {
        Value::Text(vr, text) => (*vr, 0, text.clone().into_bytes()),
        Value::UnsignedShort(n) => (*b"US", 0, numbers(n.iter().map(|n| n.to_le_bytes()))),
        Value::UnsignedLong(n) => (*b"UL", 0, numbers(n.iter().map(|n| n.to_le_bytes()))),
        Value::SignedLong(n) => (*b"SL", 0, numbers(n.iter().map(|n| n.to_le_bytes()))),
        Value::Float(n) => (*b"FL", 0, numbers(n.iter().map(|n| n.to_le_bytes()))),
        Value::VeryLong(n) => (*b"OV", 0, numbers(n.iter().map(|n| n.to_le_bytes()))),
        Value::Bytes(bytes) => (*b"OB", 0, bytes.clone()),
        Value::Claim(vr, length, bytes) => (*vr, *length, bytes.clone()),
        Value::Fragments(fragments) => {
            let mut bytes = Vec::new();
            for fragment in fragments {
                item(&mut bytes, fragment, false);
            }
            bytes.extend(SEQUENCE_END);
            (*b"OB", UNDEFINED, bytes)
        }
        Value::Sequence(items) => {
            let mut bytes = Vec::new();
            for data_set in items {
                item(&mut bytes, &data_set.encode(encoding), encoding.delimited);
            }
            if encoding.delimited {
                bytes.extend(SEQUENCE_END);
                return (*b"SQ", UNDEFINED, bytes);
            }
            (*b"SQ", 0, bytes)
        }
    }
}

const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
const ITEM_END: [u8; 8] = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0];
const SEQUENCE_END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];

fn item(out: &mut Vec<u8>, bytes: &[u8], delimited: bool) {
    out.extend(ITEM);
    if delimited {
        out.extend(UNDEFINED.to_le_bytes());
        out.extend(bytes);
        out.extend(ITEM_END);
    } else {
        let padding = bytes.len() % 2;
        out.extend(((bytes.len() + padding) as u32).to_le_bytes());
        out.extend(bytes);
        out.extend(&[0][..padding]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_padded_sorted_and_coded() {
        let data_set = DataSet::of([
            (tag::ROWS, Value::UnsignedShort(vec![7])),
            (tag::MODALITY, Value::text(b"CS", "SMX")),
        ]);
        let explicit = data_set.encode(Encoding { implicit: false, delimited: false });
        assert_eq!(explicit, b"\x08\0\x60\0CS\x04\0SMX \x28\0\x10\0US\x02\0\x07\0");
        let implicit = data_set.encode(Encoding { implicit: true, delimited: false });
        assert_eq!(implicit, b"\x08\0\x60\0\x04\0\0\0SMX \x28\0\x10\0\x02\0\0\0\x07\0");
    }
}

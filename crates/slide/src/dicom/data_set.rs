//! The kept part of a data set, and how it is read from a file.

use std::collections::BTreeMap;

use crate::{error::Result, file::SlideFile};

use super::{
    dictionary::{self, Entry, Kind},
    element::{Element, ElementReader, Extent, PIXEL_DATA, Tag, Vr},
};

/// No text or number that is kept is longer.
const MAX_VALUE: u32 = 64 << 10;
/// No ICC profile of a scanner is longer.
const MAX_BYTES: u32 = 16 << 20;

/// A kept value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(Vec<u8>),
    Numbers(Vec<f64>),
    Bytes(Vec<u8>),
    Place { offset: u64, length: u32 },
    Items(Vec<DataSet>),
}

/// Kept elements by tag.
#[derive(Clone, Debug, Default)]
pub(super) struct DataSet {
    values: BTreeMap<Tag, Value>,
}

/// Where a frame's left top pixel lies in the total pixel matrix: column and row from 1 (PS3.3,
/// C.8.12.6.1).
pub(super) type FramePosition = (i32, i32);

/// A file's header: everything before the pixel data.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) data_set: DataSet,
    /// One for each item of the per-frame functional groups; `None` where an item states none.
    pub(super) positions: Vec<Option<FramePosition>>,
    /// The first frame's functional groups, for what is not shared.
    pub(super) first_frame: Option<DataSet>,
    /// The pixel data element, whose value is not loaded.
    pub(super) pixel_data: Option<Element>,
}

/// Reads a header from an offset up to the pixel data, or up to and including `last`.
pub(super) fn read_header(
    file: &SlideFile,
    start: u64,
    implicit: bool,
    last: Tag,
) -> Result<Header> {
    let mut reader = ElementReader::new(file, start);
    let top = Extent::to_end_of(file, implicit);
    let mut header = Header::default();
    while let Some(element) = reader.next_element(top)? {
        match element.tag {
            tag if tag > last => break,
            PIXEL_DATA => {
                header.pixel_data = Some(element);
                break;
            }
            dictionary::PER_FRAME_FUNCTIONAL_GROUPS if !header.data_set.is_tiled_full() => {
                read_positions(&mut reader, &element, top, &mut header)?;
            }
            dictionary::PER_FRAME_FUNCTIONAL_GROUPS => reader.skip(&element, top)?,
            _ => header.data_set.keep(&mut reader, &element, top)?,
        }
    }
    Ok(header)
}

/// Takes the positions out of the per-frame functional groups, one item at a time: there may be a
/// million of them.
fn read_positions(
    reader: &mut ElementReader<'_>,
    element: &Element,
    within: Extent,
    header: &mut Header,
) -> Result<()> {
    let Some(sequence) = reader.enter(element, within)? else {
        return reader.skip(element, within);
    };
    while let Some(item) = reader.next_item(sequence)? {
        let groups = DataSet::read(reader, item)?;
        reader.release_kept();
        header.positions.push(groups.position());
        header.first_frame.get_or_insert(groups);
    }
    Ok(())
}

impl DataSet {
    fn read(reader: &mut ElementReader<'_>, within: Extent) -> Result<Self> {
        let mut data_set = Self::default();
        while let Some(element) = reader.next_element(within)? {
            data_set.keep(reader, &element, within)?;
        }
        Ok(data_set)
    }

    /// Keeps an element that the dictionary names and skips every other.
    fn keep(
        &mut self,
        reader: &mut ElementReader<'_>,
        element: &Element,
        within: Extent,
    ) -> Result<()> {
        let Some(entry) = dictionary::lookup(element.tag) else {
            return reader.skip(element, within);
        };
        let value = match (entry.kind, element.length) {
            (Kind::Sequence, _) => match reader.enter(element, within)? {
                Some(sequence) => Some(Value::Items(read_items(reader, sequence)?)),
                None => None,
            },
            (_, None) => None,
            (Kind::Place, Some(length)) => {
                reader.skip(element, within)?;
                self.insert(element.tag, Value::Place { offset: element.value_at, length });
                return reader.count_kept();
            }
            (_, Some(length)) => Some(read_value(reader, element, entry, length)?),
        };
        match value {
            Some(value) => {
                self.insert(element.tag, value);
                reader.count_kept()
            }
            None => reader.skip(element, within),
        }
    }

    /// The first of two elements of one tag stands; a valid file has no second.
    fn insert(&mut self, tag: Tag, value: Value) {
        self.values.entry(tag).or_insert(value);
    }

    /// Text without padding; `None` where absent or empty. Several values stay joined.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        let Some(Value::Text(bytes)) = self.values.get(&tag) else { return None };
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A UID; `None` where absent or empty.
    pub(super) fn uid(&self, tag: Tag) -> Option<String> {
        let Some(Value::Text(bytes)) = self.values.get(&tag) else { return None };
        let uid = super::part10::uid(bytes);
        (!uid.is_empty()).then_some(uid)
    }

    /// The first of a binary element's numbers.
    pub(super) fn number(&self, tag: Tag) -> Option<f64> {
        match self.values.get(&tag) {
            Some(Value::Numbers(numbers)) => numbers.first().copied(),
            _ => None,
        }
    }

    /// A count, in binary or as decimal text (`IS`).
    pub(super) fn count(&self, tag: Tag) -> Option<u32> {
        match self.values.get(&tag)? {
            // The cast saturates; numbers come from integers of at most 32 bits.
            Value::Numbers(numbers) => numbers.first().filter(|n| **n >= 0.0).map(|n| *n as u32),
            Value::Text(_) => self.text(tag)?.parse().ok(),
            _ => None,
        }
    }

    /// Decimal strings (`DS`) that are finite numbers.
    pub(super) fn decimals(&self, tag: Tag) -> Vec<f64> {
        let text = self.text(tag).unwrap_or_default();
        text.split('\\')
            .map_while(|part| part.trim().parse().ok())
            .filter(|n: &f64| n.is_finite())
            .collect()
    }

    /// Bytes, as an ICC profile.
    pub(super) fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        match self.values.get(&tag) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// The place in the file of a value that is not kept.
    pub(super) fn place(&self, tag: Tag) -> Option<(u64, u32)> {
        match self.values.get(&tag) {
            Some(Value::Place { offset, length }) => Some((*offset, *length)),
            _ => None,
        }
    }

    /// The items of a sequence; none where it is absent.
    pub(super) fn items(&self, tag: Tag) -> &[Self] {
        match self.values.get(&tag) {
            Some(Value::Items(items)) => items,
            _ => &[],
        }
    }

    /// Every kept value.
    pub(super) fn values(&self) -> impl Iterator<Item = (Tag, &Value)> {
        self.values.iter().map(|(tag, value)| (*tag, value))
    }

    /// Whether frames lie row by row without gaps (PS3.3, C.7.6.17.3).
    pub(super) fn is_tiled_full(&self) -> bool {
        self.text(dictionary::DIMENSION_ORGANIZATION_TYPE).as_deref() == Some("TILED_FULL")
    }

    fn position(&self) -> Option<FramePosition> {
        let plane = self.items(dictionary::PLANE_POSITION_SLIDE).first()?;
        let coordinate = |tag| {
            let number = plane.number(tag)?;
            (number.abs() <= f64::from(i32::MAX)).then_some(number as i32)
        };
        Some((coordinate(dictionary::COLUMN_POSITION)?, coordinate(dictionary::ROW_POSITION)?))
    }
}

fn read_items(reader: &mut ElementReader<'_>, sequence: Extent) -> Result<Vec<DataSet>> {
    let mut items = Vec::new();
    while let Some(item) = reader.next_item(sequence)? {
        reader.count_kept()?;
        items.push(DataSet::read(reader, item)?);
    }
    Ok(items)
}

fn read_value(
    reader: &mut ElementReader<'_>,
    element: &Element,
    entry: &Entry,
    length: u32,
) -> Result<Value> {
    let most = if entry.kind == Kind::Bytes { MAX_BYTES } else { MAX_VALUE };
    if length > most {
        let what = format!("{} of {length} bytes, where {most} are allowed", entry.keyword);
        return Err(reader.broken(element.value_at, what));
    }
    let bytes = reader.value(element)?;
    Ok(match entry.kind {
        Kind::Text => Value::Text(bytes),
        Kind::Bytes => Value::Bytes(bytes),
        _ => Value::Numbers(numbers(&bytes, element.vr, entry.kind)),
    })
}

/// Binary numbers by the representation that the file states, else by the dictionary's.
fn numbers(bytes: &[u8], vr: Vr, kind: Kind) -> Vec<f64> {
    let code = match (vr, kind) {
        (Vr::Stated(code), _) if &code != b"UN" => code,
        (_, Kind::UnsignedShort) => *b"US",
        (_, Kind::UnsignedLong) => *b"UL",
        (_, Kind::SignedLong) => *b"SL",
        (_, Kind::Float) => *b"FL",
        _ => *b"??",
    };
    let (twos, _) = bytes.as_chunks::<2>();
    let (fours, _) = bytes.as_chunks::<4>();
    let (eights, _) = bytes.as_chunks::<8>();
    match &code {
        b"US" => twos.iter().map(|b| u16::from_le_bytes(*b).into()).collect(),
        b"SS" => twos.iter().map(|b| i16::from_le_bytes(*b).into()).collect(),
        b"UL" => fours.iter().map(|b| u32::from_le_bytes(*b).into()).collect(),
        b"SL" => fours.iter().map(|b| i32::from_le_bytes(*b).into()).collect(),
        b"FL" => fours.iter().map(|b| f32::from_le_bytes(*b).into()).collect(),
        b"FD" => eights.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(tag: (u16, u16), vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap();
        [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), vr, &length.to_le_bytes(), value].concat()
    }

    fn header(bytes: &[u8]) -> Result<Header> {
        let file = SlideFile::from_bytes("header", bytes.to_vec());
        read_header(&file, 0, false, PIXEL_DATA)
    }

    #[test]
    fn values_come_by_type() {
        let bytes = [
            short((0x08, 0x08), b"CS", b"ORIGINAL\\PRIMARY "),
            short((0x10, 0x10), b"PN", b"DOE^JANE"),
            short((0x28, 0x08), b"IS", b"12  "),
            short((0x28, 0x10), b"US", &[0, 1]),
            short((0x28, 0x30), b"DS", b"0.5\\0.25"),
            short((0x48, 0x01), b"FL", &1.5_f32.to_le_bytes()),
        ]
        .concat();
        let data_set = header(&bytes).unwrap().data_set;
        assert_eq!(data_set.text(dictionary::IMAGE_TYPE).unwrap(), "ORIGINAL\\PRIMARY");
        assert_eq!(data_set.count(dictionary::NUMBER_OF_FRAMES), Some(12));
        assert_eq!(data_set.count(dictionary::ROWS), Some(256));
        assert_eq!(data_set.decimals(dictionary::PIXEL_SPACING), [0.5, 0.25]);
        assert_eq!(data_set.number(dictionary::IMAGED_VOLUME_WIDTH), Some(1.5));
        assert_eq!(data_set.values().count(), 5, "the patient's name is not kept");
    }

    #[test]
    fn wrong_types_are_absent() {
        let bytes = [
            short((0x28, 0x08), b"IS", b"-3"),
            short((0x28, 0x10), b"US", &[1]),
            short((0x28, 0x30), b"DS", b"nan\\inf"),
            short((0x48, 0x0105), b"US", &[1, 0]),
        ]
        .concat();
        let data_set = header(&bytes).unwrap().data_set;
        assert_eq!(data_set.count(dictionary::NUMBER_OF_FRAMES), None);
        assert_eq!(data_set.count(dictionary::ROWS), None);
        assert!(data_set.decimals(dictionary::PIXEL_SPACING).is_empty());
        assert!(data_set.items(dictionary::OPTICAL_PATH).is_empty());
    }

    #[test]
    fn a_flood_of_kept_elements_is_refused() {
        let item = [0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0];
        let items = item.repeat(20_000);
        let length = u32::try_from(items.len()).unwrap().to_le_bytes();
        let sequence = [&[0x48, 0, 0x05, 0x01, b'S', b'Q', 0, 0], &length[..], &items].concat();
        let error = header(&sequence).unwrap_err().to_string();
        assert!(error.contains("more than 16384 elements of known meaning"), "{error}");
    }
}

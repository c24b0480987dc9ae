//! DICOM's element encoding (PS3.5, section 7): headers one after another, values only on request.

use std::fmt;

use crate::{error::Result, file::SlideFile};

/// How deep sequences may nest; real whole-slide headers stay below 8.
const MAX_DEPTH: u8 = 16;
/// How many elements and items a header may hold: some 20 for each of a few million frames.
const MAX_ELEMENTS: u32 = 1 << 26;
/// How many elements may be kept in memory; real headers keep about a hundred.
const MAX_KEPT: u32 = 1 << 14;
const FIRST_WINDOW: u64 = 8 << 10;
const LARGEST_WINDOW: u64 = 256 << 10;

/// A data element's tag: group and element number.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Tag(u32);

impl Tag {
    /// A tag by group and element number.
    pub(super) const fn new(group: u16, element: u16) -> Self {
        Self((group as u32) << 16 | element as u32)
    }

    /// The group number.
    pub(super) const fn group(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:04X},{:04X})", self.group(), self.0 & 0xFFFF)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

pub(super) const ITEM: Tag = Tag::new(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag::new(0xFFFE, 0xE00D);
pub(super) const SEQUENCE_END: Tag = Tag::new(0xFFFE, 0xE0DD);
pub(super) const PIXEL_DATA: Tag = Tag::new(0x7FE0, 0x0010);

/// A value representation as the file states it; implicit VR states none.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Vr {
    Stated([u8; 2]),
    Unstated,
}

impl Vr {
    /// Whether a value of this representation can be a sequence. `UN` of undefined length is one in
    /// implicit VR (PS3.5, section 6.2.2).
    fn may_be_sequence(self) -> bool {
        matches!(self, Self::Unstated | Self::Stated([b'S', b'Q'] | [b'U', b'N']))
    }

    /// Whether explicit VR gives the length in 16 bits (PS3.5, table 7.1-2).
    fn has_short_length(vr: [u8; 2]) -> bool {
        matches!(
            &vr,
            b"AE"
                | b"AS"
                | b"AT"
                | b"CS"
                | b"DA"
                | b"DS"
                | b"DT"
                | b"FD"
                | b"FL"
                | b"IS"
                | b"LO"
                | b"LT"
                | b"PN"
                | b"SH"
                | b"SL"
                | b"SS"
                | b"ST"
                | b"TM"
                | b"UI"
                | b"UL"
                | b"US"
        )
    }
}

/// A data element's header.
#[derive(Copy, Clone, Debug)]
pub(super) struct Element {
    pub(super) tag: Tag,
    pub(super) vr: Vr,
    /// Bytes of the value; `None` where it ends with a delimiter.
    pub(super) length: Option<u32>,
    /// Where the value begins in the file.
    pub(super) value_at: u64,
}

/// A stretch of the file that holds elements or items.
#[derive(Copy, Clone, Debug)]
pub(super) struct Extent {
    /// No element reaches beyond this offset.
    end: u64,
    /// Whether a delimiter ends it before `end`.
    delimited: bool,
    /// Whether it is coded in implicit VR.
    implicit: bool,
    /// Sequences around it.
    depth: u8,
}

impl Extent {
    /// The whole rest of a file.
    pub(super) fn to_end_of(file: &SlideFile, implicit: bool) -> Self {
        Self { end: file.len(), delimited: false, implicit, depth: 0 }
    }
}

/// Reads element headers in the order of the file.
pub(super) struct ElementReader<'f> {
    file: &'f SlideFile,
    position: u64,
    window: Vec<u8>,
    window_at: u64,
    next_window: u64,
    elements_left: u32,
    kept_left: u32,
}

impl<'f> ElementReader<'f> {
    /// A reader that begins at an offset.
    pub(super) fn new(file: &'f SlideFile, position: u64) -> Self {
        Self {
            file,
            position,
            window: Vec::new(),
            window_at: 0,
            next_window: FIRST_WINDOW,
            elements_left: MAX_ELEMENTS,
            kept_left: MAX_KEPT,
        }
    }

    /// Where the next header begins.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The group of the next element, without moving; `None` at the end.
    pub(super) fn peek_group(&mut self, within: Extent) -> Result<Option<u16>> {
        let at = self.position;
        if at >= within.end {
            return Ok(None);
        }
        let group = u16::from_le_bytes(self.take(within)?);
        self.position = at;
        Ok(Some(group))
    }

    /// The next element's header, or `None` at the end of a data set. The caller consumes its value
    /// by [`Self::value`], [`Self::skip`] or [`Self::enter`].
    pub(super) fn next_element(&mut self, within: Extent) -> Result<Option<Element>> {
        if !within.delimited && self.position == within.end {
            return Ok(None);
        }
        self.count()?;
        let at = self.position;
        let [g0, g1, e0, e1, a, b, c, d] = self.take(within)?;
        let tag = Tag::new(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
        if tag == ITEM_END && within.delimited {
            return Ok(None);
        }
        if tag.group() == ITEM.group() {
            return Err(self.broken(at, format!("{tag} where an element should stand")));
        }
        let (vr, length) = if within.implicit {
            (Vr::Unstated, u32::from_le_bytes([a, b, c, d]))
        } else if !(a.is_ascii_uppercase() && b.is_ascii_uppercase()) {
            return Err(self.broken(at, format!("{tag} has no value representation")));
        } else if Vr::has_short_length([a, b]) {
            (Vr::Stated([a, b]), u16::from_le_bytes([c, d]).into())
        } else {
            (Vr::Stated([a, b]), u32::from_le_bytes(self.take(within)?))
        };
        let length = self.checked_length(tag, length, within)?;
        if length.is_none() && !vr.may_be_sequence() && tag != PIXEL_DATA {
            return Err(self.broken(at, format!("{tag} has an undefined length")));
        }
        Ok(Some(Element { tag, vr, length, value_at: self.position }))
    }

    /// The next item of a sequence as a stretch of elements, or `None` at the sequence's end.
    pub(super) fn next_item(&mut self, within: Extent) -> Result<Option<Extent>> {
        if !within.delimited && self.position == within.end {
            return Ok(None);
        }
        self.count()?;
        let at = self.position;
        let (tag, length) = self.item_header(within)?;
        match tag {
            SEQUENCE_END if within.delimited => Ok(None),
            ITEM => {
                let length = self.checked_length(tag, length, within)?;
                let end = length.map_or(within.end, |bytes| self.position + u64::from(bytes));
                Ok(Some(Extent { end, delimited: length.is_none(), ..within }))
            }
            other => Err(self.broken(at, format!("{other} where an item should stand"))),
        }
    }

    fn item_header(&mut self, within: Extent) -> Result<(Tag, u32)> {
        let [g0, g1, e0, e1, a, b, c, d] = self.take(within)?;
        let tag = Tag::new(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
        Ok((tag, u32::from_le_bytes([a, b, c, d])))
    }

    /// The stretch of a sequence's items; `None` where the element cannot be a sequence.
    pub(super) fn enter(&self, element: &Element, within: Extent) -> Result<Option<Extent>> {
        if !element.vr.may_be_sequence() {
            return Ok(None);
        }
        if within.depth >= MAX_DEPTH {
            let what = format!("sequences nest deeper than {MAX_DEPTH} at {}", element.tag);
            return Err(self.broken(element.value_at, what));
        }
        let unknown = element.vr == Vr::Stated(*b"UN");
        Ok(Some(Extent {
            end: element.length.map_or(within.end, |n| element.value_at + u64::from(n)),
            delimited: element.length.is_none(),
            implicit: within.implicit || (unknown && element.length.is_none()),
            depth: within.depth + 1,
        }))
    }

    /// Moves behind an element without keeping anything.
    pub(super) fn skip(&mut self, element: &Element, within: Extent) -> Result<()> {
        if let Some(length) = element.length {
            self.position = element.value_at + u64::from(length);
            return Ok(());
        }
        let Some(sequence) = self.enter(element, within)? else {
            return Err(self.broken(element.value_at, format!("{} has no length", element.tag)));
        };
        while let Some(item) = self.next_item(sequence)? {
            self.skip_item(item)?;
        }
        Ok(())
    }

    /// Moves behind an item without keeping anything.
    fn skip_item(&mut self, item: Extent) -> Result<()> {
        if !item.delimited {
            self.position = item.end;
            return Ok(());
        }
        while let Some(element) = self.next_element(item)? {
            self.skip(&element, item)?;
        }
        Ok(())
    }

    /// The value of an element of defined length.
    pub(super) fn value(&mut self, element: &Element) -> Result<Vec<u8>> {
        let length = u64::from(element.length.unwrap_or(0));
        let offset = element.value_at.wrapping_sub(self.window_at);
        let cached = usize::try_from(offset).ok().and_then(|from| {
            let to = from.checked_add(usize::try_from(length).ok()?)?;
            self.window.get(from..to).map(<[u8]>::to_vec)
        });
        self.position = element.value_at + length;
        match cached {
            Some(bytes) => Ok(bytes),
            None => self.file.read_exact_at(element.value_at, length),
        }
    }

    /// Counts something that stays in memory.
    ///
    /// # Errors
    /// When the header holds more than any real one.
    pub(super) fn count_kept(&mut self) -> Result<()> {
        self.kept_left = self.kept_left.checked_sub(1).ok_or_else(|| {
            self.broken(self.position, format!("more than {MAX_KEPT} elements of known meaning"))
        })?;
        Ok(())
    }

    /// Forgets what was counted as kept: the caller has dropped it.
    pub(super) fn release_kept(&mut self) {
        self.kept_left = MAX_KEPT;
    }

    /// A message that names the place in the file.
    pub(super) fn broken(&self, at: u64, what: impl fmt::Display) -> crate::SlideError {
        self.file.broken(format!("DICOM header at offset {at}: {what}"))
    }

    fn count(&mut self) -> Result<()> {
        self.elements_left = self.elements_left.checked_sub(1).ok_or_else(|| {
            self.broken(self.position, format!("more than {MAX_ELEMENTS} elements"))
        })?;
        Ok(())
    }

    fn checked_length(&self, tag: Tag, length: u32, within: Extent) -> Result<Option<u32>> {
        if length == u32::MAX {
            return Ok(None);
        }
        let left = within.end.saturating_sub(self.position);
        if u64::from(length) > left {
            let what = format!("{tag} claims {length} bytes where {left} remain");
            return Err(self.broken(self.position, what));
        }
        Ok(Some(length))
    }

    fn take<const N: usize>(&mut self, within: Extent) -> Result<[u8; N]> {
        let end = self.position.saturating_add(N as u64);
        if end > within.end {
            return Err(self.broken(self.position, "it ends in the middle of an element"));
        }
        if self.position < self.window_at || end > self.window_at + self.window.len() as u64 {
            self.fill_window()?;
        }
        let offset = usize::try_from(self.position - self.window_at).unwrap_or(usize::MAX);
        let bytes = self
            .window
            .get(offset..)
            .and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or_else(|| self.broken(self.position, "it ends in the middle of an element"))?;
        self.position = end;
        Ok(bytes)
    }

    /// Small windows first: a series is recognised by its first kilobytes; then larger ones.
    fn fill_window(&mut self) -> Result<()> {
        let length = self.next_window.min(self.file.len().saturating_sub(self.position));
        self.window = self.file.read_exact_at(self.position, length)?;
        self.window_at = self.position;
        self.next_window = (self.next_window * 2).min(LARGEST_WINDOW);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> SlideFile {
        SlideFile::from_bytes("header", bytes.to_vec())
    }

    fn message(result: Result<impl fmt::Debug>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_length_beyond_the_end_is_refused_before_it_is_read() {
        let bytes = [&[0x28, 0, 0x10, 0][..], b"OB", &[0, 0], &0xFFFF_FFF0_u32.to_le_bytes()];
        let file = file(&bytes.concat());
        let mut reader = ElementReader::new(&file, 0);
        let error = message(reader.next_element(Extent::to_end_of(&file, false)));
        assert!(error.contains("(0028,0010) claims 4294967280 bytes where 0 remain"), "{error}");
    }

    #[test]
    fn deep_nesting_ends() {
        let level = [
            &[0x08, 0, 0x10, 0x11, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF][..],
            &[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
        ]
        .concat();
        let file = file(&level.repeat(1000));
        let mut reader = ElementReader::new(&file, 0);
        let top = Extent::to_end_of(&file, false);
        let element = reader.next_element(top).unwrap().unwrap();
        assert!(message(reader.skip(&element, top)).contains("nest deeper than 16"));
    }

    #[test]
    fn a_skipped_sequence_ends_at_its_delimiter() {
        let bytes = [
            &[0x08, 0, 0x10, 0x11, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF][..],
            &[0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x08, 0, 0x60, 0, b'C', b'S', 2, 0, b'S', b'M'],
            &[0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0],
            &[0xFE, 0xFF, 0x00, 0xE0, 4, 0, 0, 0, 1, 2, 3, 4],
            &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
            &[0x28, 0, 0x10, 0, b'U', b'S', 2, 0, 7, 0],
        ]
        .concat();
        let file = file(&bytes);
        let mut reader = ElementReader::new(&file, 0);
        let top = Extent::to_end_of(&file, false);
        let sequence = reader.next_element(top).unwrap().unwrap();
        reader.skip(&sequence, top).unwrap();
        let rows = reader.next_element(top).unwrap().unwrap();
        assert_eq!(rows.tag, Tag::new(0x0028, 0x0010));
        assert_eq!(reader.value(&rows).unwrap(), [7, 0]);
        assert!(reader.next_element(top).unwrap().is_none());
    }

    #[test]
    fn every_truncation_is_an_error_or_an_end() {
        let bytes = [
            &[0x08, 0, 0x10, 0x11, b'S', b'Q', 0, 0, 20, 0, 0, 0][..],
            &[0xFE, 0xFF, 0x00, 0xE0, 12, 0, 0, 0],
            &[0x08, 0, 0x60, 0, b'C', b'S', 4, 0, b'S', b'M', b' ', b' '],
            &[0x28, 0, 0x10, 0, b'U', b'S', 2, 0, 7, 0],
        ]
        .concat();
        for cut in 1..bytes.len() {
            let file = file(&bytes[..cut]);
            let mut reader = ElementReader::new(&file, 0);
            let top = Extent::to_end_of(&file, false);
            let mut walk = || -> Result<()> {
                while let Some(element) = reader.next_element(top)? {
                    reader.skip(&element, top)?;
                }
                Ok(())
            };
            assert_eq!(walk().is_ok(), cut == 32, "cut at {cut}");
        }
    }
}

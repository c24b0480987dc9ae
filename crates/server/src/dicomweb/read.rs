//! Reading files that a client stores: explicit VR little endian (PS3.5 section 7.1), everything
//! bounded by the file's own length.

use std::collections::BTreeMap;

/// How deep sequences may lie in each other.
const DEEPEST: usize = 8;
/// Elements of one file.
const MOST_ELEMENTS: usize = 200_000;
const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
const UNDEFINED: u32 = u32::MAX;
const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;
/// Representations with a length of four bytes.
const LONG: [&[u8; 2]; 13] =
    [b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SV", b"UC", b"UR", b"UT", b"UV", b"UN", b"SQ"];

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Read<'a> {
    /// Its representation and its bytes.
    Bytes([u8; 2], &'a [u8]),
    Items(Vec<ReadSet<'a>>),
}

/// A data set that was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadSet<'a>(BTreeMap<u32, Read<'a>>);

impl<'a> ReadSet<'a> {
    /// A file's data set.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn of_file(bytes: &'a [u8]) -> Result<Self, &'static str> {
        if bytes.get(128..132) != Some(b"DICM") {
            return Err("it is no DICOM file");
        }
        let mut reader = Reader { bytes, at: 132, left: MOST_ELEMENTS };
        let length_of_meta = {
            let mut first = Self::default();
            reader.element(&mut first, 0)?;
            first.number(0x0002_0000).ok_or("its meta information has no length")?
        };
        let end = reader.at.checked_add(length_of_meta as usize).ok_or("it is cut off")?;
        let meta = reader.set(end.min(bytes.len()), 0)?;
        if meta.text(0x0002_0010).as_deref() != Some(EXPLICIT_LITTLE_ENDIAN) {
            return Err("only explicit VR little endian is taken");
        }
        reader.set(bytes.len(), 0)
    }

    /// Every attribute's tag and value, in the order of the tags.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (u32, &Read<'a>)> {
        self.0.iter().map(|(tag, value)| (*tag, value))
    }

    pub(crate) fn text(&self, tag: u32) -> Option<String> {
        let text = std::str::from_utf8(self.bytes(tag)?).ok()?;
        Some(text.trim_matches([' ', '\0']).to_owned())
    }

    pub(crate) fn bytes(&self, tag: u32) -> Option<&'a [u8]> {
        match self.0.get(&tag)? {
            Read::Bytes(_, bytes) => Some(bytes),
            Read::Items(_) => None,
        }
    }

    fn number(&self, tag: u32) -> Option<u32> {
        let bytes = self.bytes(tag)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    }

    pub(crate) fn items(&self, tag: u32) -> &[ReadSet<'a>] {
        match self.0.get(&tag) {
            Some(Read::Items(items)) => items,
            _ => &[],
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let end = self.at.checked_add(length).ok_or("it is cut off")?;
        let taken = self.bytes.get(self.at..end).ok_or("it is cut off")?;
        self.at = end;
        Ok(taken)
    }

    fn short(&mut self) -> Result<u16, &'static str> {
        let two = self.take(2)?;
        Ok(u16::from_le_bytes(two.try_into().map_err(|_| "it is cut off")?))
    }

    fn long(&mut self) -> Result<u32, &'static str> {
        let four = self.take(4)?;
        Ok(u32::from_le_bytes(four.try_into().map_err(|_| "it is cut off")?))
    }

    fn tag(&mut self) -> Result<u32, &'static str> {
        Ok(u32::from(self.short()?) << 16 | u32::from(self.short()?))
    }

    /// Elements up to a place.
    fn set(&mut self, end: usize, depth: usize) -> Result<ReadSet<'a>, &'static str> {
        let mut set = ReadSet::default();
        while self.at < end {
            self.element(&mut set, depth)?;
        }
        if self.at > end {
            return Err("an element reaches beyond its set");
        }
        Ok(set)
    }

    fn element(&mut self, set: &mut ReadSet<'a>, depth: usize) -> Result<(), &'static str> {
        let tag = self.tag()?;
        self.element_of(tag, set, depth)
    }

    fn element_of(
        &mut self,
        tag: u32,
        set: &mut ReadSet<'a>,
        depth: usize,
    ) -> Result<(), &'static str> {
        self.left = self.left.checked_sub(1).ok_or("it has too many elements")?;
        let vr: &[u8; 2] = self.take(2)?.try_into().map_err(|_| "it is cut off")?;
        let length = if LONG.contains(&vr) {
            self.take(2)?;
            self.long()?
        } else {
            u32::from(self.short()?)
        };
        let value = match (vr, length) {
            (b"SQ", length) => Read::Items(self.items(length, depth + 1)?),
            (_, UNDEFINED) => return Err("a value has no length"),
            (vr, length) => Read::Bytes(*vr, self.take(length as usize)?),
        };
        set.0.insert(tag, value);
        Ok(())
    }

    fn items(&mut self, length: u32, depth: usize) -> Result<Vec<ReadSet<'a>>, &'static str> {
        if depth > DEEPEST {
            return Err("its sequences lie too deep");
        }
        let end = match length {
            UNDEFINED => self.bytes.len(),
            length => self.at.checked_add(length as usize).ok_or("it is cut off")?,
        };
        let mut items = Vec::new();
        while self.at < end {
            self.left = self.left.checked_sub(1).ok_or("it has too many elements")?;
            match (self.tag()?, self.long()?) {
                (ITEM, UNDEFINED) => items.push(self.open_item(depth)?),
                (ITEM, length) => {
                    let end = self.at.checked_add(length as usize).ok_or("it is cut off")?;
                    if end > self.bytes.len() {
                        return Err("it is cut off");
                    }
                    items.push(self.set(end, depth)?);
                }
                (SEQUENCE_END, 0) if length == UNDEFINED => return Ok(items),
                _ => return Err("a sequence has what is no item"),
            }
        }
        if self.at > end || length == UNDEFINED {
            return Err("a sequence does not end");
        }
        Ok(items)
    }

    /// An item that ends by a mark.
    fn open_item(&mut self, depth: usize) -> Result<ReadSet<'a>, &'static str> {
        let mut set = ReadSet::default();
        loop {
            let tag = self.tag()?;
            if tag == ITEM_END {
                self.long()?;
                return Ok(set);
            }
            self.element_of(tag, &mut set, depth)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(body: &[u8]) -> Vec<u8> {
        let mut meta = vec![0x02, 0, 0x10, 0, b'U', b'I', 20, 0];
        meta.extend(EXPLICIT_LITTLE_ENDIAN.as_bytes());
        meta.push(0);
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM\x02\0\0\0UL\x04\0");
        bytes.extend((meta.len() as u32).to_le_bytes());
        bytes.extend(meta);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn sequences_of_both_kinds_are_read_and_broken_files_are_not() {
        let inner = b"\x08\0\x50\x11UI\x02\x001\0";
        let mut open =
            b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF".to_vec();
        open.extend(inner);
        open.extend(b"\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0");
        let mut closed = b"\x08\0\x40\x11SQ\0\0".to_vec();
        closed.extend((inner.len() as u32 + 8).to_le_bytes());
        closed.extend(b"\xFE\xFF\0\xE0");
        closed.extend((inner.len() as u32).to_le_bytes());
        closed.extend(inner);
        for body in [open, closed] {
            let bytes = file(&body);
            let set = ReadSet::of_file(&bytes).unwrap();
            assert_eq!(set.items(0x0008_1140)[0].text(0x0008_1150).as_deref(), Some("1"));
            // Every cut inside the data set is seen.
            for end in bytes.len() - body.len() + 1..bytes.len() {
                assert!(ReadSet::of_file(&bytes[..end]).is_err(), "{end}");
            }
        }
        let mut deep = Vec::new();
        for _ in 0..1000 {
            deep.extend(b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF");
        }
        assert!(ReadSet::of_file(&file(&deep)).is_err());
        assert!(ReadSet::of_file(b"").is_err());
    }
}

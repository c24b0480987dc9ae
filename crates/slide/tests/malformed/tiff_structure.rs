//! Where the parts of a well-formed TIFF lie, so that a test can cut or change each of them.
//! Written apart from the reader, and only for files that are right.

use std::ops::Range;

/// A TIFF file's bytes with the places of its parts.
pub(crate) struct TiffStructure {
    little: bool,
    big: bool,
    pub(crate) directories: Vec<DirectoryPlaces>,
}

/// The places of one directory's parts.
pub(crate) struct DirectoryPlaces {
    pub(crate) count: Range<usize>,
    pub(crate) entries: Vec<EntryPlaces>,
    pub(crate) next: Range<usize>,
}

/// The places of one entry's parts.
pub(crate) struct EntryPlaces {
    pub(crate) tag: u16,
    pub(crate) place: Range<usize>,
    /// Where the values lie, inside the entry or elsewhere.
    pub(crate) values: Range<usize>,
    value_size: usize,
}

/// A part of an entry.
#[derive(Copy, Clone)]
pub(crate) enum Part {
    Tag,
    Kind,
    Count,
    Value,
}

impl TiffStructure {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut file = Self {
            little: bytes.starts_with(b"II"),
            big: bytes[2..4].contains(&43),
            directories: Vec::new(),
        };
        let mut at = file.number(bytes, file.first()) as usize;
        while at != 0 {
            let directory = file.directory(bytes, at);
            at = file.number(bytes, directory.next.clone()) as usize;
            file.directories.push(directory);
        }
        file
    }

    /// The header's offset of the first directory.
    pub(crate) fn first(&self) -> Range<usize> {
        if self.big { 8..16 } else { 4..8 }
    }

    pub(crate) fn entry(&self, directory: usize, tag: u16) -> &EntryPlaces {
        let entries = &self.directories[directory].entries;
        let found = entries.iter().find(|entry| entry.tag == tag);
        found.unwrap_or_else(|| panic!("directory {directory} has no tag {tag}"))
    }

    /// The place of a part of an entry.
    pub(crate) fn part(&self, entry: &EntryPlaces, part: Part) -> Range<usize> {
        let start = entry.place.start;
        match (part, self.big) {
            (Part::Tag, _) => start..start + 2,
            (Part::Kind, _) => start + 2..start + 4,
            (Part::Count, false) => start + 4..start + 8,
            (Part::Count, true) => start + 4..start + 12,
            (Part::Value, false) => start + 8..start + 12,
            (Part::Value, true) => start + 12..start + 20,
        }
    }

    /// The place of one of an entry's values.
    pub(crate) fn value(&self, entry: &EntryPlaces, index: usize) -> Range<usize> {
        let start = entry.values.start + index * entry.value_size;
        assert!(start < entry.values.end, "tag {} has no value {index}", entry.tag);
        start..start + entry.value_size
    }

    pub(crate) fn number(&self, bytes: &[u8], place: Range<usize>) -> u64 {
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let bytes = &bytes[place];
        if self.little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) }
    }

    pub(crate) fn write(&self, bytes: &mut [u8], place: Range<usize>, value: u64) {
        let length = place.len();
        let all = if self.little { value.to_le_bytes() } else { value.to_be_bytes() };
        let from = if self.little { 0 } else { 8 - length };
        bytes[place].copy_from_slice(&all[from..from + length]);
    }

    /// Every place where a part of the file's skeleton begins or ends, and its name.
    pub(crate) fn boundaries(&self) -> Vec<(usize, String)> {
        let mut list = vec![(2, "byte order".to_owned()), (self.first().end, "header".to_owned())];
        for (number, directory) in self.directories.iter().enumerate() {
            let mut add = |place: &Range<usize>, name: String| {
                list.push((place.start, format!("start of directory {number}: {name}")));
                list.push((place.end, format!("end of directory {number}: {name}")));
            };
            add(&directory.count, "number of entries".into());
            add(&directory.next, "next offset".into());
            for entry in &directory.entries {
                add(&entry.place, format!("entry of tag {}", entry.tag));
                add(&entry.values, format!("values of tag {}", entry.tag));
            }
        }
        list
    }

    /// Where everything but coded pixels lies.
    pub(crate) fn skeleton(&self) -> Vec<Range<usize>> {
        let header = std::iter::once(0..self.first().end);
        let directories = self.directories.iter().flat_map(|directory| {
            let values = directory.entries.iter().map(|entry| entry.values.clone());
            std::iter::once(directory.count.start..directory.next.end).chain(values)
        });
        header.chain(directories).collect()
    }

    fn directory(&self, bytes: &[u8], at: usize) -> DirectoryPlaces {
        let (count_size, entry_size, next_size) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let count = at..at + count_size;
        let length = self.number(bytes, count.clone()) as usize;
        let entries = (0..length).map(|i| count.end + i * entry_size).map(|start| {
            let mut entry = EntryPlaces {
                tag: self.number(bytes, start..start + 2) as u16,
                place: start..start + entry_size,
                values: 0..0,
                value_size: 1,
            };
            entry.value_size = match self.number(bytes, start + 2..start + 4) {
                3 => 2,
                4 => 4,
                5 | 16 => 8,
                _ => 1,
            };
            let values = self.number(bytes, self.part(&entry, Part::Count)) as usize;
            let field = self.part(&entry, Part::Value);
            let length = values * entry.value_size;
            let start = if length <= field.len() {
                field.start
            } else {
                self.number(bytes, field) as usize
            };
            entry.values = start..start + length;
            entry
        });
        let entries: Vec<_> = entries.collect();
        let next = count.end + length * entry_size;
        DirectoryPlaces { count, entries, next: next..next + next_size }
    }
}

//! Where the frames of one instance lie in its file (PS3.5, annex A.4, and PS3.3, C.7.6.3.1.8).

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::{error::Result, file::SlideFile};

use super::element::{ITEM, SEQUENCE_END, Tag};

/// Bytes of an item's or delimiter's header.
const HEADER: u64 = 8;
/// Pieces that one frame may be cut into; writers cut at 16 MB or more, or not at all.
const MAX_FRAGMENTS_PER_FRAME: u64 = 64;

/// What the header says of the pixel data.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum PixelData {
    /// Frames one after another, each of `frame_bytes`.
    Native { offset: u64, frame_bytes: u64 },
    /// Items: the basic offset table at `offset`, then fragments. `extended` is the place of the
    /// extended offset table, and `largest` the most bytes that a frame may have.
    Encapsulated { offset: u64, extended: Option<(u64, u32)>, largest: u64 },
}

/// The frames of one instance, found when the first is read: opening stays cheap.
#[derive(Debug)]
pub(super) struct Frames {
    data: PixelData,
    count: u32,
    /// Where each frame's first fragment begins, and behind the last one where the last ends.
    starts: OnceLock<Vec<u64>>,
    building: Mutex<()>,
}

impl Frames {
    /// The frames of a file, checked as far as the header tells.
    ///
    /// # Errors
    /// Broken where the file cannot hold as many frames.
    pub(super) fn new(file: &SlideFile, data: PixelData, count: u32) -> Result<Self> {
        let (offset, least) = match data {
            PixelData::Native { offset, frame_bytes } => {
                (offset, frame_bytes.checked_mul(count.into()))
            }
            PixelData::Encapsulated { offset, .. } => (offset, Some(HEADER * u64::from(count))),
        };
        if !least.is_some_and(|least| file.holds(offset, least)) {
            let left = file.len().saturating_sub(offset);
            return Err(file.broken(format!("{left} bytes of pixel data for {count} frames")));
        }
        Ok(Self { data, count, starts: OnceLock::new(), building: Mutex::new(()) })
    }

    /// How many.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The bytes of a frame, its fragments joined.
    ///
    /// # Errors
    /// Broken where the fragments are not where the file says.
    pub(super) fn read(&self, file: &SlideFile, frame: u32) -> Result<Vec<u8>> {
        match self.data {
            PixelData::Native { offset, frame_bytes } => {
                let at = frame_bytes.saturating_mul(frame.into()).saturating_add(offset);
                file.read_exact_at(at, frame_bytes)
            }
            PixelData::Encapsulated { offset, extended, largest } => {
                let starts = self.starts(file, offset, extended)?;
                let at = frame as usize;
                let (Some(&start), Some(&end)) = (starts.get(at), starts.get(at + 1)) else {
                    return Err(file.broken(format!("it has no frame {}", u64::from(frame) + 1)));
                };
                joined(file, frame, start, end, largest)
            }
        }
    }

    fn starts(
        &self,
        file: &SlideFile,
        offset: u64,
        extended: Option<(u64, u32)>,
    ) -> Result<&[u64]> {
        if let Some(starts) = self.starts.get() {
            return Ok(starts);
        }
        let _one_at_a_time = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(starts) = self.starts.get() {
            return Ok(starts);
        }
        let starts = find_starts(file, offset, extended, self.count)?;
        Ok(self.starts.get_or_init(|| starts))
    }
}

/// Offset tables first; where they are absent, or contradict the file, the fragments themselves.
fn find_starts(
    file: &SlideFile,
    offset: u64,
    extended: Option<(u64, u32)>,
    count: u32,
) -> Result<Vec<u64>> {
    let (tag, length) = item_header(file, offset)?;
    let base = offset + HEADER + u64::from(length);
    if tag != ITEM || !file.holds(offset + HEADER, length.into()) {
        return Err(file.broken(format!("no offset table begins the pixel data at {offset}")));
    }
    let frames = u64::from(count);
    if let Some((at, bytes)) = extended
        && u64::from(bytes) == frames * 8
    {
        let table = file.read_exact_at(at, bytes.into())?;
        let (entries, _) = table.as_chunks::<8>();
        let offsets = entries.iter().map(|entry| u64::from_le_bytes(*entry));
        if let Some(starts) = from_table(file, base, offsets)? {
            return Ok(starts);
        }
    }
    if u64::from(length) == frames * 4 {
        let table = file.read_exact_at(offset + HEADER, length.into())?;
        let (entries, _) = table.as_chunks::<4>();
        let offsets = entries.iter().map(|entry| u32::from_le_bytes(*entry).into());
        if let Some(starts) = from_table(file, base, offsets)? {
            return Ok(starts);
        }
    }
    walk(file, base, frames)
}

/// Starts by an offset table, or `None` where its offsets do not rise inside the file: a 32-bit
/// table wraps beyond 4 GB, and some writers let it.
fn from_table(
    file: &SlideFile,
    base: u64,
    offsets: impl ExactSizeIterator<Item = u64>,
) -> Result<Option<Vec<u64>>> {
    let mut starts = Vec::with_capacity(offsets.len() + 1);
    for offset in offsets {
        let Some(start) = base.checked_add(offset).filter(|start| file.holds(*start, HEADER))
        else {
            return Ok(None);
        };
        let rises = starts.last().map_or(offset == 0, |last| *last < start);
        if !rises {
            return Ok(None);
        }
        starts.push(start);
    }
    let Some(&last) = starts.last() else { return Ok(None) };
    // A table whose last frame is no item lies about all of them.
    if item_header(file, last)?.0 != ITEM {
        return Ok(None);
    }
    let mut end = last;
    let mut fragments = 0;
    while let Some(next) = fragment(file, end)? {
        fragments += 1;
        if fragments > MAX_FRAGMENTS_PER_FRAME {
            return Ok(None);
        }
        end = next;
    }
    starts.push(end);
    Ok(Some(starts))
}

/// Starts by walking over all fragments.
fn walk(file: &SlideFile, base: u64, frames: u64) -> Result<Vec<u64>> {
    let most = frames.saturating_mul(MAX_FRAGMENTS_PER_FRAME);
    let mut fragments = Vec::new();
    let mut position = base;
    while let Some(next) = fragment(file, position)? {
        if fragments.len() as u64 >= most {
            return Err(file.broken(format!("more than {most} fragments for {frames} frames")));
        }
        fragments.push(position);
        position = next;
    }
    let count = fragments.len() as u64;
    // Without the delimiter the file is cut: whether a frame's last pieces lack, only whole frames
    // of one piece each can tell.
    let cut = position == file.len();
    if count > frames || cut {
        fragments = frame_starts(file, &fragments)?;
    }
    if cut && fragments.len() as u64 != count {
        return Err(file.broken("its pixel data ends without a delimiter (is it truncated?)"));
    }
    if fragments.len() as u64 != frames {
        let what = format!("pixel data of {} frames where {frames} are stated", fragments.len());
        return Err(file.broken(what));
    }
    fragments.push(position);
    Ok(fragments)
}

/// The fragments that begin a JPEG image (SOI), a JPEG 2000 codestream (SOC) or a JP2 file.
fn frame_starts(file: &SlideFile, fragments: &[u64]) -> Result<Vec<u64>> {
    let mut starts = Vec::new();
    for &at in fragments {
        let (_, length) = item_header(file, at)?;
        let mut head = [0; 4];
        if length >= 4 {
            file.read_into(at + HEADER, &mut head)?;
        }
        if matches!(head, [0xFF, 0xD8, 0xFF, _] | [0xFF, 0x4F, 0xFF, 0x51] | [0, 0, 0, 12]) {
            starts.push(at);
        }
    }
    Ok(starts)
}

/// Where the fragment at a position ends; `None` where the sequence ends.
fn fragment(file: &SlideFile, position: u64) -> Result<Option<u64>> {
    // A file that was cut between two fragments lacks the delimiter; frames are counted later.
    if position == file.len() {
        return Ok(None);
    }
    match item_header(file, position)? {
        (ITEM, length) if file.holds(position + HEADER, length.into()) => {
            Ok(Some(position + HEADER + u64::from(length)))
        }
        (ITEM, length) => {
            let left = file.len() - position - HEADER;
            let what = format!(
                "the fragment at offset {position} claims {length} bytes where {left} remain"
            );
            Err(file.broken(what))
        }
        (SEQUENCE_END, _) => Ok(None),
        (other, _) => {
            Err(file.broken(format!("{other} at offset {position}, where a fragment should begin")))
        }
    }
}

fn item_header(file: &SlideFile, position: u64) -> Result<(Tag, u32)> {
    let mut header = [0; 8];
    file.read_into(position, &mut header)?;
    let [g0, g1, e0, e1, a, b, c, d] = header;
    let tag = Tag::new(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
    Ok((tag, u32::from_le_bytes([a, b, c, d])))
}

/// The fragments between two offsets without their headers, by one read.
fn joined(file: &SlideFile, frame: u32, start: u64, end: u64, largest: u64) -> Result<Vec<u8>> {
    let length = end.saturating_sub(start);
    let number = u64::from(frame) + 1;
    if length > largest {
        let what = format!("frame {number} has {length} bytes, more than its pixels justify");
        return Err(file.broken(what));
    }
    let mut bytes = file.read_exact_at(start, length)?;
    let lies = || file.broken(format!("frame {number} at offset {start} is no row of fragments"));
    let mut from = 0;
    let mut to = 0;
    while from < bytes.len() {
        let header = bytes.get(from..).and_then(|rest| rest.first_chunk::<8>()).ok_or_else(lies)?;
        let [0xFE, 0xFF, 0x00, 0xE0, a, b, c, d] = *header else { return Err(lies()) };
        let size = u32::from_le_bytes([a, b, c, d]) as usize;
        let begin = from + HEADER as usize;
        let end = begin.checked_add(size).filter(|end| *end <= bytes.len()).ok_or_else(lies)?;
        bytes.copy_within(begin..end, to);
        to += size;
        from = end;
    }
    bytes.truncate(to);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        [&[0xFE, 0xFF, 0x00, 0xE0][..], &length, bytes].concat()
    }

    fn table(offsets: &[u32]) -> Vec<u8> {
        item(&offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect::<Vec<_>>())
    }

    fn end() -> Vec<u8> {
        vec![0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]
    }

    fn read_all(parts: &[Vec<u8>], count: u32) -> Result<Vec<Vec<u8>>> {
        let file = SlideFile::from_bytes("frames", parts.concat());
        let data = PixelData::Encapsulated { offset: 0, extended: None, largest: 1000 };
        let frames = Frames::new(&file, data, count)?;
        (0..count).map(|frame| frames.read(&file, frame)).collect()
    }

    const ONE: &[u8] = &[0xFF, 0xD8, 0xFF, 1];
    const TWO: &[u8] = &[0xFF, 0xD8, 0xFF, 2];

    #[test]
    fn tables_and_walks_agree() {
        for first in
            [table(&[0, 12]), table(&[]), table(&[0, 0]), table(&[0, 4000]), table(&[12, 0])]
        {
            let frames = read_all(&[first, item(ONE), item(TWO), end()], 2).unwrap();
            assert_eq!(frames, [ONE, TWO]);
        }
    }

    #[test]
    fn fragments_are_joined() {
        let cut = [item(ONE), item(&[9, 9]), item(TWO), item(&[8, 8]), end()];
        for first in [table(&[0, 22]), table(&[])] {
            let parts = [vec![first], cut.to_vec()].concat();
            let frames = read_all(&parts, 2).unwrap();
            assert_eq!(frames[0], [ONE, &[9, 9]].concat());
            assert_eq!(frames[1], [TWO, &[8, 8]].concat());
        }
    }

    #[test]
    fn an_extended_table_is_used() {
        let extended = [0_u64.to_le_bytes(), 12_u64.to_le_bytes()].concat();
        let bytes = [extended, table(&[]), item(ONE), item(TWO), end()].concat();
        let file = SlideFile::from_bytes("frames", bytes);
        let data = PixelData::Encapsulated { offset: 16, extended: Some((0, 16)), largest: 1000 };
        let frames = Frames::new(&file, data, 2).unwrap();
        assert_eq!(frames.read(&file, 1).unwrap(), TWO);
    }

    #[test]
    fn every_truncation_is_an_error_but_the_last_delimiters() {
        let whole = [table(&[]), item(ONE), item(TWO), end()].concat();
        for cut in 0..whole.len() {
            let result = read_all(&[whole[..cut].to_vec()], 2);
            assert_eq!(result.is_ok(), cut == whole.len() - 8, "cut at {cut}");
        }
    }

    #[test]
    fn a_table_into_the_middle_of_a_frame_is_an_error() {
        let parts = [table(&[0, 6, 24]), item(ONE), item(TWO), item(TWO), end()];
        assert!(read_all(&parts, 3).is_err());
    }

    #[test]
    fn more_frames_than_bytes_are_refused() {
        let parts = [table(&[]), item(ONE), end()];
        assert!(read_all(&parts, u32::MAX).is_err());
        assert!(read_all(&parts, 2).is_err());
    }

    #[test]
    fn a_frame_larger_than_its_pixels_is_refused() {
        let parts = [table(&[]), item(&[0xFF; 2000]), end()];
        assert!(read_all(&parts, 1).is_err());
    }
}

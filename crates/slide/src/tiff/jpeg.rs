//! Makes a tile's JPEG stream complete: joins the shared tables in and marks the colour space, so
//! that any decoder gives the right colours without knowing of TIFF.
//!
//! Sources: ITU-T T.81, annex B (markers); TIFF technical note 2 (shared tables in tag 347);
//! Adobe technical note 5116 (APP14: transform 0 is RGB, 1 is YCbCr).
//!
//! In TIFF the tag PhotometricInterpretation states the colour space, whatever the stream says.
//! A decoder that knows only the stream takes JFIF (APP0) as YCbCr, else APP14's word, else the
//! components' numbers.

use std::ops::Range;

const START: [u8; 2] = [0xff, 0xd8];
const APP0: u8 = 0xe0;
const APP14: u8 = 0xee;
const END: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// What the directory says of a JPEG's components.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Gray,
    Rgb,
    YCbCr,
}

/// The tables that all tiles of an image share: whole segments, without start and end.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedTables(Vec<u8>);

impl SharedTables {
    /// Takes the quantisation, Huffman, arithmetic and restart segments out of tag 347.
    pub(super) fn parse(stream: &[u8]) -> Result<Self, String> {
        let mut tables = Vec::new();
        for segment in segments(stream)? {
            if matches!(segment.marker, 0xc4 | 0xcc | 0xdb | 0xdd) {
                tables.extend_from_slice(stream.get(segment.place).unwrap_or_default());
            }
        }
        Ok(Self(tables))
    }
}

/// The tile's stream with tables and colour mark; the same bytes where it has all it needs.
pub(super) fn complete(
    stream: Vec<u8>,
    tables: &SharedTables,
    colour: Colour,
) -> Result<Vec<u8>, String> {
    let header = Header::read(&stream)?;
    let expected = if colour == Colour::Gray { 1 } else { 3 };
    if header.components.len() != expected {
        let found = header.components.len();
        return Err(format!("the stream has {found} components where the file says {expected}"));
    }
    let mark = header.needs_mark(colour);
    if mark.is_none() && tables.0.is_empty() {
        return Ok(stream);
    }
    let mut out = Vec::with_capacity(stream.len() + tables.0.len() + 16);
    out.extend_from_slice(&START);
    let mut dropped = Vec::new();
    if let Some(transform) = mark {
        out.extend_from_slice(&[0xff, APP14, 0, 14, b'A', b'd', b'o', b'b', b'e']);
        out.extend_from_slice(&[0, 100, 0, 0, 0, 0, transform]);
        dropped.extend(header.adobe.map(|(place, _)| place));
        dropped.extend(header.jfif.filter(|_| colour == Colour::Rgb));
        dropped.sort_by_key(|place| place.start);
    }
    out.extend_from_slice(&tables.0);
    let mut from = START.len();
    for place in dropped {
        out.extend_from_slice(stream.get(from..place.start).unwrap_or_default());
        from = place.end;
    }
    out.extend_from_slice(stream.get(from..).unwrap_or_default());
    Ok(out)
}

/// What a stream says of its colours.
struct Header {
    jfif: Option<Range<usize>>,
    adobe: Option<(Range<usize>, u8)>,
    components: Vec<u8>,
}

impl Header {
    fn read(stream: &[u8]) -> Result<Self, String> {
        let (mut jfif, mut adobe, mut components) = (None, None, None);
        let segments = segments(stream)?;
        if segments.last().is_none_or(|last| last.marker != START_OF_SCAN) {
            return Err("the JPEG stream holds no scan".into());
        }
        for segment in segments {
            let body = stream.get(segment.place.start + 4..segment.place.end).unwrap_or_default();
            match segment.marker {
                APP0 if body.starts_with(b"JFIF\0") => jfif = Some(segment.place),
                APP14 if body.starts_with(b"Adobe") && body.len() >= 12 => {
                    adobe = Some((segment.place, body[11]));
                }
                0xc0..=0xcf if !matches!(segment.marker, 0xc4 | 0xc8 | 0xcc) => {
                    components = Some(component_numbers(body)?);
                }
                _ => {}
            }
        }
        let components = components.ok_or("the JPEG stream holds no frame header")?;
        Ok(Self { jfif, adobe, components })
    }

    /// The transform that a mark must state, or none where every decoder gets the colour right.
    fn needs_mark(&self, colour: Colour) -> Option<u8> {
        let stated = self.adobe.as_ref().map(|(_, transform)| *transform);
        match colour {
            Colour::Gray => None,
            Colour::Rgb => (self.jfif.is_some() || stated != Some(0)).then_some(0),
            Colour::YCbCr => match stated {
                Some(1) => None,
                None if self.jfif.is_some() || self.components == [1, 2, 3] => None,
                _ => Some(1),
            },
        }
    }
}

/// The numbers of the components in a frame header's body (T.81, B.2.2).
fn component_numbers(body: &[u8]) -> Result<Vec<u8>, String> {
    let count = usize::from(*body.get(5).ok_or("the JPEG frame header is cut off")?);
    let list = body.get(6..6 + 3 * count).ok_or("the JPEG frame header is cut off")?;
    Ok(list.chunks_exact(3).map(|component| component[0]).collect())
}

struct Segment {
    marker: u8,
    /// From its 0xff up to the next segment's.
    place: Range<usize>,
}

/// The segments up to and with the start of the first scan, or up to the end marker.
fn segments(stream: &[u8]) -> Result<Vec<Segment>, String> {
    if !stream.starts_with(&START) {
        return Err("the bytes are no JPEG stream".into());
    }
    let mut list = Vec::new();
    let mut at = START.len();
    while let Some(&byte) = stream.get(at) {
        let marker = *stream.get(at + 1).ok_or("the JPEG header is cut off")?;
        match (byte, marker) {
            (0xff, 0xff) => at += 1,
            (0xff, END) => break,
            // Markers that stand alone have no place in a header but do no harm.
            (0xff, 0x01 | 0xd0..=0xd8) => at += 2,
            (0xff, _) => {
                let length = stream.get(at + 2..at + 4).ok_or("the JPEG header is cut off")?;
                let length = usize::from(length[0]) << 8 | usize::from(length[1]);
                let end = at + 2 + length;
                if length < 2 || end > stream.len() {
                    return Err(format!("a JPEG segment at byte {at} reaches beyond the stream"));
                }
                list.push(Segment { marker, place: at..end });
                at = end;
                if marker == START_OF_SCAN {
                    break;
                }
            }
            _ => return Err(format!("no JPEG marker at byte {at} of the stream")),
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [u8; 6] = [0xff, 0xdb, 0, 4, 9, 9];
    const JFIF: [u8; 11] = [0xff, 0xe0, 0, 9, b'J', b'F', b'I', b'F', 0, 1, 1];

    fn frame(numbers: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xc0, 0, 8 + 3 * numbers.len() as u8, 8, 0, 8, 0, 8];
        bytes.push(numbers.len() as u8);
        numbers.iter().for_each(|number| bytes.extend([*number, 0x11, 0]));
        bytes
    }

    fn adobe(transform: u8) -> Vec<u8> {
        let mut bytes = vec![0xff, APP14, 0, 14];
        bytes.extend(b"Adobe\0\x64\0\0\0\0");
        bytes.push(transform);
        bytes
    }

    fn stream(parts: &[&[u8]]) -> Vec<u8> {
        let scan: [u8; 8] = [0xff, START_OF_SCAN, 0, 2, 1, 2, 0xff, END];
        [&START[..], &parts.concat(), &scan].concat()
    }

    fn tables() -> SharedTables {
        let stream = [&START[..], &JFIF, &TABLE, &[0xff, END]].concat();
        SharedTables::parse(&stream).unwrap()
    }

    #[test]
    fn tables_are_joined_and_rgb_is_marked() {
        let tile = stream(&[&frame(&[1, 2, 3])]);
        let done = complete(tile, &tables(), Colour::Rgb).unwrap();
        assert_eq!(done, stream(&[&adobe(0), &TABLE, &frame(&[1, 2, 3])]));
    }

    #[test]
    fn a_stream_that_has_all_is_left_alone() {
        for (tile, colour) in [
            (stream(&[&JFIF, &frame(&[1, 2, 3])]), Colour::YCbCr),
            (stream(&[&frame(&[1, 2, 3])]), Colour::YCbCr),
            (stream(&[&adobe(0), &frame(&[1, 2, 3])]), Colour::Rgb),
            (stream(&[&frame(&[1])]), Colour::Gray),
        ] {
            let done = complete(tile.clone(), &SharedTables::default(), colour).unwrap();
            assert_eq!(done, tile);
        }
    }

    #[test]
    fn a_mark_that_contradicts_the_directory_is_replaced() {
        let none = SharedTables::default();
        let tile = stream(&[&JFIF, &adobe(1), &frame(&[1, 2, 3])]);
        let done = complete(tile, &none, Colour::Rgb).unwrap();
        assert_eq!(done, stream(&[&adobe(0), &frame(&[1, 2, 3])]));
        let tile = stream(&[&adobe(0), &frame(b"RGB")]);
        let done = complete(tile, &none, Colour::YCbCr).unwrap();
        assert_eq!(done, stream(&[&adobe(1), &frame(b"RGB")]));
    }

    #[test]
    fn malformed_streams_are_errors() {
        let whole = stream(&[&JFIF, &frame(&[1, 2, 3])]);
        let header = whole.len() - 4;
        for end in 0..header {
            let cut = whole[..end].to_vec();
            assert!(complete(cut, &tables(), Colour::Rgb).is_err(), "cut at {end}");
        }
        let gray = stream(&[&frame(&[1])]);
        assert!(complete(gray, &tables(), Colour::Rgb).unwrap_err().contains("components"));
        assert!(SharedTables::parse(b"no stream").is_err());
    }
}

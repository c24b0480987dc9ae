//! DICOM files that the cases break: a sound instance, elements set or removed, fragments patched.
//!
//! ```json
//! { "dicom": { "fixture": "jpeg", "set": { "0028,0010": { "us": [0] } } } }
//! ```

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bianque_slide::{OpenOptions, SlideError, open_bytes};
use bianque_testkit::dicom::{DataSet, Tag, Value};
use serde::Deserialize;

use crate::{
    case::{read_all, unhex},
    consume,
    dicom_fixtures::{DICOM, dicom},
    peak_memory,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    fixture: String,
    #[serde(default)]
    set: BTreeMap<String, Setting>,
    #[serde(default)]
    remove: Vec<String>,
    /// Offsets written over the basic offset table.
    #[serde(default)]
    offset_table: Vec<u32>,
    /// Patches of a fragment, counted from 1 behind the offset table.
    #[serde(default)]
    fragment: Option<Fragment>,
    /// Bytes cut away at the start.
    #[serde(default)]
    behead: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fragment {
    number: usize,
    length: Option<u32>,
    #[serde(default)]
    hex: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Setting {
    Us(Vec<u16>),
    Ul(Vec<u32>),
    Fl(Vec<f32>),
    Ob(String),
    Text {
        vr: String,
        text: String,
    },
    /// A length that the bytes need not have.
    Claim {
        vr: String,
        length: u32,
        hex: String,
    },
    /// So many empty items.
    Items(usize),
    /// Sequences within sequences.
    Nested(usize),
}

impl Recipe {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let set = self.set.iter().map(|(tag, setting)| (parse(tag), Some(setting.value())));
        let removed = self.remove.iter().map(|tag| (parse(tag), None));
        let mut bytes = dicom(&self.fixture, set.chain(removed).collect());
        if !self.offset_table.is_empty() {
            let at = item(&bytes, 0) + 8;
            let table: Vec<u8> = self.offset_table.iter().flat_map(|n| n.to_le_bytes()).collect();
            bytes[at..at + table.len()].copy_from_slice(&table);
        }
        if let Some(fragment) = &self.fragment {
            let at = item(&bytes, fragment.number);
            let new = unhex(&fragment.hex);
            bytes[at + 8..at + 8 + new.len()].copy_from_slice(&new);
            if let Some(length) = fragment.length {
                bytes[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
            }
        }
        bytes.split_off(self.behead)
    }
}

impl Setting {
    fn value(&self) -> Value {
        let vr = |text: &str| <[u8; 2]>::try_from(text.as_bytes()).unwrap();
        match self {
            Self::Us(numbers) => Value::UnsignedShort(numbers.clone()),
            Self::Ul(numbers) => Value::UnsignedLong(numbers.clone()),
            Self::Fl(numbers) => Value::Float(numbers.clone()),
            Self::Ob(hex) => Value::Bytes(unhex(hex)),
            Self::Text { vr: code, text } => Value::Text(vr(code), text.clone()),
            Self::Claim { vr: code, length, hex } => Value::Claim(vr(code), *length, unhex(hex)),
            Self::Items(count) => Value::Sequence(vec![DataSet::default(); *count]),
            Self::Nested(depth) => (0..*depth).fold(Value::Sequence(Vec::new()), |inner, _| {
                Value::Sequence(vec![DataSet::of([((0x0009, 0x1001), inner)])])
            }),
        }
    }
}

fn parse(tag: &str) -> Tag {
    let (group, element) = tag.split_once(',').expect("a tag as group,element");
    let number = |text| u16::from_str_radix(text, 16).unwrap();
    (number(group), number(element))
}

/// Where an item of encapsulated pixel data begins; number 0 is the basic offset table.
fn item(bytes: &[u8], number: usize) -> usize {
    let start = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF";
    let found = bytes.windows(start.len()).position(|window| window == start);
    let mut at = found.expect("encapsulated pixel data") + start.len();
    for _ in 0..number {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap());
        at += 8 + length as usize;
    }
    at
}

#[test]
fn the_sound_dicom_files_open_and_read() {
    for name in DICOM {
        let slide = open_bytes(dicom(name, Vec::new()), &OpenOptions::default()).unwrap();
        assert_eq!(slide.facts().warnings, [""; 0], "{name}");
        read_all(slide.as_ref()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Of encapsulated frames the delimiter at the end may be lacking: all frames are there.
#[test]
fn a_dicom_file_cut_at_any_byte_is_a_typed_error() {
    for name in DICOM {
        let whole = dicom(name, Vec::new());
        let native = matches!(name, "native" | "implicit");
        for end in 0..whole.len() {
            let outcome = consume(whole[..end].to_vec());
            let fits = match &outcome {
                Err(SlideError::NotASlide { .. }) => end < 132,
                Err(SlideError::Broken { .. }) => true,
                Err(_) => false,
                Ok(()) => !native && end == whole.len() - 8,
            };
            assert!(fits, "{name} cut at byte {end} of {}: {outcome:?}", whole.len());
        }
    }
}

#[test]
fn a_flipped_byte_of_dicom_never_panics_or_hangs() {
    let mut slowest = (Duration::ZERO, String::new());
    for name in DICOM {
        let whole = dicom(name, Vec::new());
        for at in 128..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let started = Instant::now();
                let _ = consume(bytes);
                let name = format!("{name}, byte {at} flipped by {flip:#x}");
                slowest = slowest.max((started.elapsed(), name));
            }
        }
    }
    assert!(slowest.0 < Duration::from_secs(5), "the slowest: {slowest:?}");
    assert!(peak_memory() < 1 << 30, "memory rose to {} bytes", peak_memory());
}

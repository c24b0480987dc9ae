//! A case of `cases/malformed`: a sound file, what is changed in it, what must come of it.
//!
//! ```json
//! {
//!   "why": "a directory names itself as the next",
//!   "base": { "tiff": "svs" },
//!   "change": [{ "next": { "directory": 1, "to": { "directory": 1 } } }],
//!   "expect": { "kind": "broken", "text": "loop" }
//! }
//! ```

use std::path::{Path, PathBuf};

use bianque_slide::{OpenOptions, Slide, SlideError, TileIndex, open};
use serde::Deserialize;

use crate::{
    dicom, fixtures,
    tiff_structure::{Part, TiffStructure},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What is wrong, in words, for the reader of the case.
    #[serde(rename = "why")]
    _why: String,
    base: Base,
    #[serde(default)]
    change: Vec<Change>,
    expect: Expect,
}

/// What the case starts from.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Base {
    /// A sound TIFF of the fixtures.
    Tiff(String),
    /// A DICOM instance with changes of its own.
    Dicom(dicom::Recipe),
    /// A chain of directories that all point at the same bytes.
    Chain { directories: u32, tag: u16, length: u32 },
    /// These bytes, in hexadecimal.
    Hex(String),
    /// This text.
    Text(String),
    /// An empty folder.
    Folder,
    /// Nothing at all.
    Missing,
    /// A file that may not be read.
    Forbidden,
}

/// One change of a TIFF.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Change {
    /// Keeps this many bytes.
    Truncate(usize),
    /// Writes bytes, in hexadecimal.
    Bytes { offset: usize, hex: String },
    /// Writes bytes over the start of the tile or strip of an index.
    Tile { directory: usize, index: usize, hex: String },
    /// The header's offset of the first directory.
    First(u64),
    /// The number of entries that a directory states.
    Entries { directory: usize, count: u64 },
    /// A directory's offset of the next.
    Next { directory: usize, to: Target },
    /// Parts of an entry; `value` is the entry's own field.
    Entry {
        directory: usize,
        tag: u16,
        rename: Option<u16>,
        kind: Option<u64>,
        count: Option<u64>,
        value: Option<Target>,
    },
    /// One value of an entry, wherever it lies.
    Value { directory: usize, tag: u16, index: usize, value: u64 },
    /// The text of an entry, padded with NUL.
    Text { directory: usize, tag: u16, text: String },
}

/// A number, or the offset of a directory.
#[derive(Copy, Clone, Deserialize)]
#[serde(rename_all = "snake_case", untagged)]
enum Target {
    Number(u64),
    Directory { directory: usize },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    kind: Kind,
    /// What the message, or one of the warnings of a file that opens, must hold.
    text: String,
    /// Whether opening succeeds and reading fails.
    #[serde(default)]
    at_read: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Io,
    NotASlide,
    Broken,
    Unsupported,
    Tile,
    Associated,
    Request,
    NoMpp,
    /// It opens and reads, with a warning.
    Warning,
}

impl Kind {
    fn of(error: &SlideError) -> Self {
        match error {
            SlideError::Io { .. } => Self::Io,
            SlideError::NotASlide { .. } => Self::NotASlide,
            SlideError::Broken { .. } => Self::Broken,
            SlideError::Unsupported { .. } => Self::Unsupported,
            SlideError::Tile { .. } => Self::Tile,
            SlideError::Associated { .. } => Self::Associated,
            SlideError::Request(_) => Self::Request,
            SlideError::NoMpp => Self::NoMpp,
        }
    }
}

impl Case {
    pub(crate) fn load(folder: &Path) -> Self {
        let path = folder.join("case.json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Runs the case; says what came instead of what was expected.
    pub(crate) fn run(&self) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = self.prepare(folder.path());
        let error = match open(&path, &OpenOptions::default()) {
            Err(error) if !self.expect.at_read => error,
            Err(error) => return Err(format!("it does not even open: {error}")),
            Ok(slide) if self.expect.kind == Kind::Warning => {
                read_all(slide.as_ref()).map_err(|error| format!("it does not read: {error}"))?;
                let warnings = slide.facts().warnings.join("; ");
                let fits = warnings.contains(&self.expect.text);
                return fits.then_some(()).ok_or(format!("its warnings are: '{warnings}'"));
            }
            Ok(_) if !self.expect.at_read => return Err("it opens".into()),
            Ok(slide) => read_all(slide.as_ref()).err().ok_or("it opens and reads")?,
        };
        let fits = Kind::of(&error) == self.expect.kind;
        if fits && error.to_string().contains(&self.expect.text) {
            Ok(())
        } else {
            Err(format!("the error is {:?}: {error}", Kind::of(&error)))
        }
    }

    fn prepare(&self, folder: &Path) -> PathBuf {
        let path = folder.join("slide");
        let mut bytes = match &self.base {
            Base::Tiff(name) => fixtures::tiff(name),
            Base::Dicom(recipe) => recipe.bytes(),
            Base::Chain { directories, tag, length } => {
                fixtures::chain(*directories, *tag, *length)
            }
            Base::Hex(hex) => unhex(hex),
            Base::Text(text) => text.as_bytes().to_vec(),
            Base::Folder => {
                std::fs::create_dir(&path).unwrap();
                return path;
            }
            Base::Missing => return path,
            Base::Forbidden => return forbidden(path),
        };
        self.change.iter().for_each(|change| change.apply(&mut bytes));
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Truncate(length) => return bytes.truncate(*length),
            Self::Bytes { offset, hex } => {
                let new = unhex(hex);
                return bytes[*offset..*offset + new.len()].copy_from_slice(&new);
            }
            _ => {}
        }
        let file = TiffStructure::read(bytes);
        let target = |target: &Target| match *target {
            Target::Number(number) => number,
            Target::Directory { directory } => file.directories[directory].count.start as u64,
        };
        match self {
            Self::Truncate(_) | Self::Bytes { .. } => {}
            Self::First(offset) => file.write(bytes, file.first(), *offset),
            Self::Entries { directory, count } => {
                file.write(bytes, file.directories[*directory].count.clone(), *count);
            }
            Self::Next { directory, to } => {
                file.write(bytes, file.directories[*directory].next.clone(), target(to));
            }
            Self::Tile { directory, index, hex } => {
                let offsets = file.directories[*directory].entries.iter();
                let offsets = offsets.into_iter().find(|e| matches!(e.tag, 273 | 324)).unwrap();
                let at = file.number(bytes, file.value(offsets, *index)) as usize;
                let new = unhex(hex);
                bytes[at..at + new.len()].copy_from_slice(&new);
            }
            Self::Entry { directory, tag, rename, kind, count, value } => {
                let entry = file.entry(*directory, *tag);
                for (part, number) in [
                    (Part::Tag, rename.map(u64::from)),
                    (Part::Kind, *kind),
                    (Part::Count, *count),
                    (Part::Value, value.as_ref().map(target)),
                ] {
                    if let Some(number) = number {
                        file.write(bytes, file.part(entry, part), number);
                    }
                }
            }
            Self::Value { directory, tag, index, value } => {
                let entry = file.entry(*directory, *tag);
                file.write(bytes, file.value(entry, *index), *value);
            }
            Self::Text { directory, tag, text } => {
                let place = file.entry(*directory, *tag).values.clone();
                assert!(text.len() < place.len(), "the text does not fit");
                bytes[place.clone()].fill(0);
                bytes[place.start..place.start + text.len()].copy_from_slice(text.as_bytes());
            }
        }
    }
}

/// Reads every tile and every associated image of a slide, raw and as pixels; the first error.
pub(crate) fn read_all(slide: &dyn Slide) -> Result<(), SlideError> {
    let mut outcome = Ok(());
    for (number, level) in slide.facts().levels.iter().enumerate() {
        for row in 0..level.rows() {
            for column in 0..level.columns() {
                let raw = slide.raw_tile(number, TileIndex { column, row }).map(|_| ());
                let (x, y) = (column * level.tile_width, row * level.tile_height);
                let width = level.tile_width.min(level.width - x);
                let height = level.tile_height.min(level.height - y);
                let region = bianque_core::PixelRect::new(x.into(), y.into(), width, height);
                let pixels = slide.read_region(number, region).map(|_| ());
                outcome = outcome.and(raw).and(pixels);
            }
        }
    }
    for name in &slide.facts().associated {
        outcome = outcome.and(slide.associated_image(name).map(|_| ()));
    }
    outcome
}

/// A file whose reading the system refuses, also to the superuser, whom modes do not bind.
fn forbidden(path: PathBuf) -> PathBuf {
    std::fs::write(&path, b"II\x2a\0").unwrap();
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o000);
    std::fs::set_permissions(&path, permissions).unwrap();
    if std::fs::read(&path).is_err() {
        return path;
    }
    let write_only = PathBuf::from("/proc/sys/vm/drop_caches");
    assert!(std::fs::read(&write_only).is_err(), "no file here is unreadable: run as a plain user");
    write_only
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).expect("hexadecimal"))
        .collect()
}

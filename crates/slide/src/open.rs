//! Recognises a file's format by its content and opens it.

use std::path::Path;

use crate::{
    container::Container,
    dicom,
    error::{Result, SlideError},
    file::SlideFile,
    pyramid::Pyramid,
    resolution,
    slide::Slide,
    tiff,
};

/// How to open a slide.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Microns per level-0 pixel stated by the user; overrides what the file says.
    pub mpp: Option<f64>,
    /// Bytes of decoded tiles kept in memory, shared by all threads.
    pub cache_bytes: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { mpp: None, cache_bytes: 96 << 20 }
    }
}

/// Opens a slide: a file, or a folder that holds one DICOM pyramid. The content decides, not the
/// name.
///
/// # Errors
/// [`SlideError::Io`] when the path is missing or may not be read, [`SlideError::NotASlide`] when
/// no reader knows it, [`SlideError::Broken`] or [`SlideError::Unsupported`] when one does but
/// cannot read it, [`SlideError::Request`] for options that make no sense.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Box<dyn Slide>> {
    let stated = resolution::stated_by_user(options.mpp)?;
    let failed = |source| SlideError::Io { path: path.to_owned(), source };
    let container = if std::fs::metadata(path).map_err(failed)?.is_dir() {
        dicom::open_container(path)?
    } else {
        let file = SlideFile::open(path)?;
        match recognise(&file)? {
            Kind::Tiff => tiff::open_container(file)?,
            Kind::Dicom => dicom::open_container(path)?,
        }
    };
    finish(container, stated, options)
}

/// Opens a slide that lies in memory, as the fuzz targets do.
///
/// # Errors
/// As [`open`].
#[doc(hidden)]
pub fn open_bytes(bytes: Vec<u8>, options: &OpenOptions) -> Result<Box<dyn Slide>> {
    let stated = resolution::stated_by_user(options.mpp)?;
    let file = SlideFile::from_bytes("bytes in memory", bytes);
    let container = match recognise(&file)? {
        Kind::Tiff => tiff::open_container(file)?,
        Kind::Dicom => dicom::open_single(file)?,
    };
    finish(container, stated, options)
}

fn finish(
    mut container: Box<dyn Container>,
    stated: Option<bianque_core::Mpp>,
    options: &OpenOptions,
) -> Result<Box<dyn Slide>> {
    resolution::settle(container.facts_mut(), stated);
    Ok(Box::new(Pyramid::new(container, options)?))
}

enum Kind {
    Tiff,
    Dicom,
}

/// Bytes that tell every format: DICOM's magic letters stand at 128.
const HEAD_LENGTH: u64 = 132;

fn recognise(file: &SlideFile) -> Result<Kind> {
    let start = file.read_exact_at(0, file.len().min(HEAD_LENGTH))?;
    if tiff::is_tiff(&start) {
        return Ok(Kind::Tiff);
    }
    if dicom::recognises(&start) {
        return Ok(Kind::Dicom);
    }
    let why = if start.is_empty() {
        "it is empty".to_owned()
    } else {
        let looks = familiar(&start).map(|name| format!("it looks like {name}; "));
        format!("{}TIFF, SVS and DICOM are read", looks.unwrap_or_default())
    };
    Err(SlideError::NotASlide { path: file.path().to_owned(), why })
}

/// What a person may have taken for a slide, by its first bytes.
fn familiar(start: &[u8]) -> Option<&'static str> {
    const STARTS: [(&[u8], &str); 8] = [
        (b"ZISRAWFILE", "Zeiss CZI"),
        (b"KFB", "KFBio KFB"),
        (b"SQ", "TEKSQRAY SDPC"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"%PDF", "a PDF document"),
        (b"\xd0\xcf\x11\xe0", "an OLE compound file (Motic MDS)"),
    ];
    let known = STARTS.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, name)| *name);
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    known.or_else(|| start.iter().all(is_text).then_some("a text"))
}

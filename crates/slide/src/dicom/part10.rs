//! The Part 10 wrapper: preamble and file meta information (PS3.10, section 7.1).

use crate::{
    error::{Result, SlideError},
    file::SlideFile,
};

use super::element::{ElementReader, Extent, Tag};

const MEDIA_SOP_CLASS: Tag = Tag::new(0x0002, 0x0002);
const TRANSFER_SYNTAX: Tag = Tag::new(0x0002, 0x0010);
/// VL Whole Slide Microscopy Image Storage (PS3.4, annex B.5).
pub(super) const WSI_SOP_CLASS: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";

/// How pixel data is coded.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum PixelCoding {
    Native,
    Jpeg,
    Jpeg2000,
}

/// How a file's data set is coded (PS3.5, section 10).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct TransferSyntax {
    pub(super) implicit: bool,
    pub(super) pixels: PixelCoding,
}

impl TransferSyntax {
    /// A transfer syntax by its UID, or what it is called where it is not read.
    fn from_uid(uid: &str) -> std::result::Result<Self, &'static str> {
        let explicit = |pixels| Ok(Self { implicit: false, pixels });
        match uid.strip_prefix("1.2.840.10008.1.2").unwrap_or("?") {
            "" => Ok(Self { implicit: true, pixels: PixelCoding::Native }),
            ".1" => explicit(PixelCoding::Native),
            ".4.50" => explicit(PixelCoding::Jpeg),
            ".4.90" | ".4.91" => explicit(PixelCoding::Jpeg2000),
            ".1.99" => Err("a deflated data set"),
            ".2" => Err("explicit VR big endian, which DICOM retired"),
            ".5" => Err("RLE"),
            ".4.51" => Err("JPEG extended (12 bits)"),
            ".4.57" | ".4.70" => Err("lossless JPEG (process 14)"),
            ".4.80" | ".4.81" => Err("JPEG-LS"),
            ".4.92" | ".4.93" => Err("JPEG 2000 part 2"),
            ".4.110" | ".4.111" | ".4.112" => Err("JPEG XL"),
            ".4.201" | ".4.202" | ".4.203" => Err("high-throughput JPEG 2000"),
            _ => Err("a transfer syntax that is not known"),
        }
    }
}

/// Reads the file meta information; gives the transfer syntax and where the data set begins.
///
/// # Errors
/// [`SlideError::NotASlide`] without the preamble or for another SOP class,
/// [`SlideError::Unsupported`] for a transfer syntax that is not read.
pub(super) fn read(file: &SlideFile) -> Result<(TransferSyntax, u64)> {
    let not_a_slide = |why: String| SlideError::NotASlide { path: file.path().to_owned(), why };
    if !file.holds(0, 132) || !super::recognises(&file.read_exact_at(0, 132)?) {
        return Err(not_a_slide("it lacks the DICM mark of a DICOM file at byte 128".into()));
    }
    let mut reader = ElementReader::new(file, 132);
    let meta = Extent::to_end_of(file, false);
    let mut syntax = None;
    while reader.peek_group(meta)? == Some(0x0002) {
        let Some(element) = reader.next_element(meta)? else { break };
        match element.tag {
            MEDIA_SOP_CLASS | TRANSFER_SYNTAX if element.length.is_some_and(|n| n <= 256) => {
                let uid = uid(&reader.value(&element)?);
                if element.tag == TRANSFER_SYNTAX {
                    syntax = Some(uid);
                } else if uid != WSI_SOP_CLASS {
                    return Err(not_a_slide(other_class(&uid)));
                }
            }
            _ => reader.skip(&element, meta)?,
        }
    }
    let uid = syntax.ok_or_else(|| file.broken("it lacks TransferSyntaxUID (0002,0010)"))?;
    let syntax = TransferSyntax::from_uid(&uid)
        .map_err(|name| file.unsupported(format!("{name} (transfer syntax {uid})")))?;
    Ok((syntax, reader.position()))
}

/// Why a file of another SOP class is no slide.
pub(super) fn other_class(uid: &str) -> String {
    format!(
        "it is a DICOM file of class {uid}, not a whole-slide microscopy image ({WSI_SOP_CLASS})"
    )
}

/// A UID without its padding; what is no UID becomes printable.
pub(super) fn uid(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    text.chars().take(128).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part10(elements: &[(u16, &[u8])]) -> SlideFile {
        let mut bytes = vec![0; 128];
        bytes.extend_from_slice(b"DICM");
        for (number, value) in elements {
            bytes.extend_from_slice(&[2, 0]);
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(b"UI");
            bytes.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(value);
        }
        SlideFile::from_bytes("part10", bytes)
    }

    #[test]
    fn syntaxes_that_are_not_read_are_named() {
        for (uid, part) in [
            (&b"1.2.840.10008.1.2.4.110\0"[..], "JPEG XL"),
            (b"1.2.840.10008.1.2.5", "RLE"),
            (b"1.2.840.10008.1.2.2\0", "big endian"),
            (b"1.2.840.10008.1.2.1.99", "deflated"),
            (b"1.2.840.10008.1.2.4.201", "high-throughput"),
            (b"9.9", "not known"),
        ] {
            let error = read(&part10(&[(0x10, uid)])).unwrap_err();
            assert!(matches!(error, SlideError::Unsupported { .. }), "{error}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn another_class_and_no_preamble_are_no_slides() {
        let other = part10(&[(0x02, b"1.2.840.10008.5.1.4.1.1.20"), (0x10, b"1.2.840.10008.1.2")]);
        for file in [other, SlideFile::from_bytes("text", b"hello".to_vec())] {
            assert!(matches!(read(&file), Err(SlideError::NotASlide { .. })));
        }
    }

    #[test]
    fn a_missing_syntax_is_broken() {
        assert!(matches!(read(&part10(&[])), Err(SlideError::Broken { .. })));
    }

    #[test]
    fn a_uid_loses_padding_and_control_characters() {
        assert_eq!(uid(b" 1.2.3\0"), "1.2.3");
        assert_eq!(uid(b"1.2\x1b[31m"), "1.2?[31m");
    }
}

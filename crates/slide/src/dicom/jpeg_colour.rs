//! States a JPEG stream's colour space in the stream, where only the DICOM header knows it.

use super::pixels::Colour;

/// Whether a stream says itself what its components are.
#[derive(Debug, PartialEq, Eq)]
enum Statement {
    /// An Adobe marker or a JFIF marker, which demands YCbCr (T.871, section 6).
    Made,
    /// None, and chroma is coarser than luma: RGB is never coded so.
    Subsampled,
    /// None.
    None,
}

/// The stream with an Adobe APP14 marker behind SOI, where it does not state its colour space.
///
/// The stream's own statement goes before the header's: files exist whose header says RGB of JFIF
/// streams in YCbCr (headers are copied from the file that was compressed).
pub(super) fn marked(stream: Vec<u8>, colour: Colour) -> Vec<u8> {
    let transform = match (statement(&stream), colour) {
        (Some(Statement::None), Colour::Rgb) => 0,
        (Some(Statement::None | Statement::Subsampled), Colour::YCbCr)
        | (Some(Statement::Subsampled), Colour::Rgb) => 1,
        _ => return stream,
    };
    // T.872, section 6.5.3: length 14, "Adobe", version 100, no flags, transform.
    let marker = [0xFF, 0xEE, 0, 14, b'A', b'd', b'o', b'b', b'e', 0, 100, 0, 0, 0, 0, transform];
    let mut whole = Vec::with_capacity(stream.len() + marker.len());
    let (start, rest) = stream.split_at(2);
    whole.extend_from_slice(start);
    whole.extend_from_slice(&marker);
    whole.extend_from_slice(rest);
    whole
}

/// What a three-component stream says before its first scan; `None` for any other.
fn statement(stream: &[u8]) -> Option<Statement> {
    let mut rest = stream.strip_prefix(&[0xFF, 0xD8])?;
    let mut frame = None;
    let mut made = false;
    loop {
        let (&[mark, code], tail) = rest.split_first_chunk::<2>()?;
        if mark != 0xFF {
            return None;
        }
        // A marker may be preceded by fill bytes (T.81, B.1.1.2).
        if code == 0xFF {
            rest = rest.get(1..)?;
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*tail.first_chunk::<2>()?)).max(2);
        let segment = tail.get(2..length)?;
        match code {
            0xEE if segment.starts_with(b"Adobe") => made = true,
            0xE0 if segment.starts_with(b"JFIF\0") => made = true,
            0xC0..=0xC2 => frame = Some(segment),
            0xDA | 0xD9 => break,
            _ => {}
        }
        rest = tail.get(length..)?;
    }
    // SOF: precision 1, lines 2, columns 2, components 1, then identifier, sampling and table each.
    let (&3, components) = frame?.get(5..)?.split_first()? else { return None };
    let (triples, _) = components.as_chunks::<3>();
    let mut samplings = triples.iter().map(|[_, sampling, _]| *sampling);
    let luma = samplings.next()?;
    Some(match made {
        true => Statement::Made,
        false if samplings.any(|chroma| chroma != luma) => Statement::Subsampled,
        false => Statement::None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOI: [u8; 2] = [0xFF, 0xD8];
    const JFIF: [u8; 9] = [0xFF, 0xE0, 0, 7, b'J', b'F', b'I', b'F', 0];
    const ADOBE: [u8; 9] = [0xFF, 0xEE, 0, 7, b'A', b'd', b'o', b'b', b'e'];
    const SCAN: [u8; 4] = [0xFF, 0xDA, 0, 2];

    fn frame(luma: u8) -> Vec<u8> {
        vec![0xFF, 0xC0, 0, 17, 8, 0, 8, 0, 8, 3, 1, luma, 0, 2, 0x11, 1, 3, 0x11, 1]
    }

    fn stream(application: &[u8], luma: u8) -> Vec<u8> {
        [&SOI[..], application, &frame(luma), &SCAN].concat()
    }

    #[test]
    fn only_what_states_nothing_is_marked() {
        for (application, luma, colour, transform) in [
            (&[][..], 0x11, Colour::Rgb, Some(0)),
            (&[], 0x11, Colour::YCbCr, Some(1)),
            (&[], 0x22, Colour::Rgb, Some(1)),
            (&JFIF, 0x22, Colour::Rgb, None),
            (&ADOBE, 0x11, Colour::YCbCr, None),
            (&[], 0x11, Colour::Grey, None),
        ] {
            let before = stream(application, luma);
            let after = marked(before.clone(), colour);
            match transform {
                None => assert_eq!(after, before),
                Some(transform) => {
                    assert_eq!(after[..4], [0xFF, 0xD8, 0xFF, 0xEE]);
                    assert_eq!(after[17], transform);
                    assert_eq!(after[18..], before[2..]);
                }
            }
        }
    }

    #[test]
    fn every_truncation_stays_as_it_is_or_is_marked() {
        let whole = stream(&JFIF, 0x22);
        for cut in 0..whole.len() {
            let part = whole[..cut].to_vec();
            assert_eq!(marked(part.clone(), Colour::Rgb), part);
        }
    }
}

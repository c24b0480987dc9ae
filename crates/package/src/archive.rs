//! The one form of tar that a package has: headers that follow from name and size alone.

use std::io::{self, Read, Write};

use crate::error::{PackageError, Result};

/// Bytes of a tar block.
const BLOCK: usize = 512;
/// The largest entry: what eleven octal digits hold.
pub(crate) const LARGEST_ENTRY: u64 = (1 << 33) - 1;

/// The header of a plain file (`ustar`): mode 644, owner 0, time 0.
fn header(name: &str, bytes: u64) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{bytes:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// Zeros from the end of `bytes` bytes to the end of their last block.
fn padding(bytes: u64) -> usize {
    (bytes.next_multiple_of(BLOCK as u64) - bytes) as usize
}

/// Writes an entry's header; its bytes and [`write_padding`] must follow.
pub(crate) fn write_header(out: &mut dyn Write, name: &str, bytes: u64) -> io::Result<()> {
    out.write_all(&header(name, bytes))
}

/// Fills the last block of an entry.
pub(crate) fn write_padding(out: &mut dyn Write, bytes: u64) -> io::Result<()> {
    out.write_all(&[0; BLOCK][..padding(bytes)])
}

/// Ends the archive: two blocks of zeros.
pub(crate) fn write_end(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// What a header says: a name of at most 100 bytes, not yet checked, and a size.
#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

/// Reads the next header, or nothing at the archive's end, after which no byte may follow.
pub(crate) fn read_header(stream: &mut dyn Read) -> Result<Option<Header>> {
    let mut block = [0; BLOCK];
    fill(stream, &mut block, "a header")?;
    if block == [0; BLOCK] {
        return read_end(stream).map(|()| None);
    }
    parse(&block).map(Some)
}

fn parse(block: &[u8; BLOCK]) -> Result<Header> {
    let odd = |what: &str| PackageError::Malformed(format!("a tar header {what}"));
    let end = block[..100].iter().position(|byte| *byte == 0).unwrap_or(100);
    let name = std::str::from_utf8(&block[..end]).map_err(|_| odd("has a name that is no text"))?;
    let digits = std::str::from_utf8(&block[124..135]).map_err(|_| odd("has no size"))?;
    let bytes = u64::from_str_radix(digits, 8).map_err(|_| odd("has no size"))?;
    if header(name, bytes) != *block {
        let shown: String = name.chars().take(100).collect();
        return Err(odd(&format!(
            "('{shown}') is not that of a plain file with mode 644, owner 0 and time 0"
        )));
    }
    Ok(Header { name: name.to_owned(), bytes })
}

fn read_end(stream: &mut dyn Read) -> Result<()> {
    let mut block = [0; BLOCK];
    fill(stream, &mut block, "its end")?;
    if block != [0; BLOCK] {
        return Err(PackageError::Malformed("one empty block instead of two at its end".into()));
    }
    match stream.read(&mut [0]).map_err(PackageError::Stream)? {
        0 => Ok(()),
        _ => Err(PackageError::Malformed("something follows its end".into())),
    }
}

/// Passes the zeros after an entry of `bytes` bytes.
pub(crate) fn read_padding(stream: &mut dyn Read, bytes: u64) -> Result<()> {
    let mut block = [0; BLOCK];
    let padding = &mut block[..padding(bytes)];
    fill(stream, padding, "an entry")?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(PackageError::Malformed("something lies between two entries".into()));
    }
    Ok(())
}

/// Reads an entry of at most `limit` bytes into memory. What is taken grows with what is there, not
/// with what the header claims.
pub(crate) fn read_small(stream: &mut dyn Read, header: &Header, limit: u64) -> Result<Vec<u8>> {
    if header.bytes > limit {
        let (name, bytes) = (&header.name, header.bytes);
        return Err(PackageError::Malformed(format!(
            "{name} has {bytes} bytes, at most {limit} are read"
        )));
    }
    let mut bytes = Vec::new();
    stream.take(header.bytes).read_to_end(&mut bytes).map_err(PackageError::Stream)?;
    if bytes.len() as u64 != header.bytes {
        return Err(PackageError::Truncated(header.name.clone()));
    }
    read_padding(stream, header.bytes)?;
    Ok(bytes)
}

/// Fills a buffer; an early end is said as such.
pub(crate) fn fill(stream: &mut dyn Read, buffer: &mut [u8], within: &str) -> Result<()> {
    stream.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => PackageError::Truncated(within.to_owned()),
        _ => PackageError::Stream(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_and_back() {
        for (name, bytes) in [("a", 0), ("task.json", 4699), (&"n".repeat(100), LARGEST_ENTRY)] {
            let read = parse(&header(name, bytes)).unwrap();
            assert_eq!(read, Header { name: name.to_owned(), bytes });
        }
    }

    #[test]
    fn every_other_header_is_refused() {
        let sound = header("task.json", 12);
        for at in 0..BLOCK {
            let mut block = sound;
            block[at] ^= 1;
            // The checksum covers every byte, so no single change is another sound header.
            assert!(parse(&block).is_err(), "byte {at}");
        }
    }
}

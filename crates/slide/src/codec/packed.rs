//! Raw, LZW and Deflate tiles (TIFF 6.0, sections 13 and 14; Deflate: TIFF supplement 2).

use weezl::{BitOrder, LzwStatus, decode::Configuration};

use super::{Canvas, CodecError, RGB, Reduction, Result, Size, shrink};

/// How unpacked samples lie: rows without padding.
#[derive(Copy, Clone, Debug)]
pub(super) struct Layout {
    size: Size,
    rows_needed: u32,
    samples: u8,
}

impl Layout {
    pub(super) fn new(size: Size, rows_needed: u32, samples: u8) -> Result<Self> {
        if samples == 1 || samples == 3 {
            Ok(Self { size, rows_needed: rows_needed.min(size.height), samples })
        } else {
            Err(CodecError(format!("{samples} samples per pixel; 1 and 3 are supported")))
        }
    }

    fn row_bytes(self) -> usize {
        self.size.width as usize * usize::from(self.samples)
    }

    /// The bytes of a whole tile, and of the rows that must be there.
    fn bytes(self) -> (usize, usize) {
        let rows = |count: u32| self.row_bytes().saturating_mul(count as usize);
        (rows(self.size.height), rows(self.rows_needed))
    }

    fn check(self, available: usize) -> Result<()> {
        let needed = self.bytes().1;
        if available >= needed {
            return Ok(());
        }
        Err(CodecError(format!("{available} bytes of pixels where at least {needed} are needed")))
    }
}

/// The most bytes that one byte of input can become: Deflate codes 258 bytes in 2 bits; TIFF's
/// LZW at best a string of 4,096 bytes in 9 bits.
const DEFLATE_EXPANSION: usize = 1_032;
const LZW_EXPANSION: usize = 3_641;

/// Unpacks at most as many bytes as the tile has.
pub(super) fn unpack(bytes: &[u8], lzw: bool, layout: Layout) -> Result<Vec<u8>> {
    let (whole, needed) = layout.bytes();
    let expansion = if lzw { LZW_EXPANSION } else { DEFLATE_EXPANSION };
    if needed > bytes.len().saturating_mul(expansion) {
        return Err(CodecError(format!(
            "{} packed bytes cannot hold the {needed} bytes of its pixels",
            bytes.len()
        )));
    }
    // A short last strip may be promised at full height: reserve what the input can justify.
    let mut pixels = vec![0; whole.min(bytes.len().saturating_mul(expansion))];
    let length = if lzw { unpack_lzw(bytes, &mut pixels)? } else { inflate(bytes, &mut pixels)? };
    pixels.truncate(length);
    layout.check(length)?;
    Ok(pixels)
}

fn unpack_lzw(bytes: &[u8], out: &mut [u8]) -> Result<usize> {
    let mut decoder = Configuration::with_tiff_size_switch(BitOrder::Msb, 8)
        .with_yield_on_full_buffer(true)
        .build();
    let (mut read, mut written) = (0, 0);
    while let (Some(input), Some(output)) = (bytes.get(read..), out.get_mut(written..)) {
        if output.is_empty() {
            break;
        }
        let step = decoder.decode_bytes(input, output);
        read += step.consumed_in;
        written += step.consumed_out;
        match step.status {
            Ok(LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(CodecError(format!("LZW: {error}"))),
        }
    }
    Ok(written)
}

fn inflate(bytes: &[u8], out: &mut [u8]) -> Result<usize> {
    let mut decoder = flate2::Decompress::new(true);
    loop {
        let read = usize::try_from(decoder.total_in()).unwrap_or(usize::MAX);
        let written = usize::try_from(decoder.total_out()).unwrap_or(usize::MAX);
        let (Some(input), Some(output)) = (bytes.get(read..), out.get_mut(written..)) else {
            return Ok(written);
        };
        if output.is_empty() {
            return Ok(written);
        }
        let status = decoder
            .decompress(input, output, flate2::FlushDecompress::Finish)
            .map_err(|error| CodecError(format!("Deflate: {error}")))?;
        let progress = decoder.total_in() > read as u64 || decoder.total_out() > written as u64;
        if status == flate2::Status::StreamEnd || !progress {
            return Ok(usize::try_from(decoder.total_out()).unwrap_or(usize::MAX));
        }
    }
}

/// Adds to each sample the one of the pixel to its left (TIFF 6.0, section 14, predictor 2).
pub(super) fn undo_predictor(pixels: &mut [u8], layout: Layout) {
    let samples = usize::from(layout.samples);
    for row in pixels.chunks_mut(layout.row_bytes().max(1)) {
        for index in samples..row.len() {
            row[index] = row[index].wrapping_add(row[index - samples]);
        }
    }
}

/// Writes samples as RGB into the canvas; rows that a short strip lacks stay as they are.
pub(super) fn paint(
    pixels: &[u8],
    layout: Layout,
    reduction: Reduction,
    canvas: &mut Canvas<'_>,
) -> Result<()> {
    layout.check(pixels.len())?;
    if reduction == Reduction::Full {
        for (out, row) in canvas.rows().zip(pixels.chunks_exact(layout.row_bytes())) {
            paint_row(row, layout.samples, out);
        }
        return Ok(());
    }
    let rows = (pixels.len() / layout.row_bytes()).min(layout.size.height as usize);
    let mut rgb = vec![0; rows * layout.size.width as usize * RGB];
    let whole = pixels.chunks_exact(layout.row_bytes());
    for (out, row) in rgb.chunks_exact_mut(layout.size.width as usize * RGB).zip(whole) {
        paint_row(row, layout.samples, out);
    }
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    let size = reduction.apply(Size::new(layout.size.width, rows));
    if let Some(mut filled) = canvas.part(0, 0, size) {
        shrink(&rgb, Size::new(layout.size.width, rows), reduction.factor(), &mut filled);
    }
    Ok(())
}

fn paint_row(row: &[u8], samples: u8, out: &mut [u8]) {
    if samples == 1 {
        for (pixel, &value) in out.chunks_exact_mut(RGB).zip(row) {
            pixel.fill(value);
        }
    } else {
        out.copy_from_slice(row);
    }
}

//! JPEG by libjpeg-turbo: SIMD, reduced size in the DCT domain.

use std::cell::RefCell;

use turbojpeg::{Decompressor, Image, PixelFormat, ScalingFactor};

use super::{Canvas, CodecError, Reduction, Result, jpeg::Header};

/// Progressive streams of more scans than this only cost time.
const MOST_SCANS: u32 = 100;

thread_local! {
    /// One decompressor per thread: its buffers are kept from tile to tile.
    static DECOMPRESSOR: RefCell<Option<Decompressor>> = const { RefCell::new(None) };
}

pub(super) fn decode(
    bytes: &[u8],
    header: Header,
    reduction: Reduction,
    canvas: &mut Canvas<'_>,
) -> Result<()> {
    if !header.self_contained {
        // It may lack tables; those of an earlier tile must not stand in for them.
        return run(&mut new().map_err(CodecError::new)?, bytes, reduction, canvas);
    }
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(new().map_err(CodecError::new)?),
        };
        run(decompressor, bytes, reduction, canvas)
    })
}

/// Slow integer DCT and smooth upsampling are libjpeg's defaults, as OpenSlide uses them.
fn new() -> turbojpeg::Result<Decompressor> {
    let mut decompressor = Decompressor::new()?;
    decompressor.set_scan_limit(MOST_SCANS)?;
    Ok(decompressor)
}

fn run(
    decompressor: &mut Decompressor,
    bytes: &[u8],
    reduction: Reduction,
    canvas: &mut Canvas<'_>,
) -> Result<()> {
    let size = canvas.size();
    let factor = ScalingFactor::new(1, reduction.factor() as usize);
    if decompressor.scaling_factor() != factor {
        decompressor.set_scaling_factor(factor).map_err(CodecError::new)?;
    }
    let image = Image {
        pitch: canvas.stride,
        width: size.width as usize,
        height: size.height as usize,
        format: PixelFormat::RGB,
        pixels: &mut *canvas.pixels,
    };
    decompressor.decompress(bytes, image).map_err(CodecError::new)
}

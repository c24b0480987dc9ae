//! JPEG in pure Rust, where libjpeg-turbo is not built in.

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{
    Canvas, CodecError, RGB, Reduction, Result,
    jpeg::{Colour, Header},
    shrink,
};

pub(super) fn decode(
    bytes: &[u8],
    header: Header,
    reduction: Reduction,
    canvas: &mut Canvas<'_>,
) -> Result<()> {
    let size = header.size;
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(size.width as usize)
        .set_max_height(size.height as usize)
        .jpeg_set_out_colorspace(output(header));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let mut pixels = vec![0; size.width as usize * size.height as usize * RGB];
    decoder.decode_into(&mut pixels).map_err(CodecError::new)?;
    if reduction == Reduction::Full {
        canvas.copy_from(&pixels, size.width, 0, 0);
    } else {
        shrink(&pixels, size, reduction.factor(), canvas);
    }
    Ok(())
}

/// The decoder knows RGB streams by an Adobe marker alone; for streams that say it by their
/// component names it is told that YCbCr is wanted, which leaves the components as they are.
fn output(header: Header) -> ColorSpace {
    if header.colour == Colour::Rgb && header.adobe.is_none() {
        ColorSpace::YCbCr
    } else {
        ColorSpace::RGB
    }
}

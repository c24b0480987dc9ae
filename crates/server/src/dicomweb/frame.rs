//! The bytes of a frame.

use bianque_core::{AtLevel, PixelRect};
use bianque_slide::{Codec, Slide};

use super::instance::Instance;
use crate::{
    answer::Refusal,
    tiles::{ImageFormat, Picture, encode},
};

/// A frame as JPEG stream: the tile as it lies in the file, or pixels coded now.
pub(crate) fn frame(
    slide: &dyn Slide,
    instance: &Instance,
    number: u64,
) -> Result<Picture, Refusal> {
    let place = instance.place(number)?;
    if instance.own_tiles
        && let Some(raw) = slide.raw_tile(instance.level, place)?
        && raw.codec == Codec::Jpeg
        && (raw.width, raw.height) == (instance.frame_width, instance.frame_height)
    {
        let bytes = raw.bytes.into_owned().into();
        return Ok(Picture { bytes, format: ImageFormat::Jpeg, as_in_the_file: true });
    }
    decoded(slide, instance, number, ImageFormat::Jpeg)
}

/// A frame as a picture for people.
pub(crate) fn rendered(
    slide: &dyn Slide,
    instance: &Instance,
    number: u64,
    format: ImageFormat,
) -> Result<Picture, Refusal> {
    match format {
        ImageFormat::Jpeg => frame(slide, instance, number),
        ImageFormat::Png => decoded(slide, instance, number, format),
    }
}

fn decoded(
    slide: &dyn Slide,
    instance: &Instance,
    number: u64,
    format: ImageFormat,
) -> Result<Picture, Refusal> {
    let place = instance.place(number)?;
    let (width, height) = (instance.frame_width, instance.frame_height);
    let x = i64::from(place.column) * i64::from(width);
    let y = i64::from(place.row) * i64::from(height);
    let region = PixelRect::<AtLevel>::new(x, y, width, height);
    encode::picture(&slide.read_region(instance.level, region)?, format)
}

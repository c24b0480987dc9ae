//! How the pixels are coded: JPEG quality from the tables.

use bianque_slide::{Codec, RawTile, Slide, TileIndex};

/// The luminance table of ITU-T T.81, annex K.1, in zigzag order: quality 50 of the Independent
/// JPEG Group.
const LUMINANCE: [u16; 64] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37,
    29, 40, 58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81,
    87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];

/// How level 0 is coded, by its middle tile; `None` where that is absent.
pub(super) fn codec(slide: &dyn Slide) -> Option<Codec> {
    middle_tile(slide).map(|raw| raw.codec)
}

/// The quality of level 0 by the scale of the Independent JPEG Group, from the luminance table of
/// its middle tile; `None` for other codecs.
pub(super) fn jpeg_quality(slide: &dyn Slide) -> Option<f64> {
    let raw = middle_tile(slide).filter(|raw| raw.codec == Codec::Jpeg)?;
    quality_of(&raw.bytes)
}

/// The tile in the middle of level 0, else the first.
fn middle_tile(slide: &dyn Slide) -> Option<RawTile<'_>> {
    let level = slide.facts().levels.first()?;
    let (column, row) = (level.columns() / 2, level.rows() / 2);
    let tiles = [TileIndex { column, row }, TileIndex { column: 0, row: 0 }];
    tiles.into_iter().find_map(|tile| slide.raw_tile(0, tile).ok().flatten())
}

/// The quality whose scaled table is nearest to the stream's first.
fn quality_of(jpeg: &[u8]) -> Option<f64> {
    let table = first_table(jpeg)?;
    // The ratio to the standard table, without entries that were cut off at 1 or 255.
    let scaled = table.iter().zip(LUMINANCE).filter(|(own, _)| (2..255).contains(*own));
    let (sum, base) = scaled.fold((0.0, 0.0), |(sum, base), (own, standard)| {
        (sum + f64::from(*own), base + f64::from(standard))
    });
    if base == 0.0 {
        // All ones is quality 100, all 255 the coarsest there is.
        return Some(if table.iter().all(|own| *own <= 1) { 100.0 } else { 1.0 });
    }
    let scale = 100.0 * sum / base;
    // S = 5000 / q below 50, else 200 - 2 q.
    let quality = if scale > 100.0 { 5000.0 / scale } else { (200.0 - scale) / 2.0 };
    Some(quality.clamp(1.0, 100.0).round())
}

/// The table of destination 0 of the first DQT segment (T.81, B.2.4.1).
fn first_table(jpeg: &[u8]) -> Option<[u16; 64]> {
    let mut rest = jpeg.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        let (&[mark, marker, high, low], body) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([high, low])).checked_sub(2)?;
        if mark != 0xFF || marker == 0xDA {
            return None;
        }
        let segment = body.get(..length)?;
        if marker == 0xDB {
            let (&head, values) = segment.split_first()?;
            let mut table = [0; 64];
            for (index, entry) in table.iter_mut().enumerate() {
                *entry = if head >> 4 == 0 {
                    u16::from(*values.get(index)?)
                } else {
                    u16::from_be_bytes([*values.get(2 * index)?, *values.get(2 * index + 1)?])
                };
            }
            return Some(table);
        }
        rest = body.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(scale: u16) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0, 0, 0xFF, 0xDB, 0, 67, 0];
        bytes.extend(
            LUMINANCE.map(|v| ((u32::from(v) * u32::from(scale) + 50) / 100).clamp(1, 255) as u8),
        );
        bytes
    }

    #[test]
    fn the_scale_of_the_table_is_the_quality() {
        // Scales 200 - 2q: q 90 is 20, q 75 is 50; 5000 / q: q 25 is 200.
        for (scale, quality) in
            [(20, 90.0), (50, 75.0), (100, 50.0), (200, 25.0), (500, 10.0), (1000, 5.0)]
        {
            let found = quality_of(&stream(scale)).unwrap();
            assert!((found - quality).abs() <= 1.0, "{found} for {quality}");
        }
    }

    #[test]
    fn streams_without_a_table_say_nothing() {
        let whole = stream(50);
        for length in 0..whole.len() {
            assert_eq!(quality_of(&whole[..length]), None, "{length}");
        }
        assert_eq!(quality_of(&[0xFF, 0xD8, 0xFF, 0xDA, 0, 2]), None);
        assert_eq!(quality_of(&[0xFF, 0xD8, 0xFF, 0xDB, 0, 0]), None);
    }
}

//! Writes a pyramid in one pass over level 0: each band of tiles is coded, averaged down and
//! handed to the next level, so memory holds one band of every level.

use bianque_core::{AtLevel, PixelRect, RgbImage};

use crate::{
    error::{Result, TestkitError},
    tiff_writer::{Page, PageId, TiffWriter, crop},
};

/// Level-0 pixels per pixel of the next level, along each axis.
const STEP: u32 = 4;

struct Level {
    id: PageId,
    width: u32,
    height: u32,
    /// Rows that wait until a band of tiles is full.
    waiting: Vec<u8>,
    /// Rows that were written or wait.
    rows: u32,
}

/// A pyramid in the making.
pub(crate) struct PyramidWriter {
    levels: Vec<Level>,
    tile: u32,
}

/// The sizes of a pyramid's levels: each a quarter of the one before along both axes, rounded
/// down, as Aperio's scanners do; at most `count` and none without pixels.
pub(crate) fn level_sizes(width: u32, height: u32, count: usize) -> Vec<(u32, u32)> {
    std::iter::successors(Some((width, height)), |(w, h)| Some((w / STEP, h / STEP)))
        .take(count)
        .take_while(|(w, h)| *w > 0 && *h > 0)
        .collect()
}

impl PyramidWriter {
    /// Opens one page per level, largest first.
    pub(crate) fn begin(ids: &[(PageId, &Page)], tile: u32) -> Result<Self> {
        if tile == 0 || !tile.is_multiple_of(STEP) {
            return Err(TestkitError::Request(format!("a tile of {tile} px in a pyramid")));
        }
        let levels = ids
            .iter()
            .map(|(id, page)| Level {
                id: *id,
                width: page.width,
                height: page.height,
                waiting: Vec::new(),
                rows: 0,
            })
            .collect();
        Ok(Self { levels, tile })
    }

    /// Adds the next band of level 0: its whole width, one tile high (the last may be lower).
    pub(crate) fn add_band(&mut self, writer: &mut TiffWriter, band: &RgbImage) -> Result<()> {
        self.add(writer, 0, band)
    }

    fn add(&mut self, writer: &mut TiffWriter, level: usize, band: &RgbImage) -> Result<()> {
        let tile = self.tile;
        writer.add_cells(self.levels[level].id, &tiles(band, tile)?)?;
        let Some(next) = self.levels.get_mut(level + 1) else { return Ok(()) };
        let rows = (band.height() / STEP).min(next.height - next.rows);
        next.waiting.extend(averaged(band, next.width, rows));
        next.rows += rows;
        let row_bytes = next.width as usize * RgbImage::CHANNELS;
        let waiting = (next.waiting.len() / row_bytes) as u32;
        if waiting < tile && next.rows < next.height {
            return Ok(());
        }
        let height = waiting.min(tile);
        let rest = next.waiting.split_off(height as usize * row_bytes);
        let full = std::mem::replace(&mut next.waiting, rest);
        if height == 0 {
            return Ok(());
        }
        let image = RgbImage::from_pixels(next.width, height, full)
            .map_err(|error| TestkitError::Encode(error.to_string()))?;
        self.add(writer, level + 1, &image)
    }
}

fn tiles(band: &RgbImage, tile: u32) -> Result<Vec<RgbImage>> {
    (0..band.width())
        .step_by(tile as usize)
        .map(|x| {
            let width = tile.min(band.width() - x);
            crop(band, PixelRect::<AtLevel>::new(i64::from(x), 0, width, band.height()))
        })
        .collect()
}

/// The mean of every [`STEP`] x [`STEP`] pixels, `width` x `rows` of them.
pub(crate) fn averaged(band: &RgbImage, width: u32, rows: u32) -> Vec<u8> {
    const BLOCK: usize = STEP as usize * RgbImage::CHANNELS;
    let mut out = Vec::with_capacity(width as usize * rows as usize * RgbImage::CHANNELS);
    for y in 0..rows {
        let mut sums = vec![[0_u16; RgbImage::CHANNELS]; width as usize];
        for row in y * STEP..(y + 1) * STEP {
            for (sum, block) in sums.iter_mut().zip(band.row(row).chunks_exact(BLOCK)) {
                for pixel in block.chunks_exact(RgbImage::CHANNELS) {
                    sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u16::from(*value));
                }
            }
        }
        let area = (STEP * STEP) as u16;
        out.extend(sums.iter().flatten().map(|sum| ((sum + area / 2) / area) as u8));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_end_before_they_vanish() {
        assert_eq!(level_sizes(1000, 90, 9), [(1000, 90), (250, 22), (62, 5), (15, 1)]);
        assert_eq!(level_sizes(1, 1, 3), [(1, 1)]);
    }

    #[test]
    fn averages_are_rounded_means() {
        let mut image = RgbImage::filled(9, 5, [10, 20, 30]);
        image.set_pixel(0, 0, [26, 20, 30]);
        assert_eq!(averaged(&image, 2, 1), [11, 20, 30, 10, 20, 30]);
    }
}

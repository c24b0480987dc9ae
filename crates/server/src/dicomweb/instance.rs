//! What of a slide is an instance, and what a frame of it is.

use bianque_core::Digest;
use bianque_slide::{Codec, Level, Slide, TileIndex};

use super::uid::Uid;
use crate::answer::Refusal;

/// VL Whole Slide Microscopy Image Storage (PS3.4 section B.5).
pub(crate) const SOP_CLASS: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";
/// JPEG Baseline (Process 1).
pub(crate) const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";

/// Edge of frames where the file's own tiles are no frames: strips, or huge.
const FRAME: u32 = 512;
/// Largest edge of the file's own tiles that are handed out as frames.
const LARGEST_FRAME: u32 = 4096;

/// A slide as a study with one series.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) study: Uid,
    pub(crate) series: Uid,
    pub(crate) digest: Digest,
    pub(crate) instances: Vec<Instance>,
}

/// A level as an instance.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) uid: Uid,
    pub(crate) level: usize,
    pub(crate) facts: Level,
    pub(crate) frame_width: u32,
    pub(crate) frame_height: u32,
    /// Whether frames are the file's own tiles.
    pub(crate) own_tiles: bool,
    /// The colour model of the frames' JPEG streams.
    pub(crate) photometric: &'static str,
}

impl Series {
    /// A slide's series.
    ///
    /// # Errors
    /// When the file cannot be read, or states no scale: the object must state one, and it is not
    /// guessed.
    pub(crate) fn of(slide: &dyn Slide, digest: Digest) -> Result<Self, Refusal> {
        if slide.facts().mpp.is_none() {
            return Err(Refusal::Slide(bianque_slide::SlideError::NoMpp));
        }
        let levels = slide.facts().levels.iter().enumerate();
        let instances = levels
            .map(|(level, facts)| Instance::of(slide, digest, level, *facts))
            .collect::<Result<_, _>>()?;
        let (study, series) = (Uid::of(&digest, "study"), Uid::of(&digest, "series"));
        Ok(Self { study, series, digest, instances })
    }

    pub(crate) fn instance(&self, uid: &str) -> Result<&Instance, Refusal> {
        let found = self.instances.iter().find(|instance| instance.uid.as_str() == uid);
        found.ok_or(Refusal::NotFound("instance"))
    }
}

impl Instance {
    fn of(slide: &dyn Slide, digest: Digest, level: usize, facts: Level) -> Result<Self, Refusal> {
        let uid = Uid::of(&digest, &format!("level {level}"));
        let fits = |edge: u32| (64..=LARGEST_FRAME).contains(&edge);
        let photometric = match first_tile(slide, level, &facts)? {
            Some(jpeg) if fits(facts.tile_width) && fits(facts.tile_height) => Some(colour(&jpeg)),
            _ => None,
        };
        let own_tiles = photometric.is_some();
        let edge = |own: u32| if own_tiles { own } else { FRAME };
        Ok(Self {
            uid,
            level,
            facts,
            frame_width: edge(facts.tile_width),
            frame_height: edge(facts.tile_height),
            own_tiles,
            photometric: photometric.unwrap_or("YBR_FULL_422"),
        })
    }

    pub(crate) fn columns(&self) -> u32 {
        self.facts.width.div_ceil(self.frame_width)
    }

    pub(crate) fn rows(&self) -> u32 {
        self.facts.height.div_ceil(self.frame_height)
    }

    pub(crate) fn frames(&self) -> u64 {
        u64::from(self.columns()) * u64::from(self.rows())
    }

    /// The place of a frame by its number, from 1 (TILED_FULL: row by row, PS3.3 C.7.6.17.3).
    pub(crate) fn place(&self, number: u64) -> Result<TileIndex, Refusal> {
        let index = number.checked_sub(1).filter(|index| *index < self.frames());
        let index = index.ok_or(Refusal::NotFound("frame"))?;
        let columns = u64::from(self.columns());
        Ok(TileIndex { column: (index % columns) as u32, row: (index / columns) as u32 })
    }
}

/// The first tile of a level that is there, where tiles are JPEG streams.
fn first_tile(slide: &dyn Slide, level: usize, facts: &Level) -> Result<Option<Vec<u8>>, Refusal> {
    // Files leave out tiles without tissue; among the first hundred there is nearly always one.
    let columns = facts.columns();
    let count = (u64::from(columns) * u64::from(facts.rows())).min(100) as u32;
    for number in 0..count {
        let tile = TileIndex { column: number % columns, row: number / columns };
        if let Some(raw) = slide.raw_tile(level, tile)? {
            return Ok((raw.codec == Codec::Jpeg).then(|| raw.bytes.into_owned()));
        }
    }
    Ok(None)
}

/// The colour model that a JPEG stream states by Adobe's marker, else that of JFIF.
fn colour(jpeg: &[u8]) -> &'static str {
    let mut at = 2;
    while let Some([0xFF, marker, high, low]) = jpeg.get(at..at + 4) {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let body = jpeg.get(at + 4..at + 2 + length).unwrap_or_default();
        match marker {
            0xEE if body.starts_with(b"Adobe") => {
                return if body.get(11) == Some(&0) { "RGB" } else { "YBR_FULL_422" };
            }
            0xDA => break,
            _ => at += 2 + length.max(2),
        }
    }
    "YBR_FULL_422"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> Instance {
        Instance {
            uid: Uid::of(&Digest::of(b""), "level 0"),
            level: 0,
            facts: Level {
                width: 1000,
                height: 600,
                tile_width: 256,
                tile_height: 256,
                downsample: 1.0,
            },
            frame_width: 256,
            frame_height: 256,
            own_tiles: true,
            photometric: "RGB",
        }
    }

    #[test]
    fn frames_go_row_by_row_from_one() {
        let instance = instance();
        assert_eq!(instance.frames(), 12);
        let place = |number| instance.place(number).map(|tile| (tile.column, tile.row)).ok();
        assert_eq!(
            (place(1), place(4), place(5), place(12)),
            (Some((0, 0)), Some((3, 0)), Some((0, 1)), Some((3, 2)))
        );
        assert_eq!((place(0), place(13), place(u64::MAX)), (None, None, None));
    }

    #[test]
    fn the_colour_model_is_what_the_stream_says() {
        let adobe = |transform: u8| {
            let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xEE, 0, 14];
            bytes.extend(b"Adobe\0\x64\0\0\0\0");
            bytes.push(transform);
            bytes
        };
        assert_eq!(colour(&adobe(0)), "RGB");
        assert_eq!(colour(&adobe(1)), "YBR_FULL_422");
        assert_eq!(colour(&[0xFF, 0xD8, 0xFF, 0xDA, 0, 0]), "YBR_FULL_422");
        assert_eq!(colour(&[0xFF, 0xD8, 0xFF, 0xE0, 0, 0]), "YBR_FULL_422");
        assert_eq!(colour(&[]), "YBR_FULL_422");
    }
}

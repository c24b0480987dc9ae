//! Which regions are read: the same for both sides.

use bianque_core::{AtLevel, PixelRect};
use bianque_slide::{Slide, TileIndex};

use crate::{Failure, Region, is_jpeg};

const SIDE: u32 = 256;
const RANDOM_REGIONS: usize = 2_000;
const DOUBLED_REGIONS: usize = 600;

/// A low level with more pixels than this is not read for the tissue test.
const MOST_LOW_PIXELS: u64 = 64 << 20;

pub(crate) struct Plan {
    /// Whole level-0 tiles that hold tissue, in raster order, and their places.
    pub(crate) tissue: Vec<Region>,
    pub(crate) tiles: Vec<TileIndex>,
    pub(crate) tile_pixels: u64,
    /// 256² anywhere on tissue, and on the corners of tiles.
    pub(crate) random: Vec<Region>,
    pub(crate) random_aligned: Vec<Region>,
    /// 512² on tissue, to be read as 256²: in order and anywhere.
    pub(crate) doubled: Vec<Region>,
    pub(crate) doubled_random: Vec<Region>,
}

impl Plan {
    pub(crate) fn new(slide: &dyn Slide) -> Result<Self, Failure> {
        let tissue = Tissue::new(slide)?;
        let level = slide.facts().levels.first().ok_or("no levels")?;
        let (width, height) = (level.tile_width, level.tile_height);
        let mut plan = Self {
            tissue: Vec::new(),
            tiles: Vec::new(),
            tile_pixels: u64::from(width) * u64::from(height),
            random: Vec::new(),
            random_aligned: Vec::new(),
            doubled: tissue.grid(2 * SIDE, 2 * SIDE),
            doubled_random: Vec::new(),
        };
        for region in tissue.grid(width, height) {
            let place = |at: i64, side: u32| u32::try_from(at / i64::from(side));
            plan.tiles
                .push(TileIndex { column: place(region.0, width)?, row: place(region.1, height)? });
            plan.tissue.push(region);
        }
        if plan.tissue.is_empty() || plan.doubled.is_empty() {
            return Err("no tissue is seen on this slide: it is too small or too pale".into());
        }
        plan.doubled.truncate(DOUBLED_REGIONS);
        let mut chance = Chance(20_261_123);
        for _ in 0..RANDOM_REGIONS {
            let (x, y, ..) = plan.tissue[chance.below(plan.tissue.len())];
            plan.random_aligned.push((x, y, SIDE, SIDE));
            let mut shift = |side: u32| chance.below(side as usize) as i64 - i64::from(side / 2);
            plan.random.push((x + shift(width), y + shift(height), SIDE, SIDE));
        }
        let doubled = plan.random.iter().take(DOUBLED_REGIONS);
        plan.doubled_random = doubled.map(|&(x, y, ..)| (x, y, 2 * SIDE, 2 * SIDE)).collect();
        Ok(plan)
    }

    /// The JPEG streams of the tissue's tiles; none where the slide has another codec.
    pub(crate) fn jpeg_tiles(&self, slide: &dyn Slide) -> Result<Vec<Vec<u8>>, Failure> {
        let mut tiles = Vec::new();
        for &tile in &self.tiles {
            if let Some(raw) = slide.raw_tile(0, tile)?.filter(|raw| is_jpeg(raw.codec)) {
                tiles.push(raw.bytes.into_owned());
            }
        }
        Ok(tiles)
    }
}

/// A low level's pixels: coloured or not.
struct Tissue {
    coloured: Vec<bool>,
    width: u32,
    height: u32,
    /// Level-0 pixels per pixel.
    scale: (f64, f64),
    level0: (u32, u32),
}

impl Tissue {
    fn new(slide: &dyn Slide) -> Result<Self, Failure> {
        let levels = &slide.facts().levels;
        let (Some(level0), Some(low)) = (levels.first(), levels.last()) else {
            return Err("no levels".into());
        };
        let region = PixelRect::<AtLevel>::new(0, 0, low.width, low.height);
        if region.area() > MOST_LOW_PIXELS {
            return Err("the slide has no low level".into());
        }
        let image = slide.read_region(levels.len() - 1, region)?;
        let spread = |p: &[u8]| p.iter().max().zip(p.iter().min()).map_or(0, |(a, b)| a - b);
        Ok(Self {
            coloured: image.pixels().chunks_exact(3).map(|pixel| spread(pixel) > 24).collect(),
            width: low.width,
            height: low.height,
            scale: (
                f64::from(level0.width) / f64::from(low.width),
                f64::from(level0.height) / f64::from(low.height),
            ),
            level0: (level0.width, level0.height),
        })
    }

    /// The whole cells of a grid over level 0 of which a quarter is coloured.
    fn grid(&self, width: u32, height: u32) -> Vec<Region> {
        let mut cells = Vec::new();
        for row in 0..self.level0.1 / height {
            for column in 0..self.level0.0 / width {
                let region = (i64::from(column * width), i64::from(row * height), width, height);
                if self.share(region) > 0.25 {
                    cells.push(region);
                }
            }
        }
        cells
    }

    fn share(&self, (x, y, width, height): Region) -> f64 {
        let low = |at: f64, scale: f64, extent: u32| ((at / scale) as u32).min(extent);
        let (x, y) = (x as f64, y as f64);
        let columns =
            low(x, self.scale.0, self.width)..low(x + f64::from(width), self.scale.0, self.width);
        let rows = low(y, self.scale.1, self.height)
            ..low(y + f64::from(height), self.scale.1, self.height);
        let (mut coloured, mut all) = (0, 0);
        for row in rows {
            for column in columns.clone() {
                all += 1;
                coloured += u32::from(self.coloured[(row * self.width + column) as usize]);
            }
        }
        f64::from(coloured) / f64::from(all.max(1))
    }
}

/// A small generator of random numbers (SplitMix64), so that every run reads the same places.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }
}

//! Stand-ins for tests: an encoder that measures colour, a slide that is painted by a function.

use std::sync::atomic::{AtomicUsize, Ordering};

use bianque_core::{AtLevel, Digest, Level0, PixelRect, Point, Producer, RgbImage};
use bianque_slide::{Format, Level, RawTile, Slide, SlideError, SlideFacts, TileIndex};
use bianque_vision::{
    Architecture, ConvNet, Encoder, Feeding, Filter, Input, Normalise, Recipe, TokenGrid,
    VisionError,
};

use crate::slide_features::grid_tests::mpp;

/// Features: mean and standard deviation of each channel, in 0..1.
pub(crate) struct MeanColourEncoder {
    recipe: Recipe,
    producer: Producer,
    encoded: AtomicUsize,
}

impl MeanColourEncoder {
    pub(crate) fn new(size: u32) -> Self {
        let digest = Digest::of(b"mean colour");
        Self {
            recipe: Recipe {
                schema: 1,
                name: "mean-colour".into(),
                version: "1".into(),
                licence: "Apache-2.0".into(),
                source: "test".into(),
                terms: None,
                weights: "none".into(),
                digest: Some(digest),
                published: None,
                input: Input {
                    size,
                    mpp: 1.0,
                    filter: Filter::Bilinear,
                    normalise: Normalise::PerTile { floor: 0.01 },
                },
                architecture: Architecture::ConvNet(ConvNet { stem: 1, stages: vec![], head: 6 }),
            },
            producer: Producer {
                name: "mean-colour".into(),
                version: "1".into(),
                digest: Some(digest),
                licence: None,
            },
            encoded: AtomicUsize::new(0),
        }
    }

    pub(crate) fn recipe_mut(&mut self) -> &mut Recipe {
        &mut self.recipe
    }

    /// How many tiles were encoded so far.
    pub(crate) fn encoded(&self) -> usize {
        self.encoded.load(Ordering::Relaxed)
    }
}

impl Encoder for MeanColourEncoder {
    fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    fn producer(&self) -> &Producer {
        &self.producer
    }

    fn dimension(&self) -> usize {
        6
    }

    fn encode(&self, tiles: &[RgbImage], out: &mut [f32]) -> Result<(), VisionError> {
        if out.len() != tiles.len() * 6 {
            return Err(VisionError::OutputSize { expected: tiles.len() * 6, actual: out.len() });
        }
        self.encoded.fetch_add(tiles.len(), Ordering::Relaxed);
        for (tile, out) in tiles.iter().zip(out.chunks_exact_mut(6)) {
            let pixels = tile.pixels().as_chunks::<3>().0;
            let count = pixels.len() as f32;
            for channel in 0..3 {
                let values = || pixels.iter().map(|p| f32::from(p[channel]) / 255.0);
                let mean = values().sum::<f32>() / count;
                let variance = values().map(|v| (v - mean).powi(2)).sum::<f32>() / count;
                out[channel] = mean;
                out[channel + 3] = variance.sqrt();
            }
        }
        Ok(())
    }
}

/// A slide of 0.5 um/px whose colour at a level-0 pixel is a function; regions that touch
/// `broken` do not decode.
pub(crate) struct PaintedSlide {
    facts: SlideFacts,
    paint: fn(i64, i64) -> [u8; 3],
    broken: Option<PixelRect<Level0>>,
    reads: AtomicUsize,
}

impl PaintedSlide {
    pub(crate) fn new(width: u32, height: u32, paint: fn(i64, i64) -> [u8; 3]) -> Self {
        let level = Level { width, height, tile_width: 256, tile_height: 256, downsample: 1.0 };
        let facts = SlideFacts {
            format: Format::GenericTiff,
            vendor: None,
            levels: vec![level],
            mpp: Some(mpp(0.5)),
            mpp_statements: vec![],
            magnification: None,
            properties: Default::default(),
            associated: vec![],
            icc_profile: None,
            warnings: vec![],
        };
        Self { facts, paint, broken: None, reads: AtomicUsize::new(0) }
    }

    pub(crate) fn with_broken(mut self, rect: PixelRect<Level0>) -> Self {
        self.broken = Some(rect);
        self
    }

    /// How many regions were read so far.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

impl Slide for PaintedSlide {
    fn facts(&self) -> &SlideFacts {
        &self.facts
    }

    fn raw_tile(&self, _: usize, _: TileIndex) -> Result<Option<RawTile<'_>>, SlideError> {
        Ok(None)
    }

    fn read_region(&self, _: usize, _: PixelRect<AtLevel>) -> Result<RgbImage, SlideError> {
        Err(SlideError::Request("not painted".into()))
    }

    fn read_at_mpp(
        &self,
        origin: Point<Level0>,
        mpp: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage, SlideError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let step = mpp / 0.5;
        let rect = PixelRect::new(
            origin.x as i64,
            origin.y as i64,
            (f64::from(width) * step) as u32,
            (f64::from(height) * step) as u32,
        );
        if self.broken.is_some_and(|broken| broken.intersection(&rect).is_some()) {
            let what = "the decoder gave up".into();
            return Err(SlideError::Tile { level: 0, column: 0, row: 0, what });
        }
        let mut image = RgbImage::filled(width, height, [255; 3]);
        for y in 0..height {
            for x in 0..width {
                let at = (
                    (origin.x + (f64::from(x) + 0.5) * step).floor() as i64,
                    (origin.y + (f64::from(y) + 0.5) * step).floor() as i64,
                );
                let level = &self.facts.levels[0];
                let inside = (0..i64::from(level.width)).contains(&at.0)
                    && (0..i64::from(level.height)).contains(&at.1);
                if inside {
                    image.set_pixel(x, y, (self.paint)(at.0, at.1));
                }
            }
        }
        Ok(image)
    }

    fn read_scaled(
        &self,
        origin: Point<Level0>,
        step: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage, SlideError> {
        self.read_at_mpp(origin, 0.5 * step, width, height)
    }

    fn associated_image(&self, name: &str) -> Result<RgbImage, SlideError> {
        Err(SlideError::Request(name.into()))
    }
}

/// Features: the mean of each channel; the tokens are the tile's quarters, whose means they
/// average.
pub(crate) struct QuartersEncoder(MeanColourEncoder);

impl QuartersEncoder {
    pub(crate) fn new(size: u32) -> Self {
        Self(MeanColourEncoder::new(size))
    }

    pub(crate) fn encoded(&self) -> usize {
        self.0.encoded()
    }
}

impl Encoder for QuartersEncoder {
    fn recipe(&self) -> &Recipe {
        self.0.recipe()
    }

    fn producer(&self) -> &Producer {
        self.0.producer()
    }

    fn dimension(&self) -> usize {
        3
    }

    fn encode(&self, tiles: &[RgbImage], out: &mut [f32]) -> Result<(), VisionError> {
        self.encode_with_tokens(tiles, out, &mut vec![0.0; tiles.len() * 12])
    }

    fn feeding(&self) -> Feeding {
        Feeding { tiles: 40, calls: 3 }
    }

    fn tokens(&self) -> Option<TokenGrid> {
        Some(TokenGrid { edge: 2, dimension: 3, averages: true })
    }

    fn encode_with_tokens(
        &self,
        tiles: &[RgbImage],
        out: &mut [f32],
        tokens: &mut [f32],
    ) -> Result<(), VisionError> {
        self.0.encoded.fetch_add(tiles.len(), Ordering::Relaxed);
        out.fill(0.0);
        tokens.fill(0.0);
        let outputs = out.chunks_exact_mut(3).zip(tokens.chunks_exact_mut(12));
        for (tile, (out, tokens)) in tiles.iter().zip(outputs) {
            let (width, half) = (tile.width(), tile.width() / 2);
            let share = 1.0 / (255.0 * (half * half) as f32);
            for (at, pixel) in (0..).zip(tile.pixels().as_chunks::<3>().0) {
                let quarter = (at / width / half * 2 + at % width / half) as usize;
                for (channel, value) in pixel.iter().enumerate() {
                    tokens[quarter * 3 + channel] += f32::from(*value) * share;
                    out[channel] += f32::from(*value) * share / 4.0;
                }
            }
        }
        Ok(())
    }
}

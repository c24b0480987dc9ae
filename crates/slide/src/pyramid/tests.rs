//! The pyramid over a container that paints its tiles when asked.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use bianque_core::{Confidence, MppSource};

use super::*;
use crate::{
    container::AssociatedTiles,
    facts::{Format, Level},
    slide::Codec,
};

type Paint = dyn Fn(f64, f64) -> [u8; 3] + Send + Sync;
type Damage = dyn Fn(TileIndex, RawTile<'static>) -> Option<RawTile<'static>> + Send + Sync;

/// Tiles of an image that is a function of the place in level-0 pixels.
struct Painted {
    facts: SlideFacts,
    paint: Box<Paint>,
    damage: Box<Damage>,
    asked: AtomicUsize,
}

impl Painted {
    fn new(
        levels: &[(u32, u32)],
        tile: u32,
        paint: impl Fn(f64, f64) -> [u8; 3] + Send + Sync + 'static,
    ) -> Self {
        let level0 = levels[0];
        let levels = levels.iter().map(|&(width, height)| Level {
            width,
            height,
            tile_width: tile,
            tile_height: tile,
            downsample: (f64::from(level0.0) / f64::from(width)
                + f64::from(level0.1) / f64::from(height))
                / 2.0,
        });
        let facts = SlideFacts {
            format: Format::GenericTiff,
            vendor: None,
            levels: levels.collect(),
            mpp: Mpp::new(0.25, 0.25, MppSource::User, Confidence::High),
            mpp_statements: Vec::new(),
            magnification: None,
            properties: BTreeMap::new(),
            associated: Vec::new(),
            icc_profile: None,
            warnings: Vec::new(),
        };
        let damage = Box::new(|_, tile| Some(tile));
        Self { facts, paint: Box::new(paint), damage, asked: AtomicUsize::new(0) }
    }

    fn damaged(
        mut self,
        damage: impl Fn(TileIndex, RawTile<'static>) -> Option<RawTile<'static>> + Send + Sync + 'static,
    ) -> Self {
        self.damage = Box::new(damage);
        self
    }

    fn pyramid(self, cache_bytes: usize) -> Pyramid {
        Pyramid::new(Box::new(self), &OpenOptions { mpp: None, cache_bytes }).unwrap()
    }
}

impl Container for Painted {
    fn facts(&self) -> &SlideFacts {
        &self.facts
    }

    fn facts_mut(&mut self) -> &mut SlideFacts {
        &mut self.facts
    }

    fn raw_tile(&self, level: usize, tile: TileIndex) -> Result<Option<RawTile<'_>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let facts = self.facts.levels[level];
        let (width, height) = (facts.tile_width, facts.tile_height);
        let scale = facts.downsample.round();
        let mut bytes = Vec::with_capacity((width * height * 3) as usize);
        for y in 0..height {
            for x in 0..width {
                let centre =
                    |tile: u32, side: u32, at: u32| (f64::from(tile * side + at) + 0.5) * scale;
                let place = (centre(tile.column, width, x), centre(tile.row, height, y));
                bytes.extend((self.paint)(place.0, place.1));
            }
        }
        let codec = Codec::Raw { samples: 3 };
        Ok((self.damage)(tile, RawTile { bytes: Cow::Owned(bytes), codec, width, height }))
    }

    fn associated(&self, name: &str) -> Result<AssociatedTiles<'_>> {
        if name != "label" {
            return Err(SlideError::Request(format!("no associated image '{name}'")));
        }
        let strip = |value: u8, height: u32| {
            let bytes = Cow::Owned(vec![value; 4 * height as usize * 3]);
            Some(RawTile { bytes, codec: Codec::Raw { samples: 3 }, width: 4, height })
        };
        let tiles = vec![strip(10, 3), None, strip(30, 2)];
        Ok(AssociatedTiles { width: 4, height: 8, tile_width: 4, tile_height: 3, tiles })
    }
}

/// A different colour for every pixel of a small slide.
fn checkered(x: f64, y: f64) -> [u8; 3] {
    [x as u8, y as u8, (x as u32 / 256 + 16 * (y as u32 / 256)) as u8]
}

fn expected(level0: (u32, u32), x: i64, y: i64) -> [u8; 3] {
    let inside = (0..i64::from(level0.0)).contains(&x) && (0..i64::from(level0.1)).contains(&y);
    if inside { checkered(x as f64 + 0.5, y as f64 + 0.5) } else { [255; 3] }
}

#[test]
fn regions_are_exact_and_white_outside() {
    let size = (150, 101);
    let pyramid = Painted::new(&[size], 16, checkered).pyramid(1 << 20);
    for (x, y, width, height) in
        [(0, 0, 16, 16), (3, 5, 40, 33), (-7, -9, 170, 130), (140, 90, 30, 30), (144, 96, 16, 16)]
    {
        for _ in 0..2 {
            let region = PixelRect::new(x, y, width, height);
            let image = pyramid.read_region(0, region).unwrap();
            for row in 0..height {
                for column in 0..width {
                    let place = (x + i64::from(column), y + i64::from(row));
                    assert_eq!(image.pixel(column, row), expected(size, place.0, place.1));
                }
            }
        }
    }
}

#[test]
fn requests_that_make_no_sense_are_errors() {
    let pyramid = Painted::new(&[(64, 64)], 16, checkered).pyramid(1 << 20);
    let huge = PixelRect::new(0, 0, u32::MAX, u32::MAX);
    assert!(matches!(pyramid.read_region(0, huge), Err(SlideError::Request(_))));
    let small = PixelRect::new(0, 0, 1, 1);
    assert!(matches!(pyramid.read_region(1, small), Err(SlideError::Request(_))));
    for mpp in [0.0, -1.0, f64::NAN, 1e9] {
        let read = pyramid.read_at_mpp(Point::new(0.0, 0.0), mpp, 8, 8);
        assert!(matches!(read, Err(SlideError::Request(_))));
    }
    let nowhere = Point::new(f64::NAN, 0.0);
    assert!(pyramid.read_at_mpp(nowhere, 0.5, 8, 8).is_err());
    let huge = pyramid.read_at_mpp(Point::new(0.0, 0.0), 0.5, u32::MAX, u32::MAX);
    assert!(matches!(huge, Err(SlideError::Request(_))));
    for far in [1e18, -1e18, 1e300] {
        let image = pyramid.read_at_mpp(Point::new(far, far), 0.37, 8, 8).unwrap();
        assert!(image.pixels().iter().all(|&value| value == 255));
        let edge = PixelRect::new(i64::MAX, i64::MIN, 8, 8);
        assert!(pyramid.read_region(0, edge).unwrap().pixels().iter().all(|&v| v == 255));
    }
    assert!(pyramid.read_at_mpp(Point::new(0.0, 0.0), 0.5, 0, 8).unwrap().pixels().is_empty());
}

#[test]
fn a_slide_without_a_scale_says_so() {
    let mut container = Painted::new(&[(64, 64)], 16, checkered);
    container.facts.mpp = None;
    let read = container.pyramid(0).read_at_mpp(Point::new(0.0, 0.0), 0.5, 8, 8);
    assert!(matches!(read, Err(SlideError::NoMpp)));
}

#[test]
fn absent_tiles_are_white_and_broken_ones_are_named() {
    let absent = Painted::new(&[(64, 64)], 16, checkered)
        .damaged(|tile, raw| (tile.column != 1).then_some(raw))
        .pyramid(1 << 20);
    let image = absent.read_region(0, PixelRect::new(0, 0, 64, 64)).unwrap();
    assert_eq!(image.pixel(15, 3), expected((64, 64), 15, 3));
    assert_eq!(image.pixel(16, 3), [255; 3]);
    assert_eq!(image.pixel(32, 3), expected((64, 64), 32, 3));

    type Spoil = fn(&mut RawTile<'static>);
    let spoilt: [Spoil; 5] = [
        |raw| raw.bytes.to_mut().truncate(700),
        |raw| raw.width = 15,
        |raw| (raw.width, raw.height) = (u32::MAX, u32::MAX),
        |raw| raw.codec = Codec::Jpeg,
        |raw| raw.codec = Codec::Jpeg2000Rgb,
    ];
    for spoil in spoilt {
        let broken = Painted::new(&[(64, 64)], 16, checkered)
            .damaged(move |tile, mut raw| {
                if (tile.column, tile.row) == (2, 1) {
                    spoil(&mut raw);
                }
                Some(raw)
            })
            .pyramid(1 << 20);
        for region in [PixelRect::new(0, 0, 64, 64), PixelRect::new(40, 20, 2, 2)] {
            let error = broken.read_region(0, region).unwrap_err();
            assert!(
                matches!(error, SlideError::Tile { level: 0, column: 2, row: 1, .. }),
                "{error}"
            );
        }
        assert!(broken.read_region(0, PixelRect::new(0, 0, 16, 64)).is_ok());
    }
}

#[test]
fn aligned_reading_decodes_each_tile_once_and_keeps_none() {
    let pyramid = Painted::new(&[(256, 256)], 64, checkered).pyramid(1 << 20);
    for y in 0..4 {
        for x in 0..4 {
            pyramid.read_region(0, PixelRect::new(64 * x, 64 * y, 64, 64)).unwrap();
        }
    }
    for tile in 0..16 {
        let tile = TileIndex { column: tile % 4, row: tile / 4 };
        let key = crate::cache::TileKey { level: 0, tile, reduction: Reduction::Full };
        assert!(pyramid.cache.get(key).is_none());
    }
}

#[test]
fn many_threads_see_the_same_pixels() {
    let size = (700, 500);
    let alone = Painted::new(&[size], 32, checkered).pyramid(0);
    let regions: Vec<PixelRect<AtLevel>> =
        (0..60).map(|i| PixelRect::new((i * 97) % 650 - 20, (i * 61) % 450 - 20, 90, 70)).collect();
    let truth: Vec<RgbImage> = regions.iter().map(|&r| alone.read_region(0, r).unwrap()).collect();
    // A cache of some 20 tiles: threads push each other's tiles out all the time.
    let shared = Painted::new(&[size], 32, checkered).pyramid(20 * 3400);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (shared, regions, truth) = (&shared, &regions, &truth);
            scope.spawn(move || {
                for step in 0..120 {
                    // Even threads walk together, odd ones each their own way.
                    let index = (step * if thread % 2 == 0 { 1 } else { thread }) % regions.len();
                    let image = shared.read_region(0, regions[index]).unwrap();
                    assert!(image == truth[index], "thread {thread}, region {index}");
                }
            });
        }
    });
}

/// A ramp that starts anew every `period` pixels: red along x, green along y.
fn ramp(period: f64) -> impl Fn(f64, f64) -> [u8; 3] + Send + Sync + Copy {
    move |x, y| {
        let value = |at: f64| (at.rem_euclid(period) / period * 255.0).round() as u8;
        [value(x), value(y), 128]
    }
}

/// The largest distance in output pixels between where an output pixel should lie and where the
/// ramp says that it lies.
fn drift(image: &RgbImage, origin: (f64, f64), step: f64, period: f64) -> f64 {
    let mut worst: f64 = 0.0;
    for y in 0..image.height() {
        for x in 0..image.width() {
            let pixel = image.pixel(x, y);
            for (channel, at) in [
                (0, origin.0 + (f64::from(x) + 0.5) * step),
                (1, origin.1 + (f64::from(y) + 0.5) * step),
            ] {
                let phase = at.rem_euclid(period);
                // The filter mixes both ends of the ramp where it starts anew.
                if phase > 4.0 * step && phase < period - 4.0 * step {
                    let seen = f64::from(pixel[channel]) / 255.0 * period;
                    worst = worst.max((seen - phase).abs() / step);
                }
            }
        }
    }
    worst
}

#[test]
fn nothing_drifts_over_the_slide() {
    // Level 1 of 4 is cut, as writers do: 10,243 / 2,560 is not 4.
    let levels = [(10_243, 2_051), (2_560, 512)];
    for step in [1.0, 1.37, 2.0, 2.9, 4.0, 7.3, 8.0, 13.1, 30.0] {
        let period = 64.0 * step;
        let pyramid = Painted::new(&levels, 256, ramp(period)).pyramid(8 << 20);
        let (width, height) = (48, 24);
        for origin in [
            (0.0, 0.0),
            (17.0, 5.0),
            (10_243.0 - 48.0 * step - 9.0, 2_051.0 - 24.0 * step - 9.0),
            (5_000.3, 1_000.7),
        ] {
            let image = pyramid
                .read_at_mpp(Point::new(origin.0, origin.1), 0.25 * step, width, height)
                .unwrap();
            let worst = drift(&image, origin, step, period);
            assert!(worst < 0.3, "step {step}, origin {origin:?}: {worst} px");
        }
    }
}

#[test]
fn where_no_resize_is_needed_pixels_are_copied() {
    let pyramid = Painted::new(&[(512, 512)], 64, checkered).pyramid(1 << 20);
    let direct = pyramid.read_region(0, PixelRect::new(33, 47, 100, 90)).unwrap();
    let at_mpp = pyramid.read_at_mpp(Point::new(33.0, 47.0), 0.25, 100, 90).unwrap();
    assert!(direct == at_mpp);
}

#[test]
fn neighbouring_reads_join_without_a_seam() {
    let pyramid = Painted::new(&[(2_000, 600)], 128, checkered).pyramid(1 << 22);
    let read = |x: f64, width| pyramid.read_at_mpp(Point::new(x, 0.0), 0.4, width, 40).unwrap();
    let whole = read(11.0, 200);
    let (left, right) = (read(11.0, 100), read(11.0 + 100.0 * 1.6, 100));
    for y in 0..40 {
        let joined = [left.row(y), right.row(y)].concat();
        let furthest = joined.iter().zip(whole.row(y)).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(furthest <= Some(1), "row {y}: {furthest:?}");
    }
}

/// A thumbnail of a large slide without low levels: in strips, each tile asked for about once.
#[test]
fn a_thumbnail_without_low_levels_is_exact() {
    // The first is large enough to be read in several strips.
    for (step, side) in [(1.5, 6_144), (12.0, 4_096), (100.0, 4_096), (400.0, 4_096)] {
        let period = 8_192.0;
        let pyramid = Painted::new(&[(side, side)], 512, ramp(period)).pyramid(32 << 20);
        let side = f64::from(side);
        let length = (side / step) as u32;
        let image = pyramid.read_at_mpp(Point::new(0.0, 0.0), 0.25 * step, length, length).unwrap();
        let worst = drift(&image, (0.0, 0.0), step, period);
        // One grey level is 32 px of this ramp.
        assert!(worst < 0.1 + 32.0 / step, "step {step}: {worst}");
    }
}

#[test]
fn associated_images_are_joined_from_strips() {
    let pyramid = Painted::new(&[(64, 64)], 16, checkered).pyramid(0);
    let label = pyramid.associated_image("label").unwrap();
    let column: Vec<u8> = (0..8).map(|y| label.pixel(3, y)[1]).collect();
    assert_eq!(column, [10, 10, 10, 255, 255, 255, 30, 30]);
    assert!(pyramid.associated_image("macro").is_err());
}

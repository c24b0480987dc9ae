//! The tissue mask on painted slides with known truth, and on slides that are nothing of the kind.

#![allow(clippy::unwrap_used)]

use bianque_core::{
    AtLevel, Confidence, Level0, Mpp, MppSource, PixelRect, Point, Polygon, RgbImage,
};
use bianque_quality::{
    InkColour, Overview, QualityError, Reason, Tissue, TissueSettings, TissueWarning, find_tissue,
};
use bianque_slide::{Format, Level, RawTile, Slide, SlideError, SlideFacts, TileIndex};
use proptest::prelude::*;

#[allow(dead_code)]
mod scenes;

fn find(overview: &Overview) -> Tissue {
    Tissue::find(overview, &TissueSettings::default()).unwrap()
}

fn is_tissue(tissue: &Tissue) -> Vec<bool> {
    tissue.reasons.pixels().iter().map(|code| *code == Reason::Tissue.code()).collect()
}

fn eight_microns() -> Option<Mpp> {
    Mpp::new(8.0, 8.0, MppSource::User, Confidence::High)
}

#[test]
fn painted_tissue_and_ink_are_found_to_a_few_percent() {
    for scene in scenes::all() {
        let tissue = find(&scene.overview());
        let overlap = scenes::overlap(&is_tissue(&tissue), &scene.tissue);
        assert!(overlap > 0.96, "{}: tissue {overlap:.3}", scene.name);
        let is_ink = |code: &u8| matches!(Reason::from_code(*code), Some(Reason::Ink(_)));
        let ink: Vec<bool> = tissue.reasons.pixels().iter().map(is_ink).collect();
        let overlap = scenes::overlap(&ink, &scene.ink);
        assert!(overlap > 0.8, "{}: ink {overlap:.3}", scene.name);
        let of_name = |colour: &InkColour| scene.name.starts_with(&format!("{colour} ink"));
        if let Some(colour) = InkColour::ALL.into_iter().find(of_name) {
            assert!(tissue.ink.iter().all(|ink| ink.colour == colour), "{}", scene.name);
        }
    }
}

#[test]
fn area_fraction_polygons_and_mask_agree() {
    let scene = &scenes::plain();
    let tissue = find(&scene.overview());
    let pixels = is_tissue(&tissue).iter().filter(|set| **set).count() as f64;
    let area = tissue.area.unwrap().0;
    assert!((area - pixels * 64.0 / 1e6).abs() < 1e-9, "{area}");
    assert!((tissue.fraction - pixels / 750_000.0).abs() < 1e-12);
    let outlined: f64 = tissue.polygons.iter().map(Polygon::area).sum();
    assert!((outlined / pixels - 1.0).abs() < 0.01, "{outlined} {pixels}");
    assert!(tissue.fragments >= 2 && tissue.polygons.len() >= tissue.fragments);
    assert_eq!(tissue.mask().pixels().iter().filter(|v| **v == 255).count() as f64, pixels);
}

#[test]
fn queries_agree_with_the_mask() {
    let scene = scenes::green_ink();
    let tissue = find(&scene.overview());
    let rect = PixelRect::<Level0>::new(100, 60, 250, 200);
    let (mut inside, mut ink) = (0, 0);
    for y in 60..260 {
        for x in 100..350 {
            let reason = tissue.reason_at(Point::new(f64::from(x) + 0.5, f64::from(y) + 0.5));
            inside += u32::from(reason == Some(Reason::Tissue));
            ink += u32::from(reason == Some(Reason::Ink(InkColour::Green)));
        }
    }
    assert!(inside > 0 && ink > 0);
    assert!((tissue.tissue_fraction(rect) - f64::from(inside) / 5e4).abs() < 1e-9);
    assert!((tissue.ink_fraction(rect) - f64::from(ink) / 5e4).abs() < 1e-9);
    let outside = PixelRect::<Level0>::new(-500, -500, 400, 400);
    assert!(tissue.tissue_fraction(outside).abs() < 1e-12);
    assert!(tissue.tissue_fraction(PixelRect::new(0, 0, 0, 0)).abs() < 1e-12);
    assert!(tissue.tissue_fraction(PixelRect::new(i64::MAX, i64::MIN, u32::MAX, 7)).abs() < 1e-12);
    assert_eq!(tissue.reason_at(Point::new(-1.0, 5.0)), None);
    assert_eq!(tissue.reason_at(Point::new(f64::NAN, 5.0)), None);
}

#[test]
fn the_same_slide_gives_the_same_bytes() {
    let scene = scenes::all_of_it();
    let (a, b) = (find(&scene.overview()), find(&scene.overview()));
    assert_eq!(a.reasons, b.reasons);
    assert_eq!(a.polygons, b.polygons);
}

#[test]
fn uniform_slides_have_no_tissue_and_say_so() {
    for (name, rgb) in [
        ("white", [255_u8; 3]),
        ("grey", [238; 3]),
        ("warm glass", [240, 235, 220]),
        ("black", [0; 3]),
    ] {
        for size in [(1, 1), (1, 300), (300, 1), (2, 2), (64, 64), (700, 500)] {
            let image = RgbImage::filled(size.0, size.1, rgb);
            let tissue = find(&Overview::from_image(image, eight_microns()));
            assert!(tissue.warnings.contains(&TissueWarning::NoTissue), "{name} {size:?}");
            assert_eq!((tissue.polygons.len(), tissue.fragments), (0, 0), "{name} {size:?}");
            assert!(tissue.area.unwrap().0.abs() < 1e-12);
        }
    }
}

#[test]
fn a_black_slide_is_dark_edge() {
    let tissue = find(&Overview::from_image(RgbImage::filled(200, 150, [3; 3]), None));
    assert!(tissue.reasons.pixels().iter().all(|code| *code == Reason::DarkEdge.code()));
    assert!(tissue.glass.assumed);
}

#[test]
fn a_slide_that_is_all_ink_has_no_tissue() {
    for (rgb, colour) in [([20, 120, 70], InkColour::Green), ([20, 60, 170], InkColour::Blue)] {
        let image = RgbImage::filled(300, 200, rgb);
        let tissue = find(&Overview::from_image(image, eight_microns()));
        assert!(tissue.warnings.contains(&TissueWarning::NoTissue), "{colour}");
        assert!(tissue.ink.iter().all(|ink| ink.colour == colour));
        assert!(!tissue.ink.is_empty(), "{colour}");
    }
}

#[test]
fn white_fill_around_darker_glass_is_not_taken_for_the_glass() {
    let scene = &scenes::plain();
    let mut image = scene.image.clone();
    for y in 0..scenes::HEIGHT {
        for x in 0..scenes::WIDTH {
            // As a scanner does that images only part of the slide.
            if !(90..=900).contains(&x) || y < 120 {
                image.set_pixel(x, y, [255; 3]);
            }
        }
    }
    let tissue = find(&Overview::from_image(image, eight_microns()));
    assert!(tissue.glass.rgb.iter().all(|v| (*v - 242.0).abs() < 3.0), "{:?}", tissue.glass);
    assert!(scenes::overlap(&is_tissue(&tissue), &scene.tissue) > 0.96);
}

#[test]
fn settings_that_make_no_sense_are_errors() {
    let overview = Overview::from_image(RgbImage::filled(4, 4, [255; 3]), None);
    for value in [f64::NAN, -1.0, f64::INFINITY] {
        let settings = TissueSettings { bridge_um: value, ..TissueSettings::default() };
        let result = Tissue::find(&overview, &settings);
        assert!(matches!(result, Err(QualityError::Setting { name: "bridge_um", .. })));
    }
    let settings = TissueSettings { mask_mpp: 0.0, ..TissueSettings::default() };
    assert!(Tissue::find(&overview, &settings).is_err());
    let empty = Overview::from_image(RgbImage::filled(0, 9, [0; 3]), None);
    assert!(matches!(
        Tissue::find(&empty, &TissueSettings::default()),
        Err(QualityError::Empty { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn noise_of_any_size_gives_a_bounded_answer(
        width in 1_u32..90, height in 1_u32..90, seed in any::<u64>(), levels in 2_u64..256
    ) {
        let mut state = seed | 1;
        let mut image = RgbImage::filled(width, height, [0; 3]);
        for value in image.pixels_mut() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *value = (state % levels * 255 / (levels - 1)) as u8;
        }
        let tissue = find(&Overview::from_image(image, eight_microns()));
        prop_assert!((0.0..=1.0).contains(&tissue.fraction));
        prop_assert!(tissue.reasons.pixels().iter().all(|c| Reason::from_code(*c).is_some()));
        let whole = tissue.tissue_fraction(PixelRect::new(0, 0, width, height));
        prop_assert!((whole - tissue.fraction).abs() < 1e-9);
    }
}

/// A slide of one level over pixels in memory; regions that touch `broken` do not decode.
struct RasterSlide {
    facts: SlideFacts,
    image: RgbImage,
    broken: Option<PixelRect<AtLevel>>,
}

impl RasterSlide {
    fn new(image: RgbImage, mpp: Option<Mpp>) -> Self {
        let level = Level {
            width: image.width(),
            height: image.height(),
            tile_width: 64,
            tile_height: 64,
            downsample: 1.0,
        };
        let facts = SlideFacts {
            format: Format::GenericTiff,
            vendor: None,
            levels: vec![level],
            mpp,
            mpp_statements: Vec::new(),
            magnification: None,
            properties: Default::default(),
            associated: Vec::new(),
            icc_profile: None,
            warnings: Vec::new(),
        };
        Self { facts, image, broken: None }
    }
}

impl Slide for RasterSlide {
    fn facts(&self) -> &SlideFacts {
        &self.facts
    }

    fn raw_tile(&self, _: usize, _: TileIndex) -> Result<Option<RawTile<'_>>, SlideError> {
        Ok(None)
    }

    fn read_region(&self, _: usize, region: PixelRect<AtLevel>) -> Result<RgbImage, SlideError> {
        if self.broken.is_some_and(|broken| broken.intersection(&region).is_some()) {
            return Err(SlideError::Tile { level: 0, column: 0, row: 0, what: "planted".into() });
        }
        let mut out = RgbImage::filled(region.width, region.height, [255; 3]);
        for y in 0..region.height {
            for x in 0..region.width {
                let (u, v) = (region.x as u32 + x, region.y as u32 + y);
                if u < self.image.width() && v < self.image.height() {
                    out.set_pixel(x, y, self.image.pixel(u, v));
                }
            }
        }
        Ok(out)
    }

    fn read_at_mpp(
        &self,
        origin: Point<Level0>,
        mpp: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage, SlideError> {
        let level0 = self.facts.mpp.as_ref().ok_or(SlideError::NoMpp)?.mean();
        self.read_scaled(origin, mpp / level0, width, height)
    }

    fn read_scaled(
        &self,
        origin: Point<Level0>,
        step: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage, SlideError> {
        let side = |length: u32| (f64::from(length) * step).ceil() as u32;
        let region = PixelRect::new(origin.x as i64, origin.y as i64, side(width), side(height));
        let source = self.read_region(0, region)?;
        let mut out = RgbImage::filled(width, height, [255; 3]);
        for y in 0..height {
            for x in 0..width {
                let at = |v: u32| (f64::from(v) * step) as u32;
                out.set_pixel(x, y, source.pixel(at(x), at(y)));
            }
        }
        Ok(out)
    }

    fn associated_image(&self, name: &str) -> Result<RgbImage, SlideError> {
        Err(SlideError::Request(name.into()))
    }
}

#[test]
fn a_slide_with_a_scale_is_read_at_the_mask_resolution() {
    let scene = &scenes::plain();
    let mpp = Mpp::new(4.0, 4.0, MppSource::User, Confidence::High);
    let tissue =
        find_tissue(&RasterSlide::new(scene.image.clone(), mpp), &TissueSettings::default())
            .unwrap();
    assert!((tissue.scale.0 - 1000.0 / 512.0).abs() < 0.01, "{:?}", tissue.scale);
    let wanted = scene.tissue.iter().filter(|t| **t).count() as f64 * 16.0 / 1e6;
    assert!((tissue.area.unwrap().0 / wanted - 1.0).abs() < 0.04, "{:?} {wanted}", tissue.area);
}

#[test]
fn a_slide_without_a_scale_has_tissue_but_no_area() {
    let scene = &scenes::plain();
    let slide = RasterSlide::new(scene.image.clone(), None);
    let tissue = find_tissue(&slide, &TissueSettings::default()).unwrap();
    assert_eq!(tissue.area, None);
    assert!(tissue.warnings.contains(&TissueWarning::NoScale));
    let share = scene.tissue.iter().filter(|t| **t).count() as f64 / scene.tissue.len() as f64;
    assert!((tissue.fraction - share).abs() < 0.02, "{} {share}", tissue.fraction);
}

#[test]
fn a_broken_tile_costs_its_block_and_is_reported() {
    let scene = &scenes::plain();
    for mpp in [None, eight_microns()] {
        let mut slide = RasterSlide::new(scene.image.clone(), mpp);
        slide.broken = Some(PixelRect::new(10, 10, 5, 5));
        let tissue = find_tissue(&slide, &TissueSettings::default()).unwrap();
        let reported = tissue
            .warnings
            .iter()
            .any(|w| matches!(w, TissueWarning::Unreadable { blocks } if *blocks > 0));
        assert!(reported, "{:?}", tissue.warnings);
        assert!(tissue.fraction > 0.2);
        slide.broken = Some(PixelRect::new(0, 0, scenes::WIDTH, scenes::HEIGHT));
        let all_broken = find_tissue(&slide, &TissueSettings::default());
        assert!(matches!(all_broken, Err(QualityError::Slide(SlideError::Tile { .. }))));
    }
}

#[test]
fn every_pixel_a_slide_may_have_bounds_the_mask() {
    let scene = &scenes::plain();
    let slide = RasterSlide::new(scene.image.clone(), eight_microns());
    let settings = TissueSettings { most_pixels: 10_000, ..TissueSettings::default() };
    let tissue = find_tissue(&slide, &settings).unwrap();
    let pixels = tissue.reasons.width() * tissue.reasons.height();
    assert!(pixels <= 10_300, "{pixels}");
}

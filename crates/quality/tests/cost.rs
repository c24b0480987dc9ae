//! What a check costs grows with the tissue, not with the glass around it: pixels that are read near
//! full resolution are counted.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use bianque_core::{AtLevel, Level0, PixelRect, Point, RgbImage};
use bianque_quality::{Check, CheckSettings, check_slide};
use bianque_slide::{OpenOptions, RawTile, Slide, SlideError, SlideFacts, TileIndex, open};
use bianque_testkit::{
    SlideRecipe, render_region,
    tiff_writer::{Coding, Page, TiffWriter, resolution_tags},
};

type Result<T> = std::result::Result<T, SlideError>;

/// Coarser pixels than this many level-0 pixels are the low-power view.
const FINE: f64 = 2.5;

/// A slide that counts what is read of it.
struct Counted {
    slide: Box<dyn Slide>,
    fine: AtomicU64,
    coarse: AtomicU64,
}

impl Slide for Counted {
    fn facts(&self) -> &SlideFacts {
        self.slide.facts()
    }

    fn raw_tile(&self, level: usize, tile: TileIndex) -> Result<Option<RawTile<'_>>> {
        self.slide.raw_tile(level, tile)
    }

    fn read_region(&self, level: usize, region: PixelRect<AtLevel>) -> Result<RgbImage> {
        self.fine.fetch_add(region.area(), Ordering::Relaxed);
        self.slide.read_region(level, region)
    }

    fn read_at_mpp(
        &self,
        origin: Point<Level0>,
        mpp: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage> {
        self.slide.read_at_mpp(origin, mpp, width, height)
    }

    fn read_scaled(
        &self,
        origin: Point<Level0>,
        step: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage> {
        let count = if step < FINE { &self.fine } else { &self.coarse };
        count.fetch_add(u64::from(width) * u64::from(height), Ordering::Relaxed);
        self.slide.read_scaled(origin, step, width, height)
    }

    fn associated_image(&self, name: &str) -> Result<RgbImage> {
        self.slide.associated_image(name)
    }
}

/// A generated piece in the middle of glass, `times` as long and wide as the piece's own picture.
fn on_glass(folder: &Path, times: u32) -> (Check, u64, u64) {
    let recipe = SlideRecipe::healthy(5, 2048, 1536, 0.5);
    let piece = render_region(&recipe, PixelRect::new(0, 0, 2048, 1536)).unwrap();
    let (width, height) = (piece.width() * times, piece.height() * times);
    let glass = [243, 242, 244];
    let mut image = RgbImage::filled(width, height, glass);
    // On whole fields, so that both slides are cut into the same ones.
    let (left, top) = ((width - piece.width()) / 512 * 256, (height - piece.height()) / 512 * 256);
    for y in 0..piece.height() {
        let at = ((top + y) * width + left) as usize * 3;
        image.pixels_mut()[at..at + piece.width() as usize * 3].copy_from_slice(piece.row(y));
    }
    let path = folder.join(format!("{times}.tif"));
    let mut writer = TiffWriter::create(&path).unwrap();
    let page = Page::tiled(width, height, 256, Coding::jpeg(90));
    writer.write_image(page.with_tags(resolution_tags(0.5)), &image).unwrap();
    writer.finish().unwrap();
    let slide = Counted {
        slide: open(&path, &OpenOptions::default()).unwrap(),
        fine: AtomicU64::new(0),
        coarse: AtomicU64::new(0),
    };
    let check = check_slide(&slide, &CheckSettings::with_overrides(None).unwrap());
    (check, slide.fine.into_inner(), slide.coarse.into_inner())
}

#[test]
fn sixteen_times_the_glass_costs_no_more_fields() {
    let folder = tempfile::tempdir().unwrap();
    let (small, fine, _) = on_glass(folder.path(), 1);
    let (large, fine_of_large, coarse_of_large) = on_glass(folder.path(), 4);
    let fields = |check: &Check| check.measures["fields.looked_at"];
    assert!(fields(&small) > 10.0, "{:?}", small.measures);
    assert!(fields(&large) <= 1.2 * fields(&small), "{} {}", fields(&large), fields(&small));
    assert!(fine_of_large as f64 <= 1.2 * fine as f64, "{fine_of_large} {fine}");
    // The low-power view alone grows with the slide: 256 times fewer pixels than level 0 has.
    let pixels = 2048 * 1536 * 16;
    assert!(coarse_of_large * 64 < pixels, "{coarse_of_large} of {pixels}");
}

//! A slide with artefacts planted into its pixels, and a window of a slide as a slide of its own.

use std::cell::RefCell;

use bianque_core::{AtLevel, Level0, PixelRect, Point, RgbImage};
use bianque_slide::{Level, RawTile, Slide, SlideError, SlideFacts, TileIndex};
use bianque_testkit::artefacts::{Artefact, View, render_all};

type Result<T> = std::result::Result<T, SlideError>;

/// A slide seen through artefacts. Coded bytes and associated images stay as they are.
pub(crate) struct PlantedSlide<'a> {
    base: &'a dyn Slide,
    artefacts: Vec<Box<dyn Artefact>>,
}

impl<'a> PlantedSlide<'a> {
    /// Plants artefacts into a slide, the first one nearest to it.
    pub(crate) fn new(base: &'a dyn Slide, artefacts: Vec<Box<dyn Artefact>>) -> Self {
        Self { base, artefacts }
    }

    fn render(&self, view: View, read: impl Fn(&View) -> Result<RgbImage>) -> Result<RgbImage> {
        let failed = RefCell::new(None);
        let image = render_all(&self.artefacts, &view, &|view| {
            read(view).unwrap_or_else(|error| {
                failed.borrow_mut().get_or_insert(error);
                RgbImage::filled(view.width, view.height, [255; 3])
            })
        });
        failed.into_inner().map_or(Ok(image), Err)
    }

    fn view(&self, origin: Point<Level0>, step: f64, width: u32, height: u32) -> View {
        let mpp = self.facts().mpp.as_ref().map_or(0.5, |mpp| mpp.mean());
        View { origin, step, width, height, mpp }
    }
}

impl Slide for PlantedSlide<'_> {
    fn facts(&self) -> &SlideFacts {
        self.base.facts()
    }

    fn raw_tile(&self, level: usize, tile: TileIndex) -> Result<Option<RawTile<'_>>> {
        self.base.raw_tile(level, tile)
    }

    fn read_region(&self, level: usize, region: PixelRect<AtLevel>) -> Result<RgbImage> {
        let Some(step) = self.facts().levels.get(level).map(|level| level.downsample) else {
            return self.base.read_region(level, region);
        };
        let origin = Point::new(region.x as f64 * step, region.y as f64 * step);
        self.render(self.view(origin, step, region.width, region.height), |view| {
            let (x, y) = (view.origin.x / step, view.origin.y / step);
            if (x - x.round()).abs().max((y - y.round()).abs()) > 1e-3 {
                return self.base.read_scaled(view.origin, step, view.width, view.height);
            }
            let (x, y) = (x.round() as i64, y.round() as i64);
            self.base.read_region(level, PixelRect::new(x, y, view.width, view.height))
        })
    }

    fn read_at_mpp(
        &self,
        origin: Point<Level0>,
        mpp: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage> {
        let step = self.facts().mpp.as_ref().map_or(1.0, |own| mpp / own.mean());
        self.render(self.view(origin, step, width, height), |view| {
            self.base.read_at_mpp(view.origin, mpp, view.width, view.height)
        })
    }

    fn read_scaled(
        &self,
        origin: Point<Level0>,
        step: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage> {
        self.render(self.view(origin, step, width, height), |view| {
            self.base.read_scaled(view.origin, view.step, view.width, view.height)
        })
    }

    fn associated_image(&self, name: &str) -> Result<RgbImage> {
        self.base.associated_image(name)
    }
}

/// A part of a slide as a slide of its own, without associated images.
pub(crate) struct Window<'a> {
    base: &'a dyn Slide,
    origin: Point<Level0>,
    facts: SlideFacts,
}

impl<'a> Window<'a> {
    /// A window of a slide; `None` where it does not begin at a tile's corner on every level, or
    /// reaches outside.
    pub(crate) fn new(base: &'a dyn Slide, window: PixelRect<Level0>) -> Option<Self> {
        let mut facts = base.facts().clone();
        let inside = facts.bounds().intersection(&window) == Some(window);
        let aligned = facts.levels.iter().all(|level| {
            let at =
                |place: i64, tile: u32| place as f64 / level.downsample % f64::from(tile) == 0.0;
            at(window.x, level.tile_width) && at(window.y, level.tile_height)
        });
        for level in &mut facts.levels {
            let size = |length: u32| (f64::from(length) / level.downsample) as u32;
            (level.width, level.height) = (size(window.width), size(window.height));
        }
        facts.associated.clear();
        let origin = Point::new(window.x as f64, window.y as f64);
        (inside && aligned).then_some(Self { base, origin, facts })
    }

    fn moved(&self, origin: Point<Level0>) -> Point<Level0> {
        Point::new(origin.x + self.origin.x, origin.y + self.origin.y)
    }

    /// The level and the window's left top corner in its pixels.
    fn corner(&self, level: usize) -> Option<(&Level, i64, i64)> {
        let level = self.facts.levels.get(level)?;
        let at = |place: f64| (place / level.downsample).round() as i64;
        Some((level, at(self.origin.x), at(self.origin.y)))
    }
}

impl Slide for Window<'_> {
    fn facts(&self) -> &SlideFacts {
        &self.facts
    }

    fn raw_tile(&self, level: usize, tile: TileIndex) -> Result<Option<RawTile<'_>>> {
        let Some((facts, x, y)) = self.corner(level) else {
            return self.base.raw_tile(level, tile);
        };
        let column = tile.column + x as u32 / facts.tile_width;
        let row = tile.row + y as u32 / facts.tile_height;
        self.base.raw_tile(level, TileIndex { column, row })
    }

    fn read_region(&self, level: usize, region: PixelRect<AtLevel>) -> Result<RgbImage> {
        let (x, y) = self.corner(level).map_or((0, 0), |(_, x, y)| (x, y));
        let region = PixelRect::new(region.x + x, region.y + y, region.width, region.height);
        self.base.read_region(level, region)
    }

    fn read_at_mpp(
        &self,
        origin: Point<Level0>,
        mpp: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage> {
        self.base.read_at_mpp(self.moved(origin), mpp, width, height)
    }

    fn read_scaled(
        &self,
        origin: Point<Level0>,
        step: f64,
        width: u32,
        height: u32,
    ) -> Result<RgbImage> {
        self.base.read_scaled(self.moved(origin), step, width, height)
    }

    fn associated_image(&self, name: &str) -> Result<RgbImage> {
        self.base.associated_image(name)
    }
}

//! What the measures look at: the slide, its low-power view, and the tissue on it.

use bianque_core::{Level0, PixelRect, Polygon};
use bianque_slide::Slide;

use crate::{
    Overview, Reason, Result, Tissue, TissueSettings,
    density::{Density, density},
    glass::find_glass,
    outline::outlines,
    plane::Mask,
};

/// A slide at low power, as every measure needs it.
pub(super) struct Scene<'a> {
    pub(super) slide: &'a dyn Slide,
    pub(super) overview: Overview,
    pub(super) tissue: Tissue,
    /// Optical density of the overview against its glass.
    pub(super) density: Density,
    /// The same without smoothing, for what is a pixel wide.
    pub(super) fine: Density,
    /// Tissue, and ink that lies on it.
    pub(super) tissue_mask: Mask,
    /// Microns per overview pixel; assumed where the slide states no scale.
    pub(super) um: f64,
    /// Whether `um` is the slide's own statement.
    pub(super) um_known: bool,
}

impl<'a> Scene<'a> {
    pub(super) fn read(slide: &'a dyn Slide, settings: &TissueSettings) -> Result<Self> {
        let overview = Overview::read(slide, settings)?;
        let tissue = Tissue::find(&overview, settings)?;
        let um = overview.filter_mpp();
        let (glass, shading) = find_glass(&overview.image);
        let fine = density(&overview.image, &glass, &shading, 0);
        let density = density(&overview.image, &glass, &shading, 1);
        let reasons = &tissue.reasons;
        let tissue_mask = Mask {
            width: reasons.width() as usize,
            height: reasons.height() as usize,
            data: reasons.pixels().iter().map(|c| u8::from(*c == Reason::Tissue.code())).collect(),
        };
        let um_known = overview.mpp.is_some();
        Ok(Self { slide, overview, tissue, density, fine, tissue_mask, um, um_known })
    }

    /// Microns per level-0 pixel.
    pub(super) fn level0_um(&self) -> f64 {
        self.um / (self.overview.scale.0 * self.overview.scale.1).sqrt()
    }

    /// A length in overview pixels, at least one.
    pub(super) fn pixels(&self, um: f64) -> usize {
        (um / self.um).round().clamp(1.0, 1e6) as usize
    }

    /// An area in overview pixels, at least one.
    pub(super) fn area_pixels(&self, um2: f64) -> usize {
        (um2 / (self.um * self.um)).round().clamp(1.0, 1e9) as usize
    }

    /// The tissue's overview pixels.
    pub(super) fn tissue_pixels(&self) -> usize {
        self.tissue_mask.count()
    }

    /// Share of the tissue that a mask takes.
    pub(super) fn share_of_tissue(&self, mask: &Mask) -> f64 {
        mask.count() as f64 / self.tissue_pixels().max(1) as f64
    }

    /// A mask's outlines in level-0 pixels, the largest first.
    pub(super) fn outlines(&self, mask: &Mask) -> Vec<Polygon<Level0>> {
        let bounds = self.overview.bounds;
        let mut found = outlines(mask, self.overview.scale, (bounds.width, bounds.height));
        found.sort_by(|a, b| b.area().total_cmp(&a.area()));
        found
    }

    /// A mask with the overview's shape.
    pub(super) fn empty(&self) -> Mask {
        Mask::filled(self.tissue_mask.width, self.tissue_mask.height, 0)
    }

    /// A square around the middle of the first area, for a person to look at.
    pub(super) fn crop(&self, areas: &[Polygon<Level0>]) -> Option<PixelRect<Level0>> {
        const LEAST_UM: f64 = 256.0;
        const MOST_UM: f64 = 2000.0;
        let bounds = areas.first()?.bounds()?;
        let um = self.level0_um();
        let side = (bounds.width().max(bounds.height()) * 1.2).clamp(LEAST_UM / um, MOST_UM / um);
        let whole = self.overview.bounds;
        let side = side.min(f64::from(whole.width.max(whole.height)));
        let corner = |low: f64, length: f64| (low + (length - side) / 2.0).round() as i64;
        let rect = PixelRect::new(
            corner(bounds.min.x, bounds.width()),
            corner(bounds.min.y, bounds.height()),
            side.round() as u32,
            side.round() as u32,
        );
        (rect.area() > 0).then_some(rect)
    }
}

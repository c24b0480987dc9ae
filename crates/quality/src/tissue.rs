//! Where a slide has tissue, and what the rest is.

use std::fmt;

use bianque_core::{GrayImage, Level0, Mpp, PixelRect, Point, Polygon, SquareMillimetres};
use bianque_slide::Slide;

use crate::{
    GlassColour, InkColour, Overview, QualityError, Reason, Result, TissueSettings,
    components::Components,
    coverage::CoverageTable,
    debris::{dark_edges, debris},
    density::{Density, density},
    glass::find_glass,
    ink::{Ink, InkSizes, find_ink},
    morphology::dilated,
    outline::outlines,
    plane::Mask,
    stained::{StainSizes, find_dark, find_stained},
};

/// One mark of ink.
#[derive(Clone, Debug, PartialEq)]
pub struct InkArea {
    /// Its colour.
    pub colour: InkColour,
    /// Its outline in level-0 pixels.
    pub outline: Polygon<Level0>,
}

/// What a person should know about the mask.
#[derive(Clone, Debug, PartialEq)]
pub enum TissueWarning {
    /// No tissue was found.
    NoTissue,
    /// No empty glass was seen; a usual colour was assumed.
    NoGlass,
    /// The slide states no scale: filter sizes assume one.
    NoScale,
    /// Most of what is stained has the colour of an ink: the stain is not H&E, and ink of that
    /// colour is not told from tissue.
    StainLikeInk(InkColour),
    /// Hardly any colour: tissue is told from glass by darkness alone.
    Colourless,
    /// Parts could not be read and count as glass.
    Unreadable {
        /// Number of blocks.
        blocks: u32,
    },
}

impl fmt::Display for TissueWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTissue => f.write_str("no tissue was found"),
            Self::NoGlass => f.write_str("no empty glass was seen; its usual colour is assumed"),
            Self::NoScale => f.write_str(
                "the slide states no microns per pixel: a usual scale is assumed for filter \
                 sizes, and the area is not stated",
            ),
            Self::StainLikeInk(colour) => write!(
                f,
                "most of the stained area is {colour}: this is not H&E, and {colour} ink is not \
                 told from tissue"
            ),
            Self::Colourless => f.write_str(
                "the slide has hardly any colour: tissue is told from glass by darkness alone",
            ),
            Self::Unreadable { blocks } => write!(
                f,
                "{blocks} blocks of the low-power view could not be read and count as glass"
            ),
        }
    }
}

/// Where a slide has tissue, and what the rest is.
#[derive(Clone, Debug)]
pub struct Tissue {
    /// For each mask pixel a [`Reason::code`].
    pub reasons: GrayImage,
    /// Level-0 pixels per mask pixel along x and y.
    pub scale: (f64, f64),
    /// The slide in level-0 pixels.
    pub bounds: PixelRect<Level0>,
    /// Outlines of the tissue in level-0 pixels, with holes, largest first.
    pub polygons: Vec<Polygon<Level0>>,
    /// The tissue's area, where the slide has a scale.
    pub area: Option<SquareMillimetres>,
    /// The tissue's share of the slide, 0 to 1.
    pub fraction: f64,
    /// Marks of ink.
    pub ink: Vec<InkArea>,
    /// Number of separate pieces of tissue.
    pub fragments: usize,
    /// The colour of the empty glass.
    pub glass: GlassColour,
    /// What a person should know.
    pub warnings: Vec<TissueWarning>,
    tissue_table: CoverageTable,
    ink_table: CoverageTable,
}

/// Finds the tissue of a slide.
///
/// # Errors
/// When the settings make no sense, the slide is empty, or no low-power pixel can be read. A slide
/// without tissue is no error: see [`TissueWarning::NoTissue`].
pub fn find_tissue(slide: &dyn Slide, settings: &TissueSettings) -> Result<Tissue> {
    Tissue::find(&Overview::read(slide, settings)?, settings)
}

impl Tissue {
    /// Finds the tissue of a slide at low power.
    ///
    /// # Errors
    /// When the settings make no sense, or the overview has no pixel or more than the settings
    /// allow for.
    pub fn find(overview: &Overview, settings: &TissueSettings) -> Result<Self> {
        settings.check()?;
        let (width, height) = (overview.image.width(), overview.image.height());
        if width == 0 || height == 0 {
            return Err(QualityError::Empty { width, height });
        }
        let sizes = Sizes::new(settings, overview.filter_mpp());
        let (glass, shading) = find_glass(&overview.image);
        let density = density(&overview.image, &glass, &shading, sizes.smoothing);
        let layers = Layers::find(&density, &sizes);
        let warnings = warnings(overview, &glass, &layers);
        Ok(assemble(overview, glass, &layers, warnings))
    }

    /// A mask with 255 where there is tissue and 0 elsewhere.
    #[must_use]
    pub fn mask(&self) -> GrayImage {
        let mut mask = self.reasons.clone();
        for value in mask.pixels_mut() {
            *value = if *value == Reason::Tissue.code() { 255 } else { 0 };
        }
        mask
    }

    /// The share of a rectangle that is tissue, 0 to 1. What lies outside the slide is none.
    #[must_use]
    pub fn tissue_fraction(&self, rect: PixelRect<Level0>) -> f64 {
        self.fraction_of(&self.tissue_table, rect)
    }

    /// The share of a rectangle that is ink, 0 to 1.
    #[must_use]
    pub fn ink_fraction(&self, rect: PixelRect<Level0>) -> f64 {
        self.fraction_of(&self.ink_table, rect)
    }

    /// What is at a place; `None` outside the slide.
    #[must_use]
    pub fn reason_at(&self, point: Point<Level0>) -> Option<Reason> {
        let (x, y) = ((point.x / self.scale.0).floor(), (point.y / self.scale.1).floor());
        let inside = x >= 0.0
            && y >= 0.0
            && x < f64::from(self.reasons.width())
            && y < f64::from(self.reasons.height());
        if !inside {
            return None;
        }
        Reason::from_code(self.reasons.pixel(x as u32, y as u32)[0])
    }

    fn fraction_of(&self, table: &CoverageTable, rect: PixelRect<Level0>) -> f64 {
        let area = rect.area() as f64 / (self.scale.0 * self.scale.1);
        if area <= 0.0 {
            return 0.0;
        }
        let covered = table.area(
            rect.x as f64 / self.scale.0,
            rect.y as f64 / self.scale.1,
            rect.right() as f64 / self.scale.0,
            rect.bottom() as f64 / self.scale.1,
        );
        (covered / area).clamp(0.0, 1.0)
    }
}

/// The settings in mask pixels.
struct Sizes {
    smoothing: usize,
    margin: usize,
    line_width: usize,
    least_dust: usize,
    ink: InkSizes,
    stain: StainSizes,
}

impl Sizes {
    fn new(settings: &TissueSettings, mpp: f64) -> Self {
        let length = |um: f64| (um / mpp).round().clamp(0.0, 32.0) as usize;
        let area = |um2: f64| (um2 / (mpp * mpp)).round().clamp(0.0, 1e9) as usize;
        Self {
            smoothing: length(6.0).clamp(1, 8),
            margin: length(40.0).clamp(1, 6),
            line_width: length(240.0).clamp(4, 32),
            least_dust: area(400.0).max(3),
            ink: InkSizes {
                least_area: area(settings.smallest_ink_um2).max(6),
                bleed: length(24.0).clamp(1, 6),
                ring: length(48.0).clamp(2, 12),
            },
            stain: StainSizes {
                bridge: length(settings.bridge_um / 2.0).clamp(1, 16),
                gap: length(settings.gap_um / 2.0).clamp(1, 16),
                least_island: area(settings.smallest_island_um2).max(4),
                least_hole: area(settings.smallest_hole_um2).max(4),
                pale_island: area(settings.smallest_island_um2 * 5.0).max(64),
            },
        }
    }
}

/// What was found, as masks without overlap.
struct Layers {
    tissue: Mask,
    edges: Mask,
    dust: Mask,
    ink: Ink,
    colourless: bool,
}

impl Layers {
    fn find(density: &Density, sizes: &Sizes) -> Self {
        let dark = dark_edges(density, sizes.margin);
        let ink = find_ink(density, &dark, &sizes.ink);
        let excluded = ink.masks.iter().fold(dark.clone(), |all, mask| all.zip(mask, |a, b| a | b));
        let mut tissue = find_stained(&density.evidence, &excluded, &sizes.stain);
        let inked = ink.masks.iter().fold(Mask::filled(dark.width, dark.height, 0), |all, mask| {
            all.zip(mask, |a, b| a | b)
        });
        tissue = without_ink_rims(&tissue, &inked, 2 * sizes.margin, 5 * sizes.stain.least_island);
        let mut left = debris(
            density,
            &tissue.zip(&excluded, |a, b| a | b),
            sizes.line_width,
            sizes.least_dust,
        );
        let colourless = tissue.count() == 0
            && (left.dust.count() * 50 > left.dust.data.len()
                || holds_faint_stain(&left.dust, density, sizes.stain.least_island));
        if colourless {
            let known = excluded.zip(&left.edges, |a, b| a | b);
            tissue = find_dark(density, &known, &sizes.stain);
            left.dust = left.dust.zip(&tissue, |dust, tissue| dust & (1 - tissue));
        }
        let edges = dark.zip(&left.edges, |a, b| a | b);
        Self { tissue, edges, dust: left.dust, ink, colourless }
    }

    fn codes(&self) -> Vec<u8> {
        let mut codes = vec![Reason::Glass.code(); self.tissue.data.len()];
        let mut paint = |mask: &Mask, reason: Reason| {
            for (code, set) in codes.iter_mut().zip(&mask.data) {
                if *set != 0 {
                    *code = reason.code();
                }
            }
        };
        paint(&self.dust, Reason::Dust);
        paint(&self.edges, Reason::DarkEdge);
        paint(&self.tissue, Reason::Tissue);
        for (mask, colour) in self.ink.masks.iter().zip(InkColour::ALL) {
            paint(mask, Reason::Ink(colour));
        }
        codes
    }
}

/// Whether something large on the glass is grey with a tinge, as haematoxylin alone is, where dust
/// is grey.
fn holds_faint_stain(dust: &Mask, density: &Density, least: usize) -> bool {
    let components = Components::of(dust);
    let chroma = components.sums(&density.chroma);
    let depth = components.sums(&density.mean);
    let tinged = |index: usize| chroma[index] * 100 >= depth[index] * 15;
    components.list.iter().enumerate().any(|(index, c)| c.area >= least && tinged(index))
}

/// Drops small islands that are no more than the blurred rim of ink.
fn without_ink_rims(tissue: &Mask, ink: &Mask, margin: usize, small: usize) -> Mask {
    if ink.count() == 0 {
        return tissue.clone();
    }
    let components = Components::of(tissue);
    let near = components.sums(&dilated(ink, margin));
    components.keep(|index, c| c.area >= small || (near[index] as usize) * 10 < c.area * 6)
}

fn warnings(overview: &Overview, glass: &GlassColour, layers: &Layers) -> Vec<TissueWarning> {
    let mut warnings = Vec::new();
    if layers.tissue.count() == 0 {
        warnings.push(TissueWarning::NoTissue);
    }
    if glass.assumed {
        warnings.push(TissueWarning::NoGlass);
    }
    if overview.mpp.is_none() {
        warnings.push(TissueWarning::NoScale);
    }
    warnings.extend(layers.ink.stain_like.iter().copied().map(TissueWarning::StainLikeInk));
    if layers.colourless {
        warnings.push(TissueWarning::Colourless);
    }
    if overview.unreadable_blocks > 0 {
        warnings.push(TissueWarning::Unreadable { blocks: overview.unreadable_blocks });
    }
    warnings
}

fn assemble(
    overview: &Overview,
    glass: GlassColour,
    layers: &Layers,
    warnings: Vec<TissueWarning>,
) -> Tissue {
    let codes = layers.codes();
    let width = layers.tissue.width;
    let is_tissue = |code: u8| code == Reason::Tissue.code();
    let is_ink = |code: u8| matches!(Reason::from_code(code), Some(Reason::Ink(_)));
    let size = (overview.bounds.width, overview.bounds.height);
    let mut polygons = outlines(&layers.tissue, overview.scale, size);
    polygons.sort_by(|a, b| b.area().total_cmp(&a.area()));
    let ink = layers.ink.masks.iter().zip(InkColour::ALL).flat_map(|(mask, colour)| {
        let found = outlines(mask, overview.scale, size);
        found.into_iter().map(move |outline| InkArea { colour, outline })
    });
    let pixels = layers.tissue.count() as f64;
    let level0_pixels = pixels * overview.scale.0 * overview.scale.1;
    let area_of = |mpp: &Mpp| mpp.area(level0_pixels);
    Tissue {
        scale: overview.scale,
        bounds: overview.bounds,
        polygons,
        area: overview.mpp.as_ref().map(area_of),
        fraction: pixels / codes.len().max(1) as f64,
        ink: ink.collect(),
        fragments: Components::of(&layers.tissue).list.len(),
        glass,
        warnings,
        tissue_table: CoverageTable::new(&codes, width, is_tissue),
        ink_table: CoverageTable::new(&codes, width, is_ink),
        reasons: gray(overview, codes),
    }
}

fn gray(overview: &Overview, codes: Vec<u8>) -> GrayImage {
    let (width, height) = (overview.image.width(), overview.image.height());
    GrayImage::from_pixels(width, height, codes)
        .unwrap_or_else(|_| GrayImage::filled(width, height, [Reason::Glass.code()]))
}

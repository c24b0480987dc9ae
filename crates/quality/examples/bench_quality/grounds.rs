//! The clean slides, and the parts of them that artefacts are planted into.

use std::path::Path;

use bianque_core::{Level0, PixelRect, Point};
use bianque_quality::{Check, CheckSettings, Tissue, check_slide};
use bianque_slide::{OpenOptions, Slide, open};
use bianque_testkit::{SlideRecipe, surroundings, write_svs};

use crate::{Failure, planted::Window};

/// Real slides that nothing is wrong with.
const REAL: [&str; 4] = [
    "polyp-section-1.svs",
    "svs/CMU-1-Small-Region.svs",
    "svs/tcga-cr-7395-01a-01-ts1.svs",
    "composed/composed-1.svs",
];
/// The part of the polyp slide that artefacts are planted into: mucosa, submucosa, lymph follicles.
const POLYP_WINDOW: PixelRect<Level0> = PixelRect::new(4096, 16_384, 4608, 4608);

/// A clean slide.
pub(crate) struct CleanSlide {
    pub(crate) name: String,
    pub(crate) path: std::path::PathBuf,
    pub(crate) slide: Box<dyn Slide>,
}

/// Real slides, if there are any, and one of the generator.
pub(crate) fn slides(folder: &Path) -> Result<Vec<CleanSlide>, Failure> {
    let mut paths: Vec<_> = surroundings::real_slides()
        .map(|real| REAL.map(|name| real.join(name)).to_vec())
        .unwrap_or_default();
    let painted = folder.join("generated.svs");
    write_svs(&SlideRecipe::healthy(11, 4096, 3072, 0.5), &painted)?;
    paths.push(painted);
    paths
        .into_iter()
        .map(|path| {
            let slide = open(&path, &OpenOptions::default())?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Ok(CleanSlide { name, path, slide })
        })
        .collect()
}

/// A slide to plant into, with what is found on it while it is clean.
pub(crate) struct Ground<'a> {
    pub(crate) slide: Box<dyn Slide + 'a>,
    pub(crate) clean: Check,
    pub(crate) tissue: Tissue,
    pub(crate) mpp: f64,
}

/// A window of the polyp slide, the small region of CMU-1, and the generator's slide.
pub(crate) fn grounds<'a>(slides: &'a [CleanSlide], settings: &CheckSettings) -> Vec<Ground<'a>> {
    let whole = |slide: &'a dyn Slide| {
        let bounds = slide.facts().bounds();
        Window::new(slide, bounds)
    };
    slides
        .iter()
        .filter_map(|clean| match clean.name.as_str() {
            "polyp-section-1" => Window::new(clean.slide.as_ref(), POLYP_WINDOW),
            "CMU-1-Small-Region" | "generated" => whole(clean.slide.as_ref()),
            _ => None,
        })
        .filter_map(|window| {
            let clean = check_slide(&window, settings);
            let tissue = clean.tissue.clone()?;
            let mpp = window.facts().mpp.as_ref()?.mean();
            Some(Ground { slide: Box::new(window), clean, tissue, mpp })
        })
        .collect()
}

impl Ground<'_> {
    /// Level-0 pixels of a length.
    pub(crate) fn px(&self, um: f64) -> f64 {
        um / self.mpp
    }

    /// A place by seed around which there is tissue: at least 70 % of a square of `reach_um` to each
    /// side, or the best of 200 places.
    pub(crate) fn place(&self, seed: u32, reach_um: f64) -> Point<Level0> {
        let bounds = self.slide.facts().bounds();
        let reach = self.px(reach_um);
        let mut best = (-1.0, Point::new(0.0, 0.0));
        for attempt in 0..200 {
            let share =
                |axis: u32| f64::from(scrambled(seed * 977 + attempt * 2 + axis)) / 4_294_967_296.0;
            let inner = |length: u32, share: f64| {
                let margin = (reach * 0.7).min(f64::from(length) / 2.0);
                margin + (f64::from(length) - 2.0 * margin) * share
            };
            let place = Point::new(inner(bounds.width, share(0)), inner(bounds.height, share(1)));
            let side = (2.0 * reach) as u32;
            let (x, y) = ((place.x - reach) as i64, (place.y - reach) as i64);
            let tissue = self.tissue.tissue_fraction(PixelRect::new(x, y, side, side));
            if tissue > best.0 {
                best = (tissue, place);
            }
            if tissue >= 0.7 {
                break;
            }
        }
        best.1
    }
}

/// A well mixed hash (integer finaliser of the "lowbias" family).
pub(crate) fn scrambled(value: u32) -> u32 {
    let mut value = value.wrapping_mul(0x9E37_79B1);
    value = (value ^ (value >> 16)).wrapping_mul(0x7FEB_352D);
    value = (value ^ (value >> 15)).wrapping_mul(0x846C_A68B);
    value ^ (value >> 16)
}

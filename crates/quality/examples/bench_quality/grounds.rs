//! The clean slides, and the parts of them that artefacts are planted into.

use std::path::Path;

use bianque_core::{Level0, PixelRect, Point};
use bianque_quality::{
    Check, CheckSettings, Fault, Tissue, TissueSettings, check_slide, find_tissue,
};
use bianque_slide::{OpenOptions, Slide, open};
use bianque_testkit::{SlideRecipe, histology::Stain, surroundings, write_svs};

use crate::{
    Failure,
    decoded::{ALIGNED, Decoded, Turn},
};

const POLYP: &str = "polyp-section-1";
const CMU: &str = "CMU-1-Small-Region";

/// A real slide with what is really wrong with it: looked at, and no false alarm.
struct Real {
    path: &'static str,
    what: &'static str,
    marks: &'static [Fault],
}

const REAL: [Real; 4] = [
    Real { path: "polyp-section-1.svs", what: "colon polyp, 40x", marks: &[Fault::Ink] },
    Real { path: "svs/CMU-1-Small-Region.svs", what: "skin, 20x, cut-out", marks: &[] },
    Real {
        path: "svs/tcga-cr-7395-01a-01-ts1.svs",
        what: "head and neck, stitched scan",
        marks: &[Fault::Stitching, Fault::Fold],
    },
    Real {
        path: "composed/composed-1.svs",
        what: "put together from tiles",
        marks: &[Fault::Stitching, Fault::Stripes],
    },
];
/// Generated slides that are judged clean, and those that are planted into.
const CLEAN_GENERATED: u32 = 5;
const PLANTED_GENERATED: u32 = 4;
/// Windows of the polyp slide, and their edge in level-0 pixels: 1.8 mm, as wide as the other grounds.
const POLYP_WINDOWS: u32 = 5;
const POLYP_SIDE: u32 = 7168;
/// Tissue's least share of a window.
const LEAST_TISSUE: f64 = 0.6;

/// A clean slide.
pub(crate) struct CleanSlide {
    pub(crate) name: String,
    pub(crate) what: &'static str,
    pub(crate) path: std::path::PathBuf,
    pub(crate) slide: Box<dyn Slide>,
    /// Findings that are true of it.
    pub(crate) marks: &'static [Fault],
}

/// Real slides, if there are any, and some of the generator, by seed.
pub(crate) fn slides(folder: &Path, seed: u32) -> Result<Vec<CleanSlide>, Failure> {
    let mut found = Vec::new();
    if let Some(folder) = surroundings::real_slides() {
        for real in &REAL {
            found.push(opened(&folder.join(real.path), real.what, real.marks)?);
        }
    }
    for at in 0..CLEAN_GENERATED {
        let path = folder.join(format!("generated-{}.svs", at + 1));
        let seed = u64::from(scrambled(seed ^ 0xC1EA) ^ at);
        let recipe = SlideRecipe {
            lesions: at % 2,
            lesion_diameters: (400.0, 700.0),
            stain: Stain::by_seed(seed),
            ..SlideRecipe::healthy(seed, 6144, 4608, 0.5)
        };
        write_svs(&recipe, &path)?;
        found.push(opened(&path, "generated", &[])?);
    }
    Ok(found)
}

fn opened(path: &Path, what: &'static str, marks: &'static [Fault]) -> Result<CleanSlide, Failure> {
    let slide = open(path, &OpenOptions::default())?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(CleanSlide { name, what, path: path.to_owned(), slide, marks })
}

/// A slide to plant into, with what is found on it while it is clean.
pub(crate) struct Ground<'a> {
    pub(crate) slide: Decoded<'a>,
    pub(crate) clean: Check,
    pub(crate) tissue: Tissue,
    pub(crate) mpp: f64,
}

/// A ground before it is decoded.
pub(crate) struct Plan<'a> {
    pub(crate) name: String,
    pub(crate) origin: &'static str,
    base: &'a dyn Slide,
    window: PixelRect<Level0>,
    turn: Turn,
}

/// Windows of the polyp slide, three parts of CMU-1-Small-Region, and generated slides: other ones
/// for other seeds.
pub(crate) fn plans<'a>(
    slides: &'a [CleanSlide],
    painted: &'a [Box<dyn Slide>],
    seed: u32,
) -> Result<Vec<Plan<'a>>, Failure> {
    let mut plans = Vec::new();
    let mut add = |origin: &'static str, base: &'a dyn Slide, window| {
        let at = plans.len() as u32;
        let turn = Turn(scrambled(seed.wrapping_mul(31) ^ at) >> 9);
        plans.push(Plan { name: format!("{origin} {}", at + 1), origin, base, window, turn });
    };
    for clean in slides {
        let base = clean.slide.as_ref();
        match clean.name.as_str() {
            POLYP => {
                for window in polyp_windows(base, seed)? {
                    add(POLYP, base, window);
                }
            }
            CMU => cmu_parts(base).into_iter().for_each(|window| add(CMU, base, window)),
            _ => {}
        }
    }
    for slide in painted {
        let slide = slide.as_ref();
        let bounds = slide.facts().bounds();
        add("generated", slide, aligned(0, 0, bounds.width, bounds.height));
    }
    Ok(plans)
}

/// Generated slides to plant into.
pub(crate) fn painted(folder: &Path, seed: u32) -> Result<Vec<Box<dyn Slide>>, Failure> {
    (0..PLANTED_GENERATED)
        .map(|at| {
            let path = folder.join(format!("ground-{at}.svs"));
            let seed = u64::from(scrambled(seed ^ 0x96D5) ^ at);
            let recipe = SlideRecipe {
                stain: Stain::by_seed(seed),
                ..SlideRecipe::healthy(seed, 4096, 3072, 0.5)
            };
            write_svs(&recipe, &path)?;
            Ok(open(&path, &OpenOptions::default())?)
        })
        .collect()
}

/// Windows by seed that are mostly tissue.
fn polyp_windows(slide: &dyn Slide, seed: u32) -> Result<Vec<PixelRect<Level0>>, Failure> {
    let tissue = find_tissue(slide, &TissueSettings::default())?;
    let bounds = slide.facts().bounds();
    let place = |attempt: u32, axis: u32, length: u32| {
        scrambled(seed.wrapping_mul(7919) ^ (attempt * 2 + axis)) % (length - POLYP_SIDE)
    };
    let windows = (0..500).map(|attempt| {
        let (x, y) = (place(attempt, 0, bounds.width), place(attempt, 1, bounds.height));
        aligned(x, y, POLYP_SIDE, POLYP_SIDE)
    });
    let windows = windows.filter(|window| tissue.tissue_fraction(*window) >= LEAST_TISSUE);
    Ok(windows.take(POLYP_WINDOWS as usize).collect())
}

/// The whole, and its upper and lower two thirds.
fn cmu_parts(slide: &dyn Slide) -> [PixelRect<Level0>; 3] {
    let bounds = slide.facts().bounds();
    let (width, third) = (bounds.width, bounds.height / 3);
    [
        aligned(0, 0, width, bounds.height),
        aligned(0, 0, width, 2 * third),
        aligned(0, third, width, 2 * third),
    ]
}

/// A rectangle moved and cut to whole coded blocks.
fn aligned(x: u32, y: u32, width: u32, height: u32) -> PixelRect<Level0> {
    let whole = |length: u32| length / ALIGNED * ALIGNED;
    PixelRect::new(i64::from(whole(x)), i64::from(whole(y)), whole(width), whole(height))
}

impl<'a> Plan<'a> {
    /// Decodes and judges the ground.
    pub(crate) fn prepare(&self, settings: &CheckSettings) -> Result<Ground<'a>, Failure> {
        let slide = Decoded::new(self.base, self.window, self.turn)?;
        let clean = check_slide(&slide, settings);
        let tissue = clean.tissue.clone().ok_or("a ground without tissue")?;
        let mpp = slide.facts().mpp.as_ref().ok_or("a ground without a scale")?.mean();
        Ok(Ground { slide, clean, tissue, mpp })
    }
}

impl Ground<'_> {
    /// Level-0 pixels of a length.
    pub(crate) fn px(&self, um: f64) -> f64 {
        um / self.mpp
    }

    /// Tissue's mean share of squares of `reach_um` to each side around an outline's corners.
    pub(crate) fn tissue_along(&self, outline: &[Point<Level0>], reach_um: f64) -> f64 {
        let reach = self.px(reach_um.max(30.0));
        let side = (2.0 * reach) as u32;
        let shares = outline.iter().map(|at| {
            let (x, y) = ((at.x - reach) as i64, (at.y - reach) as i64);
            self.tissue.tissue_fraction(PixelRect::new(x, y, side, side))
        });
        shares.sum::<f64>() / outline.len().max(1) as f64
    }

    /// A place by seed around which there is tissue: at least 70 % of a square of `reach_um` to each
    /// side, or the best of 200 places.
    pub(crate) fn place(&self, seed: u32, reach_um: f64) -> Point<Level0> {
        let bounds = self.slide.facts().bounds();
        let reach = self.px(reach_um);
        let mut best = (-1.0, Point::new(0.0, 0.0));
        for attempt in 0..200 {
            let share = |axis: u32| {
                let drawn = scrambled(seed.wrapping_mul(977).wrapping_add(attempt * 2 + axis));
                f64::from(drawn) / 4_294_967_296.0
            };
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

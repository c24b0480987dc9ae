//! Which artefacts are planted, in which strengths, and which fault each should be called.

use bianque_core::{Level0, PixelRect, Point};
use bianque_quality::Fault;
use bianque_slide::Slide;
use bianque_testkit::{
    artefacts::{
        Artefact, Axis, Bubble, CoverSlipEdge, Defocus, Dirt, Exposure, Fold, Pen, Region,
        StainShift, Stitching, Stripes, Stroke, Tear, WhiteBalance,
    },
    histology::InkColour,
};

use crate::grounds::{Ground, scrambled};

type Planted = Box<dyn Artefact>;

/// Lines that are tried, and the share of one that has to lie on tissue.
const PLACES_TRIED: u32 = 200;
const ON_TISSUE: f64 = 0.97;

/// An artefact with its strengths, the weakest first.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// What the strength is.
    pub(crate) unit: &'static str,
    /// What it may be called: any of these is right.
    pub(crate) faults: &'static [Fault],
    pub(crate) strengths: &'static [f64],
    /// Strength from which a person sees it at the usual power.
    pub(crate) visible: f64,
    /// Whether it has a place; else the whole slide has it.
    pub(crate) local: bool,
    /// Whether the slide is held against its laboratory's own stain.
    pub(crate) with_site: bool,
    /// Strength, ground, seed.
    pub(crate) plant: fn(f64, &Ground<'_>, u32) -> Planted,
}

impl Kind {
    pub(crate) fn is_called(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

macro_rules! kind {
    ($name:literal, $unit:literal, $fault:ident, $strengths:expr, $visible:literal, $local:literal, $plant:expr) => {
        Kind {
            name: $name,
            unit: $unit,
            faults: &[Fault::$fault],
            strengths: &$strengths,
            visible: $visible,
            local: $local,
            with_site: false,
            plant: $plant,
        }
    };
}

/// The same whole slide held against its laboratory's own stain.
macro_rules! with_site {
    ($name:literal, $unit:literal, $fault:ident, $strengths:expr, $visible:literal, $plant:expr) => {
        Kind {
            faults: &[Fault::$fault, Fault::UnlikeSite],
            with_site: true,
            ..kind!($name, $unit, $fault, $strengths, $visible, false, $plant)
        }
    };
}

/// Every artefact that is planted into pixels.
pub(crate) const KINDS: &[Kind] = &[
    kind!(
        "defocus, lens NA 0.75",
        "um",
        OutOfFocus,
        [2.0, 4.0, 6.0, 8.0, 12.0, 20.0],
        6.0,
        true,
        |z, ground, seed| { Box::new(Defocus::lens(z).within(patch(ground, seed, 300.0))) }
    ),
    kind!(
        "defocus, whole slide",
        "um",
        OutOfFocus,
        [2.0, 4.0, 6.0, 8.0, 12.0],
        6.0,
        false,
        |z, _, _| { Box::new(Defocus::lens(z)) }
    ),
    kind!(
        "defocus, Gaussian",
        "um",
        OutOfFocus,
        [0.5, 1.0, 2.0, 3.0, 5.0],
        2.0,
        true,
        |sigma, ground, seed| {
            Box::new(Defocus::gaussian(sigma).within(patch(ground, seed, 300.0)))
        }
    ),
    kind!("stripes", "grey levels", Stripes, [2.0, 3.0, 4.5, 6.0, 9.0, 14.0], 6.0, true, stripes),
    kind!("stitching", "level-0 px", Stitching, [2.0, 4.0, 8.0, 16.0, 32.0], 8.0, true, stitching),
    kind!(
        "fold",
        "um wide",
        Fold,
        [15.0, 30.0, 50.0, 80.0, 120.0],
        50.0,
        true,
        |width, ground, seed| {
            Box::new(Fold::new(within(ground, seed, 700.0, width, 0.12), 1.0))
        }
    ),
    kind!(
        "tear",
        "um wide",
        Tear,
        [20.0, 40.0, 80.0, 120.0, 180.0],
        80.0,
        true,
        |width, ground, seed| {
            Box::new(Tear::new(within(ground, seed, 800.0, width, 0.08).tapered(0.25)))
        }
    ),
    kind!(
        "bubble",
        "strength",
        Bubble,
        [0.2, 0.4, 0.6, 0.8, 1.0],
        0.6,
        true,
        |strength, ground, seed| {
            Box::new(Bubble::new(patch(ground, seed, 220.0), strength as f32))
        }
    ),
    kind!(
        "dirt",
        "um radius",
        Dirt,
        [4.0, 8.0, 15.0, 25.0, 40.0],
        15.0,
        true,
        |radius, ground, seed| {
            let (region, radius) = (patch(ground, seed, 250.0), ground.px(radius));
            Box::new(Dirt::scattered(&region, 12, radius, 0.95, seed))
        }
    ),
    kind!(
        "cover-slip edge",
        "strength",
        CoverSlipEdge,
        [0.2, 0.4, 0.6, 0.8, 1.0],
        0.6,
        true,
        |strength, ground, seed| {
            Box::new(CoverSlipEdge::new(line(ground, seed, 3000.0, 30.0, 0.005), strength as f32))
        }
    ),
    kind!(
        "pen, green",
        "optical density",
        Ink,
        [0.15, 0.3, 0.6, 1.0, 1.5],
        0.6,
        true,
        |density, ground, seed| { pen(density, ground, seed, InkColour::Green) }
    ),
    kind!(
        "pen, blue",
        "optical density",
        Ink,
        [0.15, 0.3, 0.6, 1.0, 1.5],
        0.6,
        true,
        |density, ground, seed| { pen(density, ground, seed, InkColour::Blue) }
    ),
    kind!(
        "pen, black",
        "optical density",
        Ink,
        [0.15, 0.3, 0.6, 1.0, 1.5],
        0.6,
        true,
        |density, ground, seed| { pen(density, ground, seed, InkColour::Black) }
    ),
    kind!(
        "pen, red",
        "optical density",
        Ink,
        [0.15, 0.3, 0.6, 1.0, 1.5],
        0.6,
        true,
        |density, ground, seed| { pen(density, ground, seed, InkColour::Red) }
    ),
    kind!(
        "over-exposure",
        "gain",
        Overexposed,
        [1.1, 1.25, 1.5, 1.8, 2.5],
        1.5,
        false,
        |gain, _, _| { Box::new(Exposure { gain: gain as f32 }) }
    ),
    kind!(
        "under-exposure",
        "1 / gain",
        Underexposed,
        [2.0, 4.0, 8.0, 16.0, 32.0],
        8.0,
        false,
        |part, _, _| { Box::new(Exposure { gain: 1.0 / part as f32 }) }
    ),
    kind!(
        "white balance",
        "loss of blue",
        WhiteBalance,
        [0.04, 0.08, 0.12, 0.2, 0.3],
        0.12,
        false,
        |loss, _, _| { Box::new(WhiteBalance { gains: [1.0, 1.0, 1.0 - loss as f32] }) }
    ),
    kind!("stain too pale", "1 / factor", TooPale, [1.5, 2.0, 3.0, 4.0, 6.0], 3.0, false, pale),
    with_site!("stain too pale, --site", "1 / factor", TooPale, [1.25, 1.5, 2.0, 3.0], 3.0, pale),
    kind!("stain too dark", "factor", TooDark, [1.5, 2.0, 2.5, 3.0, 4.0], 2.5, false, dark),
    with_site!("stain too dark, --site", "factor", TooDark, [1.25, 1.5, 2.0, 2.5], 2.5, dark),
    kind!(
        "eosin without haematoxylin",
        "factor",
        WrongHue,
        [1.5, 2.0, 3.0, 5.0, 8.0],
        3.0,
        false,
        pink
    ),
    with_site!(
        "eosin without haematoxylin, --site",
        "factor",
        WrongHue,
        [1.25, 1.5, 2.0, 3.0, 5.0],
        3.0,
        pink
    ),
    kind!(
        "haematoxylin without eosin",
        "factor",
        WrongHue,
        [1.5, 2.0, 3.0, 5.0, 8.0],
        3.0,
        false,
        blue
    ),
    with_site!(
        "haematoxylin without eosin, --site",
        "factor",
        WrongHue,
        [1.25, 1.5, 2.0, 3.0, 5.0],
        3.0,
        blue
    ),
];

fn pale(part: f64, _: &Ground<'_>, _: u32) -> Planted {
    Box::new(StainShift::new(1.0 / part as f32, 1.0 / part as f32))
}

fn dark(factor: f64, _: &Ground<'_>, _: u32) -> Planted {
    Box::new(StainShift::new(factor as f32, factor as f32))
}

fn pink(part: f64, _: &Ground<'_>, _: u32) -> Planted {
    Box::new(StainShift::new(1.0 / part as f32, 1.3))
}

fn blue(part: f64, _: &Ground<'_>, _: u32) -> Planted {
    Box::new(StainShift::new(1.3, 1.0 / part as f32))
}

/// A line that lies on tissue along its whole length, or the best of many: what is torn or folded is
/// tissue, and a tear across a lumen is none that could be seen there.
fn within(ground: &Ground<'_>, seed: u32, length_um: f64, width_um: f64, bend: f64) -> Stroke {
    let drawn = |attempt: u32| line(ground, seed ^ (attempt << 16), length_um, width_um, bend);
    let (mut best, mut most) = (drawn(0), -1.0);
    for attempt in 0..PLACES_TRIED {
        let stroke = drawn(attempt);
        let share = ground.tissue_along(&stroke.outline().outer, width_um);
        if share > most {
            (best, most) = (stroke, share);
        }
        if share >= ON_TISSUE {
            break;
        }
    }
    best
}

fn angle(seed: u32) -> f64 {
    f64::from(scrambled(seed ^ 0x51) % 360).to_radians()
}

/// An irregular patch of about `radius_um` on tissue, with a border of a tenth of it.
fn patch(ground: &Ground<'_>, seed: u32, radius_um: f64) -> Region {
    let (centre, radius) = (ground.place(seed, radius_um), ground.px(radius_um));
    Region::blob(centre, radius, radius * 0.8, 0.15, seed).fading(radius * 0.1)
}

/// A line across a place on tissue.
fn line(ground: &Ground<'_>, seed: u32, length_um: f64, width_um: f64, bend: f64) -> Stroke {
    let middle = ground.place(seed, (length_um / 2.0).min(400.0));
    let (dx, dy) = angle(seed).sin_cos();
    let half = ground.px(length_um / 2.0);
    let end =
        |sign: f64| Point::<Level0>::new(middle.x + sign * dx * half, middle.y + sign * dy * half);
    Stroke::wavy(end(-1.0), end(1.0), ground.px(width_um), bend, seed)
}

/// Two strokes beside each other.
fn pen(density: f64, ground: &Ground<'_>, seed: u32, colour: InkColour) -> Planted {
    let strokes = [0, 1000].map(|other| line(ground, seed + other, 900.0, 180.0, 0.1));
    Box::new(Pen::new(strokes.to_vec(), colour, density as f32))
}

fn axis(seed: u32) -> Axis {
    if seed.is_multiple_of(2) { Axis::X } else { Axis::Y }
}

fn stripes(step: f64, ground: &Ground<'_>, seed: u32) -> Planted {
    let period = ground.px(380.0 + f64::from(scrambled(seed) % 60));
    let extent = ground.slide.facts().bounds();
    Box::new(Stripes { axis: axis(seed), period, step: step as f32, extent, seed })
}

/// A scan line of 400 um displaced along its length.
fn stitching(shift: f64, ground: &Ground<'_>, seed: u32) -> Planted {
    let (bounds, axis, width) =
        (ground.slide.facts().bounds(), axis(seed), ground.px(400.0) as u32);
    let place = ground.place(seed, 300.0);
    let half = i64::from(width / 2);
    let (shift, extent) = match axis {
        Axis::X => ((0.0, shift), PixelRect::new(place.x as i64 - half, 0, width, bounds.height)),
        Axis::Y => ((shift, 0.0), PixelRect::new(0, place.y as i64 - half, bounds.width, width)),
    };
    Box::new(Stitching { axis, shift, extent })
}

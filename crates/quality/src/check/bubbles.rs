//! Air bubbles: the dark, colourless rim that refraction draws around trapped air.
//!
//! The rim sends light aside whatever its colour: it adds grey over glass and over stained tissue.
//! Around every place the smooth closed line is sought that follows the most grey, by dynamic
//! programming over directions and radii; the rims of glands and vessels have a stain's colour, and
//! other grey lines do not close.

use std::f32::consts::TAU;

use rayon::prelude::*;

use super::{
    coarse::Coarse,
    grey::{between, grey},
    scene::Scene,
};
use crate::{
    morphology::dilated,
    plane::{Mask, Plane},
};

/// Rims are looked for at these radii, in pixels, and at views so many times coarser.
const RADII: std::ops::Range<usize> = 11..37;
const VIEWS: [usize; 3] = [1, 2, 4];
/// Directions around a place.
const TURNS: usize = 64;
/// Places are so many pixels apart.
const STEP: usize = 8;
/// The rim is held against what lies so many pixels inside and outside.
const BESIDE: usize = 2;
/// More grey than this counts no further, in thousandths.
const MOST: f32 = 150.0;
/// What a step to another radius costs: rims are smooth.
const BEND: f32 = 30.0;
/// Mean grey of the line, and the share of directions that have a rim.
const LEAST_GREY: f32 = 72.0;
const LEAST_CLOSED: f32 = 0.72;
const RIM: f32 = 0.25 * MOST;
/// Share of tissue inside.
const LEAST_TISSUE: f64 = 0.15;

/// A closed line around a place.
struct Ring {
    centre: (usize, usize),
    /// Radius in each direction, in pixels.
    radii: [f32; TURNS],
    /// Mean grey along it.
    grey: f32,
}

/// The pixels of bubbles, rims and insides; `other` is what is grey for another reason.
pub(super) fn bubbles(scene: &Scene<'_>, other: &Mask) -> Mask {
    let mut found = scene.empty();
    if !Coarse::shows_lines(scene) {
        return found;
    }
    for further in VIEWS {
        let view = Coarse::of(scene, further);
        if view.rgb.width.min(view.rgb.height) < 2 * RADII.start {
            break;
        }
        let mask = view.enlarged(&in_view(&view, &view.covered(other)), scene);
        found = found.zip(&mask, |a, b| a | b);
    }
    found
}

fn in_view(view: &Coarse, other: &Mask) -> Mask {
    let grey = grey(view).zip(
        &dilated(other, BESIDE),
        |grey, other| {
            if other == 0 { grey } else { f32::NAN }
        },
    );
    let near = dilated(&view.tissue, RADII.start);
    let rows: Vec<usize> = (STEP / 2..grey.height).step_by(STEP).collect();
    let mut rings: Vec<Ring> = rows
        .par_iter()
        .flat_map_iter(|y| {
            let (grey, near) = (&grey, &near);
            (STEP / 2..grey.width)
                .step_by(STEP)
                .filter(move |x| near.row(*y)[*x] != 0)
                .filter_map(move |x| ring(grey, (x, *y)))
        })
        .collect();
    rings.sort_by(|a, b| b.grey.total_cmp(&a.grey).then(a.centre.cmp(&b.centre)));
    let mut found = view.empty();
    for ring in rings {
        if found.row(ring.centre.1)[ring.centre.0] == 0 {
            fill(&mut found, &ring, &view.tissue);
        }
    }
    found
}

/// The best closed line around a place, if it is a rim.
fn ring(grey: &Plane<f32>, centre: (usize, usize)) -> Option<Ring> {
    let rims = rims(grey, centre);
    let path = best_path(&rims);
    let along = || path.iter().enumerate().map(|(turn, radius)| rims[turn][*radius]);
    let mean = along().sum::<f32>() / TURNS as f32;
    let closed = along().filter(|rim| *rim >= RIM).count() as f32 / TURNS as f32;
    let radii = path.map(|radius| (RADII.start + radius) as f32);
    (mean >= LEAST_GREY && closed >= LEAST_CLOSED).then_some(Ring { centre, radii, grey: mean })
}

type Rims = [[f32; RADII.end - RADII.start]; TURNS];

fn direction(turn: usize) -> (f32, f32) {
    let (sin, cos) = (TAU * turn as f32 / TURNS as f32).sin_cos();
    (cos, sin)
}

/// For each direction and radius how much greyer it is there than inside and outside.
fn rims(grey: &Plane<f32>, (x, y): (usize, usize)) -> Rims {
    std::array::from_fn(|turn| {
        let (dx, dy) = direction(turn);
        let at = |radius: usize| {
            let radius = radius as f32;
            between(grey, x as f32 + dx * radius, y as f32 + dy * radius).unwrap_or(f32::NAN)
        };
        let ray: [f32; RADII.end - RADII.start + 2 * BESIDE] =
            std::array::from_fn(|index| at(RADII.start + index - BESIDE));
        std::array::from_fn(|index| {
            let rim = ray[index + BESIDE] - 0.5 * (ray[index] + ray[index + 2 * BESIDE]);
            if rim.is_nan() { 0.0 } else { rim.clamp(-MOST / 2.0, MOST) }
        })
    })
}

/// The radii with the largest sum, a step of at most one between directions. Walked around twice, so
/// that it closes.
fn best_path(rims: &Rims) -> [usize; TURNS] {
    const COUNT: usize = RADII.end - RADII.start;
    let mut sums = [0.0_f32; COUNT];
    let mut from = [[0_u8; COUNT]; 2 * TURNS];
    for (turn, from) in from.iter_mut().enumerate() {
        let before = sums;
        for radius in 0..COUNT {
            let (mut best, mut sum) = (radius, before[radius]);
            for other in [radius.wrapping_sub(1), radius + 1] {
                if other < COUNT && before[other] - BEND > sum {
                    (best, sum) = (other, before[other] - BEND);
                }
            }
            sums[radius] = sum + rims[turn % TURNS][radius];
            from[radius] = best as u8;
        }
    }
    let mut radius = (1..COUNT).fold(0, |best, at| if sums[at] > sums[best] { at } else { best });
    let mut path = [0; TURNS];
    for turn in (TURNS / 2..2 * TURNS).rev() {
        if turn < TURNS + TURNS / 2 {
            path[turn % TURNS] = radius;
        }
        radius = usize::from(from[turn][radius]);
    }
    path
}

/// Fills a ring that holds enough tissue.
fn fill(mask: &mut Mask, ring: &Ring, tissue: &Mask) {
    let (x, y) = ring.centre;
    let widest = ring.radii.iter().copied().fold(0.0, f32::max) as usize + 1;
    let rows = y.saturating_sub(widest)..(y + widest + 1).min(mask.height);
    let columns = x.saturating_sub(widest)..(x + widest + 1).min(mask.width);
    let inside: Vec<usize> = rows
        .flat_map(|v| columns.clone().map(move |u| (u, v)))
        .filter(|(u, v)| {
            let (dx, dy) = (*u as f32 - x as f32, *v as f32 - y as f32);
            let turn = dy.atan2(dx).rem_euclid(TAU) / TAU * TURNS as f32;
            dx.hypot(dy) <= ring.radii[turn.round() as usize % TURNS] + 1.0
        })
        .map(|(u, v)| v * mask.width + u)
        .collect();
    let on_tissue = inside.iter().filter(|at| tissue.data[**at] != 0).count();
    if on_tissue as f64 >= LEAST_TISSUE * inside.len() as f64 {
        inside.iter().for_each(|at| mask.data[*at] = 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grey noise with a rim of a depth around the middle, over a part of the turn.
    fn painted(depth: f32, turns: f32) -> Plane<f32> {
        let size = 96_usize;
        let value = |at: usize| {
            let (dx, dy) = ((at % size) as f32 - 48.0, (at / size) as f32 - 48.0);
            let noise = (at as u32).wrapping_mul(2_654_435_761) >> 16 & 63;
            let turn = dy.atan2(dx).rem_euclid(TAU) / TAU;
            let on = turn < turns && (dx.hypot(dy * 1.2) - 24.0).abs() < 1.0;
            noise as f32 - 32.0 + if on { depth } else { 0.0 }
        };
        Plane { width: size, height: size, data: (0..size * size).map(value).collect() }
    }

    #[test]
    fn a_closed_rim_is_a_bubble_and_an_open_one_is_not() {
        let found = ring(&painted(150.0, 1.0), (47, 50)).unwrap();
        assert!((found.radii[0] - 25.0).abs() < 2.0, "{}", found.radii[0]);
        assert!((found.radii[TURNS / 4] - 18.0).abs() < 2.0, "{}", found.radii[TURNS / 4]);
        assert!(ring(&painted(150.0, 0.6), (47, 50)).is_none());
        assert!(ring(&painted(0.0, 1.0), (47, 50)).is_none());
    }
}

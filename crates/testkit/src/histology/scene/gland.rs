//! Glands: where they lie, and their outlines.

use std::f32::consts::{PI, TAU};

use super::{fragment::Fragment, lesion::Lesion, occupancy::Occupancy};
use crate::histology::{
    noise::{Random, value_noise},
    plane::{Bounds, Vec2, add, along, heading, perpendicular, resample, wavy_circle},
};

/// What lines a gland.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum GlandKind {
    /// A healthy crypt: one layer of small basal nuclei, goblet cells.
    Crypt,
    /// A carcinoma's gland: crowded large nuclei, irregular, often several lumens.
    Tumour,
}

/// A gland, small enough to keep many; its outline and cells are drawn anew from its seed.
#[derive(Clone, Debug)]
pub(crate) struct Gland {
    pub(crate) kind: GlandKind,
    pub(crate) centre: Vec2,
    pub(crate) radius: f32,
    /// Half the length of the axis of a crypt cut lengthwise; 0 when cut across.
    pub(crate) half_length: f32,
    pub(crate) angle: f32,
    pub(crate) seed: u32,
}

impl Gland {
    /// The basement membrane, closed, with points every `step` microns.
    pub(crate) fn outline(&self, step: f32) -> Vec<Vec2> {
        let mut random = Random::new(self.seed, 0, 1);
        let outline = match self.kind {
            GlandKind::Crypt => self.tube(&mut random),
            GlandKind::Tumour => {
                let harmonics: [(f32, f32, f32); 6] = std::array::from_fn(|at| {
                    let n = at as f32 + 2.0;
                    (n, random.range(0.05, 0.34) / n, random.angle())
                });
                let stretch = (random.range(1.0, 2.6), self.angle);
                wavy_circle(self.centre, self.radius, stretch, &harmonics, 96)
            }
        };
        resample(&outline, true, step)
    }

    /// A box around the outline and what is drawn just outside it.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds::around(&self.outline(12.0)).grown(14.0)
    }

    /// A bent tube with round ends, its radius swinging a little.
    fn tube(&self, random: &mut Random) -> Vec<Vec2> {
        let axis = heading(self.angle);
        let across = perpendicular(axis);
        let bend = random.range(-0.16, 0.16) * self.half_length;
        let oval = random.range(1.0, 1.22);
        let swing: [(f32, f32, f32); 3] =
            std::array::from_fn(|at| (at as f32 + 2.0, random.range(0.01, 0.06), random.angle()));
        let place = |u: f32, v: f32| {
            let s = u / (self.half_length + 40.0);
            along(along(self.centre, axis, u), across, v + bend * (s * s - 0.4))
        };
        let straight = (self.half_length / 12.0) as usize;
        let mut points = Vec::with_capacity(2 * (24 + 2 * straight));
        for side in [1.0_f32, -1.0] {
            for step in 0..24 {
                let turn = PI * (step as f32 / 23.0 - 0.5);
                let around = if side > 0.0 { turn } else { turn + PI };
                let r = self.radius
                    * (1.0 + swing.iter().map(|(n, a, p)| a * (n * around + p).cos()).sum::<f32>());
                let (sin, cos) = turn.sin_cos();
                points.push(place(side * (self.half_length + oval * r * cos), side * r * sin));
            }
            for step in 1..=2 * straight {
                let u = self.half_length * (1.0 - step as f32 / straight as f32);
                let r = self.radius * (1.0 + 0.09 * (u / 31.0 + TAU * swing[0].1).sin());
                points.push(place(side * u, side * r));
            }
        }
        points
    }
}

/// Fills the mucosa with crypts, by chance and without overlap, the larger first.
pub(super) fn place_crypts(
    fragment: &Fragment,
    lesions: &[Lesion],
    occupancy: &mut Occupancy,
) -> Vec<Gland> {
    let mut random = Random::new(fragment.seed ^ 0xC4F7, 1, 1);
    let span = [
        fragment.bounds.max[0] - fragment.bounds.min[0],
        fragment.bounds.max[1] - fragment.bounds.min[1],
    ];
    let mut glands = Vec::new();
    for (pass, size) in [1.0, 0.92, 0.84, 0.76, 0.66, 0.55].into_iter().enumerate() {
        let candidates =
            (span[0] * span[1] / [700.0, 400.0, 300.0, 250.0, 200.0, 180.0][pass]) as u32;
        for _ in 0..candidates {
            let centre =
                add(fragment.bounds.min, [span[0] * random.unit(), span[1] * random.unit()]);
            let mut own = random.clone();
            random.bits();
            let [inside, depth] = fragment.inside_and_depth(centre);
            if inside < 30.0 || depth > fragment.layers.mucosa || occupancy.is_taken(centre) {
                continue;
            }
            let crypt = draw_crypt(fragment, centre, size, pass, &mut own);
            let outline = crypt.outline(10.0);
            let fits = outline.iter().all(|point| {
                let [inside, depth] = fragment.inside_and_depth(*point);
                inside > 24.0
                    && depth > 30.0
                    && depth < fragment.layers.mucosa - 8.0
                    && lesions.iter().all(|lesion| lesion.inside(*point) < -10.0)
            });
            if fits && occupancy.take(&outline, crypt.centre, own.range(2.0, 7.0)) {
                glands.push(crypt);
            }
        }
    }
    glands
}

fn draw_crypt(
    fragment: &Fragment,
    centre: Vec2,
    size: f32,
    pass: usize,
    random: &mut Random,
) -> Gland {
    let down = fragment.downwards(centre);
    // Where the section runs along the crypts they are long, elsewhere round.
    let cut = value_noise(fragment.seed ^ 0x77, centre[0] / 800.0, centre[1] / 800.0);
    let lengthwise = ((cut - 0.42) * 5.0).clamp(0.0, 1.0);
    let distended = value_noise(fragment.seed ^ 0x78, centre[0] / 600.0, centre[1] / 600.0);
    let long = if pass < 3 { 190.0 } else { 70.0 };
    Gland {
        kind: GlandKind::Crypt,
        centre,
        radius: size * (random.range(36.0, 46.0) + 12.0 * distended),
        half_length: size * random.range(0.25, 1.0) * (8.0 + long * lengthwise),
        angle: down[1].atan2(down[0]) + random.range(-0.3, 0.3) * (1.8 - lengthwise),
        seed: random.bits(),
    }
}

/// Fills a lesion with crowded glands of very unlike size and shape.
pub(super) fn place_tumour_glands(
    lesion: &Lesion,
    fragment: &Fragment,
    occupancy: &mut Occupancy,
) -> Vec<Gland> {
    let mut random = Random::new(lesion.seed ^ 0x7A0E, 1, 1);
    let span =
        [lesion.bounds.max[0] - lesion.bounds.min[0], lesion.bounds.max[1] - lesion.bounds.min[1]];
    let mut glands = Vec::new();
    for radius in [125.0, 95.0, 72.0, 54.0, 40.0, 30.0, 21.0] {
        let candidates = (14.0 * span[0] * span[1] / (radius * radius)).min(3e6) as u32;
        for _ in 0..candidates {
            let centre = add(lesion.bounds.min, [span[0] * random.unit(), span[1] * random.unit()]);
            let mut own = random.clone();
            random.bits();
            let fibrous = value_noise(lesion.seed, centre[0] / 330.0, centre[1] / 330.0);
            if lesion.inside(centre) < 0.5 * radius
                || occupancy.is_taken(centre)
                || fibrous > own.range(0.6, 0.85)
            {
                continue;
            }
            let gland = Gland {
                kind: GlandKind::Tumour,
                centre,
                radius: radius * own.range(0.82, 1.1),
                half_length: 0.0,
                angle: own.angle(),
                seed: own.bits(),
            };
            let outline = gland.outline(9.0);
            let fits = outline
                .iter()
                .all(|point| lesion.inside(*point) > 3.0 && fragment.inside(*point) > 8.0);
            if fits && occupancy.take(&outline, gland.centre, own.range(2.0, 9.0)) {
                glands.push(gland);
            }
        }
    }
    glands
}

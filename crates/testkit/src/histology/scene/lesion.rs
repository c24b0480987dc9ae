//! Carcinoma-like regions: where they lie and how far they reach.

use std::f32::consts::TAU;

use super::fragment::Fragment;
use crate::histology::{
    noise::{Random, mix},
    plane::{Bounds, Vec2, along, heading, length, sub},
};

/// Directions in which a lesion's reach is stated.
const RAYS: usize = 192;
/// Distance in microns that a lesion keeps from the edge of the tissue.
const MARGIN: f32 = 12.0;

/// A region around a centre, star-shaped.
pub(crate) struct Lesion {
    pub(crate) outline: Vec<Vec2>,
    pub(crate) bounds: Bounds,
    pub(crate) seed: u32,
    centre: Vec2,
    reach: Vec<f32>,
}

impl Lesion {
    fn grow(centre: Vec2, radius: f32, fragment: &Fragment, mut random: Random) -> Self {
        let harmonics: [(f32, f32, f32); 6] =
            std::array::from_fn(|at| (at as f32 + 2.0, random.range(0.02, 0.11), random.angle()));
        let reach: Vec<f32> = (0..RAYS)
            .map(|ray| {
                let turn = TAU * ray as f32 / RAYS as f32;
                let swing: f32 = harmonics
                    .iter()
                    .map(|(n, share, phase)| share * (n * turn + phase).cos())
                    .sum();
                let wanted = radius * (1.0 + swing);
                let direction = heading(turn);
                let mut reached = 0.0;
                while reached < wanted
                    && fragment.inside(along(centre, direction, reached + 4.0)) > MARGIN
                {
                    reached += 4.0;
                }
                wanted.min(reached)
            })
            .collect();
        let outline: Vec<Vec2> = (0..RAYS)
            .map(|ray| along(centre, heading(TAU * ray as f32 / RAYS as f32), reach[ray]))
            .collect();
        Self { bounds: Bounds::around(&outline), outline, seed: random.bits(), centre, reach }
    }

    /// Distance to the edge along the ray from the centre, in microns, positive inside.
    pub(crate) fn inside(&self, place: Vec2) -> f32 {
        let offset = sub(place, self.centre);
        let turn = offset[1].atan2(offset[0]).rem_euclid(TAU) / TAU * RAYS as f32;
        let ray = turn as usize % RAYS;
        mix(self.reach[ray], self.reach[(ray + 1) % RAYS], turn - turn.floor()) - length(offset)
    }
}

/// Plants lesions of the given diameters, apart from each other; fewer where they do not fit.
pub(super) fn plant(
    fragments: &[Fragment],
    count: u32,
    diameters: (f32, f32),
    seed: u32,
) -> Vec<Lesion> {
    let mut random = Random::new(seed ^ 0x1E51, 4, 2);
    let mut lesions: Vec<(Lesion, f32)> = Vec::new();
    // The largest first: they are hardest to place.
    for number in (0..count).rev() {
        let share = if count > 1 { number as f32 / (count - 1) as f32 } else { 0.7 };
        let radius = 0.5 * diameters.0 * (diameters.1 / diameters.0).powf(share);
        let place = (0..4000).find_map(|_| {
            let fragment = &fragments[random.bits() as usize % fragments.len()];
            let span = sub(fragment.bounds.max, fragment.bounds.min);
            let centre = [
                fragment.bounds.min[0] + span[0] * random.unit(),
                fragment.bounds.min[1] + span[1] * random.unit(),
            ];
            let [inside, depth] = fragment.inside_and_depth(centre);
            let apart = lesions.iter().all(|(other, reach)| {
                length(sub(other.centre, centre)) > 1.35 * (radius + reach) + 150.0
            });
            let wall = fragment.layers.mucosa + 0.3 * radius;
            (inside > 0.62 * radius && depth < wall.max(0.8 * radius) && apart)
                .then_some((centre, fragment))
        });
        if let Some((centre, fragment)) = place {
            let own = Random::new(random.bits(), 8, 8);
            lesions.push((Lesion::grow(centre, radius, fragment, own), radius));
        }
    }
    lesions.into_iter().map(|(lesion, _)| lesion).collect()
}

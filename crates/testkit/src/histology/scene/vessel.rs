//! Vessels and lymphoid follicles: where they lie.

use super::{fragment::Fragment, lesion::Lesion, occupancy::Occupancy};
use crate::histology::{
    noise::Random,
    plane::{Bounds, Vec2, add, wavy_circle},
};

/// A vessel cut across or aslant.
#[derive(Clone, Debug)]
pub(crate) struct Vessel {
    pub(crate) centre: Vec2,
    /// Mean radius of the wall's outer edge.
    pub(crate) radius: f32,
    /// Length over width.
    pub(crate) ratio: f32,
    pub(crate) angle: f32,
    /// Thickness of the wall.
    pub(crate) wall: f32,
    /// Whether blood fills it.
    pub(crate) filled: bool,
    pub(crate) seed: u32,
}

impl Vessel {
    /// The edge at `shift` microns outside (or, negative, inside) the wall's outer edge.
    pub(crate) fn edge(&self, shift: f32) -> Vec<Vec2> {
        let mut random = Random::new(self.seed, 3, 3);
        let harmonics: [(f32, f32, f32); 3] =
            std::array::from_fn(|at| (at as f32 + 2.0, random.range(0.01, 0.07), random.angle()));
        let radius = (self.radius + shift).max(1.0);
        wavy_circle(self.centre, radius, (self.ratio, self.angle), &harmonics, 48)
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds::around(&self.edge(0.0)).grown(12.0)
    }
}

/// A cluster of lymphocytes at the foot of the mucosa.
#[derive(Clone, Debug)]
pub(crate) struct Follicle {
    pub(crate) centre: Vec2,
    pub(crate) radius: f32,
}

pub(super) fn place_follicles(
    fragment: &Fragment,
    lesions: &[Lesion],
    occupancy: &mut Occupancy,
) -> Vec<Follicle> {
    let mut random = Random::new(fragment.seed ^ 0xF011, 1, 1);
    let wanted = [0, 1, 1, 2][random.bits() as usize % 4];
    let mut follicles = Vec::new();
    for _ in 0..300 {
        if follicles.len() == wanted {
            break;
        }
        let centre = somewhere(fragment.bounds, &mut random);
        let radius = random.range(90.0, 170.0);
        let [inside, depth] = fragment.inside_and_depth(centre);
        let foot = (fragment.layers.mucosa - radius)..(fragment.layers.mucosa + 0.4 * radius);
        let healthy = lesions.iter().all(|lesion| lesion.inside(centre) < -2.0 * radius);
        if inside > radius + 30.0 && foot.contains(&depth) && healthy {
            let outline = wavy_circle(centre, 0.85 * radius, (1.0, 0.0), &[], 40);
            if occupancy.take(&outline, centre, 0.0) {
                follicles.push(Follicle { centre, radius });
            }
        }
    }
    follicles
}

pub(super) fn place_vessels(
    fragment: &Fragment,
    lesions: &[Lesion],
    occupancy: &mut Occupancy,
) -> Vec<Vessel> {
    let mut random = Random::new(fragment.seed ^ 0x5E55, 1, 1);
    let span = [
        fragment.bounds.max[0] - fragment.bounds.min[0],
        fragment.bounds.max[1] - fragment.bounds.min[1],
    ];
    let candidates = (span[0] * span[1] / 28_000.0) as u32;
    let mut vessels = Vec::new();
    for _ in 0..candidates {
        let centre = somewhere(fragment.bounds, &mut random);
        let mut own = random.clone();
        random.bits();
        let [inside, depth] = fragment.inside_and_depth(centre);
        let layers = &fragment.layers;
        let in_submucosa = (layers.muscularis_mucosae + 30.0..layers.submucosa).contains(&depth);
        let thin = own.chance(0.55);
        let size = own.unit();
        let radius = if in_submucosa { 12.0 + 70.0 * size * size } else { 10.0 + 16.0 * size };
        let rare = in_submucosa || (depth > layers.submucosa && own.chance(0.2));
        let healthy = lesions.iter().all(|lesion| lesion.inside(centre) < -1.5 * radius);
        if !rare || inside < 1.6 * radius + 20.0 || !healthy {
            continue;
        }
        let vessel = Vessel {
            centre,
            radius,
            ratio: own.range(1.0, if thin { 2.6 } else { 1.5 }),
            angle: own.angle(),
            wall: if thin { 3.5 + 0.05 * radius } else { radius * own.range(0.3, 0.5) },
            filled: own.chance(0.5),
            seed: own.bits(),
        };
        if occupancy.take(&vessel.edge(0.0), centre, 8.0) {
            vessels.push(vessel);
        }
    }
    vessels
}

fn somewhere(bounds: Bounds, random: &mut Random) -> Vec2 {
    let span = [bounds.max[0] - bounds.min[0], bounds.max[1] - bounds.min[1]];
    add(bounds.min, [span[0] * random.unit(), span[1] * random.unit()])
}

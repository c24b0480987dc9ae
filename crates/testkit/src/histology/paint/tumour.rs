//! Carcinoma: crowded irregular glands, large dark nuclei of unlike size, dirty lumens.

use super::{
    Painter,
    canvas::{Canvas, Ellipse},
    cells::Nucleus,
    crypt::{inward_normals, moved},
};
use crate::histology::{
    noise::{Random, smoothstep},
    plane::{Bounds, Vec2, add, along, contains, heading, length, sub, unit_vector, wavy_circle},
    scene::Gland,
};

/// Mean distance of nuclei in microns.
const NUCLEUS_SPACING: f32 = 7.9;

struct Lumen {
    edge: Vec<Vec2>,
    centre: Vec2,
    radius: f32,
    /// Whether dead cells fill it.
    dirty: bool,
}

impl Painter<'_> {
    pub(super) fn paint_tumour_gland(&self, canvas: &mut Canvas, gland: &Gland) {
        let mut random = Random::new(gland.seed, 6, 6);
        let outline = gland.outline(6.0);
        let normals = inward_normals(&outline);
        let lumens = draw_lumens(gland, &outline, &mut random);
        let seam = random.range(0.0, 3.0);
        canvas.fill(&moved(&outline, &normals, -1.5 - seam), |place| {
            let wisps = self.grain.at(place[0] / 6.0, place[1] / 6.0);
            ([0.06, 0.14, 0.0], smoothstep(0.35, 0.7, wisps))
        });
        let dark = random.range(0.85, 1.15);
        canvas.fill(&outline, |place| {
            let fine = self.grain.at(place[0] / 1.8, place[1] / 1.8);
            let patch = self.grain.at(place[0] / 14.0, place[1] / 14.0);
            let haematoxylin = 0.34 * dark * (0.65 + 0.4 * fine + 0.3 * patch);
            ([haematoxylin, 0.44 * (0.75 + 0.5 * fine), 0.0], 0.97)
        });
        for lumen in &lumens {
            self.fill_tumour_lumen(canvas, lumen);
        }
        self.paint_tumour_nuclei(canvas, gland, &outline, &lumens);
    }

    fn fill_tumour_lumen(&self, canvas: &mut Canvas, lumen: &Lumen) {
        canvas.fill(&lumen.edge, |place| {
            if !lumen.dirty {
                let wisps = self.grain.at(place[0] / 5.0, place[1] / 5.0);
                return ([0.02, 0.05 * wisps, 0.0], 0.95);
            }
            let clumps = self.grain.at(place[0] / 5.5, place[1] / 5.5);
            let grit = self.grain.at(place[0] / 1.6, place[1] / 1.6);
            let dust = self.grain.at(place[0] / 2.3 + 77.0, place[1] / 2.3);
            let there = smoothstep(0.30, 0.52, clumps);
            let karyorrhexis = 0.9 * smoothstep(0.74, 0.86, dust);
            ([(0.10 + karyorrhexis) * there, (0.30 + 0.38 * grit) * there, 0.0], 0.95)
        });
    }

    fn paint_tumour_nuclei(
        &self,
        canvas: &mut Canvas,
        gland: &Gland,
        outline: &[Vec2],
        lumens: &[Lumen],
    ) {
        let reach = canvas.bounds().grown(14.0);
        let bounds = Bounds::around(outline);
        let clipped = Bounds {
            min: std::array::from_fn(|axis| reach.min[axis].max(bounds.min[axis])),
            max: std::array::from_fn(|axis| reach.max[axis].min(bounds.max[axis])),
        };
        if clipped.min[0] > clipped.max[0] || clipped.min[1] > clipped.max[1] {
            return;
        }
        // How wild this gland's nuclei are.
        let grade = 0.4 + 0.6 * crate::histology::noise::unit(gland.seed);
        self.lattice(clipped, NUCLEUS_SPACING, gland.seed | 1, |random, place| {
            if !contains(outline, place) || random.chance(0.06) {
                return;
            }
            let nearest = lumens
                .iter()
                .map(|lumen| (length(sub(place, lumen.centre)) - lumen.radius, lumen))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            // The cells' tops, towards a lumen, are free of nuclei.
            if nearest.is_some_and(|(distance, lumen)| {
                distance < 9.0
                    && contains(&scaled(&lumen.edge, lumen.centre, 1.0 + 7.5 / lumen.radius), place)
            }) {
                return;
            }
            let towards = nearest.map_or(gland.centre, |(_, lumen)| lumen.centre);
            let wild = random.range(-1.0, 1.0) * grade;
            let axis = unit_vector(add(unit_vector(sub(place, towards)), {
                let aside = heading(random.angle());
                [aside[0] * (0.25 + 0.5 * grade), aside[1] * (0.25 + 0.5 * grade)]
            }));
            let nucleus = Nucleus {
                centre: place,
                half: [random.range(4.4, 6.4) + 1.3 * wild, random.range(2.5, 3.5) + 0.8 * wild],
                axis,
                density: random.range(0.95, 1.65) + 0.15 * wild,
                open: random.range(0.0, 1.0),
            };
            self.nucleus(canvas, &nucleus);
            if random.chance(0.4) {
                let offset = heading(random.angle());
                let nucleolus = Ellipse {
                    centre: along(place, offset, 1.1),
                    half: [0.9, 0.8],
                    axis: [1.0, 0.0],
                    edge: 0.7,
                };
                canvas.ellipse(&nucleolus, |_, _| ([1.9, 0.5, 0.0], 0.8));
            }
        });
    }
}

fn scaled(outline: &[Vec2], centre: Vec2, factor: f32) -> Vec<Vec2> {
    outline.iter().map(|point| along(centre, sub(*point, centre), factor)).collect()
}

/// One lumen in a gland of middle size, several in a large one (cribriform), none in a small nest.
fn draw_lumens(gland: &Gland, outline: &[Vec2], random: &mut Random) -> Vec<Lumen> {
    let radius = gland.radius;
    let wanted = match radius {
        r if r < 24.0 => usize::from(random.chance(0.25)),
        r if r < 48.0 => 1,
        r if r < 80.0 => 1 + random.bits() as usize % 3,
        _ => 3 + random.bits() as usize % 7,
    };
    let wall = 17.0 + random.range(0.0, 6.0);
    let mut lumens: Vec<Lumen> = Vec::new();
    for attempt in 0..60 {
        if lumens.len() == wanted {
            break;
        }
        let shrink = 1.0 - attempt as f32 / 80.0;
        let size = if wanted == 1 { (radius - wall).max(4.0) } else { 0.42 * radius };
        let size = (size * random.range(0.5, 1.0) * shrink).max(3.0);
        let spread = if wanted == 1 { 0.15 * radius } else { radius };
        let centre = along(gland.centre, heading(random.angle()), spread * random.unit().sqrt());
        let ratio = if wanted == 1 { random.range(1.2, 2.6) } else { random.range(1.0, 1.7) };
        let harmonics: [(f32, f32, f32); 3] =
            std::array::from_fn(|at| (at as f32 + 2.0, random.range(0.03, 0.16), random.angle()));
        let edge = wavy_circle(centre, size, (ratio, gland.angle), &harmonics, 36);
        let apart = lumens.iter().all(|other| {
            length(sub(other.centre, centre)) > other.radius + size * ratio.sqrt() + 0.7 * wall
        });
        let inside = scaled(&edge, centre, 1.0 + wall / size)
            .iter()
            .step_by(3)
            .all(|point| contains(outline, *point));
        if apart && inside {
            lumens.push(Lumen { edge, centre, radius: size, dirty: random.chance(0.5) });
        }
    }
    lumens
}

//! Healthy glands and the surface epithelium, cell by cell.

use super::{
    Painter,
    canvas::{Canvas, Ellipse},
    cells::Nucleus,
};
use crate::histology::{
    noise::{Random, smoothstep},
    plane::{Bounds, Vec2, along, length, perpendicular, scale, sub, unit_vector},
    scene::{Fragment, Gland},
};

/// Width of a cell at its base in microns.
const CELL_WIDTH: f32 = 5.6;
/// Distance of the overlapping bodies that make up the surface's layer; every second has a nucleus.
const CELL_STEP: f32 = 2.4;

/// Unit normals of a closed outline, pointing inwards.
pub(super) fn inward_normals(outline: &[Vec2]) -> Vec<Vec2> {
    let count = outline.len();
    let doubled_area: f32 = (0..count)
        .map(|at| {
            let (a, b) = (outline[at], outline[(at + 1) % count]);
            a[0] * b[1] - b[0] * a[1]
        })
        .sum();
    let sign = doubled_area.signum();
    (0..count)
        .map(|at| {
            let tangent = sub(outline[(at + 1) % count], outline[(at + count - 1) % count]);
            scale(perpendicular(unit_vector(tangent)), sign)
        })
        .collect()
}

/// An outline moved inwards by `depth` microns along its normals.
pub(super) fn moved(outline: &[Vec2], normals: &[Vec2], depth: f32) -> Vec<Vec2> {
    outline.iter().zip(normals).map(|(point, normal)| along(*point, *normal, depth)).collect()
}

/// What distinguishes one crypt from the next.
struct Habit {
    /// Share of goblet cells.
    goblets: f32,
    /// Depth of the lumen's edge as share of the radius.
    lumen: f32,
    /// Half the length of a goblet cell's vacuole as share of the radius.
    vacuole: f32,
    /// Width of the pale seam around the crypt.
    seam: f32,
    /// Darkness of cytoplasm: crypts near their base are darker.
    dark: f32,
}

impl Painter<'_> {
    pub(super) fn paint_crypt(&self, canvas: &mut Canvas, gland: &Gland) {
        let mut random = Random::new(gland.seed, 5, 5);
        let region = self.slow_noise(0x60, gland.centre, 700.0);
        let habit = Habit {
            goblets: (0.25 + 1.1 * region + random.range(-0.2, 0.2)).clamp(0.15, 0.97),
            lumen: random.range(0.64, 0.88),
            vacuole: random.range(0.17, 0.33),
            seam: random.range(0.0, 4.0),
            dark: random.range(0.0, 1.0) * (1.2 - region),
        };
        let outline = gland.outline(CELL_WIDTH);
        let normals = inward_normals(&outline);
        let seam = moved(&outline, &normals, -habit.seam - 1.0);
        canvas.fill(&seam, |place| {
            let wisps = self.grain.at(place[0] / 3.0, place[1] / 3.0);
            let broken = self.grain.at(place[0] / 8.0 + 9.0, place[1] / 8.0);
            ([0.06, 0.10 + 0.16 * wisps, 0.0], smoothstep(0.4, 0.75, broken))
        });
        canvas.fill(&moved(&outline, &normals, -1.2), |_| ([0.16, 0.46, 0.0], 0.7));
        self.fill_cytoplasm(canvas, &outline, &habit);
        self.paint_goblets(canvas, &outline, &normals, &habit, gland.radius, &mut random);
        let lumen = Gland { radius: (1.0 - habit.lumen) * gland.radius, ..gland.clone() };
        self.fill_lumen(canvas, &lumen);
        self.paint_crypt_nuclei(canvas, &outline, &normals, &habit, &mut random);
    }

    fn fill_cytoplasm(&self, canvas: &mut Canvas, outline: &[Vec2], habit: &Habit) {
        canvas.fill(outline, |place| {
            let fine = self.grain.at(place[0] / 1.7, place[1] / 1.7);
            let haematoxylin = 0.20 + 0.16 * habit.dark;
            let eosin = 0.36 + 0.10 * habit.dark;
            ([haematoxylin * (0.7 + 0.6 * fine), eosin * (0.8 + 0.4 * fine), 0.0], 0.97)
        });
    }

    fn fill_lumen(&self, canvas: &mut Canvas, lumen: &Gland) {
        let mucus = if lumen.seed.is_multiple_of(3) { 0.10 } else { 0.03 };
        // Cell tops bulge into the lumen.
        let mut edge = lumen.outline(2.5);
        let normals = inward_normals(&edge);
        for (point, normal) in edge.iter_mut().zip(&normals) {
            let bulge = self.grain.at(point[0] / 3.6, point[1] / 3.6) - 0.5;
            *point = along(*point, *normal, 0.5 * lumen.radius.min(8.0) * bulge);
        }
        canvas.fill(&edge, |place| {
            let wisps = self.grain.at(place[0] / 4.0, place[1] / 4.0);
            ([mucus * wisps, 0.02 + mucus * wisps, 0.0], 0.92)
        });
    }

    /// Goblet cells: petals of pale mucin from the base to the lumen.
    fn paint_goblets(
        &self,
        canvas: &mut Canvas,
        outline: &[Vec2],
        normals: &[Vec2],
        habit: &Habit,
        radius: f32,
        random: &mut Random,
    ) {
        let count = outline.len();
        let mut at = 0;
        while at + 1 < count {
            let mut own = random.clone();
            random.bits();
            let goblet = own.chance(habit.goblets);
            let next = (at + 2) % count;
            let (base, normal) = (outline[at + 1], normals[at + 1]);
            let depth = radius * own.range(0.46, 0.58);
            let width = length(sub(
                along(outline[next], normals[next], depth),
                along(outline[at], normals[at], depth),
            ));
            if goblet && width > 1.5 {
                let lean = own.range(-0.25, 0.25);
                let axis = unit_vector(along(normal, perpendicular(normal), lean));
                let vacuole = Ellipse {
                    centre: along(base, normal, depth),
                    half: [
                        radius * own.range(0.8, 1.1) * habit.vacuole,
                        (0.5 * width * own.range(0.8, 1.12)).min(7.0),
                    ],
                    axis,
                    edge: 1.3,
                };
                let tint = own.range(0.03, 0.13);
                canvas.ellipse(&vacuole, |place, _| {
                    let web = self.grain.at(place[0] / 2.2, place[1] / 2.2);
                    ([tint + 0.07 * web, 0.03 + 0.05 * web, 0.0], 0.93)
                });
            }
            at += 2;
        }
    }

    fn paint_crypt_nuclei(
        &self,
        canvas: &mut Canvas,
        outline: &[Vec2],
        normals: &[Vec2],
        habit: &Habit,
        random: &mut Random,
    ) {
        for (base, normal) in outline.iter().zip(normals) {
            let mut own = random.clone();
            random.bits();
            // Goblet cells press their nuclei flat against the base.
            let tall = own.unit() > habit.goblets * 0.9;
            let (half, depth) = if tall {
                ([own.range(3.4, 4.8), own.range(1.9, 2.5)], own.range(4.6, 7.0))
            } else {
                ([own.range(1.6, 2.3), own.range(2.3, 3.2)], own.range(2.4, 3.8))
            };
            if own.chance(0.92) {
                let nucleus = Nucleus {
                    centre: along(*base, *normal, depth),
                    half,
                    axis: *normal,
                    density: own.range(1.1, 1.6),
                    open: 0.25,
                };
                self.nucleus(canvas, &nucleus);
            }
        }
    }

    /// The layer of cells on the mucosal surface.
    pub(super) fn paint_surface(&self, canvas: &mut Canvas, fragment: &Fragment) {
        let reach = canvas.bounds().grown(40.0);
        if !reach.touches(&fragment.bounds) {
            return;
        }
        let line = &fragment.surface;
        let count = line.len();
        let last = if fragment.surface_is_closed { count } else { count - 1 };
        for at in 0..last {
            let (a, b) = (line[at], line[(at + 1) % count]);
            if !Bounds::around(&[a, b]).touches(&reach) {
                continue;
            }
            let tangent = unit_vector(sub(b, a));
            let mut normal = perpendicular(tangent);
            if fragment.inside(along(a, normal, 20.0)) < 0.0 {
                normal = scale(normal, -1.0);
            }
            let steps = (length(sub(b, a)) / CELL_STEP).ceil() as i32;
            let place = |step: i32| along(a, sub(b, a), step as f32 / steps as f32);
            // All bodies first: a neighbour's body must not cover a nucleus.
            (0..steps).for_each(|step| self.surface_body(canvas, place(step), normal));
            for step in (0..steps).step_by(2) {
                let mut random = Random::new(fragment.seed ^ 0x5F, at as i32, step);
                self.surface_cell(canvas, place(step), normal, &mut random);
            }
        }
    }

    fn has_surface(&self, edge: Vec2, normal: Vec2) -> bool {
        let deep = along(edge, normal, 22.0);
        self.slow_noise(0x61, edge, 260.0) > 0.16
            && self.lesions.iter().all(|lesion| lesion.inside(deep) < 0.0)
    }

    fn surface_body(&self, canvas: &mut Canvas, edge: Vec2, normal: Vec2) {
        if !self.has_surface(edge, normal) {
            return;
        }
        let body = Ellipse {
            centre: along(edge, normal, 11.5),
            half: [12.5, 4.2],
            axis: normal,
            edge: 1.0,
        };
        canvas.ellipse(&body, |place, _| {
            let fine = self.grain.at(place[0] / 1.7, place[1] / 1.7);
            ([0.19 * (0.6 + 0.8 * fine), 0.46 * (0.75 + 0.5 * fine), 0.0], 0.95)
        });
    }

    fn surface_cell(&self, canvas: &mut Canvas, edge: Vec2, normal: Vec2, random: &mut Random) {
        if !self.has_surface(edge, normal) {
            return;
        }
        if random.chance(0.22) {
            let vacuole = Ellipse {
                centre: along(edge, normal, 8.0),
                half: [6.0, 3.4],
                axis: normal,
                edge: 1.2,
            };
            canvas.ellipse(&vacuole, |_, out| ([0.10, 0.05, 0.0], 0.9 * smoothstep(1.1, 0.8, out)));
        }
        let nucleus = Nucleus {
            centre: along(edge, normal, 17.0 + random.range(-1.8, 1.8)),
            half: [random.range(3.6, 4.8), random.range(1.8, 2.3)],
            axis: normal,
            density: random.range(1.15, 1.55),
            open: 0.25,
        };
        self.nucleus(canvas, &nucleus);
    }
}

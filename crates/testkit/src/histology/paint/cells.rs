//! Cells outside glands: lymphocytes, plasma cells, fibroblasts, muscle nuclei, capillaries.

use super::{
    Painter,
    canvas::{Canvas, Ellipse},
};
use crate::histology::{
    noise::Random,
    plane::{Vec2, heading, perpendicular},
};

/// How a nucleus looks.
#[derive(Copy, Clone)]
pub(super) struct Nucleus {
    pub(super) centre: Vec2,
    pub(super) half: [f32; 2],
    pub(super) axis: Vec2,
    /// Haematoxylin of the nucleus.
    pub(super) density: f32,
    /// 0: evenly dark; 1: a dark rim around a pale middle.
    pub(super) open: f32,
}

impl Painter<'_> {
    pub(super) fn nucleus(&self, canvas: &mut Canvas, nucleus: &Nucleus) {
        let Nucleus { centre, half, axis, density, open } = *nucleus;
        let ellipse = Ellipse { centre, half, axis, edge: 0.65 };
        // Neighbours would share their grain otherwise.
        let shift = 40.0 * self.chance_at(0xC4, centre);
        canvas.ellipse(&ellipse, |place, out| {
            let clumps = self.grain.at(place[0] / 0.95 + shift, place[1] / 0.95 - shift);
            let rim = 1.0 - open * 0.55 * (1.0 - out * out).max(0.0);
            let haematoxylin = density * rim * (0.62 + 0.76 * clumps);
            ([haematoxylin, 0.42, 0.0], 0.95)
        });
    }

    /// Scattered cells of the connective tissue.
    pub(super) fn paint_scattered_cells(&self, canvas: &mut Canvas) {
        let bounds = canvas.bounds().grown(14.0);
        self.lattice(bounds, 8.4, 0x1A, |random, place| {
            let Some(ground) = self.ground_at(place).filter(|ground| ground.inside > 7.0) else {
                return;
            };
            let crowd = 0.35 + 1.3 * self.slow_noise(0x1B, place, 140.0);
            let share = 0.46 * ground.mucosa * crowd
                + 0.26 * ground.tumour * crowd
                + 0.035 * ground.submucosa
                + 0.006 * ground.muscle;
            if ground.fat < 0.15 && random.chance(share) {
                self.round_cell(canvas, random, place);
            }
        });
        self.lattice(bounds, 15.0, 0x2A, |random, place| {
            let Some(ground) = self.ground_at(place).filter(|ground| ground.inside > 7.0) else {
                return;
            };
            let share = 0.30 * ground.mucosa
                + 0.78 * ground.tumour
                + 0.22 * ground.submucosa
                + 0.50 * ground.muscle;
            if ground.fat < 0.15 && random.chance(share) {
                self.spindle_cell(canvas, random, place, ground.tumour);
            }
        });
        self.lattice(bounds, 46.0, 0x3A, |random, place| {
            let Some(ground) = self.ground_at(place).filter(|ground| ground.inside > 16.0) else {
                return;
            };
            if random.chance(0.5 * ground.mucosa + 0.4 * ground.tumour) {
                self.capillary(canvas, random, place);
            }
        });
        if self.follicles.iter().any(|f| bounds.grown(1.2 * f.radius).contains(f.centre)) {
            self.paint_follicles(canvas);
        }
    }

    fn paint_follicles(&self, canvas: &mut Canvas) {
        self.lattice(canvas.bounds().grown(8.0), 6.6, 0x4A, |random, place| {
            let follicle = self.ground_at(place).map_or(0.0, |ground| ground.follicle);
            if follicle > 0.05 && random.chance(0.96 * follicle) {
                let radius = random.range(2.3, 3.1);
                let nucleus = Nucleus {
                    centre: place,
                    half: [radius, radius * random.range(0.82, 1.0)],
                    axis: heading(random.angle()),
                    density: random.range(1.1, 1.7),
                    open: 0.2,
                };
                self.nucleus(canvas, &nucleus);
            }
        });
    }

    /// A lymphocyte, or a plasma cell with its cytoplasm and eccentric nucleus.
    fn round_cell(&self, canvas: &mut Canvas, random: &mut Random, place: Vec2) {
        let axis = heading(random.angle());
        if random.chance(0.35) {
            let cytoplasm = Ellipse { centre: place, half: [5.6, 4.2], axis, edge: 1.2 };
            canvas.ellipse(&cytoplasm, |_, _| ([0.34, 0.46, 0.0], 0.75));
        }
        let radius = random.range(2.4, 3.4);
        let nucleus = Nucleus {
            centre: crate::histology::plane::along(place, axis, 1.3),
            half: [radius, radius * random.range(0.75, 1.0)],
            axis,
            density: random.range(1.25, 1.75),
            open: 0.15,
        };
        self.nucleus(canvas, &nucleus);
    }

    /// A fibroblast or muscle nucleus that follows the fibres; plumper beside a tumour.
    fn spindle_cell(&self, canvas: &mut Canvas, random: &mut Random, place: Vec2, tumour: f32) {
        let nucleus = Nucleus {
            centre: place,
            half: [random.range(4.5, 8.5), random.range(1.0, 1.6) + 0.7 * tumour],
            axis: self.fibre_direction(place),
            density: random.range(0.95, 1.5) - 0.1 * tumour,
            open: 0.35 * tumour,
        };
        self.nucleus(canvas, &nucleus);
    }

    fn capillary(&self, canvas: &mut Canvas, random: &mut Random, place: Vec2) {
        let axis = self.fibre_direction(place);
        let (a, b) = (random.range(5.0, 15.0), random.range(2.6, 4.8));
        let filled = random.chance(0.6);
        let wall = Ellipse { centre: place, half: [a + 1.4, b + 1.4], axis, edge: 0.8 };
        canvas.ellipse(&wall, |_, _| ([0.12, 0.45, 0.0], 0.85));
        let lumen = Ellipse { centre: place, half: [a, b], axis, edge: 0.8 };
        canvas.ellipse(&lumen, |at, _| {
            let blood = if filled { self.red_cells(at) } else { 0.0 };
            ([0.0, 0.03, blood], 0.95)
        });
        let side = crate::histology::plane::along(place, perpendicular(axis), b + 0.8);
        let nucleus = Nucleus { centre: side, half: [4.2, 1.3], axis, density: 1.4, open: 0.0 };
        self.nucleus(canvas, &nucleus);
    }

    /// Blood at a place: closely packed red cells of about 6 um.
    pub(super) fn red_cells(&self, place: Vec2) -> f32 {
        let packed = self.grain.at(place[0] / 3.1, place[1] / 3.1);
        crate::histology::noise::smoothstep(0.22, 0.42, packed) * (0.62 + 0.22 * packed)
    }
}

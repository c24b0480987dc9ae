//! Vessels of the submucosa and muscle.

use super::{Painter, canvas::Canvas, cells::Nucleus};
use crate::histology::{
    noise::{Random, smoothstep},
    plane::{along, heading, perpendicular, sub, unit_vector},
    scene::Vessel,
};

impl Painter<'_> {
    pub(super) fn paint_vessel(&self, canvas: &mut Canvas, vessel: &Vessel) {
        canvas.fill(&vessel.edge(4.0), |place| {
            let wisps = self.grain.at(place[0] / 7.0, place[1] / 7.0);
            ([0.03, 0.10, 0.0], 0.9 * smoothstep(0.35, 0.8, wisps))
        });
        canvas.fill(&vessel.edge(0.0), |place| {
            let fine = self.grain.at(place[0] / 1.6, place[1] / 1.6);
            ([0.10, 0.46 + 0.16 * fine, 0.0], 0.95)
        });
        self.wall_nuclei(canvas, vessel);
        let lumen = vessel.edge(-vessel.wall);
        canvas.fill(&lumen, |place| {
            let blood = if vessel.filled { self.red_cells(place) } else { 0.0 };
            ([0.0, 0.02, blood], 0.96)
        });
        self.endothelium(canvas, vessel);
    }

    /// Muscle nuclei in the wall, along its rings.
    fn wall_nuclei(&self, canvas: &mut Canvas, vessel: &Vessel) {
        let mut depth = 3.0;
        let mut ring = 0;
        while depth < vessel.wall - 2.0 {
            let edge = vessel.edge(-depth);
            for (at, point) in edge.iter().enumerate() {
                let mut random = Random::new(vessel.seed ^ 0x77, at as i32, ring);
                let next = edge[(at + 1) % edge.len()];
                let step = crate::histology::plane::length(sub(next, *point));
                if random.chance(step / 26.0) {
                    let nucleus = Nucleus {
                        centre: *point,
                        half: [random.range(3.5, 6.0), random.range(1.1, 1.6)],
                        axis: unit_vector(sub(next, *point)),
                        density: random.range(1.0, 1.4),
                        open: 0.0,
                    };
                    self.nucleus(canvas, &nucleus);
                }
            }
            depth += 5.5;
            ring += 1;
        }
    }

    fn endothelium(&self, canvas: &mut Canvas, vessel: &Vessel) {
        let mut random = Random::new(vessel.seed, 9, 9);
        let edge = vessel.edge(-vessel.wall);
        for (at, point) in edge.iter().enumerate() {
            let next = edge[(at + 1) % edge.len()];
            let tangent = unit_vector(sub(next, *point));
            let step = crate::histology::plane::length(sub(next, *point));
            if random.chance(step / 15.0) {
                let nucleus = Nucleus {
                    centre: along(*point, perpendicular(tangent), 0.4),
                    half: [random.range(3.2, 4.6), random.range(1.1, 1.5)],
                    axis: unit_vector(sub(along(next, heading(random.angle()), 0.5), *point)),
                    density: random.range(1.2, 1.6),
                    open: 0.0,
                };
                self.nucleus(canvas, &nucleus);
            }
        }
    }
}

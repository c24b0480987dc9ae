//! Pen strokes on the cover slip.

use crate::histology::{
    noise::Random,
    plane::{Bounds, Vec2, along, distance_to_segment, heading, perpendicular, sub, unit_vector},
    recipe::InkColour,
};

/// One stroke: a bent line of even width.
pub(crate) struct Stroke {
    pub(crate) colour: InkColour,
    pub(crate) width: f32,
    pub(crate) bounds: Bounds,
    line: Vec<Vec2>,
}

impl Stroke {
    /// Distance in microns to the stroke's edge, positive inside.
    pub(crate) fn inside(&self, place: Vec2) -> f32 {
        let distances =
            self.line.windows(2).map(|pair| distance_to_segment(place, pair[0], pair[1]));
        0.5 * self.width - distances.fold(f32::INFINITY, f32::min)
    }

    /// Its outline, without the round ends.
    pub(crate) fn outline(&self) -> Vec<Vec2> {
        let side = |at: usize, sign: f32| {
            let (before, after) =
                (self.line[at.saturating_sub(1)], self.line[(at + 1).min(self.line.len() - 1)]);
            let across = perpendicular(unit_vector(sub(after, before)));
            along(self.line[at], across, 0.5 * sign * self.width)
        };
        let count = self.line.len();
        (0..count)
            .map(|at| side(at, 1.0))
            .chain((0..count).rev().map(|at| side(at, -1.0)))
            .collect()
    }
}

/// One stroke of each colour on a slide of `size` microns.
pub(super) fn draw(size: Vec2, colours: &[InkColour], seed: u32) -> Vec<Stroke> {
    let short = size[0].min(size[1]);
    let width = (0.05 * short).min(450.0);
    let stroke = |(number, colour): (i32, &InkColour)| {
        let mut random = Random::new(seed ^ 0x1214, number, 1);
        let centre = [0, 1].map(|axis| size[axis] * random.range(0.3, 0.7));
        let mut angle = random.angle();
        let turn = random.range(-0.14, 0.14);
        let mut place = along(centre, heading(angle), -0.2 * short);
        let mut line = vec![place];
        for _ in 0..12 {
            angle += turn;
            place = along(place, heading(angle), 0.035 * short);
            line.push(place);
        }
        Stroke { colour: *colour, width, bounds: Bounds::around(&line).grown(0.5 * width), line }
    };
    (0..).zip(colours).map(stroke).collect()
}

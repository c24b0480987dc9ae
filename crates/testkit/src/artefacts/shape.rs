//! Where artefacts lie: closed regions and strokes along a line.

use std::f64::consts::TAU;

use bianque_core::{Level0, Point, Polygon, Rect};

use crate::histology::noise::Random;

/// Points of an outline.
const OUTLINE: u32 = 96;

/// A star-shaped region: circle, ellipse, or an irregular blob.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its centre.
    pub centre: Point<Level0>,
    /// Half its width and height before turning, in level-0 pixels.
    pub radii: (f64, f64),
    /// Turned by this many radians.
    pub angle: f64,
    /// Width of the border in level-0 pixels over which it fades; 0 is sharp.
    pub border: f64,
    /// Amplitude (share of the radius) and phase of the outline's 2nd, 3rd and 5th harmonic.
    waves: [(f64, f64); 3],
}

impl Region {
    /// An ellipse with a sharp border.
    #[must_use]
    pub fn ellipse(centre: Point<Level0>, radius_x: f64, radius_y: f64) -> Self {
        let waves = [(0.0, 0.0); 3];
        Self { centre, radii: (radius_x, radius_y), angle: 0.0, border: 0.0, waves }
    }

    /// An irregular region of about these radii; `wobble` is the outline's roughness, 0 to 0.5.
    #[must_use]
    pub fn blob(
        centre: Point<Level0>,
        radius_x: f64,
        radius_y: f64,
        wobble: f64,
        seed: u32,
    ) -> Self {
        let mut random = Random::new(seed, 17, 4);
        let waves = [0.5, 0.3, 0.2].map(|part| (wobble * part, f64::from(random.angle())));
        let angle = f64::from(random.angle());
        Self { angle, waves, ..Self::ellipse(centre, radius_x, radius_y) }
    }

    /// The same region with a border that fades over `width` level-0 pixels.
    #[must_use]
    pub fn fading(self, width: f64) -> Self {
        Self { border: width, ..self }
    }

    fn radius_factor(&self, angle: f64) -> f64 {
        let wave = |(order, (amplitude, phase)): (f64, (f64, f64))| {
            amplitude * (order * angle + phase).sin()
        };
        1.0 + [2.0, 3.0, 5.0].into_iter().zip(self.waves).map(wave).sum::<f64>()
    }

    /// How far a place lies from the outline in level-0 pixels, along the ray from the centre;
    /// negative inside.
    #[must_use]
    pub fn distance(&self, place: Point<Level0>) -> f64 {
        let (x, y) = turned(place.x - self.centre.x, place.y - self.centre.y, -self.angle);
        let (u, v) = (x / self.radii.0, y / self.radii.1);
        let scaled = u.hypot(v);
        if scaled < 1e-6 {
            return -self.radii.0.min(self.radii.1);
        }
        x.hypot(y) * (1.0 - self.radius_factor(v.atan2(u)) / scaled)
    }

    /// The region's share of a pixel of `step` level-0 pixels, 0 to 1, its border faded.
    #[must_use]
    pub fn share(&self, place: Point<Level0>, step: f64) -> f32 {
        let widest = 1.0 + self.waves.iter().map(|(amplitude, _)| amplitude.abs()).sum::<f64>();
        let reach = self.radii.0.max(self.radii.1) * widest + self.border.max(step);
        let (x, y) = (place.x - self.centre.x, place.y - self.centre.y);
        if x * x + y * y > reach * reach {
            return 0.0;
        }
        (0.5 - self.distance(place) / self.border.max(step)).clamp(0.0, 1.0) as f32
    }

    /// Its outline where the border has faded to a half.
    #[must_use]
    pub fn outline(&self) -> Polygon<Level0> {
        self.outline_at(0.0)
    }

    fn outline_at(&self, further: f64) -> Polygon<Level0> {
        let point = |at: u32| {
            let angle = TAU * f64::from(at) / f64::from(OUTLINE);
            let factor = self.radius_factor(angle);
            let (x, y) = (angle.cos() * self.radii.0 * factor, angle.sin() * self.radii.1 * factor);
            let longer = 1.0 + further / x.hypot(y).max(1e-9);
            let (x, y) = turned(x * longer, y * longer, self.angle);
            Point::new(self.centre.x + x, self.centre.y + y)
        };
        Polygon::simple((0..OUTLINE).map(point).collect())
    }

    /// The rectangle around everything within `further` level-0 pixels of its faded border.
    #[must_use]
    pub fn bounds(&self, further: f64) -> Option<Rect<Level0>> {
        self.outline_at(self.border / 2.0 + further + 2.0).bounds()
    }
}

/// A line with a width that may change along it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// The line's points with the half width there, in level-0 pixels.
    points: Vec<(Point<Level0>, f64)>,
}

impl Stroke {
    /// A line from `start` to `end`, `width` level-0 pixels wide, that leaves the straight by up to
    /// `bend` times its length.
    #[must_use]
    pub fn wavy(
        start: Point<Level0>,
        end: Point<Level0>,
        width: f64,
        bend: f64,
        seed: u32,
    ) -> Self {
        let mut random = Random::new(seed, 5, 23);
        let swings: Vec<(f64, f64)> = (1..=3)
            .map(|order| (f64::from(random.range(-1.0, 1.0)) / f64::from(order), f64::from(order)))
            .collect();
        let (dx, dy) = (end.x - start.x, end.y - start.y);
        let count = 32;
        let points = (0..=count).map(|at| {
            let t = f64::from(at) / f64::from(count);
            let swing: f64 =
                swings.iter().map(|(a, order)| a * (t * order * TAU / 2.0).sin()).sum();
            let aside = swing * bend;
            let place = Point::new(start.x + dx * t - dy * aside, start.y + dy * t + dx * aside);
            (place, width / 2.0)
        });
        Self { points: points.collect() }
    }

    /// The same line, pointed at both ends and up to `rough` (0 to 1) narrower between.
    #[must_use]
    pub fn tapered(mut self, rough: f64) -> Self {
        let count = self.points.len() as f64 - 1.0;
        let mut random = Random::new(self.points.len() as u32, self.points[0].0.x as i32, 9);
        for (at, (_, half)) in (0..).zip(&mut self.points) {
            let t = f64::from(at) / count;
            *half *=
                (t * TAU / 2.0).sin().max(0.0).sqrt() * (1.0 - rough * f64::from(random.unit()));
        }
        self
    }

    /// Where it is nearest to a place: the distance from its middle line in level-0 pixels, positive
    /// on its right, and its half width there.
    #[must_use]
    pub fn nearest(&self, place: Point<Level0>) -> (f64, f64) {
        // Squared distance, side, half width.
        let mut best = (f64::INFINITY, 1.0, 0.0);
        for pair in self.points.windows(2) {
            let ((a, half_a), (b, half_b)) = (pair[0], pair[1]);
            let (dx, dy) = (b.x - a.x, b.y - a.y);
            let (px, py) = (place.x - a.x, place.y - a.y);
            let t = ((px * dx + py * dy) / (dx * dx + dy * dy).max(1e-12)).clamp(0.0, 1.0);
            let squared = (px - t * dx).powi(2) + (py - t * dy).powi(2);
            if squared < best.0 {
                let side = if dx * py - dy * px >= 0.0 { 1.0 } else { -1.0 };
                best = (squared, side, half_a + (half_b - half_a) * t);
            }
        }
        (best.0.sqrt() * best.1, best.2)
    }

    /// The stroke's share of a pixel of `step` level-0 pixels, 0 to 1.
    #[must_use]
    pub fn share(&self, place: Point<Level0>, step: f64) -> f32 {
        let (distance, half) = self.nearest(place);
        band(distance, -half, half, step)
    }

    /// Its outline.
    #[must_use]
    pub fn outline(&self) -> Polygon<Level0> {
        self.outline_at(0.0)
    }

    fn outline_at(&self, further: f64) -> Polygon<Level0> {
        let last = self.points.len() - 1;
        let side = |at: usize, sign: f64| {
            let (a, b) = (self.points[at.saturating_sub(1)].0, self.points[(at + 1).min(last)].0);
            let length = (b.x - a.x).hypot(b.y - a.y).max(1e-9);
            let (place, half) = self.points[at];
            let far = sign * (half + further) / length;
            let along = match at {
                0 => -further / length,
                at if at == last => further / length,
                _ => 0.0,
            };
            Point::new(
                place.x - (b.y - a.y) * far + (b.x - a.x) * along,
                place.y + (b.x - a.x) * far + (b.y - a.y) * along,
            )
        };
        let right = (0..=last).map(|at| side(at, 1.0));
        Polygon::simple(right.chain((0..=last).rev().map(|at| side(at, -1.0))).collect())
    }

    /// The rectangle around everything within `further` level-0 pixels of it.
    #[must_use]
    pub fn bounds(&self, further: f64) -> Option<Rect<Level0>> {
        let widest = self.points.iter().map(|(_, half)| *half).fold(0.0, f64::max);
        let around = Rect::around(self.points.iter().map(|(place, _)| *place))?;
        let far = widest + further + 2.0;
        Some(Rect {
            min: Point::new(around.min.x - far, around.min.y - far),
            max: Point::new(around.max.x + far, around.max.y + far),
        })
    }
}

/// How much of a pixel of `step`, `at` from a line, lies between `from` and `to`: the exact share
/// along one axis, so that a line thinner than a pixel grows faint instead of vanishing.
pub(super) fn band(at: f64, from: f64, to: f64, step: f64) -> f32 {
    let covered = (at + step / 2.0).min(to) - (at - step / 2.0).max(from);
    (covered / step).clamp(0.0, 1.0) as f32
}

/// The rectangle around several.
pub(super) fn around(all: impl Iterator<Item = Option<Rect<Level0>>>) -> Option<Rect<Level0>> {
    Rect::around(all.flatten().flat_map(|rect| [rect.min, rect.max]))
}

fn turned(x: f64, y: f64, angle: f64) -> (f64, f64) {
    let (sin, cos) = angle.sin_cos();
    (x * cos - y * sin, x * sin + y * cos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_is_where_the_share_is_a_half() {
        let region = Region::blob(Point::new(50.0, 80.0), 40.0, 20.0, 0.3, 7).fading(6.0);
        for point in region.outline().outer {
            assert!((region.share(point, 1.0) - 0.5).abs() < 1e-3);
        }
        let circle = Region::ellipse(Point::new(0.0, 0.0), 10.0, 10.0);
        assert!((circle.outline().area() - 314.16).abs() < 1.0);
        assert_eq!(circle.share(Point::new(3.0, 3.0), 1.0), 1.0);
        assert_eq!(circle.share(Point::new(13.0, 0.0), 1.0), 0.0);
    }

    #[test]
    fn a_stroke_covers_its_area() {
        let stroke = Stroke::wavy(Point::new(10.0, 10.0), Point::new(90.0, 60.0), 7.0, 0.1, 2);
        for step in [1.0, 3.0, 10.0] {
            let count = (120.0 / step) as i32;
            let mut sum = 0.0;
            for at in 0..count * count {
                let centre = |at: i32| (f64::from(at) + 0.5) * step;
                let place = Point::new(centre(at % count), centre(at / count));
                sum += f64::from(stroke.share(place, step)) * step * step;
            }
            let area = stroke.outline().area();
            assert!((sum / area - 1.0).abs() < 0.2, "{step}: {sum} of {area}");
        }
    }
}

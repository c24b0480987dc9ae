//! Vectors and outlines in microns on the glass, in `f32`: to 0.01 um exact on a slide of 10 cm.

use std::f32::consts::TAU;

/// A place or direction in microns.
pub(crate) type Vec2 = [f32; 2];

pub(crate) fn add(a: Vec2, b: Vec2) -> Vec2 {
    [a[0] + b[0], a[1] + b[1]]
}

pub(crate) fn sub(a: Vec2, b: Vec2) -> Vec2 {
    [a[0] - b[0], a[1] - b[1]]
}

pub(crate) fn scale(a: Vec2, factor: f32) -> Vec2 {
    [a[0] * factor, a[1] * factor]
}

/// `a` moved by `length` along `direction`.
pub(crate) fn along(a: Vec2, direction: Vec2, length: f32) -> Vec2 {
    add(a, scale(direction, length))
}

pub(crate) fn length(a: Vec2) -> f32 {
    (a[0] * a[0] + a[1] * a[1]).sqrt()
}

pub(crate) fn unit_vector(a: Vec2) -> Vec2 {
    let length = length(a);
    if length > 1e-6 { scale(a, 1.0 / length) } else { [1.0, 0.0] }
}

pub(crate) fn heading(angle: f32) -> Vec2 {
    let (sin, cos) = angle.sin_cos();
    [cos, sin]
}

/// A quarter turn.
pub(crate) fn perpendicular(a: Vec2) -> Vec2 {
    [-a[1], a[0]]
}

/// An axis-parallel box in microns.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) min: Vec2,
    pub(crate) max: Vec2,
}

impl Bounds {
    pub(crate) fn around(points: &[Vec2]) -> Self {
        points.iter().fold(
            Self { min: [f32::INFINITY; 2], max: [f32::NEG_INFINITY; 2] },
            |bounds, point| Self {
                min: [bounds.min[0].min(point[0]), bounds.min[1].min(point[1])],
                max: [bounds.max[0].max(point[0]), bounds.max[1].max(point[1])],
            },
        )
    }

    pub(crate) fn grown(self, by: f32) -> Self {
        Self { min: sub(self.min, [by; 2]), max: add(self.max, [by; 2]) }
    }

    pub(crate) fn contains(&self, point: Vec2) -> bool {
        (0..2).all(|axis| (self.min[axis]..=self.max[axis]).contains(&point[axis]))
    }

    pub(crate) fn touches(&self, other: &Self) -> bool {
        (0..2).all(|axis| self.min[axis] <= other.max[axis] && other.min[axis] <= self.max[axis])
    }
}

/// Whether a point lies inside a closed outline (even-odd rule).
pub(crate) fn contains(outline: &[Vec2], point: Vec2) -> bool {
    let mut inside = false;
    let mut previous = outline.len().wrapping_sub(1);
    for (at, a) in outline.iter().enumerate() {
        let b = outline[previous];
        if (a[1] > point[1]) != (b[1] > point[1])
            && point[0] < (b[0] - a[0]) * (point[1] - a[1]) / (b[1] - a[1]) + a[0]
        {
            inside = !inside;
        }
        previous = at;
    }
    inside
}

/// The distance from a point to a line between two points.
pub(crate) fn distance_to_segment(point: Vec2, a: Vec2, b: Vec2) -> f32 {
    let (ab, ap) = (sub(b, a), sub(point, a));
    let length2 = ab[0] * ab[0] + ab[1] * ab[1];
    let t = if length2 > 0.0 { (ap[0] * ab[0] + ap[1] * ab[1]) / length2 } else { 0.0 };
    length(sub(ap, scale(ab, t.clamp(0.0, 1.0))))
}

/// The places on an open or closed line at equal steps near `step`, first point included.
pub(crate) fn resample(line: &[Vec2], closed: bool, step: f32) -> Vec<Vec2> {
    let count = if closed { line.len() } else { line.len().saturating_sub(1) };
    let segment = |at: usize| (line[at], line[(at + 1) % line.len()]);
    let total: f32 = (0..count).map(|at| length(sub(segment(at).1, segment(at).0))).sum();
    let steps = (total / step).round().max(1.0);
    let step = total / steps;
    let mut points = Vec::with_capacity(steps as usize + 1);
    let mut until_next = 0.0;
    for at in 0..count {
        let (a, b) = segment(at);
        let span = length(sub(b, a));
        while until_next < span && points.len() < steps as usize {
            points.push(add(a, scale(sub(b, a), until_next / span)));
            until_next += step;
        }
        until_next -= span;
    }
    if !closed {
        points.extend(line.last());
    }
    points
}

/// A closed outline whose radius swings around `radius` by harmonics: `(number, share, phase)`.
pub(crate) fn wavy_circle(
    centre: Vec2,
    radius: f32,
    stretch: (f32, f32),
    harmonics: &[(f32, f32, f32)],
    points: usize,
) -> Vec<Vec2> {
    let (ratio, angle) = stretch;
    let axis = heading(angle);
    let across = perpendicular(axis);
    (0..points)
        .map(|at| {
            let turn = TAU * at as f32 / points as f32;
            let swing: f32 =
                harmonics.iter().map(|(n, share, phase)| share * (n * turn + phase).cos()).sum();
            let r = radius * (1.0 + swing);
            let (sin, cos) = turn.sin_cos();
            let place = along(centre, axis, r * cos * ratio.sqrt());
            along(place, across, r * sin / ratio.sqrt())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampling_keeps_the_ends_and_the_step() {
        let line = [[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]];
        let points = resample(&line, false, 2.0);
        assert_eq!(points.len(), 11);
        assert!(length(sub(points[10], [10.0, 10.0])) < 1e-3);
        let ring = wavy_circle([0.0; 2], 50.0, (1.0, 0.0), &[], 90);
        let even = resample(&ring, true, 5.0);
        assert_eq!(even.len(), 63);
        assert!(contains(&even, [49.0, 0.0]) && !contains(&even, [51.0, 0.0]));
    }

    #[test]
    fn distances_are_to_the_nearest_place() {
        assert_eq!(distance_to_segment([0.0, 3.0], [-1.0, 0.0], [1.0, 0.0]), 3.0);
        assert_eq!(distance_to_segment([5.0, 0.0], [-1.0, 0.0], [1.0, 0.0]), 4.0);
        assert_eq!(distance_to_segment([5.0, 0.0], [1.0, 0.0], [1.0, 0.0]), 4.0);
    }
}

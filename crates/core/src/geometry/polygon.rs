//! Polygons with holes.

use serde::{Deserialize, Serialize};

use super::rect::{Point, Rect};
use crate::units::Frame;

/// A closed line; the last point is joined to the first and not repeated.
pub type Ring<F> = Vec<Point<F>>;

/// An outline with holes, in a frame. Orientation carries no meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Polygon<F: Frame> {
    /// The outline.
    pub outer: Ring<F>,
    /// What is cut out of it.
    pub holes: Vec<Ring<F>>,
}

impl<F: Frame> Polygon<F> {
    /// A polygon without holes.
    #[must_use]
    pub fn simple(outer: Ring<F>) -> Self {
        Self { outer, holes: Vec::new() }
    }

    /// Its area in the frame's squared unit, holes taken away.
    #[must_use]
    pub fn area(&self) -> f64 {
        ring_area(&self.outer) - self.holes.iter().map(ring_area).sum::<f64>()
    }

    /// Every edge of its outline and its holes, from a point to the next.
    pub fn edges(&self) -> impl Iterator<Item = (Point<F>, Point<F>)> {
        std::iter::once(&self.outer).chain(&self.holes).flat_map(|ring| ring_edges(ring))
    }

    /// The smallest rectangle around it; an empty polygon has none.
    #[must_use]
    pub fn bounds(&self) -> Option<Rect<F>> {
        Rect::around(self.outer.iter().copied())
    }

    /// Whether a point lies inside and not in a hole (even-odd rule).
    #[must_use]
    pub fn contains(&self, point: Point<F>) -> bool {
        ring_contains(&self.outer, point) && !self.holes.iter().any(|h| ring_contains(h, point))
    }

    /// The same polygon in another frame.
    #[must_use]
    pub fn map<G: Frame>(&self, to: impl Fn(Point<F>) -> Point<G>) -> Polygon<G> {
        let ring = |ring: &Ring<F>| ring.iter().map(|point| to(*point)).collect();
        Polygon { outer: ring(&self.outer), holes: self.holes.iter().map(ring).collect() }
    }

    /// Leaves out points that are nearer than `tolerance` to the line without them
    /// (Douglas and Peucker 1973). Rings keep at least three points.
    #[must_use]
    pub fn simplified(&self, tolerance: f64) -> Self {
        Self {
            outer: simplify_ring(&self.outer, tolerance),
            holes: self.holes.iter().map(|hole| simplify_ring(hole, tolerance)).collect(),
        }
    }
}

/// The edges of a ring, each from a point to its next, the last one back to the first.
fn ring_edges<F: Frame>(ring: &[Point<F>]) -> impl Iterator<Item = (Point<F>, Point<F>)> {
    (0..ring.len()).map(|at| (ring[at], ring[(at + 1) % ring.len()]))
}

/// The area of a ring by the shoelace formula, with the sign of its orientation.
pub(super) fn signed_area<F: Frame>(ring: &Ring<F>) -> f64 {
    ring_edges(ring).map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f64>() / 2.0
}

fn ring_area<F: Frame>(ring: &Ring<F>) -> f64 {
    signed_area(ring).abs()
}

fn ring_contains<F: Frame>(ring: &Ring<F>, p: Point<F>) -> bool {
    ring_edges(ring).fold(false, |inside, (a, b)| {
        let crosses =
            (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x;
        inside != crosses
    })
}

fn simplify_ring<F: Frame>(ring: &Ring<F>, tolerance: f64) -> Ring<F> {
    if ring.len() < 5 {
        return ring.clone();
    }
    // A closed ring has no ends: split it at the point farthest from the first.
    let far = (1..ring.len())
        .max_by(|a, b| distance2(ring[0], ring[*a]).total_cmp(&distance2(ring[0], ring[*b])))
        .unwrap_or(ring.len() / 2);
    let mut keep = vec![false; ring.len() + 1];
    keep[0] = true;
    keep[far] = true;
    keep[ring.len()] = true;
    let at = |index: usize| ring[index % ring.len()];
    let mut spans = vec![(0, far), (far, ring.len())];
    while let Some((start, end)) = spans.pop() {
        let farthest = (start + 1..end)
            .map(|index| (index, distance_to_line(at(index), at(start), at(end))))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((index, distance)) = farthest
            && distance > tolerance
        {
            keep[index] = true;
            spans.extend([(start, index), (index, end)]);
        }
    }
    let kept: Ring<F> =
        ring.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(point, _)| *point).collect();
    if kept.len() >= 3 { kept } else { ring.clone() }
}

fn distance2<F: Frame>(a: Point<F>, b: Point<F>) -> f64 {
    (a.x - b.x).powi(2) + (a.y - b.y).powi(2)
}

fn distance_to_line<F: Frame>(p: Point<F>, a: Point<F>, b: Point<F>) -> f64 {
    let length2 = distance2(a, b);
    if length2 == 0.0 {
        return distance2(p, a).sqrt();
    }
    let t = (((p.x - a.x) * (b.x - a.x) + (p.y - a.y) * (b.y - a.y)) / length2).clamp(0.0, 1.0);
    distance2(p, Point::new(a.x + t * (b.x - a.x), a.y + t * (b.y - a.y))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level0;

    fn ring(points: &[(f64, f64)]) -> Ring<Level0> {
        points.iter().map(|(x, y)| Point::new(*x, *y)).collect()
    }

    #[test]
    fn holes_count_against_area_and_inside() {
        let polygon = Polygon {
            outer: ring(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]),
            holes: vec![ring(&[(4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)])],
        };
        assert!((polygon.area() - 96.0).abs() < 1e-9);
        assert!(polygon.contains(Point::new(1.0, 1.0)));
        assert!(!polygon.contains(Point::new(5.0, 5.0)));
        assert!(!polygon.contains(Point::new(-1.0, 5.0)));
    }

    #[test]
    fn edges_close_every_ring() {
        let polygon = Polygon {
            outer: ring(&[(0.0, 0.0), (4.0, 0.0), (0.0, 3.0)]),
            holes: vec![ring(&[(1.0, 1.0)]), ring(&[])],
        };
        let edges: Vec<_> = polygon.edges().map(|(a, b)| ((a.x, a.y), (b.x, b.y))).collect();
        let outer = [((0.0, 0.0), (4.0, 0.0)), ((4.0, 0.0), (0.0, 3.0)), ((0.0, 3.0), (0.0, 0.0))];
        assert_eq!(edges[..3], outer);
        assert_eq!(edges[3..], [((1.0, 1.0), (1.0, 1.0))], "a point alone goes to itself");
    }

    #[test]
    fn straight_runs_are_simplified_and_corners_stay() {
        let mut points = Vec::new();
        points.extend((0..10).map(|i| (f64::from(i), 0.0)));
        points.extend((0..10).map(|i| (10.0, f64::from(i))));
        points.extend((0..10).map(|i| (10.0 - f64::from(i), 10.0)));
        points.extend((0..10).map(|i| (0.0, 10.0 - f64::from(i))));
        let simple = Polygon::simple(ring(&points)).simplified(0.1);
        assert_eq!(simple.outer.len(), 4);
        assert!((simple.area() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn degenerate_rings_do_not_panic() {
        for points in [vec![], vec![(1.0, 1.0)], vec![(1.0, 1.0); 8]] {
            let polygon = Polygon::simple(ring(&points)).simplified(1.0);
            assert!(polygon.area().abs() < 1e-9);
            assert!(!polygon.contains(Point::new(1.0, 1.0)));
        }
    }
}

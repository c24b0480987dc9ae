//! How far two outlines cover the same.

use bianque_core::{Level0, Polygon, Rect};
use serde::Serialize;

/// Lines that are drawn across both outlines.
const LINES: u32 = 2048;

/// What two outlines have in common.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// Common area by joint area.
    pub iou: f64,
    /// Twice the common area by the sum of both.
    pub dice: f64,
}

/// The overlap of two outlines, each of one or more parts with holes; `None` where neither has an
/// area. Measured along 2048 lines: exact along each, and to a two-thousandth of the height across.
#[must_use]
pub fn overlap(first: &[Polygon<Level0>], second: &[Polygon<Level0>]) -> Option<Overlap> {
    let points = first.iter().chain(second).flat_map(|polygon| polygon.outer.iter().copied());
    let bounds = Rect::around(points)?;
    let step = bounds.height() / f64::from(LINES);
    let (mut own, mut other, mut common) = (0.0, 0.0, 0.0);
    for line in 0..LINES {
        let y = bounds.min.y + (f64::from(line) + 0.5) * step;
        let (a, b) = (spans(first, y), spans(second, y));
        own += length(&a);
        other += length(&b);
        common += length(&intersection(&a, &b));
    }
    let joint = own + other - common;
    // Also false where a coordinate is no number.
    (joint > 0.0).then(|| Overlap { iou: common / joint, dice: 2.0 * common / (own + other) })
}

type Span = (f64, f64);

/// What a line at `y` has inside an outline: spans in ascending order that do not touch.
fn spans(parts: &[Polygon<Level0>], y: f64) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::new();
    for part in parts {
        let mut crossings: Vec<f64> = Vec::new();
        for (a, b) in part.edges() {
            if (a.y > y) != (b.y > y) {
                crossings.push((b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x);
            }
        }
        crossings.sort_by(f64::total_cmp);
        all.extend(crossings.as_chunks::<2>().0.iter().map(|[start, end]| (*start, *end)));
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<Span> = Vec::new();
    for (start, end) in all {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn intersection(a: &[Span], b: &[Span]) -> Vec<Span> {
    let (mut i, mut j, mut common) = (0, 0, Vec::new());
    while let (Some(first), Some(second)) = (a.get(i), b.get(j)) {
        let (start, end) = (first.0.max(second.0), first.1.min(second.1));
        if start < end {
            common.push((start, end));
        }
        if first.1 < second.1 { i += 1 } else { j += 1 }
    }
    common
}

fn length(spans: &[Span]) -> f64 {
    spans.iter().map(|(start, end)| end - start).sum()
}

#[cfg(test)]
mod tests {
    use bianque_core::Point;

    use super::*;

    fn square(x: f64, y: f64, side: f64) -> Polygon<Level0> {
        let at = |dx: f64, dy: f64| Point::new(x + dx * side, y + dy * side);
        Polygon::simple(vec![at(0.0, 0.0), at(1.0, 0.0), at(1.0, 1.0), at(0.0, 1.0)])
    }

    fn iou(a: &[Polygon<Level0>], b: &[Polygon<Level0>]) -> f64 {
        overlap(a, b).unwrap().iou
    }

    #[test]
    fn squares_overlap_as_geometry_says() {
        let a = [square(0.0, 0.0, 10.0)];
        assert!((iou(&a, &a) - 1.0).abs() < 1e-9);
        assert!((iou(&a, &[square(5.0, 0.0, 10.0)]) - 1.0 / 3.0).abs() < 1e-3);
        assert!(iou(&a, &[square(20.0, 0.0, 10.0)]).abs() < 1e-9);
        let ring = Polygon { holes: vec![square(2.0, 2.0, 6.0).outer], ..a[0].clone() };
        assert!((iou(&a, &[ring]) - 0.64).abs() < 1e-3);
    }

    #[test]
    fn parts_that_touch_count_once() {
        let twice = [square(0.0, 0.0, 10.0), square(5.0, 0.0, 10.0)];
        let whole = Polygon::simple(vec![
            Point::new(0.0, 0.0),
            Point::new(15.0, 0.0),
            Point::new(15.0, 10.0),
            Point::new(0.0, 10.0),
        ]);
        assert!((iou(&twice, &[whole]) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn outlines_without_area_have_no_overlap() {
        assert_eq!(overlap(&[], &[]), None);
        assert_eq!(overlap(&[square(1.0, 1.0, 0.0)], &[]), None);
        assert_eq!(overlap(&[square(f64::NAN, 1.0, 1.0)], &[]), None);
    }
}

//! Outlines of a binary mask.

use std::collections::BTreeMap;

use super::{Polygon, Ring, polygon::signed_area, rect::Point};
use crate::{raster::GrayImage, units::AtLevel};

/// The outlines of every connected region of non-zero mask pixels, in mask pixels, exact along
/// pixel edges: the sum of the polygons' areas is the number of non-zero pixels. Regions that touch
/// only at a corner are separate. Polygons come in raster order of their first pixel.
#[must_use]
pub fn trace_mask(mask: &GrayImage) -> Vec<Polygon<AtLevel>> {
    let mut outers: Vec<Ring<AtLevel>> = Vec::new();
    let mut holes: Vec<Ring<AtLevel>> = Vec::new();
    for ring in boundary_rings(mask) {
        // Edges keep the region on their right, so outlines and holes turn in opposite ways.
        if signed_area(&ring) > 0.0 { outers.push(ring) } else { holes.push(ring) }
    }
    assign_holes(outers, holes)
}

type Corner = (u32, u32);

/// The directed edges between set and unset pixels, joined to closed rings.
fn boundary_rings(mask: &GrayImage) -> Vec<Ring<AtLevel>> {
    let mut edges = directed_edges(mask);
    let mut rings = Vec::new();
    while let Some((&start, _)) = edges.iter().next() {
        let mut ring = Vec::new();
        let mut at = start;
        let mut heading = (0_i64, 0_i64);
        while let Some(next) = take_edge(&mut edges, at, heading) {
            let turn = (i64::from(next.0) - i64::from(at.0), i64::from(next.1) - i64::from(at.1));
            if turn != heading {
                ring.push(Point::new(f64::from(at.0), f64::from(at.1)));
            }
            heading = turn;
            at = next;
            if at == start {
                break;
            }
        }
        rings.push(ring);
    }
    rings
}

fn directed_edges(mask: &GrayImage) -> BTreeMap<Corner, Vec<Corner>> {
    let (width, height) = (mask.width(), mask.height());
    let set = |x: i64, y: i64| {
        x >= 0
            && y >= 0
            && x < i64::from(width)
            && y < i64::from(height)
            && mask.pixels()[y as usize * width as usize + x as usize] != 0
    };
    let mut edges: BTreeMap<Corner, Vec<Corner>> = BTreeMap::new();
    for y in 0..height {
        for x in 0..width {
            let (ix, iy) = (i64::from(x), i64::from(y));
            if !set(ix, iy) {
                continue;
            }
            let mut add = |from: Corner, to: Corner| edges.entry(from).or_default().push(to);
            if !set(ix, iy - 1) {
                add((x, y), (x + 1, y));
            }
            if !set(ix + 1, iy) {
                add((x + 1, y), (x + 1, y + 1));
            }
            if !set(ix, iy + 1) {
                add((x + 1, y + 1), (x, y + 1));
            }
            if !set(ix - 1, iy) {
                add((x, y + 1), (x, y));
            }
        }
    }
    edges
}

/// Takes one edge that leaves `at`. Where two leave (pixels touch at a corner), the one that turns
/// right is taken, which keeps the ring on its own region.
fn take_edge(
    edges: &mut BTreeMap<Corner, Vec<Corner>>,
    at: Corner,
    heading: (i64, i64),
) -> Option<Corner> {
    let leaving = edges.get_mut(&at)?;
    let right = (-heading.1, heading.0);
    let index = leaving
        .iter()
        .position(|to| {
            (i64::from(to.0) - i64::from(at.0), i64::from(to.1) - i64::from(at.1)) == right
        })
        .unwrap_or(0);
    let next = leaving.swap_remove(index);
    if leaving.is_empty() {
        edges.remove(&at);
    }
    Some(next)
}

/// Puts each hole into the smallest outline around it.
fn assign_holes(outers: Vec<Ring<AtLevel>>, holes: Vec<Ring<AtLevel>>) -> Vec<Polygon<AtLevel>> {
    let mut polygons: Vec<Polygon<AtLevel>> = outers.into_iter().map(Polygon::simple).collect();
    let outlines: Vec<(f64, Polygon<AtLevel>)> =
        polygons.iter().map(|polygon| (polygon.area(), polygon.clone())).collect();
    let bounds: Vec<_> = outlines.iter().map(|(_, polygon)| polygon.bounds()).collect();
    for hole in holes {
        let Some(inside) = point_inside(&hole) else { continue };
        let owner = outlines
            .iter()
            .enumerate()
            .filter(|(index, (_, polygon))| {
                bounds[*index].is_some_and(|b| {
                    b.min.x <= inside.x
                        && inside.x <= b.max.x
                        && b.min.y <= inside.y
                        && inside.y <= b.max.y
                }) && polygon.contains(inside)
            })
            .min_by(|a, b| a.1.0.total_cmp(&b.1.0));
        if let Some((index, _)) = owner {
            polygons[index].holes.push(hole);
        }
    }
    polygons
}

/// The centre of the pixel just outside the hole's first edge, which belongs to the region.
fn point_inside(hole: &Ring<AtLevel>) -> Option<Point<AtLevel>> {
    let (a, b) = (hole.first()?, hole.get(1)?);
    let (dx, dy) = ((b.x - a.x).signum(), (b.y - a.y).signum());
    Some(Point::new(a.x + dx / 2.0 - dy / 2.0, a.y + dy / 2.0 + dx / 2.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(rows: &[&str]) -> GrayImage {
        let pixels = rows.iter().flat_map(|row| row.bytes().map(|b| u8::from(b == b'#'))).collect();
        GrayImage::from_pixels(rows[0].len() as u32, rows.len() as u32, pixels).unwrap()
    }

    #[test]
    fn a_ring_has_a_hole() {
        let polygons = trace_mask(&mask(&["####", "#..#", "####"]));
        assert_eq!(polygons.len(), 1);
        assert_eq!(polygons[0].holes.len(), 1);
        assert!((polygons[0].area() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn an_island_in_a_hole_is_its_own_region() {
        let polygons = trace_mask(&mask(&["#####", "#...#", "#.#.#", "#...#", "#####"]));
        let areas: Vec<f64> = polygons.iter().map(Polygon::area).collect();
        assert_eq!(areas, [16.0, 1.0]);
    }

    #[test]
    fn corners_do_not_connect() {
        assert_eq!(trace_mask(&mask(&["#.", ".#"])).len(), 2);
    }

    proptest! {
        #[test]
        fn area_is_the_number_of_pixels_and_inside_is_the_mask(
            width in 1_u32..12, height in 1_u32..12, seed in proptest::collection::vec(0_u8..2, 144)
        ) {
            let pixels = seed[..(width * height) as usize].to_vec();
            let count = pixels.iter().filter(|p| **p != 0).count();
            let mask = GrayImage::from_pixels(width, height, pixels).unwrap();
            let polygons = trace_mask(&mask);
            let area: f64 = polygons.iter().map(Polygon::area).sum();
            prop_assert!((area - count as f64).abs() < 1e-6);
            for y in 0..height {
                for x in 0..width {
                    let centre = Point::new(f64::from(x) + 0.5, f64::from(y) + 0.5);
                    let inside = polygons.iter().filter(|p| p.contains(centre)).count();
                    prop_assert_eq!(inside, usize::from(mask.pixel(x, y)[0] != 0));
                }
            }
        }
    }
}

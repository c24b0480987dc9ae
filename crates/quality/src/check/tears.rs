//! Tears and cracks: long, narrow gaps inside the tissue that show bare glass.
//!
//! A space between two pieces, or a cleft between folds of a surface, is as long, narrow and bare: but
//! it opens to the glass outside. A tear that reaches the tissue's edge is not told from it.

use super::scene::Scene;
use crate::{
    components::Components,
    morphology::{closed, dilated},
    plane::{Mask, Plane},
};

/// Looked at in pixels of about this many um: finer ones make walls of single cells.
const WORKING_UM: f64 = 6.0;
/// At coarser pixels fat and vessels look alike.
const COARSEST_UM: f64 = 12.0;
/// Gaps up to this width are looked at.
const WIDTH_UM: f64 = 240.0;
/// A tear is at least so long, and so much longer than wide.
const LEAST_LENGTH_UM: f64 = 400.0;
const ELONGATION: f64 = 5.0;
/// A tear opens to the outside by at most so many times its breadth.
const OPEN: f64 = 0.5;
/// Bare glass takes no light away, in thousandths of density.
const BARE: u16 = 14;

/// The pixels of tears.
pub(super) fn tears(scene: &Scene<'_>) -> Mask {
    if scene.um > COARSEST_UM {
        return scene.empty();
    }
    let factor = (WORKING_UM / scene.um).round().max(1.0) as usize;
    let density = reduced(&scene.density.mean, factor);
    let tissue = reduced(&scene.tissue_mask.map(u16::from), factor).map(|set| set as u8);
    let found = gaps(&density, &tissue, scene.um * factor as f64);
    enlarged(&found, factor, &scene.tissue_mask)
}

/// Tears in a view of `um` microns a pixel.
fn gaps(density: &Plane<u16>, tissue: &Mask, um: f64) -> Mask {
    let radius = (WIDTH_UM / 2.0 / um).round() as usize;
    let whole = closed(tissue, radius);
    // The tissue mask fills small holes: what is bare is asked of the pixels.
    let bare = density.map(|density| u8::from(density < BARE));
    let inside = whole.zip(&bare, |whole, bare| whole & bare);
    let outside = whole.zip(&bare, |whole, bare| (1 - whole) & bare);
    let components = Components::of(&inside);
    let open = components.sums(&dilated(&outside, 1));
    components.keep(|at, c| {
        let (width, height) = (c.max.0 - c.min.0 + 1, c.max.1 - c.min.1 + 1);
        let length = (width as f64).hypot(height as f64);
        let breadth = c.area as f64 / length;
        length * um >= LEAST_LENGTH_UM
            && length >= ELONGATION * breadth
            && open[at] as f64 <= (OPEN * breadth).max(1.0)
    })
}

/// Means over squares of `factor` pixels, those at the far borders over what is there.
fn reduced(plane: &Plane<u16>, factor: usize) -> Plane<u16> {
    let (width, height) = (plane.width.div_ceil(factor), plane.height.div_ceil(factor));
    let mean = |at: usize| {
        let (left, top) = (at % width * factor, at / width * factor);
        let right = (left + factor).min(plane.width);
        let rows = top..(top + factor).min(plane.height);
        let count = (right - left) * rows.len();
        let sum: usize =
            rows.flat_map(|y| &plane.row(y)[left..right]).map(|value| usize::from(*value)).sum();
        ((sum + count / 2) / count.max(1)) as u16
    };
    Plane { width, height, data: (0..width * height).map(mean).collect() }
}

/// A reduced mask at the size of another.
fn enlarged(mask: &Mask, factor: usize, like: &Mask) -> Mask {
    let at = |index: usize| {
        let (x, y) = (index % like.width, index / like.width);
        mask.data[y / factor * mask.width + x / factor]
    };
    Mask { width: like.width, height: like.height, data: (0..like.data.len()).map(at).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UM: f64 = 8.0;

    /// Tissue of 2 x 2 mm in glass, bare where asked for in pixels from its corner.
    fn found(bare: impl Fn(usize, usize) -> bool) -> usize {
        let side = 300;
        let is_tissue = |x: usize, y: usize| {
            (25..275).contains(&x) && (25..275).contains(&y) && !bare(x - 25, y - 25)
        };
        let data = (0..side * side).map(|i| u8::from(is_tissue(i % side, i / side)));
        let tissue = Mask { width: side, height: side, data: data.collect() };
        gaps(&tissue.map(|set| if set != 0 { 250 } else { 3 }), &tissue, UM).count()
    }

    #[test]
    fn a_gap_inside_is_a_tear_and_one_to_the_outside_is_none() {
        let gap = |x: usize, y: usize| (100..110).contains(&x) && (80..190).contains(&y);
        assert_eq!(found(gap), 1100);
        let cleft = |x: usize, y: usize| (100..110).contains(&x) && y > 120;
        assert_eq!(found(cleft), 0);
        let two_pieces = |x: usize, _: usize| (100..110).contains(&x);
        assert_eq!(found(two_pieces), 0);
    }

    #[test]
    fn a_round_hole_is_no_tear() {
        let hole = |x: usize, y: usize| (x as f64 - 125.0).hypot(y as f64 - 125.0) < 14.0;
        assert_eq!(found(hole), 0);
    }

    #[test]
    fn reduced_and_back() {
        let plane = Plane { width: 5, height: 3, data: (0..15).collect() };
        assert_eq!(reduced(&plane, 1), plane);
        let half = reduced(&plane, 2);
        assert_eq!((half.width, half.height, half.data[0]), (3, 2, 3));
        let mask = Mask { width: 3, height: 2, data: vec![1, 0, 0, 0, 0, 1] };
        let like = Mask::filled(5, 3, 0);
        assert_eq!(enlarged(&mask, 2, &like).count(), 5);
    }
}

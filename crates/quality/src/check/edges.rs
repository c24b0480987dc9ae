//! The cover slip's edge: a straight grey line that runs on through tissue and glass alike.
//!
//! Places that are greyer than both sides vote for the lines that they may lie on (Hough 1962, in the
//! normal form of Duda and Hart 1972); the best lines are followed, a little aside where they bend,
//! and kept where they hold for long. What in tissue is long and straight has a stain's colour.

use std::f32::consts::PI;

use super::{coarse::Coarse, grey::between};
use crate::{
    morphology::dilated,
    plane::{Mask, Plane},
};

/// An edge is at least so long.
const LEAST_UM: f64 = 700.0;
/// So much of it lies on tissue.
const ON_TISSUE_UM: f64 = 100.0;
/// Mean grey along it, in thousandths, and the share of it that is greyer than both sides.
const LEAST_GREY: f32 = 80.0;
const LEAST_ON: f32 = 0.8;
/// From here on a place is greyer than both sides.
const LINE: f32 = 45.0;
/// More counts no further.
const MOST: f32 = 150.0;
/// Both sides are looked at so many pixels away.
const BESIDE: isize = 3;
/// Directions of a line over half a turn.
const ANGLES: usize = 120;
/// A place votes for directions up to so many from its own.
const SPREAD: usize = 18;
/// Lines of a direction are so many pixels apart.
const APART: f32 = 2.0;
/// At most so many lines are followed.
const LINES: usize = 32;
/// A line is followed up to so many pixels aside; a step aside costs grey.
const ASIDE: usize = 4;
const BEND: f32 = 20.0;
/// Half the width of what is marked, in um.
const HALF_WIDTH_UM: f64 = 16.0;

/// The pixels of edges in a view with its grey; NaN is not looked at.
pub(super) fn edges(view: &Coarse, grey: &Plane<f32>) -> Mask {
    let votes = Votes::of(grey);
    let mut found = view.empty();
    for line in votes.best(view.pixels(LEAST_UM)) {
        line.mark(view, grey, &mut found);
    }
    dilated(&found, view.pixels(HALF_WIDTH_UM))
}

/// A line `x cos + y sin = offset`.
#[derive(Copy, Clone, Debug)]
struct Line {
    cos: f32,
    sin: f32,
    offset: f32,
}

/// For each direction and offset how many places lie on the line.
struct Votes {
    counts: Vec<u32>,
    offsets: usize,
    /// The offset of the first, in pixels.
    first: f32,
}

fn normal(angle: usize) -> (f32, f32) {
    let (sin, cos) = (PI * angle as f32 / ANGLES as f32).sin_cos();
    (cos, sin)
}

impl Votes {
    fn of(grey: &Plane<f32>) -> Self {
        let reach = (grey.width as f32).hypot(grey.height as f32) + 2.0 * APART;
        let offsets = (2.0 * reach / APART) as usize + 1;
        let mut votes = Self { counts: vec![0; ANGLES * offsets], offsets, first: -reach };
        let normals: Vec<(f32, f32)> = (0..ANGLES).map(normal).collect();
        for y in 0..grey.height {
            for x in 0..grey.width {
                let Some(own) = across(grey, x, y) else { continue };
                for step in 0..=2 * SPREAD {
                    let angle = (own + ANGLES + step - SPREAD) % ANGLES;
                    let (cos, sin) = normals[angle];
                    let offset = x as f32 * cos + y as f32 * sin;
                    votes.counts[angle * offsets + ((offset + reach) / APART) as usize] += 1;
                }
            }
        }
        votes
    }

    /// The lines with the most votes, each once; at least half of `least` pixels voted for it.
    fn best(&self, least: usize) -> Vec<Line> {
        // A line between two offsets has its votes in both.
        let both = |at: usize| self.counts[at] + self.counts.get(at + 1).copied().unwrap_or(0);
        let mut order: Vec<(u32, usize)> = (0..self.counts.len())
            .map(|at| (both(at), at))
            .filter(|(count, _)| *count as usize * 2 >= least)
            .collect();
        order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut taken: Vec<(usize, usize)> = Vec::new();
        for (_, at) in order {
            let (angle, offset) = (at / self.offsets, at % self.offsets);
            let is_near = |other: &(usize, usize)| {
                let turned = angle.abs_diff(other.0);
                turned <= 2 && offset.abs_diff(other.1) <= 3
            };
            if !taken.iter().any(is_near) {
                taken.push((angle, offset));
            }
            if taken.len() == LINES {
                break;
            }
        }
        let line = |(angle, offset): (usize, usize)| {
            let (cos, sin) = normal(angle);
            Line { cos, sin, offset: self.first + (offset as f32 + 1.0) * APART }
        };
        taken.into_iter().map(line).collect()
    }
}

/// The direction, as an angle's number, in which a place is greyest against both sides.
fn across(grey: &Plane<f32>, x: usize, y: usize) -> Option<usize> {
    let own = grey.row(y)[x];
    // A cheap refusal first: most places are no greyer than a line at all.
    if own.is_nan() || own < LINE / 2.0 {
        return None;
    }
    let at = |dx: isize, dy: isize| {
        let (u, v) = (x.checked_add_signed(dx)?, y.checked_add_signed(dy)?);
        (u < grey.width && v < grey.height).then(|| grey.row(v)[u])
    };
    let mut best = (LINE, None);
    for (number, (dx, dy)) in [(BESIDE, 0), (2, 2), (0, BESIDE), (-2, 2)].into_iter().enumerate() {
        let (Some(before), Some(after)) = (at(-dx, -dy), at(dx, dy)) else { continue };
        let line = own - 0.5 * (before + after);
        if line > best.0 {
            best = (line, Some(number * ANGLES / 4));
        }
    }
    best.1
}

impl Line {
    /// Marks where the line holds for long enough and over tissue.
    fn mark(self, view: &Coarse, grey: &Plane<f32>, found: &mut Mask) {
        let places = self.places(grey.width, grey.height);
        let least = view.pixels(LEAST_UM);
        if places.len() < least {
            return;
        }
        let greys: Vec<[f32; 2 * ASIDE + 1]> =
            places.iter().map(|place| self.beside(grey, *place)).collect();
        let path = followed(&greys);
        let along: Vec<f32> = path.iter().zip(&greys).map(|(aside, greys)| greys[*aside]).collect();
        let pixels: Vec<Option<usize>> = places
            .iter()
            .zip(&path)
            .map(|((x, y), aside)| {
                let aside = *aside as f32 - ASIDE as f32;
                let (x, y) = ((x + aside * self.cos).round(), (y + aside * self.sin).round());
                let inside = x >= 0.0
                    && y >= 0.0
                    && (x as usize) < found.width
                    && (y as usize) < found.height;
                inside.then(|| y as usize * found.width + x as usize)
            })
            .collect();
        for (start, end) in stretches(&along, least) {
            let pixels = || pixels[start..end].iter().flatten();
            let on_tissue = pixels().filter(|at| view.tissue.data[**at] != 0).count();
            if on_tissue >= view.pixels(ON_TISSUE_UM) {
                pixels().for_each(|at| found.data[*at] = 1);
            }
        }
    }

    /// Places a pixel apart along the line, within an image.
    fn places(self, width: usize, height: usize) -> Vec<(f32, f32)> {
        let reach = (width as f32).hypot(height as f32).ceil() as i32;
        let inside = |(x, y): &(f32, f32)| {
            (0.0..width as f32).contains(x) && (0.0..height as f32).contains(y)
        };
        (-reach..=reach)
            .map(|t| {
                let t = t as f32;
                (self.offset * self.cos - t * self.sin, self.offset * self.sin + t * self.cos)
            })
            .filter(inside)
            .collect()
    }

    /// How much greyer than both sides it is beside the line, from one side to the other.
    fn beside(self, grey: &Plane<f32>, (x, y): (f32, f32)) -> [f32; 2 * ASIDE + 1] {
        let at = |aside: isize| {
            let aside = aside as f32;
            between(grey, x + aside * self.cos, y + aside * self.sin).unwrap_or(f32::NAN)
        };
        std::array::from_fn(|index| {
            let aside = index as isize - ASIDE as isize;
            let line = at(aside) - 0.5 * (at(aside - BESIDE) + at(aside + BESIDE));
            if line.is_nan() { 0.0 } else { line.clamp(-MOST / 2.0, MOST) }
        })
    }
}

/// The way aside with the most grey, by dynamic programming.
fn followed(greys: &[[f32; 2 * ASIDE + 1]]) -> Vec<usize> {
    const COUNT: usize = 2 * ASIDE + 1;
    let mut sums = [0.0_f32; COUNT];
    let mut from = vec![[0_usize; COUNT]; greys.len()];
    for (from, greys) in from.iter_mut().zip(greys) {
        let before = sums;
        for aside in 0..COUNT {
            let (mut best, mut sum) = (aside, before[aside]);
            for other in [aside.wrapping_sub(1), aside + 1] {
                if other < COUNT && before[other] - BEND > sum {
                    (best, sum) = (other, before[other] - BEND);
                }
            }
            (from[aside], sums[aside]) = (best, sum + greys[aside]);
        }
    }
    let mut aside = (1..COUNT).fold(0, |best, at| if sums[at] > sums[best] { at } else { best });
    let mut path = vec![0; greys.len()];
    for (path, from) in path.iter_mut().zip(&from).rev() {
        *path = aside;
        aside = from[aside];
    }
    path
}

/// Where every window of `length` is grey enough, on enough of its places: starts and ends.
fn stretches(along: &[f32], length: usize) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (start, window) in along.windows(length.max(1)).enumerate() {
        let mean = window.iter().sum::<f32>() / window.len() as f32;
        let on = window.iter().filter(|line| **line >= LINE).count() as f32 / window.len() as f32;
        if mean < LEAST_GREY || on < LEAST_ON {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.1 >= start => last.1 = start + window.len(),
            _ => found.push((start, start + window.len())),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(at: usize) -> f32 {
        ((at as u32).wrapping_mul(2_654_435_761) >> 16 & 63) as f32 - 32.0
    }

    /// Grey noise on 160 x 160 pixels with a line of slope a third, up to a column.
    fn painted(depth: f32, end: usize) -> (Coarse, Plane<f32>) {
        let size = 160;
        let grey = |at: usize| {
            let (x, y) = (at % size, at / size);
            let on = (y as f32 - 50.0 - x as f32 / 3.0).abs() < 1.2 && x < end;
            noise(at) + if on { depth } else { 0.0 }
        };
        let data = (0..size * size).map(grey).collect();
        (Coarse::all_tissue(size, 8.0), Plane { width: size, height: size, data })
    }

    #[test]
    fn a_long_straight_line_is_an_edge_and_a_short_one_is_not() {
        let (view, grey) = painted(180.0, 160);
        let found = edges(&view, &grey);
        let on = (10..150).filter(|x| found.row(50 + x / 3)[*x] != 0).count();
        assert!(on > 120, "{on}");
        assert!(found.count() < 160 * 12);
        let (view, grey) = painted(180.0, 60);
        assert_eq!(edges(&view, &grey).count(), 0);
        let (view, grey) = painted(0.0, 160);
        assert_eq!(edges(&view, &grey).count(), 0);
    }
}

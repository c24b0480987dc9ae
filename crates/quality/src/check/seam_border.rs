//! The border of a field: seams love to lie where tiles meet, which is where fields meet.

use super::{
    seam_profile::{LEAST_ROUGHNESS, Line, difference},
    seam_steps::{Cut, ratios, step_of},
};
use crate::plane::Plane;

/// A side's last lines of pixels, the outermost first.
type Outermost = [Vec<u8>; 3];

/// A field's outermost pixels, and what is usual of the lines beside them.
pub(super) struct Border {
    left: Outermost,
    right: Outermost,
    top: Outermost,
    bottom: Outermost,
    /// Usual roughness at left and right, and at top and bottom.
    rough: [[f32; 2]; 2],
    /// From where on a pixel's step is cut off, across columns and across rows.
    cuts: [Cut; 2],
}

impl Border {
    pub(super) fn of(luminance: &Plane<u8>, rough: [[f32; 2]; 2], cuts: [Cut; 2]) -> Self {
        let columns = |x: [usize; 3]| {
            x.map(|x| {
                luminance.data.iter().skip(x).step_by(luminance.width.max(1)).copied().collect()
            })
        };
        let rows = |y: [usize; 3]| y.map(|y| luminance.row(y).to_vec());
        let last = |length: usize| [1, 2, 3].map(|n| length.saturating_sub(n));
        let first = |length: usize| [0, 1, 2].map(|n: usize| n.min(length.saturating_sub(1)));
        Self {
            left: columns(first(luminance.width)),
            right: columns(last(luminance.width)),
            top: rows(first(luminance.height)),
            bottom: rows(last(luminance.height)),
            rough,
            cuts,
        }
    }

    /// The last line of this field, the line between it and the one to its right, and that one's
    /// first.
    pub(super) fn to_right(&self, next: &Self) -> [Line; 3] {
        let rough = [self.rough[0][1], next.rough[0][0]];
        around(&self.right, &next.left, rough, self.cuts[0].wider(next.cuts[0]))
    }

    /// The last line of this field, the line between it and the one below, and that one's first.
    pub(super) fn to_below(&self, next: &Self) -> [Line; 3] {
        let rough = [self.rough[1][1], next.rough[1][0]];
        around(&self.bottom, &next.top, rough, self.cuts[1].wider(next.cuts[1]))
    }
}

fn around(here: &Outermost, there: &Outermost, rough: [f32; 2], cut: Cut) -> [Line; 3] {
    let lines = [&here[2], &here[1], &here[0], &there[0], &there[1], &there[2]];
    let rough = [rough[0], (rough[0] + rough[1]) / 2.0, rough[1]];
    let mut found = [0, 1, 2].map(|first| {
        let four: [&[u8]; 4] = std::array::from_fn(|n| lines[first + n].as_slice());
        between(four, rough[first], cut)
    });
    for at in [1, 0] {
        found[at] = found[at].with_next(&found[at + 1]);
    }
    found
}

/// The line in the middle of four lines of pixels.
fn between(four: [&[u8]; 4], usual: f32, cut: Cut) -> Line {
    let lines = four.map(|line| ratios(line.iter().copied()).collect::<Vec<_>>());
    let step = step_of([0, 1, 2, 3].map(|line| lines[line].as_slice()), cut);
    let size = difference(four[1], four[2]) as f32 / four[1].len().max(1) as f32;
    let roughness = size / usual.max(LEAST_ROUGHNESS);
    Line { step, roughness, pair: step, pair_roughness: roughness }
}

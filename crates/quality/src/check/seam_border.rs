//! The border of a field: seams love to lie where tiles meet, which is where fields meet.

use super::seams::{LEAST_ROUGHNESS, Line, Sums};
use crate::plane::Plane;

/// A field's outermost pixels, and how rough the lines beside them usually are.
pub(super) struct Border {
    left: Vec<u8>,
    right: Vec<u8>,
    top: Vec<u8>,
    bottom: Vec<u8>,
    /// Usual roughness at left and right, and at top and bottom.
    rough: [[f32; 2]; 2],
}

impl Border {
    pub(super) fn of(luminance: &Plane<u8>, rough: [[f32; 2]; 2]) -> Self {
        let column = |x: usize| luminance.data.iter().skip(x).step_by(luminance.width.max(1));
        let last = luminance.height.saturating_sub(1);
        Self {
            left: column(0).copied().collect(),
            right: column(luminance.width.saturating_sub(1)).copied().collect(),
            top: luminance.row(0).to_vec(),
            bottom: luminance.row(last).to_vec(),
            rough,
        }
    }

    /// The line between this field and the one to its right.
    pub(super) fn to_right(&self, next: &Self) -> Line {
        between(&self.right, &next.left, self.rough[0][1], next.rough[0][0])
    }

    /// The line between this field and the one below.
    pub(super) fn to_below(&self, next: &Self) -> Line {
        between(&self.bottom, &next.top, self.rough[1][1], next.rough[1][0])
    }
}

fn between(here: &[u8], there: &[u8], rough_here: f32, rough_there: f32) -> Line {
    let mut sums = Sums::default();
    here.iter().zip(there).for_each(|(a, b)| sums.add(*a, *b));
    let (step, size) = sums.over(here.len());
    let usual = ((rough_here + rough_there) / 2.0).max(LEAST_ROUGHNESS);
    Line { step, pair: step, roughness: size / usual }
}

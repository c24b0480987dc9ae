//! Which parts of a view the network looks at: around tissue, in pieces that bound its memory.

use super::{
    layers::Features,
    network::{MULTIPLE, Network, REACH},
};
use crate::plane::{Mask, Plane};

/// Side of a piece in pixels; with its surroundings it takes about 80 MB.
const PIECE: usize = 512;
/// What lies within this many pixels of what is wanted is looked at too.
const MARGIN: usize = 16;

/// Means over squares of `factor` pixels; a last, smaller square is averaged over what it has.
pub(super) fn reduced(plane: &Plane<[u16; 3]>, factor: usize) -> Plane<[u16; 3]> {
    if factor == 1 {
        return plane.clone();
    }
    let (width, height) = (plane.width.div_ceil(factor), plane.height.div_ceil(factor));
    let mut data = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let (mut sums, mut count) = ([0_u32; 3], 0);
            for v in y * factor..((y + 1) * factor).min(plane.height) {
                let row = &plane.row(v)[x * factor..((x + 1) * factor).min(plane.width)];
                count += row.len() as u32;
                for rgb in row {
                    sums.iter_mut().zip(rgb).for_each(|(sum, value)| *sum += u32::from(*value));
                }
            }
            data.push(sums.map(|sum| (sum / count.max(1)) as u16));
        }
    }
    Plane { width, height, data }
}

/// Squares of `factor` pixels of which any is set.
pub(super) fn covered(mask: &Mask, factor: usize) -> Mask {
    let (width, height) = (mask.width.div_ceil(factor), mask.height.div_ceil(factor));
    let mut out = Mask::filled(width, height, 0);
    for y in 0..mask.height {
        for (x, value) in mask.row(y).iter().enumerate() {
            out.data[y / factor * width + x / factor] |= *value;
        }
    }
    out
}

/// Every pixel `factor` times in both directions, cut to a size.
pub(super) fn enlarged(plane: &Plane<u8>, factor: usize, width: usize, height: usize) -> Plane<u8> {
    let mut data = Vec::with_capacity(width * height);
    for y in 0..height {
        let row = plane.row(y / factor);
        data.extend((0..width).map(|x| row[x / factor]));
    }
    Plane { width, height, data }
}

/// The best answer for each pixel within [`MARGIN`] of what is wanted.
pub(super) fn look(network: &Network, density: &Plane<[u16; 3]>, wanted: &Mask) -> Plane<u8> {
    let mut answer = Plane::filled(density.width, density.height, 0);
    for top in (0..density.height).step_by(PIECE) {
        for left in (0..density.width).step_by(PIECE) {
            let end = ((left + PIECE).min(density.width), (top + PIECE).min(density.height));
            let Some(part) = bounds_of_wanted(wanted, (left, top), end) else { continue };
            look_at(network, density, part, &mut answer);
        }
    }
    answer
}

/// Left, top, right and bottom of a part.
type Part = (usize, usize, usize, usize);

/// What is wanted within a piece, with its margin, still inside the piece.
fn bounds_of_wanted(wanted: &Mask, start: (usize, usize), end: (usize, usize)) -> Option<Part> {
    let (from_x, to_x) = (start.0.saturating_sub(MARGIN), (end.0 + MARGIN).min(wanted.width));
    let (from_y, to_y) = (start.1.saturating_sub(MARGIN), (end.1 + MARGIN).min(wanted.height));
    let mut found: Option<Part> = None;
    for y in from_y..to_y {
        let row = &wanted.row(y)[from_x..to_x];
        let Some(first) = row.iter().position(|value| *value != 0) else { continue };
        let last = row.iter().rposition(|value| *value != 0).unwrap_or(first);
        let (first, last) = (from_x + first, from_x + last + 1);
        let so_far = found.unwrap_or((first, y, last, y + 1));
        found = Some((so_far.0.min(first), so_far.1, so_far.2.max(last), y + 1));
    }
    let (left, top, right, bottom) = found?;
    let part = (
        left.saturating_sub(MARGIN).max(start.0),
        top.saturating_sub(MARGIN).max(start.1),
        (right + MARGIN).min(end.0),
        (bottom + MARGIN).min(end.1),
    );
    (part.0 < part.2 && part.1 < part.3).then_some(part)
}

fn look_at(network: &Network, density: &Plane<[u16; 3]>, part: Part, answer: &mut Plane<u8>) {
    // Pieces begin on the grid of the coarsest layer, so that they do not change the answer.
    let low = |at: usize| at.saturating_sub(REACH) / MULTIPLE * MULTIPLE;
    let high = |at: usize, end: usize| (at + REACH).min(end);
    let (left, top) = (low(part.0), low(part.1));
    let (right, bottom) = (high(part.2, density.width), high(part.3, density.height));
    let size = |length: usize| length.next_multiple_of(MULTIPLE);
    let mut input = Features::empty(size(right - left), size(bottom - top), 3);
    for y in top..bottom {
        let row = &mut input.data[(y - top) * input.width * 3..];
        for (pixel, rgb) in row.chunks_exact_mut(3).zip(&density.row(y)[left..right]) {
            pixel.iter_mut().zip(rgb).for_each(|(to, from)| *to = f32::from(*from) / 1000.0);
        }
    }
    let scores = network.run(input);
    for y in part.1..part.3 {
        for x in part.0..part.2 {
            let at = ((y - top) * scores.width + x - left) * scores.channels;
            answer.data[y * answer.width + x] = best(&scores.data[at..][..scores.channels]);
        }
    }
}

/// The first of the largest scores.
fn best(scores: &[f32]) -> u8 {
    let mut best = 0;
    for (number, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = number;
        }
    }
    best as u8
}

//! Tiles brought to another size in the very arithmetic of Pillow, which the published encoders'
//! transforms rest on (timm and torchvision resize pictures by it).
//!
//! Every output pixel is a weighted mean of the source pixels under the filter, which is as wide as
//! the step where the tile becomes smaller. Rows first, then columns, and between the two the values
//! are rounded to 8 bits; weights are integers of 22 bits after the point. The order counts: columns
//! first rounds other numbers, and one pixel in five then differs by a grey level.

use bianque_vision::Filter;

const CHANNELS: usize = 3;
/// Bits after the point of a weight: 32 less 8 for the value and 2 for a filter that overshoots.
const PRECISION: u32 = 32 - 8 - 2;
const HALF: i32 = 1 << (PRECISION - 1);

/// What one output pixel takes along one axis.
struct Taps {
    /// The first source pixel.
    first: usize,
    weights: Vec<i32>,
}

/// RGB pixels of `width` x `height` as `size` x `size`.
pub(super) fn resample(
    pixels: &[u8],
    (width, height): (usize, usize),
    size: usize,
    filter: Filter,
) -> Vec<u8> {
    let across = if width == size { None } else { Some(taps(width, size, filter)) };
    let down = if height == size { None } else { Some(taps(height, size, filter)) };
    let narrowed = across.map(|taps| rows(pixels, width, &taps));
    let narrowed = narrowed.as_deref().unwrap_or(pixels);
    match down {
        Some(taps) => columns(narrowed, size * CHANNELS, &taps),
        None => narrowed.to_vec(),
    }
}

/// The weights of every output pixel along an axis of `from` pixels.
fn taps(from: usize, to: usize, filter: Filter) -> Vec<Taps> {
    let step = from as f64 / to as f64;
    let stretch = step.max(1.0);
    let reach = reach(filter) * stretch;
    let of = |index: usize| {
        let middle = (index as f64 + 0.5) * step;
        let first = (middle - reach + 0.5).max(0.0) as usize;
        let end = ((middle + reach + 0.5) as usize).min(from);
        let weight = |source: usize| weight((source as f64 - middle + 0.5) / stretch, filter);
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        Taps { first, weights: weights.iter().map(|weight| fixed(weight / sum)).collect() }
    };
    (0..to).map(of).collect()
}

/// Where the filter ends, in pixels.
fn reach(filter: Filter) -> f64 {
    match filter {
        Filter::Bilinear => 1.0,
        Filter::Bicubic => 2.0,
    }
}

/// The filter at a distance: a triangle, or the cubic convolution of Keys (1981) with a = -0.5.
fn weight(distance: f64, filter: Filter) -> f64 {
    const A: f64 = -0.5;
    let x = distance.abs();
    match filter {
        Filter::Bilinear => (1.0 - x).max(0.0),
        Filter::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        Filter::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        Filter::Bicubic => 0.0,
    }
}

/// To the nearest, half away from zero.
fn fixed(weight: f64) -> i32 {
    (weight * f64::from(1 << PRECISION)).round() as i32
}

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// Every row of `width` pixels by the taps across.
fn rows(pixels: &[u8], width: usize, taps: &[Taps]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pixels.len() / width * taps.len());
    for row in pixels.chunks_exact(width * CHANNELS) {
        for Taps { first, weights } in taps {
            let mut sums = [HALF; CHANNELS];
            let source = row[first * CHANNELS..].as_chunks::<CHANNELS>().0;
            for (pixel, weight) in source.iter().zip(weights) {
                sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += i32::from(*v) * weight);
            }
            out.extend(sums.map(to_byte));
        }
    }
    out
}

/// Every column by the taps down; a line has `line` values.
fn columns(values: &[u8], line: usize, taps: &[Taps]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line * taps.len());
    let mut sums = vec![HALF; line];
    for Taps { first, weights } in taps {
        sums.fill(HALF);
        let lines = values[first * line..].chunks_exact(line);
        for (source, weight) in lines.zip(weights) {
            sums.iter_mut().zip(source).for_each(|(sum, v)| *sum += i32::from(*v) * weight);
        }
        out.extend(sums.iter().map(|sum| to_byte(*sum)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_the_definitions() {
        assert_eq!(weight(0.0, Filter::Bilinear), 1.0);
        assert_eq!(weight(-0.25, Filter::Bilinear), 0.75);
        assert_eq!(weight(1.5, Filter::Bilinear), 0.0);
        assert_eq!(weight(0.0, Filter::Bicubic), 1.0);
        assert_eq!(weight(1.0, Filter::Bicubic), 0.0);
        assert_eq!(weight(0.5, Filter::Bicubic), 0.5625);
        assert_eq!(weight(-1.5, Filter::Bicubic), -0.0625);
    }

    #[test]
    fn an_edge_is_blurred_but_does_not_move() {
        // Black left of the middle, white right of it.
        let pixels: Vec<u8> = (0..8 * 8 * 3).map(|i| if i / 3 % 8 < 4 { 0 } else { 255 }).collect();
        let half = resample(&pixels, (8, 8), 4, Filter::Bilinear);
        let row: Vec<u8> = half[..12].iter().step_by(3).copied().collect();
        // A triangle over four source pixels: 1/8, 3/8, 3/8, 1/8; at the rim 3/7, 3/7, 1/7.
        assert_eq!(row, [0, 32, 223, 255]);
    }

    #[test]
    fn one_axis_may_stay() {
        let pixels: Vec<u8> = (0..4 * 8 * 3).map(|i| (i / 12) as u8).collect();
        let made = resample(&pixels, (4, 8), 4, Filter::Bilinear);
        assert_eq!(made.len(), 4 * 4 * 3);
        assert!(made[..12].iter().all(|value| *value == made[0]));
    }
}

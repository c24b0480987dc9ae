//! How much the light steps between two neighbouring lines of pixels.
//!
//! Light that steps changes every pixel by the same factor, so values are taken on a scale of ratios,
//! `255 ln(value / 255)`: dark tissue shows a step as well as glass. Of the difference across the line
//! what the differences before and after it foretell is taken off, since tissue goes on smoothly and a
//! step does not; what is left of single pixels is cut off where it is more than usual, as an edge of
//! a nucleus is, and the mean is set right for what was cut (Huber's location, one step).

use std::sync::LazyLock;

/// Ratios are held in so many parts of a grey level at white.
const PARTS: f32 = 16.0;
/// Below this value a pixel's ratio to the next is noise.
const DARKEST: usize = 16;
/// The least cut, in grey levels: no step that is looked for is larger.
const LEAST_CUT: f32 = 16.0;
/// Every so manieth pixel tells what is usual.
const SAMPLED: usize = 13;

/// `255 ln(value / 255)` in parts.
static RATIOS: LazyLock<[i16; 256]> = LazyLock::new(|| {
    std::array::from_fn(|value| {
        let part = value.max(DARKEST) as f64 / 255.0;
        (255.0 * f64::from(PARTS) * part.ln()).round() as i16
    })
});

/// A line of pixels on the scale of ratios.
pub(super) fn ratios(line: impl Iterator<Item = u8>) -> impl Iterator<Item = i16> {
    line.map(|value| RATIOS[usize::from(value)])
}

/// Four pixels across a line, two on each side: twice the step between the middle two less what the
/// outer differences foretell, in parts.
fn excess(pixels: [i16; 4]) -> i32 {
    let [a, b, c, d] = pixels.map(i32::from);
    3 * (c - b) - (d - a)
}

/// From where on a single pixel's excess is cut off.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) struct Cut(i32);

impl Cut {
    /// The deviation of the excess over an image (median absolute deviation) of so many places, each
    /// four pixels across a line.
    pub(super) fn of(places: usize, four: impl Fn(usize) -> [i16; 4]) -> Self {
        let sampled = (0..places).step_by(SAMPLED);
        let mut sizes: Vec<i32> = sampled.map(|at| excess(four(at)).abs()).collect();
        let least = (2.0 * PARTS * LEAST_CUT) as i32;
        if sizes.is_empty() {
            return Self(least);
        }
        let middle = sizes.len() / 2;
        let median = *sizes.select_nth_unstable(middle).1;
        Self(((f64::from(median) / 0.6745) as i32).max(least))
    }

    pub(super) fn wider(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }
}

/// Sums over the pixels of lines that lie beside one another.
pub(super) struct StepSums {
    sums: Vec<i32>,
    /// How many of a line's pixels were not cut off.
    whole: Vec<i32>,
    pixels: usize,
}

impl StepSums {
    pub(super) fn new(lines: usize) -> Self {
        Self { sums: vec![0; lines], whole: vec![0; lines], pixels: 0 }
    }

    /// Adds one pixel of every line, with two before it and two behind it.
    pub(super) fn add(&mut self, four: [&[i16]; 4], cut: Cut) {
        let lines = self.sums.len();
        let [far, near, next, beyond] = four.map(|pixels| &pixels[..lines]);
        let whole = &mut self.whole[..lines];
        for (at, sum) in self.sums.iter_mut().enumerate() {
            let excess = excess([far[at], near[at], next[at], beyond[at]]);
            *sum += excess.clamp(-cut.0, cut.0);
            whole[at] += i32::from(excess.abs() < cut.0);
        }
        self.pixels += 1;
    }

    /// The steps of the lines in grey levels at white.
    pub(super) fn steps(&self) -> impl Iterator<Item = f32> + '_ {
        self.sums.iter().zip(&self.whole).map(|(sum, whole)| mean(*sum, *whole, self.pixels))
    }
}

/// The step of the line in the middle of four lines of pixels, in grey levels at white.
pub(super) fn step_of([far, near, next, beyond]: [&[i16]; 4], cut: Cut) -> f32 {
    let (mut sum, mut whole) = (0, 0);
    for (((far, near), next), beyond) in far.iter().zip(near).zip(next).zip(beyond) {
        let excess = excess([*far, *near, *next, *beyond]);
        sum += excess.clamp(-cut.0, cut.0);
        whole += i32::from(excess.abs() < cut.0);
    }
    mean(sum, whole, near.len())
}

fn mean(sum: i32, whole: i32, pixels: usize) -> f32 {
    // Where most is cut off there is an edge and no step.
    let whole = (whole as f32).max(0.4 * pixels as f32).max(1.0);
    sum as f32 / (2.0 * PARTS) / whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(lines: [fn(usize) -> u8; 4]) -> f32 {
        let lines = lines.map(|line| ratios((0..256).map(line)).collect::<Vec<_>>());
        let cut = Cut::of(256, |at| std::array::from_fn(|line| lines[line][at]));
        let four = [0, 1, 2, 3].map(|line| lines[line].as_slice());
        let mut sums = StepSums::new(1);
        (0..256).for_each(|at| sums.add(four.map(|line| &line[at..=at]), cut));
        let step = step_of(four, cut);
        assert_eq!(sums.steps().next(), Some(step));
        step
    }

    #[test]
    fn a_step_of_light_counts_alike_on_dark_and_on_bright() {
        let bright = step([|_| 200, |_| 200, |_| 206, |_| 206]);
        let dark = step([|_| 100, |_| 100, |_| 103, |_| 103]);
        assert!((bright - 7.5).abs() < 1.0 && (dark - bright).abs() < 0.3, "{bright} {dark}");
    }

    #[test]
    fn a_slope_is_no_step() {
        assert!(step([|_| 180, |_| 186, |_| 192, |_| 198]).abs() < 0.5);
    }

    #[test]
    fn an_edge_in_a_tenth_of_the_line_moves_it_little() {
        let edge = step([|_| 200, |_| 200, |at| if at % 10 == 0 { 90 } else { 200 }, |_| 200]);
        assert!(edge.abs() < 2.0, "{edge}");
    }
}

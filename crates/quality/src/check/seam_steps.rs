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
    /// The deviation of the excess over an image (median absolute deviation), of whose pixels across
    /// lines `pixels` gives some.
    pub(super) fn of(pixels: impl Iterator<Item = [i16; 4]>) -> Self {
        let mut sizes: Vec<i32> = pixels.step_by(SAMPLED).map(|four| excess(four).abs()).collect();
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

/// The sum over the pixels of a line.
#[derive(Copy, Clone, Default)]
pub(super) struct StepSum {
    sum: i32,
    whole: u32,
    count: u32,
}

impl StepSum {
    pub(super) fn add(&mut self, pixels: [i16; 4], cut: Cut) {
        let excess = excess(pixels);
        self.sum += excess.clamp(-cut.0, cut.0);
        self.whole += u32::from(excess.abs() < cut.0);
        self.count += 1;
    }

    /// The step in grey levels at white.
    pub(super) fn step(&self) -> f32 {
        // Where most is cut off there is an edge and no step.
        let whole = (self.whole as f32).max(0.4 * self.count as f32).max(1.0);
        self.sum as f32 / (2.0 * PARTS) / whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(lines: [fn(usize) -> u8; 4]) -> f32 {
        let four = |at: usize| {
            let mut values = ratios(lines.iter().map(|line| line(at)));
            std::array::from_fn(|_| values.next().unwrap())
        };
        let cut = Cut::of((0..256).map(four));
        let mut sum = StepSum::default();
        (0..256).for_each(|at| sum.add(four(at), cut));
        sum.step()
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

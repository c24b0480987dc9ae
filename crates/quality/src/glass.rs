//! The colour of empty glass, and how evenly it is lit.
//!
//! Everything later is measured against it, so it must not be mistaken for the white or black that
//! a scanner fills unscanned parts with, nor follow pale tissue.

use bianque_core::RgbImage;
use serde::Serialize;

use crate::threshold::{histogram, quantile};

/// Samples looked at; more does not change a median.
const MOST_SAMPLES: usize = 400_000;
/// Glass is flat: neighbours differ by at most so much.
const FLAT: i32 = 6;
/// The most saturated glass, as a share of its largest channel: warm lamps reach 15 %.
const MOST_TINT: f32 = 0.16;
/// From here on a flat pixel may be fill.
const FILL: u8 = 251;
/// Blocks along the longer side for the shading fit.
const BLOCKS: usize = 24;
/// Assumed where no glass is seen.
const ASSUMED: [f32; 3] = [243.0; 3];

/// The colour of empty glass.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct GlassColour {
    /// Red, green and blue, 0 to 255.
    pub rgb: [f32; 3],
    /// Share of the overview that is flat and of this colour.
    pub share: f64,
    /// True where no glass was seen and a usual colour is assumed.
    pub assumed: bool,
}

/// Brightness of the glass over the image relative to [`GlassColour::rgb`], per channel, as
/// `a + bx + cy + dx2 + exy + fy2` with x and y from -1 to 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shading(pub(crate) [[f64; 6]; 3]);

impl Shading {
    const NONE: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    /// What a lamp and a camera do; beyond it the fit has followed something else.
    const PLAUSIBLE: (f64, f64) = (0.80, 1.12);

    pub(crate) fn gain(&self, channel: usize, x: f64, y: f64) -> f64 {
        let k = &self.0[channel];
        let value = k[0] + k[1] * x + k[2] * y + k[3] * x * x + k[4] * x * y + k[5] * y * y;
        value.clamp(Self::PLAUSIBLE.0, Self::PLAUSIBLE.1)
    }
}

/// One flat, bright, nearly colourless pixel.
struct Sample {
    x: usize,
    y: usize,
    rgb: [u8; 3],
}

impl Sample {
    fn luminance(&self) -> u16 {
        self.rgb.iter().map(|v| u16::from(*v)).sum::<u16>() / 3
    }
}

/// Finds the glass colour and its shading.
pub(crate) fn find_glass(image: &RgbImage) -> (GlassColour, Shading) {
    let step = (((image.width() as usize * image.height() as usize) as f64 / MOST_SAMPLES as f64)
        .sqrt()
        .ceil() as usize)
        .max(1);
    let (samples, seen) = bright_flat_samples(image, step);
    let colour = glass_colour(&samples, seen);
    let shading = if colour.assumed {
        Shading([Shading::NONE; 3])
    } else {
        fit_shading(&samples, &colour, (image.width() as usize, image.height() as usize))
    };
    (colour, shading)
}

/// Samples that may be glass, and how many pixels were looked at.
fn bright_flat_samples(image: &RgbImage, step: usize) -> (Vec<Sample>, usize) {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let at = |x: usize, y: usize| image.pixel(x as u32, y as u32);
    let sum = |rgb: [u8; 3]| rgb.iter().map(|v| i32::from(*v)).sum::<i32>();
    let grid =
        || (0..height).step_by(step).flat_map(|y| (0..width).step_by(step).map(move |x| (x, y)));
    let luminances = histogram(grid().map(|(x, y)| (sum(at(x, y)) / 3) as u16), 256);
    // The brightest hundredth may be fill or glare; glass is not much darker than it.
    let least = (quantile(&luminances, 0.99) as f64 * 0.8).max(120.0) as i32;
    let mut samples = Vec::new();
    let mut seen = 0;
    for (x, y) in grid() {
        seen += 1;
        let rgb = at(x, y);
        let (low, high) = (rgb[0].min(rgb[1]).min(rgb[2]), rgb[0].max(rgb[1]).max(rgb[2]));
        if sum(rgb) < 3 * least || f32::from(high - low) > MOST_TINT * f32::from(high) {
            continue;
        }
        let flat = |other: [u8; 3]| (sum(other) - sum(rgb)).abs() <= 3 * FLAT;
        let right = at((x + 2).min(width - 1), y);
        let below = at(x, (y + 2).min(height - 1));
        let left = at(x.saturating_sub(2), y);
        if flat(right) && flat(below) && flat(left) {
            samples.push(Sample { x, y, rgb });
        }
    }
    (samples, seen)
}

fn is_fill(rgb: [u8; 3]) -> bool {
    rgb.iter().all(|v| *v >= FILL)
}

fn glass_colour(samples: &[Sample], seen: usize) -> GlassColour {
    let fill = samples.iter().filter(|s| is_fill(s.rgb)).count();
    let rest = samples.len() - fill;
    // White that fills unscanned parts is brighter than the glass beside it; where there is hardly
    // anything else, the glass itself is overexposed.
    let without_fill = rest * 100 >= seen * 3 && rest * 20 >= fill;
    let wanted = |s: &&Sample| !(without_fill && is_fill(s.rgb));
    let luminances = histogram(samples.iter().filter(wanted).map(Sample::luminance), 256);
    let peak = brightest_peak(&luminances);
    let near = |s: &&Sample| s.luminance().abs_diff(peak) <= 4;
    let glass: Vec<&Sample> = samples.iter().filter(wanted).filter(near).collect();
    let share = glass.len() as f64 / seen.max(1) as f64;
    if share < 0.005 {
        return GlassColour { rgb: ASSUMED, share, assumed: true };
    }
    let rgb = std::array::from_fn(|channel| {
        let values = histogram(glass.iter().map(|s| u16::from(s.rgb[channel])), 256);
        quantile(&values, 0.5) as f32
    });
    GlassColour { rgb, share, assumed: false }
}

/// The brightest local maximum of a smoothed histogram that is not small beside the largest.
fn brightest_peak(counts: &[u64]) -> u16 {
    let smooth: Vec<u64> = (0..counts.len())
        .map(|i| counts[i.saturating_sub(2)..(i + 3).min(counts.len())].iter().sum())
        .collect();
    let largest = smooth.iter().copied().max().unwrap_or(0);
    let is_peak = |i: usize| {
        let around = &smooth[i.saturating_sub(4)..(i + 5).min(smooth.len())];
        smooth[i] * 4 >= largest && around.iter().all(|v| *v <= smooth[i])
    };
    (0..smooth.len()).rev().find(|i| smooth[*i] > 0 && is_peak(*i)).unwrap_or(0) as u16
}

/// One block's glass: place from -1 to 1, brightness per channel relative to the colour.
struct Block {
    x: f64,
    y: f64,
    ratio: [f64; 3],
}

fn fit_shading(samples: &[Sample], colour: &GlassColour, size: (usize, usize)) -> Shading {
    let blocks = glass_blocks(samples, colour, size);
    let spread = |of: fn(&Block) -> f64| {
        let values = blocks.iter().map(of);
        values.clone().fold(f64::MIN, f64::max) - values.fold(f64::MAX, f64::min)
    };
    if blocks.len() < 24 || spread(|b| b.x) < 1.2 || spread(|b| b.y) < 1.2 {
        return Shading([Shading::NONE; 3]);
    }
    Shading(std::array::from_fn(|channel| fit_surface(&blocks, channel).unwrap_or(Shading::NONE)))
}

fn glass_blocks(samples: &[Sample], colour: &GlassColour, size: (usize, usize)) -> Vec<Block> {
    let side = size.0.max(size.1).div_ceil(BLOCKS).max(4);
    let columns = size.0.div_ceil(side);
    let mut found: Vec<[Vec<u16>; 3]> = Vec::new();
    found.resize_with(columns * size.1.div_ceil(side), Default::default);
    for sample in samples {
        let ratio: [f32; 3] =
            std::array::from_fn(|c| f32::from(sample.rgb[c]) / colour.rgb[c].max(1.0));
        let (low, high) =
            (ratio.iter().copied().fold(9.0, f32::min), ratio.iter().copied().fold(0.0, f32::max));
        let fill = is_fill(sample.rgb) && colour.rgb.iter().any(|v| *v < 248.0);
        if fill || high - low > 0.025 || !(0.85..=1.1).contains(&high) {
            continue;
        }
        let block = &mut found[sample.y / side * columns + sample.x / side];
        for (channel, values) in block.iter_mut().enumerate() {
            values.push(u16::from(sample.rgb[channel]));
        }
    }
    let most = found.iter().map(|b| b[0].len()).max().unwrap_or(0);
    let centre = |index: usize, of: usize| {
        ((index * side) as f64 + side as f64 / 2.0) / of as f64 * 2.0 - 1.0
    };
    let enough = found.iter().enumerate().filter(|(_, b)| b[0].len() * 8 >= most.max(8));
    enough
        .map(|(index, values)| Block {
            x: centre(index % columns, size.0),
            y: centre(index / columns, size.1),
            ratio: std::array::from_fn(|c| {
                let counts = histogram(values[c].iter().copied(), 256);
                quantile(&counts, 0.6) as f64 / f64::from(colour.rgb[c].max(1.0))
            }),
        })
        .collect()
}

/// Least squares, three rounds; blocks well below the surface (pale tissue) lose their weight.
fn fit_surface(blocks: &[Block], channel: usize) -> Option<[f64; 6]> {
    let terms = |b: &Block| [1.0, b.x, b.y, b.x * b.x, b.x * b.y, b.y * b.y];
    let mut weights = vec![1.0; blocks.len()];
    let mut surface = Shading::NONE;
    for _ in 0..3 {
        let mut normal = [[0.0; 7]; 6];
        for (block, weight) in blocks.iter().zip(&weights) {
            let t = terms(block);
            for row in 0..6 {
                for column in 0..6 {
                    normal[row][column] += weight * t[row] * t[column];
                }
                normal[row][6] += weight * t[row] * block.ratio[channel];
            }
        }
        surface = solve(normal)?;
        for (block, weight) in blocks.iter().zip(&mut weights) {
            let fitted: f64 = terms(block).iter().zip(&surface).map(|(t, k)| t * k).sum();
            let off = block.ratio[channel] - fitted;
            *weight = if off < -0.012 { 0.02 } else { 1.0 };
        }
    }
    Some(surface)
}

/// Gauss elimination with pivoting; `None` where the system has no single solution.
fn solve(mut rows: [[f64; 7]; 6]) -> Option<[f64; 6]> {
    for column in 0..6 {
        let pivot =
            (column..6).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        if rows[column][column].abs() < 1e-6 {
            return None;
        }
        let head = rows[column];
        for (index, row) in rows.iter_mut().enumerate() {
            if index != column {
                let factor = row[column] / head[column];
                row.iter_mut().zip(head).for_each(|(value, above)| *value -= factor * above);
            }
        }
    }
    Some(std::array::from_fn(|index| rows[index][6] / rows[index][index]))
}

//! Filters an image by a real transfer function of spatial frequency, by the fast Fourier transform.

use bianque_core::RgbImage;

/// Display values are coded for a gamma of about this; light adds up before the coding.
const GAMMA: f32 = 2.2;

/// Applies a transfer function (cycles per pixel to factor; 1 at 0) in linear light. The outer
/// pixels feel the opposite edge: hand over a margin as wide as the filter and cut it off.
pub(super) fn filtered(image: &RgbImage, transfer: impl Fn(f64) -> f64) -> RgbImage {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let plan = Plan::new(width.next_power_of_two(), height.next_power_of_two());
    let gains = plan.gains(transfer);
    let to_light: Vec<f32> = (0..256).map(|v| (v as f32 / 255.0).powf(GAMMA)).collect();
    let light = |x: usize, y: usize, channel: usize| {
        // Beyond the image its mirror, so that the padding brings no edge of its own.
        let (x, y) = (mirrored(x, width), mirrored(y, height));
        to_light[usize::from(image.pixels()[(y * width + x) * 3 + channel])]
    };
    let mut out = RgbImage::filled(image.width(), image.height(), [0; 3]);
    // A real transfer keeps two real signals in one complex one apart.
    for (first, second) in [(0, 1), (2, 2)] {
        let mut plane = Vec::with_capacity(plan.width * plan.height);
        for y in 0..plan.height {
            plane.extend((0..plan.width).map(|x| [light(x, y, first), light(x, y, second)]));
        }
        plan.filter(&mut plane, &gains);
        for y in 0..height {
            for x in 0..width {
                let value = plane[y * plan.width + x];
                let at = (y * width + x) * 3;
                let pixels = out.pixels_mut();
                for (channel, value) in [(first, value[0]), (second, value[1])] {
                    pixels[at + channel] = shown(value);
                }
            }
        }
    }
    out
}

fn shown(light: f32) -> u8 {
    (light.max(0.0).powf(1.0 / GAMMA) * 255.0).round().clamp(0.0, 255.0) as u8
}

fn mirrored(at: usize, length: usize) -> usize {
    let period = 2 * length;
    let at = at % period;
    if at < length { at } else { period - 1 - at }
}

type Complex = [f32; 2];

/// Roots of unity and the order of bits for one length.
struct Line {
    length: usize,
    roots: Vec<Complex>,
}

impl Line {
    fn new(length: usize) -> Self {
        let root = |at: usize| {
            let angle = -std::f64::consts::TAU * at as f64 / length as f64;
            [angle.cos() as f32, angle.sin() as f32]
        };
        Self { length, roots: (0..length / 2).map(root).collect() }
    }

    /// In place, radix 2, without scaling (Cooley and Tukey 1965).
    fn transform(&self, data: &mut [Complex]) {
        let bits = self.length.trailing_zeros();
        for at in 0..self.length {
            let other = if bits == 0 { 0 } else { at.reverse_bits() >> (usize::BITS - bits) };
            if at < other {
                data.swap(at, other);
            }
        }
        let mut half = 1;
        while half < self.length {
            let stride = self.length / (2 * half);
            for block in data.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for (at, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let root = self.roots[at * stride];
                    let turned = [b[0] * root[0] - b[1] * root[1], b[0] * root[1] + b[1] * root[0]];
                    *b = [a[0] - turned[0], a[1] - turned[1]];
                    *a = [a[0] + turned[0], a[1] + turned[1]];
                }
            }
            half *= 2;
        }
    }
}

struct Plan {
    width: usize,
    height: usize,
    rows: Line,
    columns: Line,
}

impl Plan {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, rows: Line::new(width), columns: Line::new(height) }
    }

    /// The transfer at every place of the transposed spectrum, with the scale of both ways.
    fn gains(&self, transfer: impl Fn(f64) -> f64) -> Vec<f32> {
        // The transfer depends on the distance from 0 alone: asked for once per step of a ruler.
        const STEPS: f64 = 4096.0;
        let scale = 1.0 / (self.width * self.height) as f64;
        let ruler: Vec<f32> = (0..STEPS as u32 + 1)
            .map(|at| (transfer(f64::from(at) / STEPS) * scale) as f32)
            .collect();
        let frequency = |at: usize, length: usize| at.min(length - at) as f64 / length as f64;
        let mut gains = Vec::with_capacity(self.width * self.height);
        for x in 0..self.width {
            let fx = frequency(x, self.width).powi(2);
            let gain = |y| {
                let distance = (fx + frequency(y, self.height).powi(2)).sqrt();
                ruler[(distance * STEPS).round() as usize]
            };
            gains.extend((0..self.height).map(gain));
        }
        gains
    }

    fn filter(&self, plane: &mut Vec<Complex>, gains: &[f32]) {
        plane.chunks_exact_mut(self.width).for_each(|row| self.rows.transform(row));
        let mut turned = transposed(plane, self.width);
        turned.chunks_exact_mut(self.height).for_each(|column| self.columns.transform(column));
        // The inverse is the transform of the conjugate; the gains are real.
        for (value, gain) in turned.iter_mut().zip(gains) {
            *value = [value[0] * gain, -value[1] * gain];
        }
        turned.chunks_exact_mut(self.height).for_each(|column| self.columns.transform(column));
        *plane = transposed(&turned, self.height);
        plane.chunks_exact_mut(self.width).for_each(|row| self.rows.transform(row));
        plane.iter_mut().for_each(|value| value[1] = -value[1]);
    }
}

fn transposed(plane: &[Complex], width: usize) -> Vec<Complex> {
    const BLOCK: usize = 32;
    let height = plane.len() / width;
    let mut out = vec![[0.0; 2]; plane.len()];
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            for y in top..(top + BLOCK).min(height) {
                for x in left..(left + BLOCK).min(width) {
                    out[x * height + y] = plane[y * width + x];
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_of_one_changes_nothing() {
        let mut image = RgbImage::filled(37, 20, [200, 100, 40]);
        (0..37).for_each(|x| image.set_pixel(x, x % 20, [x as u8 * 6, 255, 0]));
        assert_eq!(filtered(&image, |_| 1.0), image);
    }

    #[test]
    fn light_is_kept_and_spread() {
        let mut image = RgbImage::filled(64, 64, [0; 3]);
        image.set_pixel(30, 31, [255; 3]);
        let sigma = 2.0_f64;
        let tau = std::f64::consts::TAU;
        let blurred = filtered(&image, |f| (-0.5 * (tau * f * sigma).powi(2)).exp());
        let peak = (f64::from(blurred.pixel(30, 31)[0]) / 255.0).powf(2.2);
        assert!((peak * tau * sigma * sigma - 1.0).abs() < 0.05, "{peak}");
        assert_eq!(blurred.pixel(30, 34), blurred.pixel(30, 28));
        assert_eq!(blurred.pixel(33, 31), blurred.pixel(30, 34));
    }
}

//! Operations that look at a whole row first: layer norm and softmax.

use super::{
    LANES,
    activation::exp,
    level::{fused, vectorised},
};

/// The sum of the lanes, in a fixed order.
#[inline(always)]
fn sum_of(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] += block[lane];
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += value;
    }
    sum_of(lanes)
}

/// The sum of `(value - mean)^2`.
#[inline(always)]
fn squares<const FUSED: bool>(row: &[f32], mean: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            let apart = block[lane] - mean;
            lanes[lane] = fused::<FUSED>(apart, apart, lanes[lane]);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        let apart = value - mean;
        *lane = fused::<FUSED>(apart, apart, *lane);
    }
    sum_of(lanes)
}

vectorised! {
    /// Layer norm of rows of `weight.len()` values: `(x - mean) / sqrt(variance + epsilon) * weight
    /// + bias`, in two passes so that a large mean costs no accuracy.
    pub(crate) fn layer_norm<FUSED>(
        rows: &[f32],
        weight: &[f32],
        bias: &[f32],
        epsilon: f32,
        out: &mut [f32],
    ) {
        let width = weight.len().max(1);
        for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let mean = sum(row) / width as f32;
            let variance = squares::<FUSED>(row, mean) / width as f32;
            let scale = 1.0 / (variance + epsilon).sqrt();
            for (((out, x), weight), bias) in out.iter_mut().zip(row).zip(weight).zip(bias) {
                *out = fused::<FUSED>((x - mean) * scale, *weight, *bias);
            }
        }
    }
}

vectorised! {
    /// `exp(scale * x)` over its sum, row by row of `width` values.
    pub(crate) fn softmax<FUSED>(rows: &mut [f32], width: usize, scale: f32) {
        for row in rows.chunks_exact_mut(width.max(1)) {
            let mut greatest = [f32::NEG_INFINITY; LANES];
            let (blocks, rest) = row.as_chunks::<LANES>();
            for block in blocks {
                for lane in 0..LANES {
                    greatest[lane] = greatest[lane].max(block[lane]);
                }
            }
            let top = rest.iter().chain(&greatest).fold(f32::NEG_INFINITY, |a, b| a.max(*b));
            let shift = -top * scale;
            for value in row.iter_mut() {
                *value = exp::<FUSED>(fused::<FUSED>(*value, scale, shift));
            }
            let share = 1.0 / sum(row);
            for value in row.iter_mut() {
                *value *= share;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::level::tests::{assert_levels_agree, numbers};
    use super::*;

    #[test]
    fn levels_agree() {
        for width in [1, 5, 16, 40, 197] {
            let rows = numbers(3 * width, 7);
            let (weight, bias) = (numbers(width, 8), numbers(width, 9));
            let norm = || {
                let mut out = vec![0.0; rows.len()];
                layer_norm(&rows, &weight, &bias, 1e-6, &mut out);
                out
            };
            assert_levels_agree(norm, if width == 1 { 1e-3 } else { 2e-5 });
            let soft = || {
                let mut out = rows.clone();
                softmax(&mut out, width, 3.0);
                out
            };
            assert_levels_agree(soft, 1e-6);
        }
    }

    #[test]
    fn layer_norm_by_definition_far_from_zero() {
        let row: Vec<f32> = numbers(100, 1).iter().map(|v| v + 1000.0).collect();
        let mut out = vec![0.0; 100];
        layer_norm(&row, &[2.0; 100], &[0.5; 100], 1e-6, &mut out);
        let mean = row.iter().map(|v| f64::from(*v)).sum::<f64>() / 100.0;
        let variance = row.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / 100.0;
        for (value, out) in row.iter().zip(out) {
            let expected = (f64::from(*value) - mean) / (variance + 1e-6).sqrt() * 2.0 + 0.5;
            assert!((f64::from(out) - expected).abs() < 1e-3);
        }
    }

    #[test]
    fn softmax_by_definition_and_nan_stays() {
        let mut row = numbers(21, 4);
        let expected: Vec<f64> = row.iter().map(|v| f64::from(*v * 5.0).exp()).collect();
        let total: f64 = expected.iter().sum();
        softmax(&mut row, 21, 5.0);
        for (value, expected) in row.iter().zip(expected) {
            assert!((f64::from(*value) - expected / total).abs() < 1e-6);
        }
        row[3] = f32::NAN;
        softmax(&mut row, 21, 5.0);
        assert!(row.iter().all(|value| value.is_nan()));
    }
}

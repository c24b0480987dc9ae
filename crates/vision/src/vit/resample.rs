//! Resampling a square table of positions to another number of patches.
//!
//! The convention is that of PyTorch's bicubic `interpolate` with `align_corners=False`, so that a
//! model sees the positions with which its authors evaluated it.

use crate::recipe::TableResample;

/// The inputs of one output position: the index of the first, and their weights.
type Taps = Vec<(usize, f64)>;

/// A table of `from x from` rows of `dim` values brought to `to x to` rows.
pub(super) fn resampled(
    table: &[f32],
    from: usize,
    to: usize,
    dim: usize,
    resample: TableResample,
) -> Vec<f32> {
    if from == to {
        return table.to_vec();
    }
    let taps: Vec<Taps> = (0..to).map(|index| taps(from, to, index, resample)).collect();
    // Along x: `from` lines of `to` places.
    let mut lines = Vec::with_capacity(from * to * dim);
    for y in 0..from {
        for taps in &taps {
            let row = |x: usize| &table[(y * from + x) * dim..][..dim];
            lines.extend(weighted(taps, dim, |x, i| f64::from(row(x)[i])));
        }
    }
    let mut out = Vec::with_capacity(to * to * dim);
    for taps in &taps {
        for x in 0..to {
            let row = |y: usize| &lines[(y * to + x) * dim..][..dim];
            out.extend(weighted(taps, dim, |y, i| row(y)[i]).map(|value| value as f32));
        }
    }
    out
}

fn weighted(
    taps: &Taps,
    dim: usize,
    value: impl Fn(usize, usize) -> f64,
) -> impl Iterator<Item = f64> {
    (0..dim).map(move |i| taps.iter().map(|(index, weight)| weight * value(*index, i)).sum())
}

fn taps(from: usize, to: usize, index: usize, resample: TableResample) -> Taps {
    let scale = from as f64 / to as f64;
    let centre = scale * (index as f64 + 0.5);
    let last = from - 1;
    match resample {
        TableResample::Antialiased => {
            let widen = scale.max(1.0);
            let first = ((centre - 2.0 * widen + 0.5).max(0.0)) as usize;
            let end = ((centre + 2.0 * widen + 0.5) as usize).min(from);
            let weight = |at: usize| cubic((at as f64 + 0.5 - centre) / widen, -0.5);
            let total: f64 = (first..end).map(weight).sum();
            (first..end).map(|at| (at, weight(at) / total)).collect()
        }
        TableResample::Plain => {
            let base = (centre - 0.5).floor();
            let weight = |step: f64| cubic(base + step - (centre - 0.5), -0.75);
            let place = |step: f64| ((base + step).max(0.0) as usize).min(last);
            [-1.0, 0.0, 1.0, 2.0].map(|step| (place(step), weight(step))).to_vec()
        }
    }
}

/// The cubic convolution kernel (Keys 1981) with parameter `a`.
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [TableResample; 2] = [TableResample::Antialiased, TableResample::Plain];

    #[test]
    fn a_constant_table_stays_constant() {
        for resample in BOTH {
            for to in [1, 3, 14, 28, 37] {
                let out = resampled(&[2.5; 14 * 14 * 3], 14, to, 3, resample);
                assert_eq!(out.len(), to * to * 3);
                assert!(out.iter().all(|value| (value - 2.5).abs() < 1e-6));
            }
        }
    }

    #[test]
    fn axes_are_kept_apart() {
        let table: Vec<f32> = (0..64).flat_map(|at| [(at / 8) as f32, (at % 8) as f32]).collect();
        for resample in BOTH {
            let out = resampled(&table, 8, 16, 2, resample);
            for y in 4..12 {
                for x in 4..12 {
                    let row = &out[(y * 16 + x) * 2..][..2];
                    let expected = |at: usize| (at as f32 + 0.5) / 2.0 - 0.5;
                    assert!((row[0] - expected(y)).abs() < 0.05, "{row:?} at {y}");
                    assert!((row[1] - expected(x)).abs() < 0.05, "{row:?} at {x}");
                }
            }
        }
    }
}

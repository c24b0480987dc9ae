//! Rows brought to mean 0 and variance 1, then scaled and shifted (Ba, Kiros and Hinton 2016).

use rayon::prelude::*;

use super::{Array, Node, Operation, Tape};

/// Added to the variance.
const EPSILON: f64 = 1e-5;

/// What the backward pass hands on: slopes by the input, the scale and the shift.
pub(super) struct NormaliseSlopes {
    pub(super) input: Array,
    pub(super) scale: Array,
    pub(super) shift: Array,
}

impl Tape<'_> {
    /// Normalises every row; `scale` and `shift` are rows of its length.
    pub(crate) fn normalise_rows(&mut self, input: Node, scale: Node, shift: Node) -> Node {
        let mut out = standardised(self.value(input)).0;
        let (scales, shifts) = (&self.value(scale).values, &self.value(shift).values);
        out.values.par_chunks_mut(out.columns.max(1)).for_each(|row| {
            let factors = scales.iter().zip(shifts);
            row.iter_mut().zip(factors).for_each(|(x, (scale, shift))| *x = *x * scale + shift);
        });
        let operation = Operation::NormaliseRows { input, scale, shift };
        self.push(out, operation, &[input, scale, shift])
    }
}

/// Rows of mean 0 and variance 1, and what each was multiplied by.
fn standardised(input: &Array) -> (Array, Vec<f32>) {
    let mut out = input.clone();
    let columns = out.columns.max(1);
    let factors = out
        .values
        .par_chunks_mut(columns)
        .map(|row| {
            let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / columns as f64;
            let squares: f64 = row.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum();
            let factor = 1.0 / (squares / columns as f64 + EPSILON).sqrt();
            row.iter_mut().for_each(|x| *x = ((f64::from(*x) - mean) * factor) as f32);
            factor as f32
        })
        .collect();
    (out, factors)
}

pub(super) fn backward(input: &Array, scale: &Array, slope: &Array) -> NormaliseSlopes {
    let (normal, factors) = standardised(input);
    let columns = input.columns;
    let (mut by_scale, mut by_shift) = (vec![0.0_f64; columns], vec![0.0_f64; columns]);
    for row in 0..input.rows {
        let values = slope.row(row).iter().zip(normal.row(row));
        for ((scale, shift), (slope, x)) in by_scale.iter_mut().zip(&mut by_shift).zip(values) {
            *scale += f64::from(*slope) * f64::from(*x);
            *shift += f64::from(*slope);
        }
    }
    let mut out = slope.clone();
    let rows = out.values.par_chunks_mut(columns.max(1)).enumerate();
    rows.for_each(|(row, own)| {
        own.iter_mut().zip(&scale.values).for_each(|(slope, scale)| *slope *= scale);
        let x = normal.row(row);
        let mean = own.iter().map(|s| f64::from(*s)).sum::<f64>() / columns as f64;
        let along: f64 = own.iter().zip(x).map(|(s, x)| f64::from(*s) * f64::from(*x)).sum();
        let (mean, along) = (mean as f32, (along / columns as f64) as f32);
        let factor = factors[row];
        own.iter_mut().zip(x).for_each(|(slope, x)| *slope = factor * (*slope - mean - x * along));
    });
    let single = |sums: Vec<f64>| Array::new(1, columns, sums.iter().map(|x| *x as f32).collect());
    NormaliseSlopes { input: out, scale: single(by_scale), shift: single(by_shift) }
}

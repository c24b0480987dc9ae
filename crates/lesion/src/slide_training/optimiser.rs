//! AdamW (Loshchilov and Hutter 2019) over a head's parameters.

use rayon::prelude::*;

use crate::tape::{Array, Parameters};

const FIRST: f32 = 0.9;
const SECOND: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// The averages of slopes and of their squares, and the number of steps taken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AdamW {
    pub(super) steps: u32,
    pub(super) first: Vec<Array>,
    pub(super) second: Vec<Array>,
}

impl AdamW {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { steps: 0, first: parameters.zeros_alike(), second: parameters.zeros_alike() }
    }

    /// One step along `gradients`, which are zero afterwards.
    pub(super) fn step(
        &mut self,
        parameters: &mut Parameters,
        gradients: &mut [Array],
        learning_rate: f32,
        weight_decay: f32,
    ) {
        self.steps += 1;
        let steps = self.steps.min(1 << 20) as i32;
        let first_scale = 1.0 / (1.0 - FIRST.powi(steps));
        let second_scale = 1.0 / (1.0 - SECOND.powi(steps));
        let entries = parameters.entries.iter_mut().zip(gradients);
        for ((entry, gradient), (first, second)) in
            entries.zip(self.first.iter_mut().zip(&mut self.second))
        {
            let decay = if entry.decays { 1.0 - learning_rate * weight_decay } else { 1.0 };
            let values = entry.value.values.par_iter_mut().with_min_len(1 << 14);
            values
                .zip(&mut gradient.values)
                .zip(first.values.par_iter_mut().zip(&mut second.values))
                .for_each(|((value, slope), (first, second))| {
                    *first = FIRST * *first + (1.0 - FIRST) * *slope;
                    *second = SECOND * *second + (1.0 - SECOND) * *slope * *slope;
                    let width = (*second * second_scale).sqrt() + EPSILON;
                    *value = *value * decay - learning_rate * *first * first_scale / width;
                    *slope = 0.0;
                });
        }
    }
}

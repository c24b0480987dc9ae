//! Attentional pooling of one learned query (CoCa, Yu et al. 2022), as CONCH has it.

use super::network::{Linear, Norm};
use crate::{
    matrix::{Destination, View, ViewMut, multiply},
    recipe::Pooler,
    rows,
};

/// The layers, with the query brought as far as it goes without an image.
pub(super) struct PoolerLayers {
    dim: usize,
    heads: usize,
    epsilon: f32,
    /// The query after its norm and its layer.
    pub(super) query: Vec<f32>,
    pub(super) norm_tokens: Norm,
    /// Keys, then values: `2 * dim` outputs.
    pub(super) keys_values: Linear,
    pub(super) project: Linear,
    pub(super) norm_last: Norm,
}

impl PoolerLayers {
    #[allow(clippy::too_many_arguments, reason = "one for each part of the file")]
    pub(super) fn new(
        pooler: &Pooler,
        query: &[f32],
        norm_query: &Norm,
        to_query: &Linear,
        norm_tokens: Norm,
        keys_values: Linear,
        project: Linear,
        norm_last: Norm,
    ) -> Self {
        let (dim, epsilon) = (pooler.dim, pooler.norm_eps);
        let mut normed = vec![0.0; dim];
        rows::layer_norm(query, &norm_query.weight, &norm_query.bias, epsilon, &mut normed);
        let mut query = vec![0.0; dim];
        to_query.write(&normed, 1, &mut query);
        Self {
            dim,
            heads: pooler.heads,
            epsilon,
            query,
            norm_tokens,
            keys_values,
            project,
            norm_last,
        }
    }

    /// Values of scratch that `tokens` tokens need.
    pub(super) fn scratch(&self, tokens: usize) -> usize {
        tokens * (self.keys_values.inputs + 2 * self.dim + 1) + 2 * self.dim
    }

    /// One vector of `dim` values from the tokens after the trunk's last norm.
    pub(super) fn pool(&self, tokens: &[f32], scratch: &mut [f32], out: &mut [f32]) {
        let (dim, context) = (self.dim, self.keys_values.inputs);
        let count = tokens.len() / context;
        let (normed, rest) = scratch.split_at_mut(count * context);
        let (both, rest) = rest.split_at_mut(count * 2 * dim);
        let (scores, rest) = rest.split_at_mut(count);
        let (attended, projected) = rest.split_at_mut(dim);
        let norm = &self.norm_tokens;
        rows::layer_norm(tokens, &norm.weight, &norm.bias, self.epsilon, normed);
        self.keys_values.write(normed, count, both);
        let width = dim / self.heads;
        for head in 0..self.heads {
            let at = head * width;
            multiply(
                ViewMut::new(scores, 1, count, count),
                Destination::Replace,
                View::new(&self.query[at..], 1, width, dim),
                View::new(&both[at..], count, width, 2 * dim).transposed(),
            );
            rows::softmax(scores, count, 1.0 / (width as f32).sqrt());
            multiply(
                ViewMut::new(&mut attended[at..], 1, width, dim),
                Destination::Replace,
                View::new(scores, 1, count, count),
                View::new(&both[dim + at..], count, width, 2 * dim),
            );
        }
        let projected = &mut projected[..dim];
        self.project.write(attended, 1, projected);
        let norm = &self.norm_last;
        rows::layer_norm(projected, &norm.weight, &norm.bias, self.epsilon, out);
    }
}

//! Multi-head attention of one image, on strided views of the fused q, k, v rows.

use crate::{
    matrix::{Destination, View, ViewMut, multiply},
    rows,
};

/// Queries that are handled at once: bounds the score matrix, which should stay in the cache.
pub(super) const QUERIES: usize = 256;

/// Attends from the first `queries` tokens to all: `qkv` has a row of `3 * dim` values a token, and
/// each head's result goes to its place in rows of `dim` values of `out`. `scores` is scratch for
/// at least `min(queries, QUERIES) * tokens` values.
pub(super) fn attend(
    qkv: &[f32],
    tokens: usize,
    queries: usize,
    heads: usize,
    dim: usize,
    scores: &mut [f32],
    out: &mut [f32],
) {
    let width = dim / heads;
    let scale = 1.0 / (width as f32).sqrt();
    for head in 0..heads {
        let at = head * width;
        let keys = View::new(&qkv[dim + at..], tokens, width, 3 * dim);
        let values = View::new(&qkv[2 * dim + at..], tokens, width, 3 * dim);
        for first in (0..queries).step_by(QUERIES) {
            let count = QUERIES.min(queries - first);
            let asked = View::new(&qkv[first * 3 * dim + at..], count, width, 3 * dim);
            let scores = &mut scores[..count * tokens];
            multiply(
                ViewMut::new(scores, count, tokens, tokens),
                Destination::Replace,
                asked,
                keys.transposed(),
            );
            rows::softmax(scores, tokens, scale);
            multiply(
                ViewMut::new(&mut out[first * dim + at..], count, width, dim),
                Destination::Replace,
                View::new(scores, count, tokens, tokens),
                values,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_queries_equal_the_definition() {
        let (tokens, heads, dim) = (QUERIES + 40, 2, 8);
        let qkv: Vec<f32> =
            (0..tokens * 3 * dim).map(|i| ((i * 7919) % 1000) as f32 / 400.0 - 1.25).collect();
        let mut out = vec![0.0; tokens * dim];
        attend(&qkv, tokens, tokens, heads, dim, &mut vec![0.0; QUERIES * tokens], &mut out);
        for (query, head) in [(0, 0), (QUERIES - 1, 1), (QUERIES, 0), (tokens - 1, 1)] {
            let part =
                |token: usize, which: usize| &qkv[(token * 3 + which) * dim + head * 4..][..4];
            let score = |token: usize| {
                let dot: f32 = part(query, 0).iter().zip(part(token, 1)).map(|(a, b)| a * b).sum();
                f64::from(dot / 2.0).exp()
            };
            let total: f64 = (0..tokens).map(score).sum();
            for i in 0..4 {
                let sum: f64 = (0..tokens).map(|t| score(t) * f64::from(part(t, 2)[i])).sum();
                let actual = f64::from(out[query * dim + head * 4 + i]);
                assert!((actual - sum / total).abs() < 1e-5, "query {query}, head {head}");
            }
        }
    }
}

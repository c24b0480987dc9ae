//! What a forward pass knows of a tile's parts: the patch tokens, and the class token's attention.

use super::{forward::Scratch, layer::Layer, network::Network};
use crate::{
    encoder::TokenGrid,
    matrix::{Destination, View, ViewMut, multiply},
    recipe::Pooling,
    rows,
};

impl<L: Layer> Network<L> {
    /// The patch tokens that a head may look at; none where a tile is encoded channel by channel.
    /// Where a tile's vector is made of class token and mean, a part's is of class token and patch,
    /// so that the mean over parts is the tile's.
    pub(super) fn token_grid(&self) -> Option<TokenGrid> {
        let (dimension, averages) = match self.pooling {
            Pooling::Mean => (self.dim, true),
            Pooling::ClassAndMean => (2 * self.dim, true),
            Pooling::Class | Pooling::Attentional(_) => (self.dim, false),
        };
        (self.passes == 1).then_some(TokenGrid { edge: self.grid, dimension, averages })
    }

    /// Copies the tokens of a pass that was run with `every_token`.
    pub(super) fn copy_tokens(&self, scratch: &Scratch<L>, out: &mut [f32]) {
        let (class, patches) = scratch.normed.split_at(self.prefix * self.dim);
        let width = out.len() / (self.grid * self.grid);
        for (to, patch) in out.chunks_exact_mut(width).zip(patches.chunks_exact(self.dim)) {
            let (before, after) = to.split_at_mut(width - self.dim);
            before.copy_from_slice(&class[..before.len()]);
            after.copy_from_slice(patch);
        }
    }

    /// Whether there is a class token whose attention can be looked at.
    pub(super) fn has_class_token(&self) -> bool {
        let uses_class = matches!(self.pooling, Pooling::Class | Pooling::ClassAndMean);
        uses_class && self.prefix > 0 && self.passes == 1
    }

    /// The class token's attention to the patches in the last block of a pass, the mean over
    /// heads. What it gives to itself and to registers is left out, so the sum is below 1.
    pub(super) fn copy_attention(&self, scratch: &Scratch<L>, out: &mut [f32]) {
        let (dim, tokens) = (self.dim, self.tokens());
        let width = dim / self.heads;
        let mut scores = vec![0.0; tokens];
        out.fill(0.0);
        for head in 0..self.heads {
            let at = head * width;
            multiply(
                ViewMut::new(&mut scores, 1, tokens, tokens),
                Destination::Replace,
                View::new(&scratch.qkv[at..], 1, width, 3 * dim),
                View::new(&scratch.qkv[dim + at..], tokens, width, 3 * dim).transposed(),
            );
            rows::softmax(&mut scores, tokens, 1.0 / (width as f32).sqrt());
            rows::add(out, &scores[self.prefix..]);
        }
        out.iter_mut().for_each(|value| *value /= self.heads as f32);
    }
}

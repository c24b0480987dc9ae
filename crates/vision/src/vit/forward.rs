//! The forward pass of one image.

use bianque_core::RgbImage;

use super::{
    attention::{QUERIES, attend},
    layer::Layer,
    network::{Block, Network, Norm},
};
use crate::{
    normalise,
    recipe::{Normalise, Pooling},
    rows,
};

/// Buffers of one image, reused by all blocks and by later images.
pub(super) struct Scratch<L: Layer> {
    /// Unfolded patches: a row of 3 x patch x patch values each.
    patches: Vec<f32>,
    /// The residual stream: a row of `dim` values a token.
    tokens: Vec<f32>,
    /// What a branch reads, and what attention writes.
    pub(super) normed: Vec<f32>,
    pub(super) qkv: Vec<f32>,
    scores: Vec<f32>,
    hidden: Vec<f32>,
    /// What a branch's inner norm makes, where the network has such.
    between: Vec<f32>,
    /// A layer's input as the layer wants it.
    operand: L::Operand,
    /// What attentional pooling needs.
    pooled: Vec<f32>,
    /// Whether every token is wanted at the end, not only those that pooling looks at.
    pub(super) every_token: bool,
}

impl<L: Layer> Scratch<L> {
    pub(super) fn for_network(network: &Network<L>) -> Self {
        let tokens = network.tokens();
        let hidden = network.blocks.iter().map(|block| block.up.outputs()).max().unwrap_or(0);
        let zeros = |count: usize| vec![0.0; count];
        Self {
            patches: zeros(network.grid * network.grid * network.embed.inputs),
            tokens: zeros(tokens * network.dim),
            normed: zeros(tokens * network.dim),
            qkv: zeros(tokens * 3 * network.dim),
            scores: zeros(tokens.min(QUERIES) * tokens),
            hidden: zeros(tokens * hidden),
            between: zeros(if network.has_inner_norms() {
                tokens * hidden.max(network.dim)
            } else {
                0
            }),
            operand: L::Operand::default(),
            pooled: zeros(network.pooler.as_ref().map_or(0, |p| p.scratch(tokens))),
            every_token: false,
        }
    }
}

impl<L: Layer> Network<L> {
    /// One image's feature vector.
    pub(super) fn forward(
        &self,
        normalise: &Normalise,
        tile: &RgbImage,
        scratch: &mut Scratch<L>,
        out: &mut [f32],
    ) {
        let each = out.len() / self.passes;
        for (pass, out) in out.chunks_exact_mut(each).enumerate() {
            let first = if self.passes == 1 { 0..3 } else { pass..pass + 1 };
            unfold(normalise, tile, self.patch, first, &mut scratch.patches);
            self.pass(scratch, out);
        }
    }

    /// From unfolded patches to a vector.
    fn pass(&self, scratch: &mut Scratch<L>, out: &mut [f32]) {
        scratch.tokens.copy_from_slice(&self.seed);
        self.embed.add_product(
            &scratch.patches,
            self.embed.inputs,
            self.grid * self.grid,
            &mut scratch.tokens[self.prefix * self.dim..],
        );
        let tokens = self.tokens();
        for (index, block) in self.blocks.iter().enumerate() {
            // Of the last block only those tokens matter that somebody looks at.
            let last = index + 1 == self.blocks.len();
            let needed = if last { self.wanted_tokens(scratch) } else { tokens };
            self.attention_branch(block, needed, scratch);
            self.feed_forward_branch(block, needed, scratch);
        }
        self.pool(scratch, out);
    }

    /// `tokens += project(attention(norm(tokens)))` for the first `needed` tokens.
    fn attention_branch(&self, block: &Block<L>, needed: usize, scratch: &mut Scratch<L>) {
        let (dim, tokens) = (self.dim, self.tokens());
        let Scratch { tokens: stream, normed, qkv, scores, operand, between, .. } = scratch;
        let norm = &block.norm1;
        rows::layer_norm(stream, &norm.weight, &norm.bias, self.epsilon, normed);
        if needed == tokens {
            block.qkv.write(normed, tokens, operand, qkv);
        } else {
            block.qkv.write_part(0..dim, normed, needed, operand, qkv);
            block.qkv.write_part(dim..3 * dim, normed, tokens, operand, qkv);
        }
        if let Some(rotation) = &self.rotation {
            // Queries and keys of patch tokens; tokens before them have no place.
            for (patch, row) in qkv.chunks_exact_mut(3 * dim).skip(self.prefix).enumerate() {
                rotation.turn(patch, &mut row[..2 * dim]);
            }
        }
        attend(qkv, tokens, needed, self.heads, dim, scores, normed);
        let attended = match &block.between {
            None => &normed[..],
            Some([norm, _]) => self.inner_norm(norm, &normed[..needed * dim], between),
        };
        block.project.add(attended, dim, needed, operand, stream);
    }

    /// `tokens += down(activation(up(norm(tokens))))` for the first `needed` tokens.
    fn feed_forward_branch(&self, block: &Block<L>, needed: usize, scratch: &mut Scratch<L>) {
        let Scratch { tokens: stream, normed, hidden, operand, between, .. } = scratch;
        let stream = &mut stream[..needed * self.dim];
        let norm = &block.norm2;
        rows::layer_norm(stream, &norm.weight, &norm.bias, self.epsilon, normed);
        let width = block.up.outputs();
        let hidden = &mut hidden[..needed * width];
        block.up.write(normed, needed, operand, hidden);
        if self.gated {
            for row in hidden.chunks_exact_mut(width) {
                let (gate, value) = row.split_at_mut(width / 2);
                rows::silu_gate(gate, value);
            }
        } else {
            rows::gelu(hidden);
        }
        let widened = match &block.between {
            None => &hidden[..],
            Some([_, norm]) => self.inner_norm(norm, hidden, between),
        };
        block.down.add(widened, width, needed, operand, stream);
    }

    /// Whether branches have a norm before their last layer.
    fn has_inner_norms(&self) -> bool {
        self.blocks.iter().any(|block| block.between.is_some())
    }

    fn inner_norm<'a>(&self, norm: &Norm, rows: &[f32], out: &'a mut [f32]) -> &'a [f32] {
        let out = &mut out[..rows.len()];
        rows::layer_norm(rows, &norm.weight, &norm.bias, self.epsilon, out);
        out
    }

    /// How many tokens from the first are looked at after the last block.
    fn wanted_tokens(&self, scratch: &Scratch<L>) -> usize {
        let class_alone = self.pooling == Pooling::Class && !scratch.every_token;
        if class_alone { 1 } else { self.tokens() }
    }

    /// The last norm, and the class token, the mean of patch tokens, or both.
    fn pool(&self, scratch: &mut Scratch<L>, out: &mut [f32]) {
        let needed = self.wanted_tokens(scratch);
        let Scratch { tokens: stream, normed, .. } = scratch;
        let stream = &stream[..needed * self.dim];
        rows::layer_norm(stream, &self.norm.weight, &self.norm.bias, self.epsilon, normed);
        if let Some(pooler) = &self.pooler {
            return pooler.pool(normed, &mut scratch.pooled, out);
        }
        let mean = match self.pooling {
            Pooling::Attentional(_) => return,
            Pooling::Class => return out.copy_from_slice(&normed[..self.dim]),
            Pooling::Mean => out,
            Pooling::ClassAndMean => {
                let (class, mean) = out.split_at_mut(self.dim);
                class.copy_from_slice(&normed[..self.dim]);
                mean
            }
        };
        mean.fill(0.0);
        for row in normed.chunks_exact(self.dim).skip(self.prefix) {
            rows::add(mean, row);
        }
        let patches = (self.grid * self.grid) as f32;
        mean.iter_mut().for_each(|value| *value /= patches);
    }
}

/// Writes each patch as one row in the order of a convolution's weights: channel, y, x.
fn unfold(
    normalise: &Normalise,
    tile: &RgbImage,
    patch: usize,
    channels: std::ops::Range<usize>,
    out: &mut [f32],
) {
    let table = normalise::table(normalise, tile);
    let grid = tile.width() as usize / patch;
    for (index, row) in out.chunks_exact_mut(channels.len() * patch * patch).enumerate() {
        let (top, left) = (index / grid * patch, index % grid * patch);
        for (channel, plane) in channels.clone().zip(row.chunks_exact_mut(patch * patch)) {
            for (y, line) in plane.chunks_exact_mut(patch).enumerate() {
                let pixels = &tile.row((top + y) as u32)[left * 3..];
                for (value, pixel) in line.iter_mut().zip(pixels.chunks_exact(3)) {
                    *value = table[channel][pixel[channel] as usize];
                }
            }
        }
    }
}

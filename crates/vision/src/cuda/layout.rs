//! Buffers on the device: working memory for a batch, and the network's constants.

use super::{
    plan::{Buffer, Kind, Place},
    shape::Shape,
};
use crate::recipe::{Pooling, Precision};

/// A layer's or a norm's two tensors, as numbers of buffers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) weight: usize,
    pub(crate) bias: usize,
}

/// A block's tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockBuffers {
    pub(crate) norm1: Pair,
    pub(crate) qkv: Pair,
    pub(crate) project: Pair,
    pub(crate) norm2: Pair,
    /// Norms before the last layer of each branch.
    pub(crate) between: Option<[Pair; 2]>,
    pub(crate) up: Pair,
    pub(crate) down: Pair,
}

/// The tensors and the working memory of attentional pooling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PoolerBuffers {
    pub(crate) query: usize,
    pub(crate) norm_tokens: Pair,
    pub(crate) keys_values: Pair,
    pub(crate) project: Pair,
    pub(crate) norm_last: Pair,
    /// What the query found: the pooler's width of elements an image.
    pub(crate) attended: usize,
    /// The same after its layer, in 32 bits.
    pub(crate) projected: usize,
}

/// All buffers of an encoder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    pub(crate) buffers: Vec<Buffer>,
    precision: Precision,
    /// Tiles as they come: 8-bit, row by row.
    pub(crate) tiles: usize,
    /// The network's input for each value of each channel, once or once a tile.
    pub(crate) tables: usize,
    pub(crate) patches: usize,
    /// The residual stream in 32 bits.
    pub(crate) stream: usize,
    /// What a branch reads, and what attention writes.
    pub(crate) normed: usize,
    /// Queries, keys and values of each token; after the last block its tokens in 32 bits.
    pub(crate) qkv: usize,
    pub(crate) hidden: usize,
    /// The result in 32 bits.
    pub(crate) features: usize,
    pub(crate) seed: usize,
    pub(crate) embed: usize,
    /// Cosines and sines, where positions are rotary.
    pub(crate) rotation: Option<(usize, usize)>,
    pub(crate) blocks: Vec<BlockBuffers>,
    pub(crate) norm: Pair,
    pub(crate) pooler: Option<PoolerBuffers>,
}

/// Makes buffers one after the other.
struct Maker {
    precision: Precision,
    buffers: Vec<Buffer>,
}

impl Maker {
    fn add(&mut self, name: &str, kind: Kind, length: usize) -> usize {
        let width = value_bytes(self.precision, kind);
        self.buffers.push(Buffer { name: name.to_owned(), kind, length, width });
        self.buffers.len() - 1
    }

    /// A layer of elements; its bias is of the kind of what it is added to.
    fn layer(&mut self, name: &str, inputs: usize, outputs: usize, bias: Kind) -> Pair {
        Pair {
            weight: self.add(&format!("{name}.weight"), Kind::Element, inputs * outputs),
            bias: self.add(&format!("{name}.bias"), bias, outputs),
        }
    }

    fn norm(&mut self, name: &str, width: usize) -> Pair {
        Pair {
            weight: self.add(&format!("{name}.weight"), Kind::Full, width),
            bias: self.add(&format!("{name}.bias"), Kind::Full, width),
        }
    }

    fn block(&mut self, index: usize, shape: &Shape) -> BlockBuffers {
        let name = |part: &str| format!("blocks.{index}.{part}");
        let (dim, hidden, widened) = (shape.dim, shape.hidden, shape.widened());
        BlockBuffers {
            norm1: self.norm(&name("norm1"), dim),
            qkv: self.layer(&name("qkv"), dim, 3 * dim, Kind::Element),
            project: self.layer(&name("project"), dim, dim, Kind::Full),
            norm2: self.norm(&name("norm2"), dim),
            between: shape.sub_norm.then(|| {
                [self.norm(&name("attention.norm"), dim), self.norm(&name("hidden.norm"), hidden)]
            }),
            up: self.layer(&name("up"), dim, widened, Kind::Element),
            down: self.layer(&name("down"), hidden, dim, Kind::Full),
        }
    }

    fn pooler(&mut self, shape: &Shape, images: usize) -> Option<PoolerBuffers> {
        let Pooling::Attentional(pooler) = &shape.pooling else { return None };
        let dim = pooler.dim;
        Some(PoolerBuffers {
            query: self.add("pooler.query", Kind::Full, dim),
            norm_tokens: self.norm("pooler.norm_tokens", shape.dim),
            keys_values: self.layer("pooler.keys_values", shape.dim, 2 * dim, Kind::Element),
            project: self.layer("pooler.project", dim, dim, Kind::Full),
            norm_last: self.norm("pooler.norm_last", dim),
            attended: self.add("pooler.attended", Kind::Element, images * dim),
            projected: self.add("pooler.projected", Kind::Full, images * dim),
        })
    }
}

impl Layout {
    /// Buffers for up to `tiles` tiles at once.
    pub(crate) fn new(shape: &Shape, precision: Precision, tiles: usize) -> Self {
        let mut maker = Maker { precision, buffers: Vec::new() };
        let images = tiles * shape.passes;
        let rows = images * shape.tokens();
        let (dim, patches) = (shape.dim, shape.patches());
        let both = match &shape.pooling {
            Pooling::Attentional(pooler) => 2 * pooler.dim,
            _ => 0,
        };
        let tables = if shape.per_tile { tiles } else { 1 };
        let wide = shape.widened().max(both);
        Self {
            precision,
            tiles: maker.add("tiles", Kind::Byte, tiles * 3 * shape.size * shape.size),
            tables: maker.add("tables", Kind::Full, tables * 3 * 256),
            patches: maker.add("patches", Kind::Element, images * patches * shape.patch_padded()),
            stream: maker.add("stream", Kind::Full, rows * dim),
            normed: maker.add("normed", Kind::Element, rows * dim),
            qkv: maker.add("qkv", Kind::Element, rows * 3 * dim),
            hidden: maker.add("hidden", Kind::Element, rows * wide),
            features: maker.add("features", Kind::Full, tiles * shape.output),
            seed: maker.add("seed", Kind::Full, shape.tokens() * dim),
            embed: maker.add("embed.weight", Kind::Element, shape.patch_padded() * dim),
            rotation: shape.rotary.then(|| {
                let length = patches * shape.head();
                let cosine = maker.add("rotation.cosine", Kind::Full, length);
                (cosine, maker.add("rotation.sine", Kind::Full, length))
            }),
            blocks: (0..shape.depth).map(|index| maker.block(index, shape)).collect(),
            norm: maker.norm("norm", dim),
            pooler: maker.pooler(shape, images),
            buffers: maker.buffers,
        }
    }

    /// The begin of a buffer.
    pub(crate) fn begin(buffer: usize) -> Place {
        Place { buffer, bytes: 0 }
    }

    /// A value's place.
    pub(crate) fn at(&self, buffer: usize, value: usize) -> Place {
        Place { buffer, bytes: value * self.buffers[buffer].width }
    }

    /// Bytes that all buffers take.
    pub(crate) fn bytes(&self) -> usize {
        self.buffers.iter().map(Buffer::bytes).sum()
    }

    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }
}

/// Bytes of a value.
pub(crate) fn value_bytes(precision: Precision, kind: Kind) -> usize {
    match (kind, precision) {
        (Kind::Byte, _) => 1,
        (Kind::Full, _) | (Kind::Element, Precision::F32) => 4,
        (Kind::Element, Precision::F16 | Precision::Bf16) => 2,
    }
}

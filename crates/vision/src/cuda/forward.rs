//! The forward pass as a plan: the same steps as the CPU engine's, over all images of a batch.

use std::f32::consts::LOG2_E;

use super::{
    layout::{BlockBuffers, Layout, Pair, PoolerBuffers},
    plan::{Argument, Batch, Kernel, Kind, Launch, Place, Plan, Product, Step},
    shape::{QUERY_BLOCK, SHARED, Shape},
};
use crate::recipe::{Pooler, Pooling, Precision};

/// Rows that a block of a layer norm handles, one a warp.
const NORM_ROWS: usize = 4;
/// Queries of a block of attention, and keys that pass through shared memory at once.
const ATTENTION_TILE: usize = 64;

/// The plan for a fixed number of tiles.
pub(crate) fn plan(shape: &Shape, layout: &Layout, tiles: usize) -> Plan {
    let mut builder = Builder::new(shape, layout, tiles);
    let unfold = builder.unfold();
    builder.tokens();
    for (index, block) in layout.blocks.iter().enumerate() {
        // Of the last block only those tokens matter that pooling looks at.
        let last = index + 1 == layout.blocks.len();
        let class = last && shape.pooling == Pooling::Class;
        let needed = if class { 1 } else { shape.tokens() };
        builder.attention_branch(block, needed);
        builder.feed_forward_branch(block, needed);
    }
    builder.pool();
    Plan { unfold, steps: builder.steps }
}

struct Builder<'a> {
    shape: &'a Shape,
    layout: &'a Layout,
    images: usize,
    tokens: usize,
    steps: Vec<Step>,
}

/// Rows of a matrix in a buffer.
#[derive(Copy, Clone)]
struct Rows {
    place: Place,
    stride: usize,
}

impl<'a> Builder<'a> {
    fn new(shape: &'a Shape, layout: &'a Layout, tiles: usize) -> Self {
        let images = tiles * shape.passes;
        Self { shape, layout, images, tokens: shape.tokens(), steps: Vec::new() }
    }

    fn launch(&mut self, launch: Launch) {
        self.steps.push(Step::Launch(launch));
    }

    fn product(&mut self, product: Product) {
        self.steps.push(Step::Product(product));
    }

    /// `output = input * weight^T + bias`, in elements.
    fn layer(&self, layer: Pair, sizes: [usize; 3], input: Rows, output: Rows) -> Product {
        let [rows, inputs, outputs] = sizes;
        Product {
            rows,
            outputs,
            inputs,
            input: input.place,
            input_stride: input.stride,
            weight: Layout::begin(layer.weight),
            weight_stride: inputs,
            output: output.place,
            output_stride: output.stride,
            output_kind: Kind::Element,
            bias: Some(Layout::begin(layer.bias)),
            gelu: false,
            accumulate: false,
            batch: None,
        }
    }

    /// From tiles to patches.
    fn unfold(&self) -> Launch {
        let (shape, layout) = (self.shape, self.layout);
        let padded = shape.patch_padded();
        let step = if shape.per_tile { 3 * 256 } else { 0 };
        Launch::over(
            Kernel::Unfold,
            self.images * shape.patches() * padded,
            vec![
                Argument::Place(Layout::begin(layout.tiles)),
                Argument::Place(Layout::begin(layout.tables)),
                Argument::Place(Layout::begin(layout.patches)),
                int(self.images),
                int(shape.passes),
                int(shape.size),
                int(shape.patch),
                int(padded),
                int(step),
            ],
        )
    }

    /// The stream before the first block.
    fn tokens(&mut self) {
        let (shape, layout) = (self.shape, self.layout);
        let (each, dim) = (self.tokens * shape.dim, shape.dim);
        self.launch(Launch::over(
            Kernel::SeedTokens,
            self.images * each,
            vec![
                Argument::Place(Layout::begin(layout.seed)),
                Argument::Place(Layout::begin(layout.stream)),
                long(self.images * each),
                int(each),
            ],
        ));
        let padded = shape.patch_padded();
        self.product(Product {
            rows: shape.patches(),
            outputs: dim,
            inputs: padded,
            input: Layout::begin(layout.patches),
            input_stride: padded,
            weight: Layout::begin(layout.embed),
            weight_stride: padded,
            output: layout.at(layout.stream, shape.prefix * dim),
            output_stride: dim,
            output_kind: Kind::Full,
            bias: None,
            gelu: false,
            accumulate: true,
            batch: Some(Batch {
                count: self.images,
                input_step: shape.patches() * padded,
                output_step: each,
            }),
        });
    }

    /// `tokens += project(attention(norm(tokens)))` for the first `needed` tokens of each image.
    fn attention_branch(&mut self, block: &BlockBuffers, needed: usize) {
        let (layout, dim, tokens) = (self.layout, self.shape.dim, self.tokens);
        let rows = self.images * tokens;
        let normed = Rows { place: Layout::begin(layout.normed), stride: dim };
        let qkv = Rows { place: Layout::begin(layout.qkv), stride: 3 * dim };
        self.norm(block.norm1, layout.stream, tokens, Kernel::LayerNorm, layout.normed);
        if needed == tokens {
            self.product(self.layer(block.qkv, [rows, dim, 3 * dim], normed, qkv));
        } else {
            // Queries of the first token alone, keys and values of all.
            let first = |rows: Rows| Rows { place: rows.place, stride: tokens * rows.stride };
            let sizes = [self.images, dim, dim];
            self.product(self.layer(block.qkv, sizes, first(normed), first(qkv)));
            let keys = Rows { place: layout.at(layout.qkv, dim), stride: 3 * dim };
            let mut product = self.layer(block.qkv, [rows, dim, 2 * dim], normed, keys);
            product.weight = layout.at(block.qkv.weight, dim * dim);
            product.bias = Some(layout.at(block.qkv.bias, dim));
            self.product(product);
        }
        self.rotate();
        self.attend(needed);
        if let Some([attended, _]) = block.between {
            self.inner_norm(attended, layout.normed, [self.images * needed, dim]);
        }
        let mut product = self.layer(
            block.project,
            [self.images * needed, dim, dim],
            normed,
            self.branch(needed),
        );
        product.output_kind = Kind::Full;
        product.accumulate = true;
        self.product(product);
    }

    /// The stream's first `needed` tokens of each image: all, or one.
    fn branch(&self, needed: usize) -> Rows {
        let dim = self.shape.dim;
        let stride = if needed == self.tokens { dim } else { self.tokens * dim };
        Rows { place: Layout::begin(self.layout.stream), stride }
    }

    fn rotate(&mut self) {
        let shape = self.shape;
        let Some((cosine, sine)) = self.layout.rotation else { return };
        let pairs = self.images * shape.patches() * shape.dim;
        self.launch(Launch::over(
            Kernel::Rotate,
            pairs,
            vec![
                Argument::Place(Layout::begin(self.layout.qkv)),
                Argument::Place(Layout::begin(cosine)),
                Argument::Place(Layout::begin(sine)),
                long(pairs),
                int(self.tokens),
                int(shape.prefix),
            ],
        ));
    }

    fn attend(&mut self, queries: usize) {
        let shape = self.shape;
        let (block, shared, each) = attention_block(shape, self.layout.precision());
        let blocks = queries.div_ceil(each);
        self.launch(Launch {
            kernel: Kernel::Attend,
            grid: [blocks as u32, shape.heads as u32, self.images as u32],
            block: block as u32,
            shared: shared as u32,
            arguments: vec![
                Argument::Place(Layout::begin(self.layout.qkv)),
                Argument::Place(Layout::begin(self.layout.normed)),
                int(self.tokens),
                int(queries),
                Argument::Float(scale(shape.head())),
            ],
        });
    }

    /// `tokens += down(activation(up(norm(tokens))))` for the first `needed` tokens.
    fn feed_forward_branch(&mut self, block: &BlockBuffers, needed: usize) {
        let (shape, layout, dim) = (self.shape, self.layout, self.shape.dim);
        let (rows, widened, hidden) = (self.images * needed, shape.widened(), shape.hidden);
        let exact = layout.precision() == Precision::F32;
        self.norm(block.norm2, layout.stream, needed, Kernel::LayerNorm, layout.normed);
        let normed = Rows { place: Layout::begin(layout.normed), stride: dim };
        let wide = Rows { place: Layout::begin(layout.hidden), stride: widened };
        let mut product = self.layer(block.up, [rows, dim, widened], normed, wide);
        product.gelu = !shape.gated && !exact;
        self.product(product);
        let values = Argument::Place(wide.place);
        if shape.gated {
            let count = rows * hidden;
            let arguments = vec![values, long(count), int(hidden)];
            self.launch(Launch::over(Kernel::SiluGate, count, arguments));
        } else if exact {
            let arguments = vec![values, long(rows * hidden)];
            self.launch(Launch::over(Kernel::Gelu, rows * hidden, arguments));
        }
        if let Some([_, widened]) = block.between {
            self.inner_norm(widened, layout.hidden, [rows, hidden]);
        }
        let mut product = self.layer(block.down, [rows, hidden, dim], wide, self.branch(needed));
        product.output_kind = Kind::Full;
        product.accumulate = true;
        self.product(product);
    }

    /// A norm of `[rows, width]` elements without gaps, in their place.
    fn inner_norm(&mut self, norm: Pair, buffer: usize, [rows, width]: [usize; 2]) {
        let (kernel, epsilon) = (Kernel::LayerNormElement, self.shape.epsilon);
        let places = [buffer, buffer];
        self.launch(norm_launch(kernel, norm, places, [rows, rows, rows * width, width], epsilon));
    }

    /// A norm of the first `needed` tokens of each image in `from`, to rows without gaps.
    fn norm(&mut self, norm: Pair, from: usize, needed: usize, kernel: Kernel, to: usize) {
        let (dim, epsilon) = (self.shape.dim, self.shape.epsilon);
        let rows = self.images * needed;
        let launch =
            norm_launch(kernel, norm, [from, to], [rows, needed, self.tokens * dim, dim], epsilon);
        self.launch(launch);
    }

    /// The last norm, and what the recipe makes of the tokens.
    fn pool(&mut self) {
        let (layout, full) = (self.layout, Kernel::LayerNormFull);
        let with_class = match &self.shape.pooling {
            Pooling::Class => {
                return self.norm(layout.norm, layout.stream, 1, full, layout.features);
            }
            Pooling::Attentional(pooler) => {
                if let Some(buffers) = &layout.pooler {
                    self.attentional(pooler, buffers);
                }
                return;
            }
            Pooling::Mean => 0,
            Pooling::ClassAndMean => 1,
        };
        self.norm(layout.norm, layout.stream, self.tokens, full, layout.qkv);
        let mut launch = Launch::over(
            Kernel::PoolMean,
            self.shape.dim,
            vec![
                Argument::Place(Layout::begin(layout.qkv)),
                Argument::Place(Layout::begin(layout.features)),
                int(self.tokens),
                int(self.shape.prefix),
                int(self.shape.dim),
                int(with_class),
            ],
        );
        launch.grid[1] = self.images as u32;
        self.launch(launch);
    }

    fn attentional(&mut self, pooler: &Pooler, buffers: &PoolerBuffers) {
        let (layout, tokens, images) = (self.layout, self.tokens, self.images);
        let (dim, context, rows) = (pooler.dim, self.shape.dim, images * tokens);
        self.norm(layout.norm, layout.stream, tokens, Kernel::LayerNormFull, layout.qkv);
        self.launch(norm_launch(
            Kernel::LayerNorm,
            buffers.norm_tokens,
            [layout.qkv, layout.normed],
            [rows, tokens, tokens * context, context],
            pooler.norm_eps,
        ));
        let normed = Rows { place: Layout::begin(layout.normed), stride: context };
        let both = Rows { place: Layout::begin(layout.hidden), stride: 2 * dim };
        self.product(self.layer(buffers.keys_values, [rows, context, 2 * dim], normed, both));
        let width = dim / pooler.heads;
        self.launch(Launch {
            kernel: Kernel::AttendQuery,
            grid: [pooler.heads as u32, images as u32, 1],
            block: QUERY_BLOCK as u32,
            shared: self.shape.query_shared() as u32,
            arguments: vec![
                Argument::Place(Layout::begin(buffers.query)),
                Argument::Place(both.place),
                Argument::Place(Layout::begin(buffers.attended)),
                int(tokens),
                int(dim),
                int(width),
                Argument::Float(scale(width)),
            ],
        });
        let attended = Rows { place: Layout::begin(buffers.attended), stride: dim };
        let projected = Rows { place: Layout::begin(buffers.projected), stride: dim };
        let mut product = self.layer(buffers.project, [images, dim, dim], attended, projected);
        product.output_kind = Kind::Full;
        self.product(product);
        self.launch(norm_launch(
            Kernel::LayerNormFull,
            buffers.norm_last,
            [buffers.projected, layout.features],
            [images, 1, dim, dim],
            pooler.norm_eps,
        ));
    }
}

/// A norm of `[rows, group, step, width]`; see the kernel.
fn norm_launch(
    kernel: Kernel,
    norm: Pair,
    [from, to]: [usize; 2],
    [rows, group, step, width]: [usize; 4],
    epsilon: f32,
) -> Launch {
    Launch {
        kernel,
        grid: [rows.div_ceil(NORM_ROWS) as u32, 1, 1],
        block: 32 * NORM_ROWS as u32,
        shared: 0,
        arguments: vec![
            Argument::Place(Layout::begin(from)),
            Argument::Place(Layout::begin(norm.weight)),
            Argument::Place(Layout::begin(norm.bias)),
            Argument::Place(Layout::begin(to)),
            int(rows),
            int(group),
            long(step),
            int(width),
            Argument::Float(epsilon),
        ],
    }
}

/// Threads, bytes of shared memory and queries of a block of attention.
fn attention_block(shape: &Shape, precision: Precision) -> (usize, usize, usize) {
    if precision == Precision::F32 {
        let scores = shape.tokens() * 4;
        let warps = (SHARED / scores).clamp(1, 4);
        return (32 * warps, warps * scores, warps);
    }
    let stride = shape.head().next_multiple_of(16) + 8;
    (128, 2 * ATTENTION_TILE * stride * 2, ATTENTION_TILE)
}

/// The scale of scores for powers of two.
fn scale(width: usize) -> f32 {
    LOG2_E / (width as f32).sqrt()
}

/// Sizes are bounded by the recipe and by the batch, which memory bounds.
fn int(value: usize) -> Argument {
    Argument::Int(value as i32)
}

fn long(value: usize) -> Argument {
    Argument::Long(value as i64)
}

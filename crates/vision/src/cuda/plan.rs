//! A forward pass as data: which kernels and which products, on which places of memory.

/// How a buffer's values are stored.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 8-bit pixels.
    Byte,
    /// 32-bit floats.
    Full,
    /// The precision's own type: bfloat16, half, or 32-bit floats again.
    Element,
}

/// A buffer on the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Buffer {
    /// What it holds, for messages.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Number of values.
    pub(crate) length: usize,
    /// Bytes a value.
    pub(crate) width: usize,
}

impl Buffer {
    pub(crate) fn bytes(&self) -> usize {
        self.length * self.width
    }
}

/// A place in a buffer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which of the layout's buffers.
    pub(crate) buffer: usize,
    /// Bytes from its begin.
    pub(crate) bytes: usize,
}

/// The kernels, by their names in `kernels/`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kernel {
    Unfold,
    SeedTokens,
    LayerNorm,
    LayerNormFull,
    LayerNormElement,
    Gelu,
    SiluGate,
    AddBias,
    AddBiasFull,
    Rotate,
    Attend,
    PoolMean,
    AttendQuery,
}

impl Kernel {
    pub(crate) const ALL: [Self; 13] = [
        Self::Unfold,
        Self::SeedTokens,
        Self::LayerNorm,
        Self::LayerNormFull,
        Self::LayerNormElement,
        Self::Gelu,
        Self::SiluGate,
        Self::AddBias,
        Self::AddBiasFull,
        Self::Rotate,
        Self::Attend,
        Self::PoolMean,
        Self::AttendQuery,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unfold => "unfold",
            Self::SeedTokens => "seed_tokens",
            Self::LayerNorm => "layer_norm",
            Self::LayerNormFull => "layer_norm_full",
            Self::LayerNormElement => "layer_norm_element",
            Self::Gelu => "gelu",
            Self::SiluGate => "silu_gate",
            Self::AddBias => "add_bias",
            Self::AddBiasFull => "add_bias_full",
            Self::Rotate => "rotate",
            Self::Attend => "attend",
            Self::PoolMean => "pool_mean",
            Self::AttendQuery => "attend_query",
        }
    }
}

/// One argument of a kernel.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    /// A pointer.
    Place(Place),
    /// `int`.
    Int(i32),
    /// `long long`.
    Long(i64),
    /// `float`.
    Float(f32),
}

/// A kernel's launch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Launch {
    pub(crate) kernel: Kernel,
    /// Blocks.
    pub(crate) grid: [u32; 3],
    /// Threads a block, along the first axis.
    pub(crate) block: u32,
    /// Bytes of shared memory a block.
    pub(crate) shared: u32,
    pub(crate) arguments: Vec<Argument>,
}

impl Launch {
    /// One thread for each of `count` values.
    pub(crate) fn over(kernel: Kernel, count: usize, arguments: Vec<Argument>) -> Self {
        const BLOCK: usize = 256;
        let blocks = count.div_ceil(BLOCK) as u32;
        Self { kernel, grid: [blocks, 1, 1], block: BLOCK as u32, shared: 0, arguments }
    }
}

/// Independent products of one shape.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) count: usize,
    /// Values from one input to the next.
    pub(crate) input_step: usize,
    /// Values from one output to the next.
    pub(crate) output_step: usize,
}

/// `output (+)= input * weight^T + bias`, all row by row; inputs and weights are elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Product {
    /// Rows of input and output.
    pub(crate) rows: usize,
    /// Columns of the output, rows of the weights.
    pub(crate) outputs: usize,
    /// Columns of the input and of the weights.
    pub(crate) inputs: usize,
    pub(crate) input: Place,
    /// Values from one row to the next.
    pub(crate) input_stride: usize,
    pub(crate) weight: Place,
    pub(crate) weight_stride: usize,
    pub(crate) output: Place,
    pub(crate) output_stride: usize,
    /// [`Kind::Element`] or [`Kind::Full`]; the bias has the same.
    pub(crate) output_kind: Kind,
    pub(crate) bias: Option<Place>,
    /// GELU of the sum, by the hyperbolic tangent as the matrix library has it.
    pub(crate) gelu: bool,
    /// Whether the product is added to what stands in the output.
    pub(crate) accumulate: bool,
    pub(crate) batch: Option<Batch>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Launch(Launch),
    Product(Product),
}

/// A forward pass for a fixed number of tiles.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// From tiles to patches. It stands alone since its input changes place from batch to batch.
    pub(crate) unfold: Launch,
    /// All that follows, always on the same places.
    pub(crate) steps: Vec<Step>,
}

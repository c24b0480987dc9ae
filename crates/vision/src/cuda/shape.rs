//! What of a recipe decides the plan, and what the GPU engine refuses.

use crate::recipe::{
    Architecture, Arithmetic, Ffn, Normalise, Pooling, Position, Precision, Recipe, Vit,
};

/// The widest head: its queries and results stay in registers.
const WIDEST_HEAD: usize = 128;
/// Bytes of shared memory that every device gives a block without being asked.
pub(super) const SHARED: usize = 48 << 10;

/// The numbers of a network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// Edge of a tile in pixels.
    pub(crate) size: usize,
    /// Edge of a patch in pixels.
    pub(crate) patch: usize,
    /// Patches along an edge.
    pub(crate) grid: usize,
    /// Runs over a tile: one, or one a channel.
    pub(crate) passes: usize,
    pub(crate) dim: usize,
    pub(crate) heads: usize,
    /// Tokens before those of patches.
    pub(crate) prefix: usize,
    pub(crate) depth: usize,
    /// Inputs of the feed-forward network's second layer.
    pub(crate) hidden: usize,
    pub(crate) gated: bool,
    /// Whether each branch has a norm before its last layer.
    pub(crate) sub_norm: bool,
    pub(crate) rotary: bool,
    /// Whether each tile is normalised by its own statistics.
    pub(crate) per_tile: bool,
    pub(crate) epsilon: f32,
    pub(crate) pooling: Pooling,
    /// Values in the feature vector of a tile.
    pub(crate) output: usize,
}

impl Shape {
    /// The shape of a recipe's network, or why it does not run on a GPU.
    pub(crate) fn new(recipe: &Recipe, precision: Precision) -> Result<Self, String> {
        let vit = match &recipe.architecture {
            Architecture::Vit(vit) if vit.arithmetic == Arithmetic::F32 => vit,
            Architecture::Vit(_) => return Err("8-bit integers run on the CPU only".to_owned()),
            Architecture::ConvNet(_) => {
                return Err("convolutional encoders run on the CPU only".to_owned());
            }
            Architecture::Onnx(_) => return Err("ONNX models run by ONNX Runtime".to_owned()),
        };
        let shape = Self::of(recipe, vit);
        shape.check(precision)?;
        Ok(shape)
    }

    fn of(recipe: &Recipe, vit: &Vit) -> Self {
        let size = recipe.input.size as usize;
        let patch = vit.patch as usize;
        Self {
            size,
            patch,
            grid: size / patch,
            passes: vit.passes(),
            dim: vit.dim,
            heads: vit.heads,
            prefix: vit.prefix(),
            depth: vit.depth,
            hidden: vit.hidden(),
            gated: matches!(vit.ffn, Ffn::SwiGlu { .. }),
            sub_norm: vit.sub_norm,
            rotary: matches!(vit.position, Position::Rope { .. }),
            per_tile: matches!(recipe.input.normalise, Normalise::PerTile { .. }),
            epsilon: vit.norm_eps,
            pooling: vit.pooling.clone(),
            output: vit.output(),
        }
    }

    fn check(&self, precision: Precision) -> Result<(), String> {
        let head = self.head();
        if head > WIDEST_HEAD {
            return Err(format!("heads are {head} wide, the GPU's attention takes {WIDEST_HEAD}"));
        }
        if let Pooling::Attentional(_) = self.pooling
            && self.query_shared() > SHARED
        {
            return Err(format!("attentional pooling of {} tokens", self.tokens()));
        }
        if precision == Precision::F32 && self.tokens() * 4 > SHARED {
            return Err(format!("attention of {} tokens in 32 bits", self.tokens()));
        }
        // Rows of a product begin at multiples of 16 bytes, or no matrix unit takes them.
        let widths = [self.dim, self.hidden, self.widened()];
        if widths.iter().any(|width| width % 8 != 0) {
            return Err(format!("widths {widths:?} are no multiples of 8"));
        }
        Ok(())
    }

    pub(crate) fn patches(&self) -> usize {
        self.grid * self.grid
    }

    pub(crate) fn tokens(&self) -> usize {
        self.prefix + self.patches()
    }

    /// Width of a head.
    pub(crate) fn head(&self) -> usize {
        self.dim / self.heads
    }

    /// Values of a patch as the network sees it at once.
    pub(crate) fn patch_values(&self) -> usize {
        3 / self.passes * self.patch * self.patch
    }

    /// The same with zeros up to a multiple of 8, as matrix units want it.
    pub(crate) fn patch_padded(&self) -> usize {
        self.patch_values().next_multiple_of(8)
    }

    /// Outputs of the feed-forward network's first layer.
    pub(crate) fn widened(&self) -> usize {
        if self.gated { 2 * self.hidden } else { self.hidden }
    }

    /// The widest row of a layer norm.
    pub(crate) fn widest_norm(&self) -> usize {
        let inner = if self.sub_norm { self.hidden } else { 0 };
        match &self.pooling {
            Pooling::Attentional(pooler) => self.dim.max(pooler.dim).max(inner),
            _ => self.dim.max(inner),
        }
    }

    /// Bytes of shared memory of the pooler's attention.
    pub(super) fn query_shared(&self) -> usize {
        (self.tokens() + QUERY_BLOCK / 32) * 4
    }
}

/// Threads of a block of the pooler's attention.
pub(super) const QUERY_BLOCK: usize = 128;

//! Vision transformers by their switches.

use bianque_core::Digest;
use serde::{Deserialize, Serialize};

/// A vision transformer by its switches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vit {
    /// Edge of a patch in pixels.
    pub patch: u32,
    /// Width of a token.
    pub dim: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Attention heads.
    pub heads: usize,
    /// Feed-forward network.
    pub ffn: Ffn,
    /// How tokens know their place.
    pub position: Position,
    /// Register (storage) tokens after the class token.
    #[serde(default)]
    pub registers: usize,
    /// Whether each branch is scaled per channel.
    #[serde(default)]
    pub layer_scale: bool,
    /// Whether each branch has one more norm before its last layer (the sub-norm of Magneto, Wang
    /// and others 2022; BEiT-3).
    #[serde(default, skip_serializing_if = "is_no")]
    pub sub_norm: bool,
    /// Epsilon of the layer norms.
    pub norm_eps: f32,
    /// Whether q, k and v have a bias.
    #[serde(default = "yes")]
    pub qkv_bias: bool,
    /// What the network sees of a tile at once.
    #[serde(default, skip_serializing_if = "Channels::are_together")]
    pub channels: Channels,
    /// How tokens become one vector.
    pub pooling: Pooling,
    /// In what the linear layers of the blocks are computed.
    #[serde(default, skip_serializing_if = "Arithmetic::is_full")]
    pub arithmetic: Arithmetic,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_no(value: &bool) -> bool {
    !value
}

impl Vit {
    /// Values in the feature vector.
    #[must_use]
    pub fn output(&self) -> usize {
        let once = match &self.pooling {
            Pooling::Class | Pooling::Mean => self.dim,
            Pooling::ClassAndMean => 2 * self.dim,
            Pooling::Attentional(pooler) => pooler.dim,
        };
        once * self.passes()
    }

    /// How often the network runs over a tile.
    #[must_use]
    pub fn passes(&self) -> usize {
        match self.channels {
            Channels::Together => 1,
            Channels::Each => 3,
        }
    }

    /// Channels that the network sees at once.
    pub(crate) fn depth_of_patch(&self) -> usize {
        3 / self.passes()
    }

    /// Tokens before the patch tokens: the class token and the registers.
    #[must_use]
    pub fn prefix(&self) -> usize {
        1 + self.registers
    }

    /// Width between the layers of the feed-forward networks.
    pub(crate) fn hidden(&self) -> usize {
        let (Ffn::Gelu { hidden } | Ffn::SwiGlu { hidden }) = self.ffn;
        hidden
    }

    /// Rows of the position table before those of the patches.
    pub(crate) fn table_prefix(&self, rows: PrefixRows) -> usize {
        match rows {
            PrefixRows::None => 0,
            PrefixRows::Class => 1,
            PrefixRows::All => self.prefix(),
        }
    }

    /// Number of weights, with a position table for `input` pixels.
    #[must_use]
    pub fn parameters(&self, input: u32) -> usize {
        let dim = self.dim;
        let grid = (input / self.patch.max(1)) as usize;
        let position = match self.position {
            Position::Learned { prefix_rows, .. } => {
                (grid * grid + self.table_prefix(prefix_rows)) * dim
            }
            Position::Rope { .. } => 0,
        };
        let ffn = match self.ffn {
            Ffn::Gelu { hidden } => 2 * dim * hidden + hidden + dim,
            Ffn::SwiGlu { hidden } => 3 * dim * hidden + 2 * hidden + dim,
        };
        let attention = 4 * dim * dim + dim + if self.qkv_bias { 3 * dim } else { 0 };
        let scales = if self.layer_scale { 2 * dim } else { 0 };
        let between = if self.sub_norm { 2 * (dim + self.hidden()) } else { 0 };
        let block = attention + ffn + scales + between + 4 * dim;
        let patch = self.depth_of_patch() * dim * (self.patch as usize).pow(2) + dim;
        let pooler = match &self.pooling {
            Pooling::Attentional(pooler) => pooler.parameters(dim),
            _ => 0,
        };
        patch + position + self.prefix() * dim + self.depth * block + 2 * dim + pooler
    }

    pub(super) fn check(&self, input: u32) -> std::result::Result<(), String> {
        let within = |what: &str, value: usize, greatest: usize| {
            if (1..=greatest).contains(&value) {
                Ok(())
            } else {
                Err(format!("architecture.{what} {value} is outside 1..={greatest}"))
            }
        };
        within("patch", self.patch as usize, 256)?;
        within("dim", self.dim, 1 << 14)?;
        within("depth", self.depth, 256)?;
        within("heads", self.heads, self.dim)?;
        let hidden = self.hidden();
        if let Pooling::Attentional(pooler) = &self.pooling {
            pooler.check()?;
        }
        within("ffn.hidden", hidden, 1 << 16)?;
        within("registers", self.registers.saturating_add(1), 64)?;
        if self.sub_norm && matches!(self.ffn, Ffn::SwiGlu { .. }) {
            return Err("sub_norm goes with a feed-forward network without a gate".to_owned());
        }
        if !input.is_multiple_of(self.patch) {
            return Err(format!("input.size {input} is no multiple of the patch, {}", self.patch));
        }
        let grid = (input / self.patch) as usize;
        within("patches", grid * grid, 1 << 14)?;
        if !self.dim.is_multiple_of(self.heads) {
            return Err(format!("dim {} is no multiple of heads {}", self.dim, self.heads));
        }
        if !(self.norm_eps > 0.0 && self.norm_eps < 1.0) {
            return Err(format!("norm_eps {} is outside 0..1", self.norm_eps));
        }
        if let Position::Rope { base, .. } = self.position {
            if !(self.dim / self.heads).is_multiple_of(4) {
                return Err("rotary positions need a head width that 4 divides".to_owned());
            }
            if !(base > 1.0 && base.is_finite()) {
                return Err(format!("position.base {base} is not above 1"));
            }
        }
        Ok(())
    }
}

/// In what the linear layers of a network's blocks are computed on a processor. All else, the first
/// and the last layer with it, is computed in 32-bit floats.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// 32-bit floats.
    #[default]
    F32,
    /// 8-bit integers: weights with a scale for each output, activations with one for each token,
    /// sums in 32 bits. Faster, with a quarter of the memory; features differ a little and carry
    /// another digest.
    Int8,
}

impl Arithmetic {
    fn is_full(&self) -> bool {
        *self == Self::F32
    }

    /// The digest of what gives features: that of the weight file, or, where the weights are
    /// rounded, one of both. Raise the number when rounding changes.
    pub(crate) fn digest(self, weights: Digest) -> Digest {
        match self {
            Self::F32 => weights,
            Self::Int8 => Digest::of(format!("bianque int8 1 {weights}").as_bytes()),
        }
    }

    /// The version of what gives features, for people.
    pub(crate) fn version(self, weights: &str) -> String {
        match self {
            Self::F32 => weights.to_owned(),
            Self::Int8 => format!("{weights} (int8)"),
        }
    }
}

/// A feed-forward network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Ffn {
    /// Two layers with a GELU (erf) between.
    Gelu {
        /// Width between.
        hidden: usize,
    },
    /// `SiLU(first half) * second half` of one packed layer, then a second layer.
    SwiGlu {
        /// Gated width: half of the packed layer.
        hidden: usize,
    },
}

/// How tokens know their place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Position {
    /// A learned table, resampled bicubically where the input has another number of patches.
    Learned {
        /// Which tokens before the patch tokens have a row at the table's head.
        prefix_rows: PrefixRows,
        /// How the table is resampled.
        #[serde(default)]
        resample: TableResample,
    },
    /// Two-dimensional axial rotation of queries and keys of patch tokens.
    Rope {
        /// Base of the periods.
        base: f32,
        /// The arithmetic in which the published network makes its angles.
        #[serde(default, skip_serializing_if = "RotaryPrecision::is_full")]
        precision: RotaryPrecision,
    },
}

/// Which tokens before the patch tokens have a row in a learned position table.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrefixRows {
    /// None (timm's `no_embed_class`).
    None,
    /// The class token alone (DINOv2).
    Class,
    /// The class token and the registers (timm, unless `no_embed_class`).
    All,
}

/// How a learned position table is brought to another number of patches.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableResample {
    /// Cubic convolution with a = -0.5, widened where the table is made smaller (timm).
    #[default]
    Antialiased,
    /// Cubic convolution with a = -0.75 on four neighbours (Hugging Face's Dinov2).
    Plain,
}

/// The arithmetic of rotary angles, their cosines and sines.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotaryPrecision {
    /// 32-bit floats.
    #[default]
    F32,
    /// Rounded to bfloat16 after each step, as networks do that were trained so.
    Bf16,
}

impl RotaryPrecision {
    fn is_full(&self) -> bool {
        *self == Self::F32
    }
}

/// What a network sees of a tile at once.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// Red, green and blue.
    #[default]
    Together,
    /// Red, then green, then blue, each as a picture of its own; the three vectors one after the
    /// other.
    Each,
}

impl Channels {
    fn are_together(&self) -> bool {
        *self == Self::Together
    }
}

/// How tokens become one vector, after the last norm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The class token.
    Class,
    /// The class token and the mean of the patch tokens, one after the other.
    ClassAndMean,
    /// The mean of the patch tokens.
    Mean,
    /// A learned query attends to all tokens (CoCa).
    Attentional(Pooler),
}

/// Attentional pooling: norms of the query and of the tokens, multi-head attention of the one
/// query to all tokens, a projection, a last norm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pooler {
    /// Width of the query and of the result.
    pub dim: usize,
    /// Attention heads.
    pub heads: usize,
    /// Epsilon of its layer norms.
    pub norm_eps: f32,
    /// How its attention is stored.
    pub weights: PoolerWeights,
}

/// How the attention of a [`Pooler`] is stored.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolerWeights {
    /// PyTorch's `MultiheadAttention` with keys of another width, with biases (CONCH).
    Torch,
    /// Linear layers `to_q`, `to_kv` and `to_out` without biases (CONCH v1.5).
    Linear,
}

impl Pooler {
    /// Number of weights, for tokens of `context` values.
    fn parameters(&self, context: usize) -> usize {
        let dim = self.dim;
        let biases = match self.weights {
            PoolerWeights::Torch => 4 * dim,
            PoolerWeights::Linear => 0,
        };
        2 * dim * dim + 2 * dim * context + biases + dim + 4 * dim + 2 * context
    }

    fn check(&self) -> std::result::Result<(), String> {
        if !(1..=1 << 14).contains(&self.dim) || !(1..=self.dim).contains(&self.heads) {
            return Err(format!("a pooler of {} heads, {} wide, cannot be", self.heads, self.dim));
        }
        if !self.dim.is_multiple_of(self.heads) {
            return Err(format!(
                "the pooler's width {} is no multiple of its heads, {}",
                self.dim, self.heads
            ));
        }
        if !(self.norm_eps > 0.0 && self.norm_eps < 1.0) {
            return Err(format!("the pooler's norm_eps {} is outside 0..1", self.norm_eps));
        }
        Ok(())
    }
}

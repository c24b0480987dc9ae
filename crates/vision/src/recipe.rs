//! Recipes: an encoder described as data.

use std::path::Path;

use bianque_core::{Digest, Producer};
use serde::{Deserialize, Serialize};

use crate::{
    convnet::ConvNetPlan,
    error::{Result, VisionError},
};

/// The longest recipe file that is read.
const LONGEST_FILE: u64 = 1 << 20;

/// Everything that must be known to run an encoder, beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Version of this file's form; 1.
    pub schema: u32,
    /// Name, such as `bianque-lite`.
    pub name: String,
    /// Version of the weights.
    pub version: String,
    /// Licence of the weights, as an SPDX expression.
    pub licence: String,
    /// Where the weights come from, for people.
    pub source: String,
    /// The weight file, relative to the recipe; safetensors.
    pub weights: String,
    /// The weight file's digest; loading refuses another file. Absent for a user's own file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// How a tile is cut and normalised.
    pub input: Input,
    /// The network.
    pub architecture: Architecture,
}

impl Recipe {
    /// The version of the form that this program reads.
    pub const SCHEMA: u32 = 1;

    /// Reads and checks a recipe file.
    ///
    /// # Errors
    /// When it cannot be read, is malformed or describes a network that cannot be.
    pub fn read(path: &Path) -> Result<Self> {
        let io = |source| VisionError::Io { path: path.to_owned(), source };
        let wrong = |what| VisionError::Recipe { path: path.to_owned(), what };
        let length = std::fs::metadata(path).map_err(io)?.len();
        if length > LONGEST_FILE {
            return Err(wrong(format!("is {length} bytes long: this is no recipe")));
        }
        let text = std::fs::read_to_string(path).map_err(io)?;
        let recipe: Self = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        recipe.check().map_err(wrong)?;
        Ok(recipe)
    }

    /// Who stands behind a feature vector.
    pub(crate) fn producer(&self, digest: Digest) -> Producer {
        Producer {
            name: self.name.clone(),
            version: self.version.clone(),
            digest: Some(digest),
            licence: Some(self.licence.clone()),
        }
    }

    /// What makes the recipe impossible, if anything does.
    fn check(&self) -> std::result::Result<(), String> {
        if self.schema != Self::SCHEMA {
            return Err(format!("schema {} is unknown; this program reads 1", self.schema));
        }
        self.input.check()?;
        match &self.architecture {
            Architecture::Vit(vit) => vit.check(self.input.size),
            Architecture::ConvNet(network) => ConvNetPlan::new(network, self.input.size).map(drop),
        }
    }
}

/// How a tile is cut and normalised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Edge of the square tile in pixels.
    pub size: u32,
    /// Microns per pixel at which the tile is cut.
    pub mpp: f64,
    /// The filter with which tiles of another size are brought to `size`.
    pub filter: Filter,
    /// How pixel values become the network's input.
    pub normalise: Normalise,
}

impl Input {
    fn check(&self) -> std::result::Result<(), String> {
        if !(8..=4096).contains(&self.size) {
            return Err(format!("input.size {} is outside 8..=4096 px", self.size));
        }
        if !(0.02..=500.0).contains(&self.mpp) {
            return Err(format!("input.mpp {} is outside 0.02..=500 um/px", self.mpp));
        }
        let valid = match &self.normalise {
            Normalise::Fixed { mean, std } => {
                mean.iter().all(|m| m.is_finite()) && std.iter().all(|s| *s > 0.0 && s.is_finite())
            }
            Normalise::PerTile { floor } => *floor > 0.0 && floor.is_finite(),
        };
        if valid { Ok(()) } else { Err("input.normalise divides by zero or less".to_owned()) }
    }
}

/// A resampling filter, antialiased when it makes smaller.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Triangle.
    Bilinear,
    /// Cubic convolution, a = -0.5.
    Bicubic,
}

/// How pixel values become the network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Normalise {
    /// `(value / 255 - mean) / std` per channel.
    Fixed {
        /// Per channel, in 0..1.
        mean: [f32; 3],
        /// Per channel, in 0..1.
        std: [f32; 3],
    },
    /// `(value / 255 - m) / max(s, floor)` per channel with the tile's own mean `m` and standard
    /// deviation `s`: what a scanner or stain multiplies or adds to a channel falls out.
    PerTile {
        /// Smallest standard deviation, so that blank glass stays blank.
        floor: f32,
    },
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Architecture {
    /// A vision transformer.
    Vit(Vit),
    /// A compact convolutional network of inverted residual blocks (EfficientNet-Lite).
    ConvNet(ConvNet),
}

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
    /// Epsilon of the layer norms.
    pub norm_eps: f32,
    /// Whether q, k and v have a bias.
    #[serde(default = "yes")]
    pub qkv_bias: bool,
    /// How tokens become one vector.
    pub pooling: Pooling,
}

fn yes() -> bool {
    true
}

impl Vit {
    /// Values in the feature vector.
    #[must_use]
    pub fn output(&self) -> usize {
        match self.pooling {
            Pooling::Class | Pooling::Mean => self.dim,
            Pooling::ClassAndMean => 2 * self.dim,
        }
    }

    /// Tokens before the patch tokens: the class token and the registers.
    #[must_use]
    pub fn prefix(&self) -> usize {
        1 + self.registers
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
        let block = attention + ffn + scales + 4 * dim;
        let patch = 3 * dim * (self.patch as usize).pow(2) + dim;
        patch + position + self.prefix() * dim + self.depth * block + 2 * dim
    }

    fn check(&self, input: u32) -> std::result::Result<(), String> {
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
        let (Ffn::Gelu { hidden } | Ffn::SwiGlu { hidden }) = self.ffn;
        within("ffn.hidden", hidden, 1 << 16)?;
        within("registers", self.registers.saturating_add(1), 64)?;
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
        if let Position::Rope { base } = self.position {
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

/// How tokens become one vector, after the last norm.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The class token.
    Class,
    /// The class token and the mean of the patch tokens, one after the other.
    ClassAndMean,
    /// The mean of the patch tokens.
    Mean,
}

/// A compact convolutional network by its stages (EfficientNet-Lite: ReLU6, no squeeze).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvNet {
    /// Channels after the first 3x3 convolution of stride 2.
    pub stem: usize,
    /// Stages of inverted residual blocks.
    pub stages: Vec<ConvStage>,
    /// Channels of the last 1x1 convolution, averaged over the tile: the feature vector.
    pub head: usize,
}

/// One stage of [`ConvNet`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvStage {
    /// Edge of the depthwise kernel, 3 or 5.
    pub kernel: usize,
    /// Stride of its first block.
    pub stride: usize,
    /// Widening inside a block.
    pub expand: usize,
    /// Channels out.
    pub channels: usize,
    /// Number of blocks.
    pub blocks: usize,
}

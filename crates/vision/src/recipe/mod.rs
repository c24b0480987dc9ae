//! Recipes: an encoder described as data.

mod identity;
mod licence;
mod published;
mod vit;

use std::{fmt, path::Path};

use bianque_core::{Digest, Producer};
use serde::{Deserialize, Serialize};

use crate::{
    convnet::ConvNetPlan,
    error::{Result, VisionError},
};

pub use self::{
    licence::{Permission, Purpose, Terms},
    published::{Dialect, Precision, Published, Transform},
    vit::{
        Arithmetic, Channels, Ffn, Pooler, PoolerWeights, Pooling, Position, PrefixRows,
        RotaryPrecision, TableResample, Vit,
    },
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
    /// What the licence lets a site do with the weights, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// The weight file, relative to the recipe: safetensors, or a file of `torch.save`.
    pub weights: String,
    /// The weight file's digest; loading refuses another file. Absent for a user's own file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// How the weights were published, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Published>,
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
        let io = |cause| VisionError::Io { path: path.to_owned(), cause };
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

    /// Whether the licence of the weights lets them be used so.
    #[must_use]
    pub fn permits(&self, purpose: Purpose) -> Permission {
        licence::permits(&self.licence, self.terms.as_ref(), purpose)
    }

    /// The same recipe in another arithmetic.
    ///
    /// # Errors
    /// When the network is none that can be computed so; says what can.
    pub fn with_arithmetic(mut self, arithmetic: Arithmetic) -> std::result::Result<Self, String> {
        match &mut self.architecture {
            Architecture::Vit(vit) => vit.arithmetic = arithmetic,
            _ if arithmetic == Arithmetic::F32 => {}
            _ => {
                return Err(format!(
                    "{} is no vision transformer: only those are computed in 8-bit integers",
                    self.name
                ));
            }
        }
        Ok(self)
    }

    /// The same recipe with another way from tokens to one vector. What was published of its features
    /// is then not of these.
    ///
    /// # Errors
    /// When the network has no class token and no patch tokens to choose from; says what has.
    pub fn with_pooling(mut self, pooling: Pooling) -> std::result::Result<Self, String> {
        match &mut self.architecture {
            Architecture::Vit(vit) if !matches!(vit.pooling, Pooling::Attentional(_)) => {
                vit.pooling = pooling;
            }
            _ => {
                return Err(format!(
                    "{} is no vision transformer whose vector is made of its class token or patch \
                     tokens: only those can be pooled otherwise",
                    self.name
                ));
            }
        }
        if let Some(published) = &mut self.published {
            published.features = None;
        }
        Ok(self)
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
        licence::check(&self.licence, self.terms.as_ref())?;
        if let Some(published) = &self.published {
            published.check(&self.input)?;
        }
        match &self.architecture {
            Architecture::Vit(vit) => vit.check(self.input.size),
            Architecture::ConvNet(network) => ConvNetPlan::new(network, self.input.size).map(drop),
            Architecture::Onnx(onnx) => onnx.check(),
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

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bilinear => "bilinear",
            Self::Bicubic => "bicubic",
        })
    }
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
    /// Any network in an ONNX file, run by ONNX Runtime.
    Onnx(Onnx),
}

/// What must be known of an ONNX model: it takes one tile of `1 x 3 x size x size` normalised values
/// (red, green and blue planes) and gives `1 x dimension` features, 32-bit floats both. All its
/// weights are in the one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Onnx {
    /// Values in the feature vector.
    pub dimension: usize,
    /// The input's name; may be left out where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The output's name; may be left out where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

impl Onnx {
    fn check(&self) -> std::result::Result<(), String> {
        if (1..=1 << 16).contains(&self.dimension) {
            Ok(())
        } else {
            Err(format!("architecture.dimension {} is outside 1..={}", self.dimension, 1 << 16))
        }
    }
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

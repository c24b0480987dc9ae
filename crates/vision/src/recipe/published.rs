//! How weights were published: what a person compares their own file and run with.

use std::fmt;

use bianque_core::Digest;
use serde::{Deserialize, Serialize};

use super::Input;

/// How weights were published. What a source does not state stays absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The names that tensors have in the published file.
    pub keys: Dialect,
    /// What stands before the encoder's names where a file holds several networks, such as
    /// `teacher.backbone.`. Without it the file must hold one encoder, or one called teacher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// MD5 sum of the published file, where its source states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// The tile and what is done to it before it is normalised.
    pub transform: Transform,
    /// The arithmetic in which others compute features with it by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// Millions of weights, as published or counted.
    pub parameters: f64,
    /// Digest of the features of the built-in test tiles, where somebody computed them with
    /// another program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Digest>,
    /// Statements of this recipe that no source confirms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconfirmed: Vec<String>,
}

/// What is done to a tile before it is normalised: resized with the recipe's filter, then cropped
/// in the middle.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// Edge of the tile in pixels.
    pub tile: u32,
    /// Microns per pixel of the tile.
    pub mpp: f64,
    /// Edge to which the tile is resized.
    pub resize: u32,
    /// Edge that is cropped from the middle.
    pub crop: u32,
}

/// The names by which tensors go in a file.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// timm's `VisionTransformer` and `Eva`.
    Timm,
    /// DINOv2's own, blocks in chunks or not.
    Dinov2,
    /// DINOv3's own.
    Dinov3,
    /// Hugging Face's `ViTModel`.
    HfVit,
    /// Hugging Face's `Dinov2Model`, with registers or not.
    HfDinov2,
    /// Hugging Face's `DINOv3ViTModel`.
    HfDinov3,
    /// torchscale's multiway encoder (BEiT-3, MUSK), of which the branch for images, `A`, is taken.
    Torchscale,
    /// timm's names in an image tower, as CoCa and CONCH have it: `visual.trunk.`.
    ImageTower,
}

/// The type of values in which features are computed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// IEEE half precision.
    F16,
    /// bfloat16.
    Bf16,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timm => "timm",
            Self::Dinov2 => "DINOv2",
            Self::Dinov3 => "DINOv3",
            Self::HfVit => "Hugging Face's ViT",
            Self::HfDinov2 => "Hugging Face's DINOv2",
            Self::HfDinov3 => "Hugging Face's DINOv3",
            Self::Torchscale => "torchscale",
            Self::ImageTower => "timm in an image tower",
        })
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "32-bit floats",
            Self::F16 => "16-bit floats",
            Self::Bf16 => "bfloat16",
        })
    }
}

impl Published {
    pub(super) fn check(&self, input: &Input) -> Result<(), String> {
        let Transform { tile, mpp, resize, crop } = self.transform;
        if tile == 0 || resize == 0 || crop != input.size || crop > resize {
            return Err(format!(
                "published.transform takes a tile of {tile} px to {resize}, crops {crop}: the \
                 network sees {} px",
                input.size
            ));
        }
        // Tiles are cut at the resolution that the network sees, without a step between.
        let seen = mpp * f64::from(tile) / f64::from(resize);
        if !seen.is_finite() || (seen - input.mpp).abs() > 0.001 * input.mpp {
            return Err(format!(
                "published.transform shows the network {seen} um/px, input.mpp is {}",
                input.mpp
            ));
        }
        if self.md5.as_ref().is_some_and(|sum| {
            sum.len() != 32 || !sum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }) {
            return Err("published.md5 is no MD5 sum of 32 lower-case digits".to_owned());
        }
        Ok(())
    }
}

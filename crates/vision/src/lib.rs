//! Encoders by recipe: tensors, weight files, batching; tiles in, feature vectors out.
//!
//! [`load`] reads a recipe and the weight file that it names and gives an [`Encoder`]. A recipe
//! describes the network by switches, so that a new model of a known family is a data file.

mod buffer;
mod convnet;
#[cfg(feature = "cuda")]
mod cuda;
mod device;
mod encoder;
mod error;
mod int8;
mod lanes;
mod load;
pub mod matrix;
mod normalise;
mod onnx;
mod packed;
mod recipe;
mod rows;
mod test_tiles;
mod verify;
mod vit;
mod weights;

pub use device::{Device, Loaded, load_on};
pub use encoder::{Encoder, Feeding, TokenGrid};
pub use error::{Result, VisionError};
pub use load::{load, load_with_weights};
#[cfg(feature = "onnxruntime")]
pub use onnx::use_onnx_runtime;
pub use recipe::{
    Architecture, Arithmetic, Channels, ConvNet, ConvStage, Dialect, Ffn, Filter, Input, Normalise,
    Onnx, Permission, Pooler, PoolerWeights, Pooling, Position, Precision, PrefixRows, Published,
    Purpose, Recipe, RotaryPrecision, TableResample, Terms, Transform, Vit,
};
pub use test_tiles::{TEST_TILES, test_tiles};
pub use verify::{TestFeatures, Verification, verify};
pub use weights::{Container, Survey, TensorFacts, inspect, inspect_bytes};

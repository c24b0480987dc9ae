//! Vectorised operations on rows of 32-bit floats.
//!
//! Each is one plain loop over blocks of [`LANES`] values, compiled three times: for AVX-512, for
//! AVX2 with FMA, and for whatever the target has anyway. The processor is asked at run time. The
//! loops of the first two do the same operations in the same order and give the same bytes.

mod activation;
mod arithmetic;
pub(crate) mod level;
mod reduction;

pub(crate) use activation::{gelu, silu_gate};
pub(crate) use arithmetic::{add, rotate};
pub(crate) use reduction::{layer_norm, softmax};

/// Values that one step of a loop handles; the widest register holds so many.
const LANES: usize = 16;

#[cfg(all(test, feature = "cuda"))]
pub(crate) use level::tests::numbers;

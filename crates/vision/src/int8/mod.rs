//! Matrix products in 8-bit integers: weights with a scale for each output, activations with one
//! for each row, sums in 32 bits.
//!
//! Sums of integers are exact, and what is done before and after them is the same on every
//! processor, so all instruction sets give the same bytes. The vector forms are a few times faster
//! than 32-bit floats; the plain form, for processors without them, is not.

mod dot;
mod product;
mod rows;
mod weights;

pub(crate) use self::{product::Result8, rows::Rows8, weights::Weights8};

/// Values along a row that one instruction multiplies and adds up.
const DEPTH: usize = 4;
/// Rows that a kernel works on at once.
const ROWS: usize = 6;
/// What is added to activations, since the instructions multiply unsigned with signed bytes.
const ZERO: i32 = 128;

//! The linear layers of blocks in the arithmetic that a recipe asks for.

use std::ops::Range;

use super::network::Linear;
use crate::int8::{Result8, Rows8, Weights8};

/// A linear layer of a block.
pub(super) trait Layer: Send + Sync + 'static {
    /// What a layer's input becomes before it is multiplied, kept from one layer to the next.
    type Operand: Default + Send + 'static;

    /// Brings a layer as it was read into this form.
    fn from_linear(linear: Linear) -> Self;

    /// Values of a row of the result.
    fn outputs(&self) -> usize;

    /// `out = input * weight^T + bias` for rows of [`Layer::outputs`] values, of which at least
    /// those of `part` are written.
    fn write_part(
        &self,
        part: Range<usize>,
        input: &[f32],
        rows: usize,
        operand: &mut Self::Operand,
        out: &mut [f32],
    );

    /// `out += input * weight^T + bias`, the input's rows `stride` apart.
    fn add(
        &self,
        input: &[f32],
        stride: usize,
        rows: usize,
        operand: &mut Self::Operand,
        out: &mut [f32],
    );

    /// [`Layer::write_part`] of all outputs.
    fn write(&self, input: &[f32], rows: usize, operand: &mut Self::Operand, out: &mut [f32]) {
        self.write_part(0..self.outputs(), input, rows, operand, out);
    }
}

/// In 32-bit floats.
impl Layer for Linear {
    type Operand = ();

    fn from_linear(linear: Linear) -> Self {
        linear.spread()
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn write_part(
        &self,
        part: Range<usize>,
        input: &[f32],
        rows: usize,
        (): &mut (),
        out: &mut [f32],
    ) {
        Self::write_part(self, part, input, rows, out);
    }

    fn add(&self, input: &[f32], stride: usize, rows: usize, (): &mut (), out: &mut [f32]) {
        Self::add(self, input, stride, rows, out);
    }
}

/// In 8-bit integers: see [`crate::int8`].
pub(super) struct Linear8 {
    weights: Weights8,
    bias: Vec<f32>,
    inputs: usize,
}

impl Layer for Linear8 {
    type Operand = Rows8;

    fn from_linear(linear: Linear) -> Self {
        let Linear { weight, bias, inputs, outputs, stride } = linear;
        Self { weights: Weights8::new(&weight, inputs, outputs, stride), bias, inputs }
    }

    fn outputs(&self) -> usize {
        self.bias.len()
    }

    fn write_part(
        &self,
        part: Range<usize>,
        input: &[f32],
        rows: usize,
        operand: &mut Rows8,
        out: &mut [f32],
    ) {
        operand.fill(input, rows, self.inputs, self.inputs);
        let to = Result8 { values: out, add: false };
        self.weights.multiply(operand, rows, part, &self.bias, to);
    }

    fn add(&self, input: &[f32], stride: usize, rows: usize, operand: &mut Rows8, out: &mut [f32]) {
        operand.fill(input, rows, self.inputs, stride);
        let to = Result8 { values: out, add: true };
        self.weights.multiply(operand, rows, 0..self.bias.len(), &self.bias, to);
    }
}

//! The linear layers of blocks in the arithmetic that a recipe asks for.

use std::ops::Range;

use super::network::Linear;
use crate::{
    int8::{Result8, Rows8, Weights8},
    packed::{PackedLayer, Rows},
};

/// A form that layers are brought into when they are read.
pub(super) trait Form {
    /// Brings a layer as it was read into this form.
    fn from_linear(linear: Linear) -> Self;
}

/// As it was read.
impl Form for Linear {
    fn from_linear(linear: Linear) -> Self {
        linear
    }
}

/// A linear layer of a block.
pub(super) trait Layer: Form + Send + Sync + 'static {
    /// What a layer's input becomes before it is multiplied, kept from one layer to the next.
    type Operand: Default + Send + 'static;

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
impl Form for PackedLayer {
    fn from_linear(linear: Linear) -> Self {
        Self::new(&linear.weight, linear.inputs, &linear.bias)
    }
}

impl Layer for PackedLayer {
    type Operand = Vec<f32>;

    fn outputs(&self) -> usize {
        Self::outputs(self)
    }

    fn write_part(
        &self,
        part: Range<usize>,
        input: &[f32],
        rows: usize,
        operand: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let from = Rows { values: input, stride: self.inputs(), count: rows };
        self.multiply(part, from, operand, out, false);
    }

    fn add(
        &self,
        input: &[f32],
        stride: usize,
        rows: usize,
        operand: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let from = Rows { values: input, stride, count: rows };
        self.multiply(0..Self::outputs(self), from, operand, out, true);
    }
}

/// In 8-bit integers: see [`crate::int8`].
pub(super) struct Linear8 {
    weights: Weights8,
    bias: Vec<f32>,
    inputs: usize,
}

impl Form for Linear8 {
    fn from_linear(linear: Linear) -> Self {
        let Linear { weight, bias, inputs, outputs } = linear;
        Self { weights: Weights8::new(&weight, inputs, outputs), bias, inputs }
    }
}

impl Layer for Linear8 {
    type Operand = Rows8;

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

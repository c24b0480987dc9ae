//! Reverse-mode differentiation of small networks on matrices: a head says its forward pass once,
//! the tape remembers it and runs it backwards.
//!
//! Rows are tiles (or one bag), columns are features. Every value is the same on any number of
//! threads.

mod array;
mod backward;
mod element;
mod filter;
mod landmarks;
mod normalise;
#[cfg(test)]
mod tests;

use bianque_vision::matrix::Destination;
use rayon::prelude::*;

pub(crate) use array::{Array, Factor, Parameter, Parameters};
use array::{in_blocks, pairwise, product, product_into};
pub(crate) use element::{Activation, mixed};
pub(crate) use filter::FilterPlan;
pub(crate) use landmarks::LandmarkPlan;

/// A value on the tape.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node(usize);

enum Value<'a> {
    Own(Array),
    Shared(&'a Array),
}

/// How a value was made: what the backward pass needs beside the values themselves.
enum Operation {
    Constant,
    Parameter(usize),
    Linear { input: Node, weight: Node, bias: Option<Node>, activation: Activation },
    Product { left: (Node, bool), right: (Node, bool) },
    Add(Node, Node),
    Multiply(Node, Node),
    Scale(Node, f32),
    Dropout { input: Node, rate: f32, seed: u64 },
    SoftmaxRows(Node),
    MeanRows(Node),
    MaxRows { input: Node, at: Vec<usize> },
    RowSums(Node),
    Gather { input: Node, rows: Vec<usize> },
    Reshape(Node),
    AddRow { input: Node, row: Node },
    JoinRows(Node, Node),
    NormaliseRows { input: Node, scale: Node, shift: Node },
    Filter { input: Node, weight: Node, plan: FilterPlan },
    Landmarks { query: Node, key: Node, value: Node, plan: LandmarkPlan },
}

struct Record<'a> {
    value: Value<'a>,
    operation: Operation,
    /// Whether a parameter has a part in it.
    trained: bool,
}

/// The forward pass of one bag.
pub(crate) struct Tape<'a> {
    parameters: &'a Parameters,
    records: Vec<Record<'a>>,
    /// Seed of what is dropped; `None` outside training, when nothing is.
    training: Option<u64>,
    drops: u64,
}

impl<'a> Tape<'a> {
    pub(crate) fn new(parameters: &'a Parameters, training: Option<u64>) -> Self {
        Self { parameters, records: Vec::new(), training, drops: 0 }
    }

    /// Whether this pass is a training pass.
    pub(crate) fn is_training(&self) -> bool {
        self.training.is_some()
    }

    pub(crate) fn value(&self, node: Node) -> &Array {
        match &self.records[node.0].value {
            Value::Own(array) => array,
            Value::Shared(array) => array,
        }
    }

    fn push(&mut self, value: Array, operation: Operation, parts: &[Node]) -> Node {
        let trained = parts.iter().any(|part| self.records[part.0].trained);
        self.records.push(Record { value: Value::Own(value), operation, trained });
        Node(self.records.len() - 1)
    }

    /// A matrix that is not trained.
    pub(crate) fn constant(&mut self, value: &'a Array) -> Node {
        let operation = Operation::Constant;
        self.records.push(Record { value: Value::Shared(value), operation, trained: false });
        Node(self.records.len() - 1)
    }

    /// A parameter by its place.
    pub(crate) fn parameter(&mut self, index: usize) -> Node {
        let value = Value::Shared(&self.parameters.entries[index].value);
        let operation = Operation::Parameter(index);
        self.records.push(Record { value, operation, trained: true });
        Node(self.records.len() - 1)
    }

    /// `activation(input * weight^T + bias)`: weight `outputs x inputs`, bias `1 x outputs`.
    pub(crate) fn linear(
        &mut self,
        input: Node,
        weight: Node,
        bias: Option<Node>,
        activation: Activation,
    ) -> Node {
        let (x, w) = (self.value(input), self.value(weight));
        let columns = w.rows;
        let mut out = match bias {
            Some(bias) => Array::new(x.rows, columns, self.value(bias).values.repeat(x.rows)),
            None => Array::zeros(x.rows, columns),
        };
        let stands = if bias.is_some() { Destination::Add } else { Destination::Replace };
        product_into(&mut out, stands, Factor(x, false), Factor(w, true));
        if activation != Activation::None {
            in_blocks(&mut out.values, |_, block| activation.apply(block));
        }
        let parts = [input, weight, bias.unwrap_or(weight)];
        self.push(out, Operation::Linear { input, weight, bias, activation }, &parts)
    }

    /// The product of two matrices, each read transposed where its flag says so.
    pub(crate) fn product(&mut self, left: (Node, bool), right: (Node, bool)) -> Node {
        let (a, b) = (self.value(left.0), self.value(right.0));
        let out = product(Factor(a, left.1), Factor(b, right.1));
        self.push(out, Operation::Product { left, right }, &[left.0, right.0])
    }

    pub(crate) fn add(&mut self, a: Node, b: Node) -> Node {
        let mut out = self.value(a).clone();
        out.add(self.value(b));
        self.push(out, Operation::Add(a, b), &[a, b])
    }

    /// Value by value.
    pub(crate) fn multiply(&mut self, a: Node, b: Node) -> Node {
        let mut out = self.value(a).clone();
        pairwise(&mut out.values, &self.value(b).values, |own, other| *own *= other);
        self.push(out, Operation::Multiply(a, b), &[a, b])
    }

    pub(crate) fn scale(&mut self, a: Node, factor: f32) -> Node {
        let mut out = self.value(a).clone();
        in_blocks(&mut out.values, |_, block| block.iter_mut().for_each(|x| *x *= factor));
        self.push(out, Operation::Scale(a, factor), &[a])
    }

    /// Drops values at random in training, and nothing else.
    pub(crate) fn dropout(&mut self, input: Node, rate: f32) -> Node {
        let Some(training) = self.training.filter(|_| rate > 0.0) else { return input };
        self.drops += 1;
        let seed = mixed(training ^ mixed(self.drops));
        let mut out = self.value(input).clone();
        in_blocks(&mut out.values, |first, block| element::dropout(block, first, rate, seed));
        self.push(out, Operation::Dropout { input, rate, seed }, &[input])
    }

    /// Each row becomes positive and sums to 1.
    pub(crate) fn softmax_rows(&mut self, input: Node) -> Node {
        let mut out = self.value(input).clone();
        softmax(&mut out);
        self.push(out, Operation::SoftmaxRows(input), &[input])
    }

    /// The mean row.
    pub(crate) fn mean_rows(&mut self, input: Node) -> Node {
        let x = self.value(input);
        let mut sums = vec![0.0_f64; x.columns];
        for row in 0..x.rows {
            sums.iter_mut().zip(x.row(row)).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        let mean = sums.iter().map(|sum| (sum / x.rows.max(1) as f64) as f32).collect();
        let out = Array::new(1, x.columns, mean);
        self.push(out, Operation::MeanRows(input), &[input])
    }

    /// The largest value of each column; of equals the first. `None` where there are no rows.
    pub(crate) fn max_rows(&mut self, input: Node) -> Node {
        let x = self.value(input);
        let mut at = vec![0; x.columns];
        let mut most = vec![f32::NEG_INFINITY; x.columns];
        for row in 0..x.rows {
            for (column, value) in x.row(row).iter().enumerate() {
                if *value > most[column] {
                    (most[column], at[column]) = (*value, row);
                }
            }
        }
        let out = Array::new(1, x.columns, most);
        self.push(out, Operation::MaxRows { input, at }, &[input])
    }

    /// The sum of each row, as one column.
    pub(crate) fn row_sums(&mut self, input: Node) -> Node {
        let x = self.value(input);
        let sums = (0..x.rows).map(|row| x.row(row).iter().sum()).collect();
        let out = Array::new(x.rows, 1, sums);
        self.push(out, Operation::RowSums(input), &[input])
    }

    /// The named rows, in their order.
    pub(crate) fn gather(&mut self, input: Node, rows: Vec<usize>) -> Node {
        let x = self.value(input);
        let values = rows.iter().flat_map(|row| x.row(*row)).copied().collect();
        let out = Array::new(rows.len(), x.columns, values);
        self.push(out, Operation::Gather { input, rows }, &[input])
    }

    /// The same values in rows of another length.
    pub(crate) fn reshape(&mut self, input: Node, rows: usize, columns: usize) -> Node {
        let out = Array::new(rows, columns, self.value(input).values.clone());
        self.push(out, Operation::Reshape(input), &[input])
    }

    /// Adds one row to every row.
    pub(crate) fn add_row(&mut self, input: Node, row: Node) -> Node {
        let mut out = self.value(input).clone();
        let added = &self.value(row).values;
        out.values.par_chunks_mut(added.len().max(1)).for_each(|own| {
            own.iter_mut().zip(added).for_each(|(x, added)| *x += added);
        });
        self.push(out, Operation::AddRow { input, row }, &[input, row])
    }

    /// The rows of the first, then those of the second.
    pub(crate) fn join_rows(&mut self, first: Node, second: Node) -> Node {
        let (a, b) = (self.value(first), self.value(second));
        let out = Array::new(a.rows + b.rows, a.columns, [&a.values[..], &b.values].concat());
        self.push(out, Operation::JoinRows(first, second), &[first, second])
    }
}

/// Each row becomes positive and sums to 1.
fn softmax(array: &mut Array) {
    array.values.par_chunks_mut(array.columns.max(1)).for_each(|row| {
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|x| *x = element::exp(*x - top));
        let sum: f64 = row.iter().map(|x| f64::from(*x)).sum();
        let inverse = (1.0 / sum) as f32;
        row.iter_mut().for_each(|x| *x *= inverse);
    });
}

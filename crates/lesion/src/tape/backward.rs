//! The tape run backwards: from slopes of a loss by some values to slopes by the parameters.

use bianque_vision::matrix::Destination;
use rayon::prelude::*;

use super::{
    Activation, Array, Factor, Node, Operation, Tape,
    array::{in_blocks, pairwise, product, product_into},
    element, filter, landmarks, normalise,
};

/// The slopes that are known so far, a value each.
struct Slopes(Vec<Option<Array>>);

impl Slopes {
    fn add(&mut self, node: Node, slope: Array) {
        match &mut self.0[node.0] {
            Some(own) => own.add(&slope),
            empty => *empty = Some(slope),
        }
    }

    fn add_product(&mut self, node: Node, left: Factor<'_>, right: Factor<'_>) {
        match &mut self.0[node.0] {
            Some(own) => product_into(own, Destination::Add, left, right),
            empty => *empty = Some(product(left, right)),
        }
    }
}

impl Tape<'_> {
    /// Adds to `gradients` (one a parameter, of its extent) the slopes of a loss whose slopes by
    /// some values of this tape are given.
    pub(crate) fn backward(&self, seeds: Vec<(Node, Array)>, gradients: &mut [Array]) {
        let mut slopes = Slopes((0..self.records.len()).map(|_| None).collect());
        for (node, slope) in seeds {
            slopes.add(node, slope);
        }
        for index in (0..self.records.len()).rev() {
            let record = &self.records[index];
            let Some(slope) = slopes.0[index].take().filter(|_| record.trained) else { continue };
            if let Operation::Parameter(parameter) = record.operation {
                gradients[parameter].add(&slope);
            } else {
                self.step(Node(index), slope, &mut slopes);
            }
        }
    }

    fn trained(&self, node: Node) -> bool {
        self.records[node.0].trained
    }

    /// Hands one value's slope on to what it was made of.
    fn step(&self, node: Node, mut slope: Array, slopes: &mut Slopes) {
        let output = self.value(node);
        match &self.records[node.0].operation {
            Operation::Constant | Operation::Parameter(_) => {}
            Operation::Linear { input, weight, bias, activation } => {
                self.linear_step((*input, *weight, *bias), *activation, output, slope, slopes);
            }
            Operation::Product { left, right } => self.product_step(*left, *right, &slope, slopes),
            Operation::Add(a, b) => {
                slopes.add(*a, slope.clone());
                slopes.add(*b, slope);
            }
            Operation::Multiply(a, b) => {
                let mut other = slope.clone();
                pairwise(&mut other.values, &self.value(*a).values, |own, a| *own *= a);
                pairwise(&mut slope.values, &self.value(*b).values, |own, b| *own *= b);
                slopes.add(*a, slope);
                slopes.add(*b, other);
            }
            Operation::Scale(input, factor) => {
                in_blocks(&mut slope.values, |_, block| {
                    block.iter_mut().for_each(|x| *x *= factor);
                });
                slopes.add(*input, slope);
            }
            Operation::Dropout { input, rate, seed } => {
                in_blocks(&mut slope.values, |first, block| {
                    element::dropout(block, first, *rate, *seed);
                });
                slopes.add(*input, slope);
            }
            Operation::SoftmaxRows(input) => {
                softmax_step(output, &mut slope);
                slopes.add(*input, slope);
            }
            Operation::MeanRows(input) => {
                let rows = self.value(*input).rows;
                slope.values.iter_mut().for_each(|x| *x /= rows.max(1) as f32);
                let values = slope.values.repeat(rows);
                slopes.add(*input, Array::new(rows, slope.columns, values));
            }
            Operation::MaxRows { input, at } => {
                let x = self.value(*input);
                let mut out = Array::zeros(x.rows, x.columns);
                for (column, row) in at.iter().enumerate() {
                    out.row_mut(*row)[column] = slope.values[column];
                }
                slopes.add(*input, out);
            }
            Operation::RowSums(input) => {
                let columns = self.value(*input).columns;
                let values = slope.values.iter().flat_map(|x| std::iter::repeat_n(*x, columns));
                slopes.add(*input, Array::new(slope.rows, columns, values.collect()));
            }
            Operation::Gather { input, rows } => {
                let x = self.value(*input);
                let mut out = Array::zeros(x.rows, x.columns);
                for (from, to) in rows.iter().enumerate() {
                    let own = out.row_mut(*to).iter_mut();
                    own.zip(slope.row(from)).for_each(|(own, x)| *own += x);
                }
                slopes.add(*input, out);
            }
            Operation::Reshape(input) => {
                let x = self.value(*input);
                slopes.add(*input, Array::new(x.rows, x.columns, slope.values));
            }
            Operation::AddRow { input, row } => {
                slopes.add(*row, column_sums(&slope));
                slopes.add(*input, slope);
            }
            Operation::JoinRows(first, second) => {
                let (rows, columns) = (self.value(*first).rows, slope.columns);
                let later = slope.values.split_off(rows * columns);
                slopes.add(*second, Array::new(slope.rows - rows, columns, later));
                slopes.add(*first, Array::new(rows, columns, slope.values));
            }
            Operation::NormaliseRows { input, scale, shift } => {
                let own = normalise::backward(self.value(*input), self.value(*scale), &slope);
                slopes.add(*input, own.input);
                slopes.add(*scale, own.scale);
                slopes.add(*shift, own.shift);
            }
            Operation::Filter { input, weight, plan } => {
                let (x, w) = (self.value(*input), self.value(*weight));
                slopes.add(*weight, filter::weight_slope(x, &slope, w.rows, *plan));
                slopes.add(*input, filter::filtered(&slope, w, *plan, true));
            }
            Operation::Landmarks { query, key, value, plan } => {
                let of = (self.value(*query), self.value(*key), self.value(*value));
                let own = landmarks::backward(of, &slope, *plan);
                slopes.add(*query, own.query);
                slopes.add(*key, own.key);
                slopes.add(*value, own.value);
            }
        }
    }

    fn linear_step(
        &self,
        (input, weight, bias): (Node, Node, Option<Node>),
        activation: Activation,
        output: &Array,
        mut slope: Array,
        slopes: &mut Slopes,
    ) {
        if activation != Activation::None {
            pairwise(&mut slope.values, &output.values, |slope, y| activation.chain(slope, y));
        }
        if self.trained(weight) {
            let input = self.value(input);
            slopes.add_product(weight, Factor(&slope, true), Factor(input, false));
        }
        if let Some(bias) = bias {
            slopes.add(bias, column_sums(&slope));
        }
        if self.trained(input) {
            slopes.add_product(input, Factor(&slope, false), Factor(self.value(weight), false));
        }
    }

    fn product_step(
        &self,
        left: (Node, bool),
        right: (Node, bool),
        slope: &Array,
        slopes: &mut Slopes,
    ) {
        let (a, b) = (self.value(left.0), self.value(right.0));
        if self.trained(left.0) {
            // Of A B: slope * B^T; of A^T B: its transpose, B * slope^T.
            if left.1 {
                slopes.add_product(left.0, Factor(b, right.1), Factor(slope, true));
            } else {
                slopes.add_product(left.0, Factor(slope, false), Factor(b, !right.1));
            }
        }
        if self.trained(right.0) {
            if right.1 {
                slopes.add_product(right.0, Factor(slope, true), Factor(a, left.1));
            } else {
                slopes.add_product(right.0, Factor(a, !left.1), Factor(slope, false));
            }
        }
    }
}

/// `y * (slope - sum(slope * y))`, row by row.
pub(super) fn softmax_step(output: &Array, slope: &mut Array) {
    let columns = output.columns.max(1);
    let rows = slope.values.par_chunks_mut(columns).zip(output.values.par_chunks(columns));
    rows.for_each(|(slope, y)| {
        let sum: f64 = slope.iter().zip(y).map(|(s, y)| f64::from(*s) * f64::from(*y)).sum();
        slope.iter_mut().zip(y).for_each(|(s, y)| *s = y * (*s - sum as f32));
    });
}

/// Rows that are summed in single precision before they are added up in double.
const SUMMED_AT_ONCE: usize = 64;

fn column_sums(slope: &Array) -> Array {
    let mut sums = vec![0.0_f64; slope.columns];
    let mut few = vec![0.0_f32; slope.columns];
    for rows in slope.values.chunks(slope.columns.max(1) * SUMMED_AT_ONCE) {
        few.fill(0.0);
        for row in rows.chunks_exact(slope.columns.max(1)) {
            few.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        sums.iter_mut().zip(&few).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    Array::new(1, slope.columns, sums.iter().map(|sum| *sum as f32).collect())
}

//! Matrices that a head computes with, and its named parameters.

use bianque_vision::matrix::{Destination, View, ViewMut, multiply};
use rayon::prelude::*;

/// Rows one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) values: Vec<f32>,
}

impl Array {
    pub(crate) fn new(rows: usize, columns: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), rows * columns, "values of a {rows} x {columns} array");
        Self { rows, columns, values }
    }

    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![0.0; rows * columns] }
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[row * self.columns..][..self.columns]
    }

    /// Its extent when read transposed or as it lies.
    fn extent(&self, transposed: bool) -> (usize, usize) {
        if transposed { (self.columns, self.rows) } else { (self.rows, self.columns) }
    }

    fn view(&self, transposed: bool) -> View<'_> {
        let view = View::new(&self.values, self.rows, self.columns, self.columns);
        if transposed { view.transposed() } else { view }
    }

    /// Adds another of the same extent.
    pub(crate) fn add(&mut self, other: &Self) {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns), "extents of a sum");
        pairwise(&mut self.values, &other.values, |own, other| *own += other);
    }
}

/// A matrix and whether it is read with rows and columns exchanged.
#[derive(Copy, Clone)]
pub(crate) struct Factor<'a>(pub(crate) &'a Array, pub(crate) bool);

impl Factor<'_> {
    pub(crate) fn extent(self) -> (usize, usize) {
        self.0.extent(self.1)
    }
}

/// Most stretches of rows that a product is divided into, and the fewest rows of each. Fixed, so
/// that sums do not depend on the number of threads; few, because each stretch packs the right
/// side anew.
const STRETCHES: usize = 4;
const STRETCH_ROWS: usize = 192;

/// The product of two matrices.
pub(crate) fn product(left: Factor<'_>, right: Factor<'_>) -> Array {
    let mut out = Array::zeros(left.extent().0, right.extent().1);
    product_into(&mut out, Destination::Replace, left, right);
    out
}

/// Writes or adds a product, stretches of rows in parallel.
pub(crate) fn product_into(
    out: &mut Array,
    what_stands: Destination,
    left: Factor<'_>,
    right: Factor<'_>,
) {
    let (rows, inner) = left.extent();
    let columns = right.extent().1;
    assert_eq!((out.rows, out.columns), (rows, columns), "extent of a product");
    if rows == 0 || columns == 0 || inner == 0 {
        return;
    }
    let stretches = (rows / STRETCH_ROWS).clamp(1, STRETCHES);
    let stretches =
        if stretches.is_power_of_two() { stretches } else { stretches.next_power_of_two() / 2 };
    let each = rows.div_ceil(stretches);
    let right = right.0.view(right.1);
    out.values.par_chunks_mut(each * columns).enumerate().for_each(|(index, stretch)| {
        let count = stretch.len() / columns;
        let own = rows_of(left, index * each, count);
        multiply(ViewMut::new(stretch, count, columns, columns), what_stands, own, right);
    });
}

/// Rows of a factor as a view.
fn rows_of(factor: Factor<'_>, first: usize, count: usize) -> View<'_> {
    let Factor(array, transposed) = factor;
    if transposed {
        View::new(&array.values[first..], array.rows, count, array.columns).transposed()
    } else {
        let values = &array.values[first * array.columns..];
        View::new(values, count, array.columns, array.columns)
    }
}

/// Values that one thread works on at a time.
const BLOCK: usize = 1 << 15;

/// Changes every value, blocks in parallel; the closure gets a block and where it begins.
pub(crate) fn in_blocks(values: &mut [f32], change: impl Fn(usize, &mut [f32]) + Sync) {
    let blocks = values.par_chunks_mut(BLOCK).enumerate();
    blocks.for_each(|(index, block)| change(index * BLOCK, block));
}

/// Changes every value by the one at its place in another buffer.
pub(crate) fn pairwise(
    values: &mut [f32],
    others: &[f32],
    change: impl Fn(&mut f32, f32) + Sync + Send,
) {
    assert_eq!(values.len(), others.len(), "values side by side");
    values.par_chunks_mut(BLOCK).zip(others.par_chunks(BLOCK)).for_each(|(own, others)| {
        own.iter_mut().zip(others).for_each(|(own, other)| change(own, *other));
    });
}

/// A head's parameters by name, in the order in which they were made.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Parameters {
    pub(crate) entries: Vec<Parameter>,
}

/// A named matrix that is trained.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) value: Array,
    /// Whether the optimiser pulls it towards zero: weights are, biases are not.
    pub(crate) decays: bool,
}

impl Parameters {
    /// Zeros of the same extents: where gradients are summed.
    pub(crate) fn zeros_alike(&self) -> Vec<Array> {
        let entries = self.entries.iter();
        entries.map(|entry| Array::zeros(entry.value.rows, entry.value.columns)).collect()
    }

    /// The place of a parameter, by name.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.name == name)
    }

    /// Number of values.
    pub(crate) fn values(&self) -> usize {
        self.entries.iter().map(|entry| entry.value.values.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_equal_their_definition_in_every_orientation() {
        let array = |rows: usize, columns: usize, seed: usize| {
            let value = |i: usize| ((i * 7919 + seed * 31) % 101) as f32 / 50.0 - 1.0;
            Array::new(rows, columns, (0..rows * columns).map(value).collect())
        };
        let (m, n, k) = (517, 9, 33);
        for flags in 0..4 {
            let (ta, tb) = (flags & 1 == 1, flags & 2 == 2);
            let a = if ta { array(k, m, 1) } else { array(m, k, 1) };
            let b = if tb { array(n, k, 2) } else { array(k, n, 2) };
            let out = product(Factor(&a, ta), Factor(&b, tb));
            let at = |array: &Array, t: bool, row: usize, column: usize| {
                if t { array.row(column)[row] } else { array.row(row)[column] }
            };
            for row in [0, 1, 128, 300, 516] {
                for column in 0..n {
                    let want: f32 =
                        (0..k).map(|i| at(&a, ta, row, i) * at(&b, tb, i, column)).sum();
                    assert!((out.row(row)[column] - want).abs() < 1e-4, "{flags} {row} {column}");
                }
            }
        }
    }
}

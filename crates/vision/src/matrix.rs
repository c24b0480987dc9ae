//! Matrix products on strided views, single-threaded: callers parallelise over images.
//!
//! A product reads both operands where they lie (rows of a fused buffer, weights as stored) and
//! writes or adds into the destination, so that a bias or a residual already standing there costs
//! no pass of its own.

#![allow(unsafe_code)]

/// A matrix to read: `rows x columns` values of a slice, by strides.
#[derive(Copy, Clone, Debug)]
pub struct View<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// Rows of `columns` contiguous values, `row_stride` apart.
    ///
    /// # Panics
    /// When the slice does not hold them, as indexing does.
    pub fn new(values: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(fits(values.len(), rows, columns, row_stride), "view outside its slice");
        Self { values, rows, columns, row_stride, column_stride: 1 }
    }

    /// The same values with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// A matrix to write: rows of contiguous values, by stride.
#[derive(Debug)]
pub struct ViewMut<'a> {
    values: &'a mut [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a> ViewMut<'a> {
    /// Rows of `columns` contiguous values, `row_stride` apart.
    ///
    /// # Panics
    /// When the slice does not hold them or rows overlap.
    pub fn new(values: &'a mut [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(fits(values.len(), rows, columns, row_stride), "view outside its slice");
        assert!(rows < 2 || row_stride >= columns, "rows of a destination overlap");
        Self { values, rows, columns, row_stride }
    }
}

fn fits(length: usize, rows: usize, columns: usize, row_stride: usize) -> bool {
    if rows == 0 || columns == 0 {
        return true;
    }
    (rows - 1)
        .checked_mul(row_stride)
        .and_then(|last| last.checked_add(columns))
        .is_some_and(|needed| needed <= length)
}

/// What stands in the destination before a product.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Is overwritten.
    Replace,
    /// The product is added to it.
    Add,
}

/// Columns of a destination that are computed at once. The product packs its whole right side
/// ahead where it has at most a few hundred columns, else piece by piece: a quarter slower at
/// 2304 and 3072 columns (measured: 39 instead of 31 GFLOP/s).
const COLUMNS_AT_ONCE: usize = 256;

/// `destination = [destination +] left * right`.
///
/// # Panics
/// When the shapes do not fit together.
pub fn multiply(
    destination: ViewMut<'_>,
    what_stands: Destination,
    left: View<'_>,
    right: View<'_>,
) {
    assert!(
        left.columns == right.rows
            && destination.rows == left.rows
            && destination.columns == right.columns,
        "shapes {}x{} = {}x{} * {}x{}",
        destination.rows,
        destination.columns,
        left.rows,
        left.columns,
        right.rows,
        right.columns,
    );
    for first in (0..destination.columns).step_by(COLUMNS_AT_ONCE) {
        let count = COLUMNS_AT_ONCE.min(destination.columns - first);
        // SAFETY: every constructor checked that `(rows - 1) * stride + columns` values lie in the
        // slice (transposing exchanges both axes together), the shapes agree, and `first + count`
        // is at most the columns; with no rows or no inner extent, the offsets are not reached by
        // any access and are computed without the promise to stay inside. The destination is an
        // exclusive borrow whose rows do not overlap. A stride that is used is at most a slice's
        // length and fits in `isize`.
        unsafe {
            gemm::gemm(
                destination.rows,
                count,
                left.columns,
                destination.values.as_mut_ptr().wrapping_add(first),
                1,
                destination.row_stride as isize,
                what_stands == Destination::Add,
                left.values.as_ptr(),
                left.column_stride as isize,
                left.row_stride as isize,
                right.values.as_ptr().wrapping_add(first * right.column_stride),
                right.column_stride as isize,
                right.row_stride as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        (0..count as u32)
            .map(|i| ((i * 7919 + seed * 104_729) % 1000) as f32 / 500.0 - 1.0)
            .collect()
    }

    #[test]
    fn equals_the_definition_on_strided_views() {
        let (m, n, k) = (7, 2 * COLUMNS_AT_ONCE + 19, 33);
        let left = numbers(m * 40, 1);
        let weights = numbers(n * 35, 2);
        let stride = n + 11;
        let mut out = numbers(m * stride, 3);
        let before = out.clone();
        multiply(
            ViewMut::new(&mut out[2..], m, n, stride),
            Destination::Add,
            View::new(&left[3..], m, k, 40),
            View::new(&weights, n, k, 35).transposed(),
        );
        for row in 0..m {
            for column in 0..n {
                let product: f32 =
                    (0..k).map(|i| left[3 + row * 40 + i] * weights[column * 35 + i]).sum();
                let at = 2 + row * stride + column;
                assert!((out[at] - before[at] - product).abs() < 1e-4);
            }
        }
        assert_eq!(
            out[2 + n..2 + stride],
            before[2 + n..2 + stride],
            "values between rows are left alone"
        );
    }

    #[test]
    #[should_panic(expected = "outside its slice")]
    fn a_view_cannot_leave_its_slice() {
        let _ = View::new(&[0.0; 11], 3, 4, 4);
    }

    #[test]
    #[should_panic(expected = "shapes")]
    fn shapes_must_fit() {
        let mut out = [0.0; 4];
        let values = [0.0; 6];
        multiply(
            ViewMut::new(&mut out, 2, 2, 2),
            Destination::Replace,
            View::new(&values, 2, 3, 3),
            View::new(&values, 2, 3, 3),
        );
    }
}

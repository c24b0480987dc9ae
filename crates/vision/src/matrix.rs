//! Matrix products on strided views, single-threaded: callers parallelise over images.
//!
//! A product reads both operands where they lie (rows of a fused buffer, weights as stored) and
//! writes or adds into the destination, so that a bias or a residual already standing there costs
//! no pass of its own.

#![allow(unsafe_code)]

/// A matrix to read: `rows x columns` values of a slice, by strides.
#[derive(Copy, Clone, Debug)]
pub(crate) struct View<'a> {
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
    pub(crate) fn new(values: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(fits(values.len(), rows, columns, row_stride), "view outside its slice");
        Self { values, rows, columns, row_stride, column_stride: 1 }
    }

    /// The same values with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
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
pub(crate) struct ViewMut<'a> {
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
    pub(crate) fn new(
        values: &'a mut [f32],
        rows: usize,
        columns: usize,
        row_stride: usize,
    ) -> Self {
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
pub(crate) enum Destination {
    /// Is overwritten.
    Replace,
    /// The product is added to it.
    Add,
}

/// `destination = [destination +] left * right`.
///
/// # Panics
/// When the shapes do not fit together.
pub(crate) fn multiply(
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
    // SAFETY: every constructor checked that `(rows - 1) * stride + columns` values lie in the
    // slice (transposing exchanges both axes together), and the destination is an exclusive borrow
    // whose rows do not overlap. Strides are at most a slice length, so they fit in `isize`.
    unsafe {
        gemm::gemm(
            destination.rows,
            destination.columns,
            left.columns,
            destination.values.as_mut_ptr(),
            1,
            destination.row_stride as isize,
            what_stands == Destination::Add,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
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
        let (m, n, k) = (7, 19, 33);
        let left = numbers(m * 40, 1);
        let weights = numbers(n * 35, 2);
        let mut out = numbers(m * 30, 3);
        let before = out.clone();
        multiply(
            ViewMut::new(&mut out[2..], m, n, 30),
            Destination::Add,
            View::new(&left[3..], m, k, 40),
            View::new(&weights, n, k, 35).transposed(),
        );
        for row in 0..m {
            for column in 0..n {
                let product: f32 =
                    (0..k).map(|i| left[3 + row * 40 + i] * weights[column * 35 + i]).sum();
                let at = 2 + row * 30 + column;
                assert!((out[at] - before[at] - product).abs() < 1e-4);
            }
        }
        assert_eq!(out[2 + 19..32], before[2 + 19..32], "values between rows are left alone");
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

//! How much of a rectangle a mask covers, from a table of sums.

/// Sums of a mask over every rectangle that starts at the left top corner (Crow 1984).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CoverageTable {
    width: usize,
    height: usize,
    /// `(width + 1) * (height + 1)` sums. A mask has fewer than 2^32 pixels, as its settings bound.
    sums: Vec<u32>,
}

impl CoverageTable {
    /// A table over `width * height` values; `covered` says which count.
    pub(crate) fn new(values: &[u8], width: usize, covered: impl Fn(u8) -> bool) -> Self {
        let height = values.len().checked_div(width).unwrap_or(0);
        let mut sums = vec![0_u32; (width + 1) * (height + 1)];
        for y in 0..height {
            let mut row = 0;
            for x in 0..width {
                row += u32::from(covered(values[y * width + x]));
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
            }
        }
        Self { width, height, sums }
    }

    /// The covered area, in mask pixels, between two corners in mask pixels. Corners between
    /// pixels are exact: the sum is linear within a pixel. What lies outside is not covered.
    pub(crate) fn area(&self, left: f64, top: f64, right: f64, bottom: f64) -> f64 {
        let sum = |x: f64, y: f64| self.sum_to(x, y);
        (sum(right, bottom) - sum(left, bottom) - sum(right, top) + sum(left, top)).max(0.0)
    }

    fn sum_to(&self, x: f64, y: f64) -> f64 {
        let x = x.clamp(0.0, self.width as f64);
        let y = y.clamp(0.0, self.height as f64);
        let (column, row) = (x.floor() as usize, y.floor() as usize);
        let (dx, dy) = (x - column as f64, y - row as f64);
        let at = |column: usize, row: usize| {
            let (column, row) = (column.min(self.width), row.min(self.height));
            f64::from(self.sums[row * (self.width + 1) + column])
        };
        at(column, row) * (1.0 - dx) * (1.0 - dy)
            + at(column + 1, row) * dx * (1.0 - dy)
            + at(column, row + 1) * (1.0 - dx) * dy
            + at(column + 1, row + 1) * dx * dy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_pixels_count_in_part() {
        let table = CoverageTable::new(&[1, 0, 1, 1], 2, |value| value == 1);
        assert!((table.area(0.0, 0.0, 2.0, 2.0) - 3.0).abs() < 1e-12);
        assert!((table.area(0.5, 0.0, 1.5, 1.0) - 0.5).abs() < 1e-12);
        assert!((table.area(0.5, 0.5, 1.5, 1.5) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn outside_is_not_covered() {
        let table = CoverageTable::new(&[1; 9], 3, |value| value == 1);
        assert!((table.area(-5.0, -5.0, 50.0, 50.0) - 9.0).abs() < 1e-12);
        assert!(table.area(3.0, 0.0, 9.0, 9.0).abs() < 1e-12);
        assert!(CoverageTable::new(&[], 0, |_| true).area(0.0, 0.0, 9.0, 9.0).abs() < 1e-12);
    }
}

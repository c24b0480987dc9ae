//! One value per mask pixel, and running means over it.

/// A raster of any value, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plane<T> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) data: Vec<T>,
}

/// A binary raster: 0 or 1.
pub(crate) type Mask = Plane<u8>;

impl<T: Copy> Plane<T> {
    pub(crate) fn filled(width: usize, height: usize, value: T) -> Self {
        Self { width, height, data: vec![value; width * height] }
    }

    /// The same shape, each value mapped.
    pub(crate) fn map<U>(&self, to: impl Fn(T) -> U) -> Plane<U> {
        Plane {
            width: self.width,
            height: self.height,
            data: self.data.iter().map(|value| to(*value)).collect(),
        }
    }

    /// The same shape, values of two planes put together pixel by pixel.
    pub(crate) fn zip<U: Copy, V>(&self, other: &Plane<U>, with: impl Fn(T, U) -> V) -> Plane<V> {
        let pairs = self.data.iter().zip(&other.data);
        Plane {
            width: self.width,
            height: self.height,
            data: pairs.map(|(a, b)| with(*a, *b)).collect(),
        }
    }

    pub(crate) fn row(&self, y: usize) -> &[T] {
        &self.data[y * self.width..][..self.width]
    }
}

impl Mask {
    /// Number of set pixels.
    pub(crate) fn count(&self) -> usize {
        self.data.iter().map(|value| usize::from(*value)).sum()
    }
}

/// The mean over a square of `2 * radius + 1` pixels; at the border over what lies inside.
pub(crate) fn box_mean(plane: &Plane<u16>, radius: usize) -> Plane<u16> {
    if radius == 0 || plane.data.is_empty() {
        return plane.clone();
    }
    let (width, height) = (plane.width, plane.height);
    let mut columns = vec![0_u32; width];
    for y in 0..radius.min(height) {
        add(&mut columns, plane.row(y));
    }
    let mut data = Vec::with_capacity(width * height);
    for y in 0..height {
        if y + radius < height {
            add(&mut columns, plane.row(y + radius));
        }
        if y > radius {
            let leaving = plane.row(y - radius - 1);
            columns.iter_mut().zip(leaving).for_each(|(sum, value)| *sum -= u32::from(*value));
        }
        let rows = (y + radius).min(height - 1) - y.saturating_sub(radius) + 1;
        row_means(&columns, radius, rows, &mut data);
    }
    Plane { width, height, data }
}

fn add(columns: &mut [u32], row: &[u16]) {
    columns.iter_mut().zip(row).for_each(|(sum, value)| *sum += u32::from(*value));
}

fn row_means(columns: &[u32], radius: usize, rows: usize, out: &mut Vec<u16>) {
    let width = columns.len();
    let mut sum: u64 = columns[..radius.min(width)].iter().map(|s| u64::from(*s)).sum();
    let (mut known, mut share) = (0, 0.0);
    for x in 0..width {
        if x + radius < width {
            sum += u64::from(columns[x + radius]);
        }
        if x > radius {
            sum -= u64::from(columns[x - radius - 1]);
        }
        let count = ((x + radius).min(width - 1) - x.saturating_sub(radius) + 1) * rows;
        if count != known {
            (known, share) = (count, 1.0 / count as f64);
        }
        // Halves are rounded up, whatever the last bit of the share is; a mean of u16 fits u16.
        out.push((sum as f64 * share + 0.5 + 1e-9) as u16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_mean_equals_the_plain_one() {
        let (width, height) = (9_usize, 6_usize);
        let data: Vec<u16> = (0..54).map(|i| (i * 7919 % 251) as u16).collect();
        let plane = Plane { width, height, data };
        for radius in [1_usize, 2, 7, 20] {
            let mean = box_mean(&plane, radius);
            for y in 0..height {
                for x in 0..width {
                    let (mut sum, mut count) = (0_u64, 0_u64);
                    for v in y.saturating_sub(radius)..(y + radius + 1).min(height) {
                        for u in x.saturating_sub(radius)..(x + radius + 1).min(width) {
                            sum += u64::from(plane.data[v * width + u]);
                            count += 1;
                        }
                    }
                    let plain = ((sum + count / 2) / count) as u16;
                    assert_eq!(mean.data[y * width + x], plain, "{x} {y} {radius}");
                }
            }
        }
    }

    #[test]
    fn one_pixel_stays() {
        let plane = Plane { width: 1, height: 1, data: vec![65_535_u16] };
        assert_eq!(box_mean(&plane, 3), plane);
    }
}

//! Reduction by the mean of whole blocks, where a codec cannot reduce by itself.

use super::{Canvas, RGB, Size};

/// Writes the mean of each `factor` x `factor` block of an RGB source into the canvas. Blocks at
/// the right and lower edge may be partial.
pub(crate) fn shrink(source: &[u8], size: Size, factor: u32, canvas: &mut Canvas<'_>) {
    let stride = size.width as usize * RGB;
    let factor = factor.max(1) as usize;
    let mut sums = vec![0_u32; canvas.size().width as usize * RGB];
    let mut blocks = source.chunks_exact(stride).take(size.height as usize);
    for out in canvas.rows() {
        sums.fill(0);
        let mut rows = 0;
        for row in blocks.by_ref().take(factor) {
            rows += 1;
            for (sum, block) in sums.chunks_exact_mut(RGB).zip(row.chunks(factor * RGB)) {
                for pixel in block.chunks_exact(RGB) {
                    sum[0] += u32::from(pixel[0]);
                    sum[1] += u32::from(pixel[1]);
                    sum[2] += u32::from(pixel[2]);
                }
            }
        }
        for (index, (out, sum)) in out.iter_mut().zip(&sums).enumerate() {
            let columns = factor.min((size.width as usize).saturating_sub(index / RGB * factor));
            let count = u32::try_from(columns * rows).unwrap_or(u32::MAX).max(1);
            *out = u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_averaged_also_partial_ones() {
        let source: Vec<u8> = [10, 20, 30, 40, 50, 90].iter().flat_map(|&v| [v; 3]).collect();
        let mut out = vec![0; 2 * 3];
        let size = Size::new(3, 2);
        shrink(&source, size, 2, &mut Canvas::whole(&mut out, Size::new(2, 1)));
        // Columns 0 and 1: (10 + 20 + 40 + 50) / 4; column 2 alone: (30 + 90) / 2.
        assert_eq!(out, [30, 30, 30, 60, 60, 60]);
    }
}

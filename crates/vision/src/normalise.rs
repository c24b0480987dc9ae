//! From 8-bit pixels to the network's input.

use bianque_core::RgbImage;

use crate::recipe::Normalise;

/// The network's input for each of the 256 values of each channel of one tile.
pub(crate) type Table = [[f32; 256]; 3];

/// The table of one tile: with fixed constants the same for all, else from its own statistics.
pub(crate) fn table(normalise: &Normalise, tile: &RgbImage) -> Table {
    match normalise {
        Normalise::Fixed { mean, std } => affine(*mean, *std),
        Normalise::PerTile { floor } => {
            let (mean, deviation) = statistics(tile);
            affine(mean, deviation.map(|s| s.max(*floor)))
        }
    }
}

fn affine(mean: [f32; 3], std: [f32; 3]) -> Table {
    std::array::from_fn(|channel| {
        std::array::from_fn(|value| (value as f32 / 255.0 - mean[channel]) / std[channel])
    })
}

/// Mean and population standard deviation of each channel, in 0..1, from exact integer sums.
fn statistics(tile: &RgbImage) -> ([f32; 3], [f32; 3]) {
    let mut sums = [0_u64; 3];
    let mut squares = [0_u64; 3];
    for pixel in tile.pixels().as_chunks::<3>().0 {
        for channel in 0..3 {
            let value = u64::from(pixel[channel]);
            sums[channel] += value;
            squares[channel] += value * value;
        }
    }
    let count = (tile.pixels().len() / 3).max(1) as f64;
    let mean = sums.map(|sum| sum as f64 / count);
    let deviation = std::array::from_fn(|channel| {
        let variance = squares[channel] as f64 / count - mean[channel] * mean[channel];
        (variance.max(0.0).sqrt() / 255.0) as f32
    });
    (mean.map(|mean| (mean / 255.0) as f32), deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile() -> RgbImage {
        let pixels = (0..4 * 4 * 3).map(|i| (i * 37 % 251) as u8).collect();
        RgbImage::from_pixels(4, 4, pixels).unwrap()
    }

    #[test]
    fn fixed_constants() {
        let normalise = Normalise::Fixed { mean: [0.5, 0.4, 0.3], std: [0.5, 0.25, 0.1] };
        let table = table(&normalise, &tile());
        for (channel, (mean, std)) in [(0.5, 0.5), (0.4, 0.25), (0.3, 0.1)].into_iter().enumerate()
        {
            for value in [0_u8, 1, 100, 255] {
                let expected: f32 = (f32::from(value) / 255.0 - mean) / std;
                assert_eq!(table[channel][value as usize], expected);
            }
        }
    }

    #[test]
    fn per_tile_statistics_remove_gain_and_offset() {
        let table = table(&Normalise::PerTile { floor: 1e-6 }, &tile());
        for channel in 0..3 {
            let pixels = tile().into_pixels();
            let values: Vec<f64> = pixels[channel..]
                .iter()
                .step_by(3)
                .map(|value| f64::from(table[channel][*value as usize]))
                .collect();
            let mean = values.iter().sum::<f64>() / 16.0;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 16.0;
            assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn blank_glass_stays_blank() {
        let blank = RgbImage::filled(4, 4, [243, 244, 245]);
        let table = table(&Normalise::PerTile { floor: 0.05 }, &blank);
        assert!((0..3).all(|channel| table[channel][243 + channel].abs() < 1e-5));
    }
}

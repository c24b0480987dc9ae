//! Folds by colour: tiles that are stained alike stay together.

use bianque_core::RgbImage;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{check_folds, kmeans::kmeans};
use crate::error::{LesionError, Result};

/// Mean and standard deviation of the optical density of red, green and blue over a tile:
/// `-log10((value + 1) / 256)`, means first.
pub type ColourStatistics = [f32; 6];

/// Measures a tile's colour.
pub(crate) fn colour_statistics(image: &RgbImage) -> ColourStatistics {
    let densities: Vec<f64> =
        (0..256).map(|value| -(f64::from(value + 1) / 256.0).log10()).collect();
    let mut counts = [[0_u64; 256]; 3];
    for pixel in image.pixels().as_chunks::<3>().0 {
        for channel in 0..3 {
            counts[channel][usize::from(pixel[channel])] += 1;
        }
    }
    let pixels = (image.pixels().len() / 3).max(1) as f64;
    let mut statistics = [0.0; 6];
    for (channel, counts) in counts.iter().enumerate() {
        let moment = |power: i32| {
            let terms = counts.iter().zip(&densities).map(|(n, d)| *n as f64 * d.powi(power));
            terms.sum::<f64>() / pixels
        };
        let mean = moment(1);
        statistics[channel] = mean as f32;
        statistics[channel + 3] = (moment(2) - mean * mean).max(0.0).sqrt() as f32;
    }
    statistics
}

/// Folds 0 to `folds - 1`: within each class the tiles are clustered by colour into as many
/// clusters, from pale to dark, and each cluster is one fold. What is held out is stained as
/// nothing that was trained on.
///
/// # Errors
/// When there are fewer than two folds, or not one colour a label.
pub fn colour_cluster_folds(
    labels: &[usize],
    colours: &[ColourStatistics],
    folds: usize,
    seed: u64,
) -> Result<Vec<usize>> {
    check_folds(folds)?;
    if labels.len() != colours.len() {
        let (labels, colours) = (labels.len(), colours.len());
        return Err(LesionError::Data(format!("{colours} colours for {labels} labels")));
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut assigned = vec![0; labels.len()];
    for class in 0..labels.iter().max().map_or(0, |most| most + 1) {
        let members: Vec<usize> = (0..labels.len()).filter(|i| labels[*i] == class).collect();
        let points = standardised(&members.iter().map(|i| colours[*i]).collect::<Vec<_>>());
        let (clusters, centres) = kmeans(&points, folds, &mut random);
        // By total density: the palest cluster of every class is fold 0, and so on.
        let density = |centre: &[f64; 6]| centre[..3].iter().sum::<f64>();
        let mut order: Vec<usize> = (0..centres.len()).collect();
        order.sort_by(|a, b| density(&centres[*a]).total_cmp(&density(&centres[*b])));
        let mut rank = vec![0; centres.len()];
        order.iter().enumerate().for_each(|(place, cluster)| rank[*cluster] = place);
        for (member, cluster) in members.iter().zip(clusters) {
            assigned[*member] = rank[cluster];
        }
    }
    Ok(assigned)
}

/// Each value centred and divided by its standard deviation over the tiles.
fn standardised(colours: &[ColourStatistics]) -> Vec<[f64; 6]> {
    let count = colours.len().max(1) as f64;
    let mut points: Vec<[f64; 6]> = colours.iter().map(|c| c.map(f64::from)).collect();
    for value in 0..6 {
        let mean = points.iter().map(|p| p[value]).sum::<f64>() / count;
        let variance = points.iter().map(|p| (p[value] - mean).powi(2)).sum::<f64>() / count;
        let deviation = variance.sqrt().max(1e-6);
        points.iter_mut().for_each(|p| p[value] = (p[value] - mean) / deviation);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_measured_as_density() {
        let mut image = RgbImage::filled(2, 1, [255, 255, 24]);
        image.set_pixel(1, 0, [255, 127, 24]);
        let c = colour_statistics(&image);
        assert!(c[0].abs() < 1e-6 && c[3].abs() < 1e-6);
        assert!((c[1] - 0.150_515).abs() < 1e-5);
        assert!((c[4] - 0.150_515).abs() < 1e-5);
        assert!((c[2] - (256.0_f32 / 25.0).log10()).abs() < 1e-5 && c[5].abs() < 1e-3);
    }

    #[test]
    fn a_fold_is_one_stain_in_every_class() {
        let labels: Vec<usize> = (0..120).map(|i| i % 2).collect();
        let stain = |i: usize| i / 2 % 3;
        let colours: Vec<ColourStatistics> = (0..120)
            .map(|i| {
                let base = 0.1 + 0.2 * stain(i) as f32 + 0.01 * (i as f32).sin();
                [base, base * 1.5, base * 0.7, 0.1, 0.1, 0.1]
            })
            .collect();
        let folds = colour_cluster_folds(&labels, &colours, 3, 5).unwrap();
        for (index, fold) in folds.iter().enumerate() {
            assert_eq!(*fold, stain(index), "{index}");
        }
        assert_eq!(folds, colour_cluster_folds(&labels, &colours, 3, 5).unwrap());
        assert!(colour_cluster_folds(&labels, &colours[1..], 3, 5).is_err());
        assert!(colour_cluster_folds(&labels, &colours, 1, 5).is_err());
    }
}

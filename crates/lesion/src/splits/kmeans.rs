//! Lloyd's k-means with k-means++ seeding (Arthur and Vassilvitskii 2007).

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Assigns each point to one of `k` clusters and returns the clusters' centres. With fewer
/// distinct points than `k`, some clusters stay empty.
pub(super) fn kmeans<const D: usize>(
    points: &[[f64; D]],
    k: usize,
    random: &mut ChaCha8Rng,
) -> (Vec<usize>, Vec<[f64; D]>) {
    let mut centres = seeds(points, k, random);
    let mut assigned = vec![usize::MAX; points.len()];
    for _ in 0..100 {
        let next: Vec<usize> = points.iter().map(|point| nearest(point, &centres).0).collect();
        let settled = next == assigned;
        assigned = next;
        if settled {
            break;
        }
        for (index, centre) in centres.iter_mut().enumerate() {
            let own = points.iter().zip(&assigned).filter(|(_, a)| **a == index);
            let (mut sum, mut count) = ([0.0; D], 0_usize);
            for (point, _) in own {
                sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += value);
                count += 1;
            }
            if count > 0 {
                *centre = sum.map(|value| value / count as f64);
            }
        }
    }
    (assigned, centres)
}

/// Each further centre is drawn with a probability that grows with its squared distance to those
/// already drawn.
fn seeds<const D: usize>(points: &[[f64; D]], k: usize, random: &mut ChaCha8Rng) -> Vec<[f64; D]> {
    let mut centres = Vec::with_capacity(k);
    if points.is_empty() || k == 0 {
        return centres;
    }
    centres.push(points[random.random_range(0..points.len())]);
    while centres.len() < k {
        let distances: Vec<f64> = points.iter().map(|point| nearest(point, &centres).1).collect();
        let mut left = random.random_range(0.0..1.0) * distances.iter().sum::<f64>();
        let drawn = distances.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        centres.push(points[drawn.unwrap_or(points.len() - 1)]);
    }
    centres
}

fn nearest<const D: usize>(point: &[f64; D], centres: &[[f64; D]]) -> (usize, f64) {
    let distance =
        |centre: &[f64; D]| point.iter().zip(centre).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    centres
        .iter()
        .enumerate()
        .map(|(index, centre)| (index, distance(centre)))
        .fold((0, f64::INFINITY), |best, next| if next.1 < best.1 { next } else { best })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn groups_that_lie_apart_are_found() {
        let points: Vec<[f64; 2]> = (0..60)
            .map(|i| {
                let group = f64::from(i % 3) * 10.0;
                [group + f64::from(i).sin(), group - f64::from(i).cos()]
            })
            .collect();
        let (assigned, _) = kmeans(&points, 3, &mut ChaCha8Rng::seed_from_u64(7));
        for index in 3..60 {
            assert_eq!(assigned[index], assigned[index % 3]);
        }
        assert_ne!(assigned[0], assigned[1]);
        assert_ne!(assigned[1], assigned[2]);
    }

    #[test]
    fn equal_points_and_no_points_are_no_trouble() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(kmeans(&[[1.0]; 5], 3, &mut random).0.len(), 5);
        assert!(kmeans::<2>(&[], 3, &mut random).0.is_empty());
    }
}

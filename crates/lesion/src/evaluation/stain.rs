//! How much of a head's answer hangs on the strength of the stain.

use serde::{Deserialize, Serialize};

use super::{auroc::auroc, classification::ClassificationMetrics, novelty_model::NoveltyModel};
use crate::{
    error::{LesionError, Result},
    head::Head,
    matrix::{FeatureMatrix, Probabilities},
    tiles::StainedFeatures,
};

/// Fewest tiles that distances are measured from.
const FEWEST: usize = 20;

/// What becomes of the same tiles at one strength of variation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StainStep {
    /// The strength; 0 of tiles as they are.
    pub sigma: f64,
    /// Mean over the classes of the share of theirs that is found.
    pub balanced_accuracy: f64,
    /// Mean over the classes of each one's area under the curve against the others.
    pub auroc: Option<f64>,
    /// Share of tiles whose most probable class is another than without variation.
    pub changed: f64,
    /// Mean over tiles of half the summed differences of the probabilities: 0 none, 1 all.
    pub probability_change: f64,
    /// Mean cosine between a tile's features and those without variation.
    pub cosine: f64,
    /// How well the distance from tiles as they are (Mahalanobis's, measured from one half of
    /// them) tells varied tiles of the other half from the same tiles as they are: 0.5 not at all.
    pub told_apart: Option<f64>,
}

/// What becomes of tiles when their stain is varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StainRobustness {
    /// Tiles.
    pub tiles: usize,
    /// By strength, 0 first.
    pub steps: Vec<StainStep>,
}

/// Measures a head on tiles at every strength.
///
/// # Errors
/// When the head takes other features, or numbers and classes do not fit.
pub fn stain_robustness(
    head: &Head,
    temperature: f64,
    stained: &StainedFeatures,
    classes: &[String],
) -> Result<StainRobustness> {
    if stained.varied.len() != stained.sigmas.len() {
        return Err(LesionError::Data("steps and features do not fit".into()));
    }
    let plain = head.probabilities(&stained.plain, temperature)?;
    let distances = Distances::of(&stained.plain)?;
    let steps = std::iter::once((0.0, &stained.plain))
        .chain(stained.sigmas.iter().copied().zip(&stained.varied))
        .map(|(sigma, features)| {
            let said = head.probabilities(features, temperature)?;
            let metrics = ClassificationMetrics::measure(&said, &stained.labels, classes)?;
            let areas: Vec<f64> = metrics.auroc_one_vs_rest.iter().flatten().copied().collect();
            let (changed, probability_change) = difference(&plain, &said);
            Ok(StainStep {
                sigma,
                balanced_accuracy: metrics.balanced_accuracy,
                auroc: (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64),
                changed,
                probability_change,
                cosine: mean_cosine(&stained.plain, features),
                told_apart: distances.as_ref().and_then(|own| own.tell_apart(features)),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(StainRobustness { tiles: stained.labels.len(), steps })
}

/// Share of rows with another most probable class, and the mean total variation.
fn difference(plain: &Probabilities, said: &Probabilities) -> (f64, f64) {
    let (mut changed, mut moved) = (0, 0.0);
    for row in 0..plain.rows() {
        changed += usize::from(plain.prediction(row) != said.prediction(row));
        let pairs = plain.row(row).iter().zip(said.row(row));
        moved += pairs.map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / 2.0;
    }
    let count = plain.rows().max(1) as f64;
    (changed as f64 / count, moved / count)
}

fn mean_cosine(one: &FeatureMatrix, other: &FeatureMatrix) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let cosine = |row: usize| {
        let (a, b) = (one.row(row), other.row(row));
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f64::MIN_POSITIVE)
    };
    (0..one.rows()).map(cosine).sum::<f64>() / one.rows().max(1) as f64
}

/// Distances from every second tile.
struct Distances {
    model: NoveltyModel,
    plain: Vec<f64>,
}

impl Distances {
    fn of(plain: &FeatureMatrix) -> Result<Option<Self>> {
        let from: Vec<usize> = (0..plain.rows()).step_by(2).collect();
        if from.len() < FEWEST {
            return Ok(None);
        }
        let model = NoveltyModel::fit(&plain.select(&from))?;
        let plain = Self::others(&model, plain);
        Ok(Some(Self { model, plain }))
    }

    fn others(model: &NoveltyModel, features: &FeatureMatrix) -> Vec<f64> {
        let rows = (1..features.rows()).step_by(2);
        rows.map(|row| model.squared_distance(features.row(row))).collect()
    }

    fn tell_apart(&self, features: &FeatureMatrix) -> Option<f64> {
        let varied = Self::others(&self.model, features);
        let is: Vec<bool> = (0..2 * varied.len()).map(|i| i < varied.len()).collect();
        auroc(&[varied, self.plain.clone()].concat(), &is)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        head::{Layer, Network, Standardisation},
        tape::mixed,
    };

    fn head() -> Head {
        let layer = Layer { inputs: 2, weight: vec![-4.0, 0.0, 4.0, 0.0], bias: vec![0.0; 2] };
        let standardisation = Standardisation { mean: vec![0.0; 2], scale: vec![1.0; 2] };
        Head { standardisation, network: Network::Linear(layer) }
    }

    #[test]
    fn no_change_is_none_and_a_mirrored_stain_changes_everything() {
        let number = |i: usize| (mixed(i as u64) % 2000) as f32 / 1000.0 - 1.0;
        let labels: Vec<usize> = (0..80).map(|tile| tile / 2 % 2).collect();
        let row =
            |tile: usize, sign: f32| [sign * (labels[tile] as f32 * 2.0 - 1.0), 5.0 + number(tile)];
        let matrix = |sign: f32| {
            FeatureMatrix::new(2, (0..80).flat_map(|tile| row(tile, sign)).collect()).unwrap()
        };
        let stained = StainedFeatures {
            sigmas: vec![0.1, 0.2],
            plain: matrix(1.0),
            varied: vec![matrix(1.0), matrix(-9.0)],
            labels: labels.clone(),
            broken: Vec::new(),
        };
        let classes = ["a".to_owned(), "b".to_owned()];
        let found = stain_robustness(&head(), 1.0, &stained, &classes).unwrap();
        assert_eq!(found.steps[0].changed, 0.0);
        assert_eq!(found.steps[1], StainStep { sigma: 0.1, ..found.steps[0].clone() });
        let last = &found.steps[2];
        assert_eq!((last.changed, last.balanced_accuracy, last.auroc), (1.0, 0.0, Some(0.0)));
        assert!(last.probability_change > 0.99 && last.cosine < 0.9);
        assert!(last.told_apart.unwrap() > 0.99, "{last:?}");
    }
}

//! Refits a trained head to what people said of regions, without letting it go far from what it was.
//!
//! The last layer alone moves: it minimises the mean loss of a region plus `pull / 2` times the
//! squared distance to the weights that it had, by the same L-BFGS by which linear heads are
//! trained. That is the "regularised" adaptation of a classifier by its own old weights (Yang, Yan
//! and Hauptmann, Cross-domain video concept detection using adaptive SVMs, 2007), with a logistic
//! loss. A region that was refused says only what it is not: its loss is `-ln(1 - p)` (Kim, Yim,
//! Yun and Kim, NLNL: Negative Learning for Noisy Labels, 2019).

mod agreement;
mod choice;
mod held_out;
mod objective;

pub use agreement::{RegionJudgement, StatedAgreement, judge_region, stated_agreement};
pub use choice::choose_pull;
pub use held_out::hold_out;

use self::objective::Objective;
use super::{
    Head, Layer, Network,
    lbfgs::{Limits, minimise},
};
use crate::{
    error::{LesionError, Result},
    matrix::FeatureMatrix,
};

/// Tiles of one region that are looked at: evenly drawn, since neighbours say the same.
const MOST_TILES: usize = 64;

/// What a person said of a region, by class.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Statement {
    /// It is of this class.
    Is(usize),
    /// It is not of this class.
    IsNot(usize),
}

impl Statement {
    fn class(self) -> usize {
        match self {
            Self::Is(class) | Self::IsNot(class) => class,
        }
    }
}

/// A region of which a person said something, by the features of its tiles.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedRegion {
    /// What was said.
    pub statement: Statement,
    /// Its tiles; at least one.
    pub tiles: FeatureMatrix,
}

/// How a head is refitted.
#[derive(Clone, Debug, PartialEq)]
pub struct RefitSettings {
    /// How strongly weights are pulled to where they were, in units of the mean squared length of
    /// a region's mean input to the layer: all regions together move a logit of one that is like
    /// them by no more than about `1 / pull`. [`choose_pull`] finds one.
    pub pull: f64,
    /// Most steps of L-BFGS.
    pub iterations: usize,
}

impl Default for RefitSettings {
    fn default() -> Self {
        Self { pull: 0.1, iterations: 200 }
    }
}

impl Head {
    /// Whether [`refit_head`] can refit it: a head of kept examples has no weights to move.
    #[must_use]
    pub fn can_be_refitted(&self) -> bool {
        matches!(self.network, Network::Linear(_) | Network::Mlp { .. })
    }

    /// What the last layer takes of a tile, for every tile.
    fn last_inputs(&self, tiles: &FeatureMatrix) -> Vec<f32> {
        let standard = self.standardisation.applied(tiles);
        let Network::Mlp { hidden, activation, .. } = &self.network else { return standard };
        let mut inputs = vec![0.0; tiles.rows() * hidden.outputs()];
        let rows = standard.chunks_exact(tiles.dimension());
        for (row, out) in rows.zip(inputs.chunks_exact_mut(hidden.outputs())) {
            hidden.apply(row, out);
            out.iter_mut().for_each(|value| *value = activation.value(*value));
        }
        inputs
    }

    fn last_layer(&self) -> Option<&Layer> {
        match &self.network {
            Network::Linear(layer) => Some(layer),
            Network::Mlp { output, .. } => Some(output),
            Network::Neighbours { .. } | Network::Prototypes { .. } => None,
        }
    }

    fn with_last_layer(&self, layer: Layer) -> Self {
        let network = match &self.network {
            Network::Mlp { hidden, activation, .. } => {
                Network::Mlp { hidden: hidden.clone(), activation: *activation, output: layer }
            }
            _ => Network::Linear(layer),
        };
        Self { standardisation: self.standardisation.clone(), network }
    }
}

/// Refits a head; the same regions and settings give the same weights.
///
/// # Errors
/// When the head has no weights to move, a region has no tiles or another encoder's, a class is
/// none of the head's, or a setting makes no sense.
pub fn refit_head(
    head: &Head,
    temperature: f64,
    regions: &[&StatedRegion],
    settings: &RefitSettings,
) -> Result<Head> {
    let layer = head.last_layer().ok_or_else(|| {
        let what = "a head of kept examples cannot be refitted: train it anew with more of them";
        LesionError::Setting(what.to_owned())
    })?;
    check(head, temperature, regions, settings)?;
    let mut objective = Objective::new(layer, temperature);
    for region in regions {
        objective.add(region.statement, &head.last_inputs(&region.tiles));
    }
    objective.pull_by(settings.pull);
    let limits = Limits { iterations: settings.iterations, gradient: 1e-6 };
    let start = objective.start().to_vec();
    let minimum = minimise(|place, gradient| objective.value(place, gradient), start, limits);
    Ok(head.with_last_layer(objective.layer(&minimum.place)))
}

fn check(
    head: &Head,
    temperature: f64,
    regions: &[&StatedRegion],
    settings: &RefitSettings,
) -> Result<()> {
    if !(settings.pull.is_finite() && settings.pull > 0.0) {
        return Err(LesionError::Setting(format!("pull {} is not above 0", settings.pull)));
    }
    if !(temperature.is_finite() && temperature > 0.0) {
        return Err(LesionError::Setting(format!("temperature {temperature} is not above 0")));
    }
    if regions.is_empty() {
        return Err(LesionError::Data("there is no region to learn from".to_owned()));
    }
    for region in regions {
        region.check(head)?;
    }
    Ok(())
}

impl StatedRegion {
    /// A region of a slide by the rows of its tiles; of many, some are drawn evenly.
    #[must_use]
    pub fn of(statement: Statement, features: &FeatureMatrix, rows: &[usize]) -> Self {
        let count = rows.len().min(MOST_TILES);
        let drawn = (0..count).filter_map(|index| rows.get(index * rows.len() / count));
        let chosen: Vec<usize> = drawn.copied().collect();
        Self { statement, tiles: features.select(&chosen) }
    }

    pub(super) fn check(&self, head: &Head) -> Result<()> {
        let (expected, actual) = (head.dimension(), self.tiles.dimension());
        if expected != actual {
            return Err(LesionError::Dimension { expected, actual });
        }
        if self.tiles.rows() == 0 {
            return Err(LesionError::Data("a region has no tiles".to_owned()));
        }
        let (class, classes) = (self.statement.class(), head.classes());
        if class >= classes {
            return Err(LesionError::Data(format!("class {class} of {classes} classes")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::{Activation, Standardisation};

    pub(super) fn linear() -> Head {
        let standardisation = Standardisation { mean: vec![0.0; 2], scale: vec![1.0; 2] };
        // Class 1 lies to the right, class 2 above; class 0 is neither.
        let weight = vec![0.0, 0.0, 2.0, 0.0, 0.0, 2.0];
        let layer = Layer { inputs: 2, weight, bias: vec![0.5, -0.5, -0.5] };
        Head { standardisation, network: Network::Linear(layer) }
    }

    pub(super) fn region(statement: Statement, points: &[[f32; 2]]) -> StatedRegion {
        let tiles = FeatureMatrix::new(2, points.concat()).unwrap();
        StatedRegion { statement, tiles }
    }

    fn class_at(head: &Head, point: [f32; 2]) -> usize {
        let features = FeatureMatrix::new(2, point.to_vec()).unwrap();
        head.probabilities(&features, 1.0).unwrap().prediction(0)
    }

    #[test]
    fn what_was_refused_is_no_longer_said_and_the_rest_stays() {
        let head = linear();
        let wrong = [1.0, -1.5];
        assert_eq!(class_at(&head, wrong), 1);
        let refused = region(Statement::IsNot(1), &[wrong, [1.1, -1.4]]);
        let right = region(Statement::Is(1), &[[1.0, 0.5], [1.2, 0.4]]);
        let settings = RefitSettings { pull: 0.02, ..RefitSettings::default() };
        let refitted = refit_head(&head, 1.0, &[&refused, &right], &settings).unwrap();
        assert_ne!(class_at(&refitted, wrong), 1);
        for (point, class) in [([1.0, 0.5], 1), ([0.0, 1.5], 2), ([-1.0, -1.0], 0)] {
            assert_eq!(class_at(&refitted, point), class, "{point:?}");
        }
        assert_eq!(refit_head(&head, 1.0, &[&refused, &right], &settings).unwrap(), refitted);
    }

    #[test]
    fn a_strong_pull_holds_the_weights_where_they_were() {
        let head = linear();
        let refused = region(Statement::IsNot(1), &[[1.0, -1.5]]);
        let settings = RefitSettings { pull: 1e6, ..RefitSettings::default() };
        let refitted = refit_head(&head, 1.0, &[&refused], &settings).unwrap();
        let (before, after) = (head.last_layer().unwrap(), refitted.last_layer().unwrap());
        for (a, b) in before.weight.iter().zip(&after.weight) {
            assert!((a - b).abs() < 1e-4, "{after:?}");
        }
    }

    #[test]
    fn of_a_hidden_layer_the_output_alone_moves() {
        let hidden = Layer { inputs: 2, weight: vec![1.0, 0.0, 0.0, 1.0], bias: vec![0.0; 2] };
        let output = Layer { inputs: 2, weight: vec![0.0, 0.0, 3.0, -1.0], bias: vec![0.0; 2] };
        let network = Network::Mlp { hidden, activation: Activation::Relu, output };
        let head = Head { network, ..linear() };
        assert_eq!(class_at(&head, [1.0, 1.0]), 1);
        let refused = region(Statement::IsNot(1), &[[1.0, 1.0]]);
        let refitted = refit_head(&head, 1.0, &[&refused], &RefitSettings::default()).unwrap();
        assert_eq!(class_at(&refitted, [1.0, 1.0]), 0);
        let (Network::Mlp { hidden: before, .. }, Network::Mlp { hidden: after, .. }) =
            (&head.network, &refitted.network)
        else {
            panic!("another network")
        };
        assert_eq!(before, after);
    }

    #[test]
    fn what_cannot_be_refitted_is_said() {
        let good = region(Statement::Is(1), &[[1.0, 1.0]]);
        let settings = RefitSettings::default();
        let other = region(Statement::Is(3), &[[1.0, 1.0]]);
        let wide = StatedRegion {
            statement: Statement::Is(0),
            tiles: FeatureMatrix::new(3, vec![0.0; 3]).unwrap(),
        };
        let empty = region(Statement::Is(0), &[]);
        for regions in [vec![], vec![&other], vec![&good, &wide], vec![&empty]] {
            assert!(refit_head(&linear(), 1.0, &regions, &settings).is_err(), "{regions:?}");
        }
        assert!(refit_head(&linear(), 0.0, &[&good], &settings).is_err());
        let none = RefitSettings { pull: 0.0, ..settings };
        assert!(refit_head(&linear(), 1.0, &[&good], &none).is_err());
    }

    #[test]
    fn of_a_large_region_some_tiles_are_drawn_evenly() {
        let values: Vec<f32> = (0..1400).map(|value| value as f32).collect();
        let features = FeatureMatrix::new(2, values).unwrap();
        let rows: Vec<usize> = (30..670).collect();
        let region = StatedRegion::of(Statement::Is(0), &features, &rows);
        let tiles = &region.tiles;
        assert_eq!((tiles.rows(), tiles.row(0)[0], tiles.row(63)[0]), (64, 60.0, 1320.0));
        assert_eq!(StatedRegion::of(Statement::Is(0), &features, &rows[..3]).tiles.rows(), 3);
    }
}

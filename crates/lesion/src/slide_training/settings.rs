//! How a slide head is trained.

use serde::{Deserialize, Serialize};

use crate::{
    error::{LesionError, Result},
    slide_head::SlideHeadKind,
};

/// How a slide head is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlideTrainingSettings {
    /// The network.
    pub head: SlideHeadKind,
    /// Most tiles of a slide in one pass; more are sampled anew for every pass.
    pub tiles: usize,
    /// Slides a step.
    pub batch: usize,
    /// AdamW's step size.
    pub learning_rate: f32,
    /// AdamW's decoupled decay of weights (not of biases).
    pub weight_decay: f32,
    /// Most passes over the slides.
    pub epochs: usize,
    /// Passes without a lower validation loss that are borne; after one more training stops.
    pub patience: usize,
    /// Whether every class counts the same however many slides it has.
    pub balance: bool,
    /// Whether features are standardised by the training part's mean and deviation.
    pub standardise: bool,
    /// Seed of everything random.
    pub seed: u64,
}

impl SlideTrainingSettings {
    /// The customary settings for a network: a step for every four slides; for survival, whose
    /// loss compares the slides of a step, for every 32.
    #[must_use]
    pub fn for_head(head: SlideHeadKind, survival: bool) -> Self {
        Self {
            head,
            tiles: 4096,
            batch: if survival { 32 } else { 4 },
            learning_rate: 2e-4,
            weight_decay: 1e-4,
            epochs: 40,
            patience: 8,
            balance: true,
            standardise: true,
            seed: 1,
        }
    }

    pub(crate) fn check(&self, classification: bool) -> Result<()> {
        self.head.check(classification)?;
        let (rate, decay) = (self.learning_rate, self.weight_decay);
        if self.tiles == 0 || self.batch == 0 || self.epochs == 0 {
            let what = "tiles, batch and epochs must be at least 1";
            return Err(LesionError::Setting(what.into()));
        }
        if !(rate.is_finite() && rate > 0.0 && decay.is_finite() && decay >= 0.0) {
            let what = "the learning rate must be positive and the weight decay 0 or more";
            return Err(LesionError::Setting(what.into()));
        }
        Ok(())
    }
}

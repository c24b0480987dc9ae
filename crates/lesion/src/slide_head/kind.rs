//! Which networks there are between a bag of tiles and what is said of the slide.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    error::{LesionError, Result},
    tape::{Array, Parameter, Parameters},
};

/// A network from a bag of tile features to one row of outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum SlideHeadKind {
    /// The mean of the features, then one linear layer.
    Mean,
    /// The largest value of each feature, then one linear layer.
    Max,
    /// Gated attention (Ilse, Tomczak and Welling 2018). With several branches each attends on its
    /// own, and one linear layer reads all of them.
    Abmil {
        /// Width of the layer before the attention.
        hidden: usize,
        /// Width of the attention.
        attention: usize,
        /// Branches of attention.
        branches: usize,
        /// Share of hidden values that training drops.
        dropout: f32,
    },
    /// Gated attention with a loss on the tiles that it attends to most and least (Lu et al. 2021).
    Clam {
        /// Width of the layer before the attention.
        hidden: usize,
        /// Width of the attention.
        attention: usize,
        /// Whether each class has a branch of attention (CLAM-MB) or all share one (CLAM-SB).
        branch_per_class: bool,
        /// Tiles from each end of the attention that the instance loss takes.
        instances: usize,
        /// Share of the instance loss in the whole.
        instance_weight: f32,
        /// Share of hidden values that training drops.
        dropout: f32,
    },
    /// The most telling tile of each class, and attention by likeness to it (Li, Li and Eliceiri
    /// 2021).
    Dsmil {
        /// Width of the queries that are compared.
        query: usize,
    },
}

impl SlideHeadKind {
    /// Names by which [`SlideHeadKind::named`] knows them.
    pub const NAMES: [&str; 7] =
        ["mean", "max", "abmil", "abmil-multi", "clam-sb", "clam-mb", "dsmil"];

    /// A kind with its customary widths; `None` for a name that is none of
    /// [`SlideHeadKind::NAMES`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let abmil = |branches| Self::Abmil { hidden: 512, attention: 384, branches, dropout: 0.25 };
        let clam = |branch_per_class| Self::Clam {
            hidden: 512,
            attention: 256,
            branch_per_class,
            instances: 8,
            instance_weight: 0.3,
            dropout: 0.25,
        };
        Some(match name {
            "mean" => Self::Mean,
            "max" => Self::Max,
            "abmil" => abmil(1),
            "abmil-multi" => abmil(4),
            "clam-sb" => clam(false),
            "clam-mb" => clam(true),
            "dsmil" => Self::Dsmil { query: 128 },
            _ => return None,
        })
    }

    /// Whether the network has something that stands for attention to tiles.
    #[must_use]
    pub fn attends(&self) -> bool {
        !matches!(self, Self::Mean | Self::Max)
    }

    /// Refuses widths and shares that make no sense.
    pub(crate) fn check(&self, classification: bool) -> Result<()> {
        let widths: Vec<usize> = match self {
            Self::Mean | Self::Max => vec![],
            Self::Abmil { hidden, attention, branches, .. } => vec![*hidden, *attention, *branches],
            Self::Clam { hidden, attention, instances, .. } => {
                vec![*hidden, *attention, *instances]
            }
            Self::Dsmil { query } => vec![*query],
        };
        let shares: Vec<f32> = match self {
            Self::Abmil { dropout, .. } => vec![*dropout],
            Self::Clam { dropout, instance_weight, .. } => vec![*dropout, *instance_weight],
            _ => vec![],
        };
        if widths.iter().any(|width| !(1..=1 << 14).contains(width))
            || shares.iter().any(|share| !(0.0..=0.95).contains(share))
        {
            let what = format!("{self:?}: widths must be 1 to 16384, shares 0 to 0.95");
            return Err(LesionError::Setting(what));
        }
        if matches!(self, Self::Clam { .. }) && !classification {
            let what = "CLAM's instance loss needs classes: for a value or a survival time take \
                        abmil, dsmil, mean or max";
            return Err(LesionError::Setting(what.into()));
        }
        Ok(())
    }

    /// The first parameters: weights uniform within one over the root of a layer's inputs, biases
    /// zero.
    pub(crate) fn parameters(&self, inputs: usize, outputs: usize, seed: u64) -> Parameters {
        let mut make =
            Maker { random: ChaCha8Rng::seed_from_u64(seed), parameters: Parameters::default() };
        match self {
            Self::Mean | Self::Max => make.layer("output", inputs, outputs),
            Self::Abmil { hidden, attention, branches, .. } => {
                make.gated(inputs, *hidden, *attention, *branches);
                make.layer("output", hidden * branches, outputs);
            }
            Self::Clam { hidden, attention, branch_per_class, .. } => {
                let branches = if *branch_per_class { outputs } else { 1 };
                make.gated(inputs, *hidden, *attention, branches);
                make.layer("output", *hidden, outputs);
                for class in 0..outputs {
                    make.layer(&format!("instance.{class}"), *hidden, 2);
                }
            }
            Self::Dsmil { query } => {
                make.layer("instance", inputs, outputs);
                make.layer("query.first", inputs, *query);
                make.layer("query.second", *query, *query);
                make.layer("output", inputs * outputs, outputs);
            }
        }
        make.parameters
    }
}

struct Maker {
    random: ChaCha8Rng,
    parameters: Parameters,
}

impl Maker {
    fn weight(&mut self, name: &str, inputs: usize, outputs: usize) {
        let bound = 1.0 / (inputs as f32).sqrt();
        let random = &mut self.random;
        let values = (0..inputs * outputs).map(|_| random.random_range(-bound..bound)).collect();
        let value = Array::new(outputs, inputs, values);
        self.parameters.entries.push(Parameter { name: name.into(), value, decays: true });
    }

    fn layer(&mut self, name: &str, inputs: usize, outputs: usize) {
        self.weight(&format!("{name}.weight"), inputs, outputs);
        let name = format!("{name}.bias");
        let value = Array::zeros(1, outputs);
        self.parameters.entries.push(Parameter { name, value, decays: false });
    }

    /// The layers of gated attention. The attention's last layer has no bias: softmax over tiles
    /// takes it out again.
    fn gated(&mut self, inputs: usize, hidden: usize, attention: usize, branches: usize) {
        self.layer("hidden", inputs, hidden);
        self.layer("attention.tanh", hidden, attention);
        self.layer("attention.sigmoid", hidden, attention);
        self.weight("attention.score.weight", attention, branches);
    }
}

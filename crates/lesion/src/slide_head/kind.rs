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
    /// Two layers in which every tile attends to every other by way of landmarks, and filters over
    /// the tiles' arrangement between them (TransMIL: Shao et al. 2021). Tiles are taken in raster
    /// order and laid row by row into a square. Unlike the paper's code nothing is padded: a
    /// landmark is the mean of a stretch of tiles, and beyond the last tile there is nothing.
    Transmil {
        /// Width of the layers; a multiple of the heads.
        width: usize,
        /// Heads of attention.
        heads: usize,
        /// Landmarks.
        landmarks: usize,
        /// Share of each layer's result that training drops.
        dropout: f32,
    },
}

/// Tiles along the sequence that a layer of TransMIL adds to its attention.
pub(super) const SEQUENCE_REACH: usize = 33;
/// Edges of the filters between the layers of TransMIL.
pub(super) const SQUARE_REACHES: [usize; 3] = [7, 5, 3];

impl SlideHeadKind {
    /// Names by which [`SlideHeadKind::named`] knows them.
    pub const NAMES: [&str; 8] =
        ["mean", "max", "abmil", "abmil-multi", "clam-sb", "clam-mb", "dsmil", "transmil"];

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
            "transmil" => Self::Transmil { width: 512, heads: 8, landmarks: 256, dropout: 0.1 },
            _ => return None,
        })
    }

    /// Whether the network has something that stands for attention to tiles.
    #[must_use]
    pub fn attends(&self) -> bool {
        // By way of landmarks what one tile gives to another is no share: it may be negative.
        !matches!(self, Self::Mean | Self::Max | Self::Transmil { .. })
    }

    /// Most tiles of a slide that a prediction looks at; beyond, a fixed sample. All that a pass
    /// keeps is proportional to it, at most some 2 GiB of any head's customary widths.
    #[must_use]
    pub fn most_tiles(&self) -> usize {
        if matches!(self, Self::Transmil { .. }) { 1 << 14 } else { 1 << 16 }
    }

    /// The share that training drops; `None` of a network that drops nothing.
    pub fn dropout_mut(&mut self) -> Option<&mut f32> {
        match self {
            Self::Abmil { dropout, .. }
            | Self::Clam { dropout, .. }
            | Self::Transmil { dropout, .. } => Some(dropout),
            Self::Mean | Self::Max | Self::Dsmil { .. } => None,
        }
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
            Self::Transmil { width, heads, landmarks, .. } => vec![*width, *heads, *landmarks],
        };
        let shares: Vec<f32> = match self {
            Self::Abmil { dropout, .. } | Self::Transmil { dropout, .. } => vec![*dropout],
            Self::Clam { dropout, instance_weight, .. } => vec![*dropout, *instance_weight],
            _ => vec![],
        };
        if widths.iter().any(|width| !(1..=1 << 14).contains(width))
            || shares.iter().any(|share| !(0.0..=0.95).contains(share))
        {
            let what = format!("{self:?}: widths must be 1 to 16384, shares 0 to 0.95");
            return Err(LesionError::Setting(what));
        }
        if let Self::Transmil { width, heads, landmarks, .. } = self
            && (width % heads != 0 || *landmarks > 1024)
        {
            let what = format!(
                "{self:?}: the width must be a multiple of the heads, landmarks at most 1024"
            );
            return Err(LesionError::Setting(what));
        }
        if matches!(self, Self::Clam { .. }) && !classification {
            let what = "CLAM's instance loss needs classes: for a value or a survival time take \
                        abmil, dsmil, transmil, mean or max";
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
            Self::Transmil { width, heads, .. } => {
                make.layer("hidden", inputs, *width);
                make.weight("class_token", *width, 1);
                make.transformer("first", *width, *heads);
                for reach in SQUARE_REACHES {
                    make.filter(&format!("position.{reach}"), *width, reach * reach);
                    make.constant(&format!("position.{reach}.bias"), *width, 0.0);
                }
                make.transformer("second", *width, *heads);
                make.constant("norm.scale", *width, 1.0);
                make.constant("norm.shift", *width, 0.0);
                make.layer("output", *width, outputs);
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
        self.constant(&format!("{name}.bias"), outputs, 0.0);
    }

    /// A row that does not decay.
    fn constant(&mut self, name: &str, columns: usize, value: f32) {
        let value = Array::new(1, columns, vec![value; columns]);
        self.parameters.entries.push(Parameter { name: name.into(), value, decays: false });
    }

    fn filter(&mut self, name: &str, groups: usize, taps: usize) {
        self.weight(&format!("{name}.weight"), taps, groups);
    }

    fn transformer(&mut self, name: &str, width: usize, heads: usize) {
        self.constant(&format!("{name}.norm.scale"), width, 1.0);
        self.constant(&format!("{name}.norm.shift"), width, 0.0);
        for part in ["query", "key", "value"] {
            self.weight(&format!("{name}.{part}.weight"), width, width);
        }
        self.filter(&format!("{name}.sequence"), heads, SEQUENCE_REACH);
        self.layer(&format!("{name}.result"), width, width);
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

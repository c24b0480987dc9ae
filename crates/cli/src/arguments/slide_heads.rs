//! What the user typed of heads of slides.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::StatedArguments;

/// What is asked of a slide.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Question {
    /// Its class: the column `label`.
    Class,
    /// A value: the column `label`, a number.
    Value,
    /// How soon an event comes: the columns `time` and `event`.
    Survival,
}

/// How labels and features are joined.
#[derive(Args)]
pub(crate) struct CohortArguments {
    /// A table `slide,patient,label[,site][,scanner][,time,event]`, in any order and beside any
    /// other columns; separated by comma, semicolon or tab.
    #[arg(long, value_name = "CSV")]
    pub(crate) labels: PathBuf,
    /// Which column says what, where its name does not: slide, patient, label, site, scanner, time
    /// or event, such as label=msi_status.
    #[arg(long, value_name = "ROLE=COLUMN")]
    pub(crate) column: Vec<String>,
    /// Leave out labelled slides that have no features, instead of refusing.
    #[arg(long)]
    pub(crate) allow_missing: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque train slide --features features --labels labels.csv --out grade-run
  bianque train slide --features features --labels labels.csv --split sites --out by-hospital
  bianque train slide --features features --labels labels.csv --split nested \\
      --head abmil,clam-sb,transmil --learning-rate 0.0001,0.0003 --dropout 0.1,0.25 --out chosen
  bianque train slide --features uni --features virchow --labels labels.csv --out mixed
  bianque train slide --features features --labels labels.csv --question survival --out survival

Features are NAME.safetensors, or the output folders of `bianque run`; those of TRIDENT and CLAM are
converted by the Python package under python/. Of several encoders, each in a folder of its own, the
values stand side by side for every tile; the tiles must be the same places. Slides of one patient never
part. A stopped training goes on when the same command is given again. Writes into the output folder:
predictions.csv (each slide as judged by a head that had not seen its patient), evaluation.json,
evaluation.html, manifest.json, CARD.md, each part's head, and task/, from which `bianque task pack`
makes a package.")]
pub(crate) struct TrainSlideArguments {
    /// Folder with the features of the slides, all of one encoder; several times for several
    /// encoders.
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) features: Vec<PathBuf>,
    /// The labels.
    #[command(flatten)]
    pub(crate) cohort: CohortArguments,
    /// The run's folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What is asked of a slide.
    #[arg(long, value_enum, default_value_t = Question::Class)]
    pub(crate) question: Question,
    /// Classes in their order, from harmless to grave; of two, the second counts as positive.
    /// Slides of other classes are left out [default: all, in alphabetical order].
    #[arg(long, value_delimiter = ',')]
    pub(crate) classes: Vec<String>,
    /// The classes are an order, as --classes has them: also measure the quadratic kappa.
    #[arg(long)]
    pub(crate) ordered: bool,
    /// How slides are held out: holdout, cv, nested, sites, or a CSV `slide,part` with the parts
    /// train, validation and test.
    #[arg(long, default_value = "cv", value_name = "WAY")]
    pub(crate) split: String,
    /// Folds of a cross-validation.
    #[arg(long, default_value_t = 5)]
    pub(crate) folds: usize,
    /// Folds of the inner cross-validation of --split nested.
    #[arg(long, default_value_t = 3)]
    pub(crate) inner_folds: usize,
    /// Heads to choose among: mean, max, abmil, abmil-multi, clam-sb, clam-mb, dsmil,
    /// transmil.
    #[arg(long, value_delimiter = ',', default_value = "abmil")]
    pub(crate) head: Vec<String>,
    /// AdamW's step sizes to choose among.
    #[arg(long, value_delimiter = ',', default_value = "0.0002")]
    pub(crate) learning_rate: Vec<f32>,
    /// Shares of hidden values that training drops, to choose among [default: 0.25, of transmil
    /// 0.1; mean, max and dsmil drop none].
    #[arg(long, value_delimiter = ',')]
    pub(crate) dropout: Vec<f32>,
    /// Most tiles of a slide in one pass; more are sampled anew for every pass.
    #[arg(long, default_value_t = 4096)]
    pub(crate) tiles: usize,
    /// Slides a step [default: 4, for survival 32].
    #[arg(long)]
    pub(crate) batch: Option<usize>,
    /// Most passes over the slides.
    #[arg(long, default_value_t = 40)]
    pub(crate) epochs: usize,
    /// Passes without a lower validation loss that are borne; after one more training stops.
    #[arg(long, default_value_t = 8)]
    pub(crate) patience: usize,
    /// Count every slide the same, instead of every class.
    #[arg(long)]
    pub(crate) no_class_weights: bool,
    /// Take features as they are, instead of standardising them by the training part.
    #[arg(long)]
    pub(crate) no_standardise: bool,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Licence of the heads, as an SPDX expression.
    #[arg(long, default_value = "NOASSERTION")]
    pub(crate) licence: String,
    /// Where slides and labels come from, in words, for the card.
    #[arg(long, default_value = "not stated")]
    pub(crate) trained_on: String,
    /// Name of the task that is made of the heads [default: the output folder's].
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The organ that the task is for.
    #[arg(long, default_value = "not stated")]
    pub(crate) organ: String,
    /// Version of the task.
    #[arg(long, default_value = "1.0.0")]
    pub(crate) version: String,
    /// Title for people; the name unless given.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// What the task is meant for, and what not, in words.
    #[arg(long, default_value = "Research. Not validated at any site.")]
    pub(crate) intended_use: String,
    /// What only a person can say of it.
    #[command(flatten)]
    pub(crate) stated: StatedArguments,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["predictions", "run"]))]
#[command(after_help = "Examples:
  bianque evaluate slides --predictions run/predictions.csv --out evaluation
  bianque evaluate slides --predictions ours.csv --against theirs.csv
  bianque evaluate slides --run run --features other-site --labels other-site.csv --out evaluation

Predictions are a table `slide,patient,label,p:CLASS,p:CLASS…` (of values `label,predicted`; of
survival `time,event,risk`), with the columns site and scanner where these are known.")]
pub(crate) struct EvaluateSlidesArguments {
    /// Predictions of any model.
    #[arg(long, value_name = "CSV")]
    pub(crate) predictions: Option<PathBuf>,
    /// A run of `bianque train slide`, or an installed task of slides by its name, to be tried on
    /// slides that it was not about.
    #[arg(long, value_name = "RUN", requires_all = ["features", "labels"])]
    pub(crate) run: Option<PathBuf>,
    /// Features: of the slides that a run is tried on; or, beside predictions, to see whether the
    /// site can be told from them. Several times for several encoders, in the run's order.
    #[arg(long, value_name = "DIR")]
    pub(crate) features: Vec<PathBuf>,
    /// The labels of the slides that a run is tried on.
    #[arg(long, value_name = "CSV", requires = "run")]
    pub(crate) labels: Option<PathBuf>,
    /// Which column of the labels says what, as for `train slide`.
    #[arg(long, value_name = "ROLE=COLUMN", requires = "run")]
    pub(crate) column: Vec<String>,
    /// Leave out labelled slides that have no features, instead of refusing.
    #[arg(long, requires = "run")]
    pub(crate) allow_missing: bool,
    /// The classes are an order, from the first to the last: also measure the quadratic kappa.
    #[arg(long)]
    pub(crate) ordered: bool,
    /// Another model's predictions of the same slides, to compare with.
    #[arg(long, value_name = "CSV")]
    pub(crate) against: Option<PathBuf>,
    /// Folder for evaluation.json and evaluation.html (and predictions.csv of a run).
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Cohorts that are resampled for every interval.
    #[arg(long, default_value_t = 1000)]
    pub(crate) rounds: usize,
    /// Largest share of slides whose true class abstention may exclude.
    #[arg(long, default_value_t = 0.1)]
    pub(crate) alpha: f64,
    /// Seed of the resampling.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

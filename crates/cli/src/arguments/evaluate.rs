//! Arguments of `bianque evaluate tiles` and `lesions`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{EvaluateSlidesArguments, UseArguments};

/// What is measured.
#[derive(Subcommand)]
pub(crate) enum EvaluateCommand {
    /// Tile classification on a folder per class.
    Tiles(EvaluateTilesArguments),
    /// Predictions of slides: measures with intervals, calibration, abstention, comparison.
    Slides(EvaluateSlidesArguments),
    /// Lesion finding: FROC as CAMELYON16 defines it, recall by size, Dice.
    Lesions(EvaluateLesionsArguments),
}

#[derive(Args)]
#[command(after_help = "Example:
  bianque evaluate tiles test-tiles --task colon \\
      --map H=healthy,AC=adenocarcinoma,S=adenoma,T=adenoma,V=adenoma
  bianque evaluate tiles test-tiles --groups tiles.csv --out measured
  bianque evaluate tiles test-tiles --stain-robustness 300 --map H=healthy,AC=adenocarcinoma

Intervals are over what belongs together: patients as --groups names them, else the folders below the
classes' where tiles lie in such (class/patient/tile.png), else single tiles, and it is said which.
With --out it writes evaluation.json, evaluation.html and predictions.csv, which `bianque evaluate
slides --predictions … --against …` compares with another model's.")]
pub(crate) struct EvaluateTilesArguments {
    /// Folder with one sub-folder a class; tiles may lie one folder deeper, a patient's or a slide's.
    pub(crate) tiles: PathBuf,
    /// The task, by its name under the models folder or by its folder.
    #[arg(long, default_value = "colon")]
    pub(crate) task: String,
    /// For what, and on which device.
    #[command(flatten)]
    pub(crate) used: UseArguments,
    /// Which folder is which label of the task; other folders are left out. Without it each folder
    /// must bear a label's name.
    #[arg(long, value_name = "FOLDER=LABEL,...")]
    pub(crate) map: Option<String>,
    /// Only the tiles that this CSV `file,part` gives the part `test`.
    #[arg(long, value_name = "CSV")]
    pub(crate) split: Option<PathBuf>,
    /// Folder in which features are kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) features: Option<PathBuf>,
    /// Also vary haematoxylin and eosin on so many tiles, chosen evenly among the classes, encode
    /// them again, and say what becomes of the verdicts.
    #[arg(long, value_name = "TILES")]
    pub(crate) stain_robustness: Option<usize>,
    /// Strengths of the variation: deviations of the logarithm of each stain's density.
    #[arg(long, value_delimiter = ',', value_name = "SIGMA,...", requires = "stain_robustness",
        default_values_t = [0.05, 0.1, 0.15, 0.2, 0.3])]
    pub(crate) stain_sigmas: Vec<f64>,
    /// Whose each tile is: a table `file,patient[,site][,scanner]` with the tiles' names below the
    /// folder.
    #[arg(long, value_name = "CSV")]
    pub(crate) groups: Option<PathBuf>,
    /// The task's labels are an order: also measure the quadratic kappa.
    #[arg(long)]
    pub(crate) ordered: bool,
    /// Resampled sets of tiles for every interval.
    #[arg(long, default_value_t = 1000)]
    pub(crate) rounds: usize,
    /// Seed of the choice of tiles, of the variation and of the resampling.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Folder for evaluation.json, evaluation.html with plots, and predictions.csv.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque evaluate lesions --truth a.truth.geojson --regions a.bianque/regions.geojson
  bianque evaluate lesions --truth a.geojson --truth b.geojson --regions a.out --regions b.out

Several --truth and --regions are paired in their order, one pair a slide. Intervals resample slides;
with --out it writes evaluation.json and evaluation.html with the FROC curve.")]
pub(crate) struct EvaluateLesionsArguments {
    /// Known lesions, one file a slide.
    #[arg(long, required = true, value_name = "GEOJSON")]
    pub(crate) truth: Vec<PathBuf>,
    /// Found regions, one file a slide.
    #[arg(long, required = true, value_name = "GEOJSON")]
    pub(crate) regions: Vec<PathBuf>,
    /// Only truth of this class.
    #[arg(long, value_name = "CLASS")]
    pub(crate) truth_class: Option<String>,
    /// Only regions of this class.
    #[arg(long, value_name = "CLASS")]
    pub(crate) region_class: Option<String>,
    /// Microns per level-0 pixel, for sizes in mm².
    #[arg(long, value_name = "UM")]
    pub(crate) mpp: Option<f64>,
    /// Resampled sets of slides for every interval.
    #[arg(long, default_value_t = 1000)]
    pub(crate) rounds: usize,
    /// Seed of the resampling.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Folder for evaluation.json and evaluation.html.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

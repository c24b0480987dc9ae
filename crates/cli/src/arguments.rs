//! What the user typed. Parsing opens no file.

mod card;
mod evaluate;
mod purpose;
mod serve;
mod slide_heads;
mod tiles;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use card::StatedArguments;
pub(crate) use evaluate::{EvaluateCommand, EvaluateLesionsArguments, EvaluateTilesArguments};
pub(crate) use purpose::{RunPurpose, UseArguments};
pub(crate) use serve::ServeArguments;
pub(crate) use slide_heads::{EvaluateSlidesArguments, Question, TrainSlideArguments};
pub(crate) use tiles::TilesArguments;

use crate::commands::{
    AccountCommand, AuditCommand, CoverageArguments, KeyCommand, ModelCommand, TaskCommand,
};

/// Slides in, lesions out, every finding for a person to confirm.
///
/// For research use until a site validates it: whatever this program marks is a proposal.
#[derive(Parser)]
#[command(name = "bianque", version, max_term_width = 100)]
#[command(after_help = "Examples:
  bianque demo                         a sample slide, a run and a report
  bianque run slide.svs                lesions of the colon task, into slide.bianque/
  bianque run slides/ --out results    every slide of a folder
  bianque check slides/                pass, rescan, recut or restain, and why
  bianque info slide.svs --json        what the file says of itself")]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress and no notes; errors are still printed.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Folder of models [default: BIANQUE_MODELS, else `models` beside or above the program or the
    /// working folder].
    #[arg(long, global = true, value_name = "DIR", env = "BIANQUE_MODELS")]
    pub(crate) models: Option<PathBuf>,
    /// Folder of installed tasks and trusted keys [default: BIANQUE_DATA, else the system's place for
    /// a user's data].
    #[arg(long, global = true, value_name = "DIR", env = "BIANQUE_DATA")]
    pub(crate) data: Option<PathBuf>,
}

/// The verbs.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Judge a slide, or every slide of a folder: pass, rescan, recut or restain, and why.
    Check(CheckArguments),
    /// Find lesions on a slide, or on every slide of a folder.
    Run(RunArguments),
    /// Encoders: list, show, verify a weight file, install it, what licences allow.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Tasks as signed packages: install, list, card, verify, pack.
    #[command(subcommand)]
    Task(TaskCommand),
    /// Keys to sign packages with, and whom this site trusts.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Which cancers are covered by a task, by what evidence, and what share of yearly incidence.
    Coverage(CoverageArguments),
    /// What a slide says of itself: levels, resolution and its source, properties.
    #[command(after_help = "Examples:
  bianque info slide.svs
  bianque info dicom-folder/ --json")]
    Info(SlideArguments),
    /// Write a region of a slide as PNG or JPEG.
    Region(RegionArguments),
    /// Write a small picture of the whole slide, or of an associated image.
    Thumbnail(ThumbnailArguments),
    /// Write the tissue's tiles of a slide as one NumPy array.
    Tiles(TilesArguments),
    /// Train a head: on a folder per class, or on slides with annotated regions.
    #[command(subcommand)]
    Train(Box<TrainCommand>),
    /// Measure a task against known truth.
    #[command(subcommand)]
    Evaluate(EvaluateCommand),
    /// Accounts of a record, from the machine itself: who has one, a new password for whoever lost it.
    #[command(subcommand)]
    Account(AccountCommand),
    /// What was done in a record, by whom: whether the chain holds, and the chain as a file.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The pathologist's day in a browser: worklist, slides, findings, confirmation, audit.
    Serve(ServeArguments),
    /// Make a sample slide with known lesions, run on it, and measure what was found.
    Demo(DemoArguments),
}

/// A slide and its resolution.
#[derive(Args)]
pub(crate) struct SlideArguments {
    /// The slide: a file, or a folder with one DICOM pyramid.
    pub(crate) slide: PathBuf,
    /// Microns per level-0 pixel, where the file states none or a wrong one.
    #[arg(long, value_name = "UM")]
    pub(crate) mpp: Option<f64>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque check slide.svs
  bianque check slides/ --out checks            every slide, the worst first
  bianque check slides/ --site site.jsonl --scanner GT450-2 --stainer A
  bianque check slide.svs --thresholds ours.toml
  bianque check --explain fold                  what it means and what to do at the bench

Writes into the output folder: quality.json, quality.geojson (level-0 pixels, opens in QuPath) and
quality.png, a sheet to look at. Exit code 0 whatever the verdict; with --strict 1 unless every slide
passes. Thresholds: `bianque check --explain thresholds` prints the file that a site can change.")]
pub(crate) struct CheckArguments {
    /// A slide, or a folder of slides.
    #[arg(required_unless_present = "explain")]
    pub(crate) slide: Option<PathBuf>,
    /// Microns per level-0 pixel, where a file states none or a wrong one.
    #[arg(long, value_name = "UM")]
    pub(crate) mpp: Option<f64>,
    /// Output folder [default: SLIDE.bianque beside the slide; for a folder FOLDER.bianque].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// A file with the thresholds that this site changes.
    #[arg(long, value_name = "TOML")]
    pub(crate) thresholds: Option<PathBuf>,
    /// Keep the measures in this file and draw the site's control charts beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) site: Option<PathBuf>,
    /// The scanner, where the file does not state it.
    #[arg(long, value_name = "NAME", requires = "site")]
    pub(crate) scanner: Option<String>,
    /// The stainer.
    #[arg(long, value_name = "NAME", requires = "site")]
    pub(crate) stainer: Option<String>,
    /// The day of the scan, where the file does not state it [default: today].
    #[arg(long, value_name = "YYYY-MM-DD", requires = "site")]
    pub(crate) day: Option<String>,
    /// Say what a fault means and what to do about it, or print the thresholds.
    #[arg(long, value_name = "FAULT")]
    pub(crate) explain: Option<String>,
    /// Exit with 1 unless every slide passes.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Threads [default: all processors].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

/// What outlines of regions follow within tiles.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Outlines {
    /// Tokens where encoder, head and device allow them, else interpolated.
    #[default]
    Auto,
    /// The slope between the probabilities of neighbouring tiles.
    Interpolated,
    /// What the head makes of the parts of each tile; says why where that is not possible.
    Tokens,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque run slide.svs
  bianque run slide.svs --organ colon --out findings
  bianque run old-scan.svs --mpp 0.25          the file states no resolution
  bianque run slides/ --task colon             every slide of the folder, resumable
  bianque run slide.svs --task colon@3f2a      an installed version, by its digest
  bianque run slide.svs --task colon --task sample --encoder kaiko-s16
                                               two tasks and one more encoder in one pass
  bianque run slides/ --features-only --encoder bianque-lite
  bianque run slide.svs --second-task colon-large --second-places 300
  bianque run slide.svs --slide-task grade      what a head of slides says of the slide
  bianque run slide.svs --organ colon --purpose clinical
                                               refused unless licence, signer and scope allow it

Writes into the output folder: report.json, report.html, regions.geojson (level-0 pixels, opens in
QuPath), heatmap.png and features.safetensors (docs/features.md); with several tasks one folder a
task, with several encoders features-ENCODER.safetensors. A second run with the same slide, encoder
and resolution reads the features again instead of the slide.")]
pub(crate) struct RunArguments {
    /// A slide, or a folder of slides.
    pub(crate) slide: PathBuf,
    /// The task: an installed or shipped one by its name, NAME@DIGEST, or a folder; several share
    /// one pass over the slide [default: the one for --organ, else colon; none with --slide-task].
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Vec<String>,
    /// One more encoder whose features are kept, by its name under the models folder or by its
    /// folder; may be given several times. Tiles that several encoders want are read once.
    #[arg(long, value_name = "ENCODER")]
    pub(crate) encoder: Vec<String>,
    /// Only keep the features of the named encoders; no task judges.
    #[arg(long, requires = "encoder",
        conflicts_with_all = ["task", "second_task", "slide_task", "truth"])]
    pub(crate) features_only: bool,
    /// A task of the same labels on another encoder, which judges again where the first task is
    /// least sure; the map and the regions follow it there.
    #[arg(long, value_name = "TASK")]
    pub(crate) second_task: Option<String>,
    /// How many places, tiles of the first task, the second task judges again.
    #[arg(long, value_name = "N", default_value_t = 300, requires = "second_task")]
    pub(crate) second_places: usize,
    /// Most tiles that the second task's encoder sees of a slide; places that do not fit are left
    /// out [default: no limit].
    #[arg(long, value_name = "N", requires = "second_task")]
    pub(crate) second_tiles: Option<usize>,
    /// What outlines follow within tiles.
    #[arg(long, value_enum, default_value_t = Outlines::Auto)]
    pub(crate) outlines: Outlines,
    /// Also draw attention.png (attention-TASK.png for a task of slides): what the encoder's class
    /// token looked at. It is no lesion map, and no region comes of it. On the CPU only.
    #[arg(long)]
    pub(crate) attention: bool,
    /// A task that judges whole slides (`bianque train slide`), by its name or folder; may be given
    /// several times. What it says is in slide-TASK.json.
    #[arg(long, value_name = "TASK")]
    pub(crate) slide_task: Vec<String>,
    /// Draw the attention of this slide head (`bianque train slide`) instead of the encoder's.
    #[arg(long, value_name = "FILE")]
    pub(crate) attention_head: Option<PathBuf>,
    /// Microns per level-0 pixel, where a file states none or a wrong one.
    #[arg(long, value_name = "UM")]
    pub(crate) mpp: Option<f64>,
    /// The organ the slide is from. When it is not stated the result is exploratory.
    #[arg(long)]
    pub(crate) organ: Option<String>,
    /// For what, and on which device.
    #[command(flatten)]
    pub(crate) used: UseArguments,
    /// Output folder [default: SLIDE.bianque beside the slide; for a folder FOLDER.bianque].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Known lesions as GeoJSON: their FROC, recall and Dice are added to the report.
    #[arg(long, value_name = "GEOJSON")]
    pub(crate) truth: Option<PathBuf>,
    /// The report's label that the truth's lesions stand for; any lesion label unless given.
    #[arg(long, value_name = "LABEL", requires = "truth")]
    pub(crate) truth_label: Option<String>,
    /// A file with the quality thresholds that this site changes; see `bianque check`.
    #[arg(long, value_name = "TOML")]
    pub(crate) thresholds: Option<PathBuf>,
    /// Read the slide again although features are kept.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Threads [default: all processors].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("resolution").args(["level", "mpp"]))]
#[command(after_help = "Examples:
  bianque region slide.svs --x 20000 --y 14000 --width 512 --height 512 --out a.png
  bianque region slide.svs --x 20000 --y 14000 --width 512 --height 512 --mpp 0.5 --out b.png

--x and --y are level-0 pixels whatever the level; --width and --height are pixels of the picture.")]
pub(crate) struct RegionArguments {
    /// The slide: a file, or a folder with one DICOM pyramid.
    pub(crate) slide: PathBuf,
    /// Microns per level-0 pixel, where the file states none or a wrong one.
    #[arg(long, value_name = "UM")]
    pub(crate) slide_mpp: Option<f64>,
    /// Left edge in level-0 pixels.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) x: i64,
    /// Top edge in level-0 pixels.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) y: i64,
    /// Width of the picture in pixels.
    #[arg(long)]
    pub(crate) width: u32,
    /// Height of the picture in pixels.
    #[arg(long)]
    pub(crate) height: u32,
    /// Read this level of the pyramid [default: 0].
    #[arg(long)]
    pub(crate) level: Option<usize>,
    /// Read at this resolution in microns per pixel.
    #[arg(long, value_name = "UM")]
    pub(crate) mpp: Option<f64>,
    /// The picture to write: .png, .jpg or .jpeg.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque thumbnail slide.svs --out slide.png
  bianque thumbnail slide.svs --size 2048 --out slide.jpg
  bianque thumbnail slide.svs --associated macro --out macro.png")]
pub(crate) struct ThumbnailArguments {
    /// The slide.
    #[command(flatten)]
    pub(crate) slide: SlideArguments,
    /// Longest side in pixels.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=16384))]
    pub(crate) size: u32,
    /// Write this associated image (label, macro, thumbnail) as it is instead.
    #[arg(long, value_name = "NAME")]
    pub(crate) associated: Option<String>,
    /// The picture to write: .png, .jpg or .jpeg.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

/// What a head is trained on.
#[derive(Subcommand)]
pub(crate) enum TrainCommand {
    /// A folder with one sub-folder of tile images a class.
    Tiles(TrainTilesArguments),
    /// Slides, each with a GeoJSON of annotated regions beside it.
    Slides(TrainSlidesArguments),
    /// Kept features and a table of labels, one a slide.
    Slide(TrainSlideArguments),
}

/// The kind of head.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HeadKind {
    /// Multinomial logistic regression.
    Linear,
    /// One hidden layer.
    Mlp,
    /// The votes of the nearest examples.
    Knn,
    /// The nearest prototype of each class.
    Prototypes,
}

/// How tiles are held out.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Holdout {
    /// Whole colour clusters of each class: nearest to another laboratory's stain.
    Colour,
    /// At random within each class.
    Random,
}

/// What every training needs.
#[derive(Args)]
pub(crate) struct HeadArguments {
    /// Encoder, by its name under the models folder or by its folder.
    #[arg(long, default_value = "bianque-lite")]
    pub(crate) encoder: String,
    /// Where the encoder computes: cpu, cuda (bfloat16), cuda:f16, cuda:f32, or auto, which takes a
    /// GPU where one can be used and says so. Features of a GPU and of a CPU are kept apart.
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    pub(crate) device: bianque_vision::Device,
    /// The task's name; its folder is made under --out.
    #[arg(long)]
    pub(crate) name: String,
    /// The organ that the task is for.
    #[arg(long)]
    pub(crate) organ: String,
    /// Labels that are lesions; the others are normal.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) lesions: Vec<String>,
    /// Folder in which the task's folder is made.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Kind of head.
    #[arg(long, value_enum, default_value_t = HeadKind::Linear)]
    pub(crate) head: HeadKind,
    /// Licence of the head, as an SPDX expression.
    #[arg(long, default_value = "NOASSERTION")]
    pub(crate) licence: String,
    /// Where the training material comes from, in words, for the card.
    #[arg(long, default_value = "not stated")]
    pub(crate) trained_on: String,
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
    /// Colours of the labels in their order, as RRGGBB.
    #[arg(long, value_delimiter = ',')]
    pub(crate) colors: Vec<String>,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Args)]
#[command(after_help = "Example:
  bianque train tiles colon-tiles --map H=healthy,S=adenoma,T=adenoma,V=adenoma,AC=adenocarcinoma \\
      --lesions adenoma,adenocarcinoma --name colon --organ colon --out my-tasks")]
pub(crate) struct TrainTilesArguments {
    /// Folder with one sub-folder a class.
    pub(crate) tiles: PathBuf,
    /// Which folder is which label, from harmless to grave; other folders are left out. Without it
    /// each folder is a label.
    #[arg(long, value_name = "FOLDER=LABEL,...")]
    pub(crate) map: Option<String>,
    /// How tiles are held out: of five folds one measures and one calibrates.
    #[arg(long, value_enum, default_value_t = Holdout::Colour)]
    pub(crate) holdout: Holdout,
    /// A CSV `file,part` (part `train`, `validation` or `test`) instead of --holdout; tiles that it
    /// does not name are left out.
    #[arg(long, value_name = "CSV", conflicts_with = "holdout")]
    pub(crate) split: Option<PathBuf>,
    /// Copies of each training tile with its stain changed at random.
    #[arg(long, default_value_t = 1)]
    pub(crate) stain_copies: u32,
    /// Folder in which features are kept, so that a second training decodes nothing.
    #[arg(long, value_name = "DIR")]
    pub(crate) features: Option<PathBuf>,
    /// What every training needs.
    #[command(flatten)]
    pub(crate) head: HeadArguments,
}

#[derive(Args)]
#[command(after_help = "Example:
  bianque train slides a.svs=a.geojson b.svs=b.geojson --map Tumor=tumour --background normal \\
      --lesions tumour --name my-task --organ colon --out my-tasks")]
pub(crate) struct TrainSlidesArguments {
    /// Slides with their annotations, as SLIDE=GEOJSON.
    #[arg(required = true, value_name = "SLIDE=GEOJSON")]
    pub(crate) slides: Vec<String>,
    /// Which class of the annotations is which label; other classes are left out.
    #[arg(long, value_name = "CLASS=LABEL,...", value_delimiter = ',', required = true)]
    pub(crate) map: Vec<String>,
    /// The label of all tissue outside the annotations, the most harmless one; without it that
    /// tissue is not used.
    #[arg(long, value_name = "LABEL")]
    pub(crate) background: Option<String>,
    /// Folder in which features are kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) features: Option<PathBuf>,
    /// Microns per level-0 pixel of slides that state none.
    #[arg(long, value_name = "UM")]
    pub(crate) mpp: Option<f64>,
    /// What every training needs.
    #[command(flatten)]
    pub(crate) head: HeadArguments,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque demo --out demo
  bianque demo --out samples --seed 12 --slide-only")]
pub(crate) struct DemoArguments {
    /// Folder for the slide and the report.
    #[arg(long, value_name = "DIR", default_value = "bianque-demo")]
    pub(crate) out: PathBuf,
    /// Seed of the sample slide.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Only write the sample slide and its truth.
    #[arg(long)]
    pub(crate) slide_only: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Verbs that have no verbs of their own, by their words.
    fn leaves(command: &clap::Command, words: &str, found: &mut Vec<(String, clap::Command)>) {
        let words = format!("{words} {}", command.get_name());
        if !command.has_subcommands() {
            found.push((words, command.clone()));
            return;
        }
        command.get_subcommands().for_each(|inner| leaves(inner, &words, found));
    }

    #[test]
    fn every_verb_has_help_with_an_example_of_itself() {
        let (whole, mut found) = (Arguments::command(), Vec::new());
        leaves(&whole, "", &mut found);
        assert!(found.len() > 25, "{} verbs", found.len());
        for (words, mut command) in found {
            let help = command.render_long_help().to_string();
            assert!(
                help.contains(&format!("\n {words} ")) || help.contains(&format!("\n {words}\n")),
                "no example of{words}:\n{help}"
            );
        }
    }
}

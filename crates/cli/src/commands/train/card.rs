//! The card of what was just trained.

use bianque_lesion::{
    Card, MppRange, SeenTiles, SiteMetrics, SlideEvaluation, SlideTask, Task, TrainingReport,
};

use crate::arguments::{HeadArguments, TrainSlideArguments};

/// What a training on tiles knows of its material.
pub(super) struct Material {
    /// What was held out, and how.
    pub(super) held_out: String,
    /// The tiles that trained and calibrated the head, where they are files.
    pub(super) tiles: Option<SeenTiles>,
    /// Slides behind the tiles, where known.
    pub(super) slides: Option<u64>,
    /// Resolutions of these slides, where known.
    pub(super) mpp: Option<MppRange>,
}

/// The card of a head of tiles.
pub(super) fn of_tiles(
    arguments: &HeadArguments,
    task: &Task,
    material: &Material,
    report: &TrainingReport,
) -> Card {
    let words = arguments.stated.words();
    let mpp = material.mpp.unwrap_or_else(|| MppRange::around_tiles(task.tiles.mpp));
    let mut card = Card::of_training(task, &words, &arguments.trained_on, mpp);
    card.training.tiles = Some(report.train_examples as u64);
    card.training.slides = material.slides;
    let test = report.test.as_ref();
    card.metrics = test
        .map(|metrics| SiteMetrics::of_tiles(&words, &material.held_out, metrics))
        .into_iter()
        .collect();
    card.warn(&report.warnings);
    card
}

/// What of a run of `train slide` stands in its card.
pub(super) struct RunFacts<'a> {
    pub(super) slides: usize,
    pub(super) patients: usize,
    pub(super) sites: usize,
    pub(super) mpp: Option<MppRange>,
    pub(super) evaluation: &'a SlideEvaluation,
    pub(super) warnings: &'a [String],
}

/// The card of heads of slides.
pub(super) fn of_slides(
    arguments: &TrainSlideArguments,
    task: &SlideTask,
    facts: &RunFacts<'_>,
) -> Card {
    let words = arguments.stated.words();
    let mpp = facts.mpp.unwrap_or_else(|| MppRange::around_tiles(task.tiles.mpp));
    let mut card = Card::of_training(task, &words, &arguments.trained_on, mpp);
    card.training.slides = Some(facts.slides as u64);
    card.training.patients = Some(facts.patients as u64);
    card.training.sites = (facts.sites > 0).then_some(facts.sites as u64);
    let held_out = format!(
        "{}; each slide was judged by a head that had not seen its patient",
        held_out(&arguments.split, arguments.folds)
    );
    let sites_apart = arguments.split == "sites";
    card.metrics = SiteMetrics::of_slides(&words, &held_out, facts.evaluation, sites_apart);
    let heads = task.heads.len();
    if heads > 1 {
        card.warn(&[format!(
            "The figures are of each head alone, on the patients that it had not seen; the task says \
             the mean of its {heads} heads, which nobody has measured yet (`bianque evaluate slides \
             --run` on other slides does)"
        )]);
    }
    card.warn(facts.warnings);
    card
}

fn held_out(split: &str, folds: usize) -> String {
    match split {
        "cv" | "nested" => format!("{folds} folds of patients, each held out once"),
        "sites" => "each site once: the head that judged it had seen none of its slides, the \
                    task's other heads had"
            .into(),
        "holdout" => "a part of the patients".into(),
        _ => "the part 'test' of a list".into(),
    }
}

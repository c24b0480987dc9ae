//! `bianque demo`: a sample slide with known lesions, a run on it, and what was found.

use std::path::PathBuf;

use anyhow::Context;
use bianque_testkit::{SlideRecipe, write_svs_with_progress};
use serde::Serialize;

use super::{
    Outcome, check,
    run::{LoadedTask, RunPlan, SlideRun, run_slide},
};
use crate::{
    arguments::{DemoArguments, UseArguments},
    interrupt,
    models::Models,
    terminal::Terminal,
};

/// The task whose head was trained on generated slides of other seeds.
const TASK: &str = "sample";

/// The files of a sample slide.
#[derive(Serialize)]
struct Sample {
    schema: &'static str,
    slide: PathBuf,
    truth: PathBuf,
}

pub(crate) fn run(
    arguments: &DemoArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    interrupt::flag()?;
    if arguments.slide_only {
        let sample = make_slide(arguments, terminal)?;
        let text = format!("wrote {} and {}", sample.slide.display(), sample.truth.display());
        terminal.result(&sample, &text)?;
        return Ok(Outcome::Done);
    }
    let loaded = LoadedTask::load(models, TASK, &UseArguments::default(), terminal)?;
    let sample = make_slide(arguments, terminal)?;
    let out = sample.slide.with_extension("bianque");
    let check = check::settings(None)?;
    let organ = loaded.task.organ.clone();
    let plan = RunPlan::of_task(loaded);
    let request = SlideRun {
        slide: &sample.slide,
        out: &out,
        mpp: None,
        organ: Some(&organ),
        truth: Some(&sample.truth),
        truth_label: None,
        fresh: false,
        check: &check,
    };
    let result = run_slide(&request, &plan, terminal)?.pop().context("the demo gave no result")?;
    let text = format!(
        "{}\nThe slide is generated, and the head was trained on generated slides of other seeds: \
         the figures\nshow that the whole path works, not how it does on tissue.\n\nOpen {}",
        result.text().trim_end(),
        out.join("report.html").display()
    );
    terminal.result(&result, &text)?;
    Ok(Outcome::Done)
}

fn make_slide(arguments: &DemoArguments, terminal: &Terminal) -> anyhow::Result<Sample> {
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot make {}", arguments.out.display()))?;
    let slide = arguments.out.join(format!("sample-{}.svs", arguments.seed));
    let truth = slide.with_extension("truth.geojson");
    let recipe = SlideRecipe::demo(arguments.seed);
    terminal.note(&format!(
        "making a sample slide of {} x {} px with {} planted lesions",
        recipe.width, recipe.height, recipe.lesions
    ));
    let bar = terminal.progress("sample slide", 100);
    let planted = write_svs_with_progress(&recipe, &slide, |share| {
        bar.set_position((share * 100.0) as u64);
    })?;
    bar.finish_and_clear();
    std::fs::write(&truth, planted.to_geojson())
        .with_context(|| format!("cannot write {}", truth.display()))?;
    Ok(Sample { schema: "bianque.sample/1", slide, truth })
}

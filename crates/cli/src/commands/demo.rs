//! `bianque demo`: a sample slide with known lesions, a run on it, and what was found.

use std::cell::Cell;

use anyhow::Context;
use bianque_testkit::{SlideRecipe, write_svs_with_progress};

use super::{
    Outcome,
    run::{LoadedTask, SlideRun, run_slide},
};
use crate::{arguments::DemoArguments, interrupt, models::Models, terminal::Terminal};

/// The task whose head was trained on generated slides of other seeds.
const TASK: &str = "sample";

pub(crate) fn run(
    arguments: &DemoArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    interrupt::flag()?;
    let loaded = LoadedTask::load(models, TASK)?;
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot make {}", arguments.out.display()))?;
    let slide = arguments.out.join("sample.svs");
    let truth = arguments.out.join("sample.truth.geojson");
    let recipe = SlideRecipe::demo(arguments.seed);
    terminal.note(&format!(
        "making a sample slide of {} x {} px with {} planted lesions",
        recipe.width, recipe.height, recipe.lesions
    ));
    let bar = terminal.progress("sample slide", 100);
    let position = Cell::new(0);
    let planted = write_svs_with_progress(&recipe, &slide, |share| {
        let percent = (share * 100.0) as u64;
        if percent > position.replace(percent) {
            bar.set_position(percent);
        }
    })?;
    bar.finish_and_clear();
    std::fs::write(&truth, planted.to_geojson())
        .with_context(|| format!("cannot write {}", truth.display()))?;
    let out = arguments.out.join("sample.bianque");
    let request = SlideRun {
        slide: &slide,
        out: &out,
        mpp: None,
        organ: Some(&loaded.task.organ),
        truth: Some(&truth),
        truth_label: None,
        fresh: false,
    };
    let result = run_slide(&request, &loaded, terminal)?;
    let text = format!(
        "{}\nThe slide is generated, and the head was trained on generated slides of other seeds: \
         the figures\nshow that the whole path works, not how it does on tissue.\n\nOpen {}",
        result.text().trim_end(),
        out.join("report.html").display()
    );
    terminal.result(&result, &text)?;
    Ok(Outcome::Done)
}

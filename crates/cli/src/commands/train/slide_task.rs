//! From a finished run of `train slide` to a folder that `bianque task pack` takes.

use std::path::Path;

use bianque_lesion::{
    Cohort, Experiment, FeatureFolder, MppRange, SlideEvaluation, SlideTask, SlideTaskWords,
};

use super::card::{self, RunFacts};
use crate::{arguments::TrainSlideArguments, commands::write_file, terminal::Terminal};

/// The folder of the task within the run's.
const FOLDER: &str = "task";
/// The longest name that a package may have.
const LONGEST_NAME: usize = 64;

/// What a run came to.
pub(super) struct Finished<'a> {
    pub(super) cohort: &'a Cohort,
    pub(super) features: &'a FeatureFolder,
    pub(super) made: &'a Experiment,
    pub(super) evaluation: &'a SlideEvaluation,
    /// The card for reading.
    pub(super) prose: &'a str,
}

/// Writes the task of a run; says why where none can be made. Gives a line for the terminal.
pub(super) fn write(
    arguments: &TrainSlideArguments,
    run: &Finished<'_>,
    terminal: &Terminal,
) -> anyhow::Result<Option<String>> {
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => name_of(&arguments.out),
    };
    let facts = run.features.facts();
    let words = SlideTaskWords {
        title: arguments.title.clone().unwrap_or_else(|| name.clone()),
        name,
        version: arguments.version.clone(),
        organ: arguments.organ.clone(),
        intended_use: arguments.intended_use.clone(),
        licence: arguments.licence.clone(),
        trained_on: arguments.trained_on.clone(),
        parts: run.features.encoder_parts(),
        steps: facts.grid.steps(),
        tissue: facts.tissue,
    };
    let task = match SlideTask::of_run(&arguments.out, words) {
        Ok((task, unknown)) => {
            unknown.iter().for_each(|what| terminal.note(&format!("of the task: {what}")));
            task
        }
        Err(why) => {
            terminal.note(&format!("no task is made of the heads: {why}"));
            return Ok(None);
        }
    };
    let folder = arguments.out.join(FOLDER);
    task.save(&folder)?;
    let cohort = run.cohort;
    let bags = run.features.bags(&cohort.features);
    let sites = cohort.rows.iter().filter_map(|row| row.site.as_deref());
    let facts = RunFacts {
        slides: cohort.rows.len(),
        patients: cohort.patients.len(),
        sites: sites.collect::<std::collections::BTreeSet<_>>().len(),
        mpp: MppRange::around_slides((0..cohort.rows.len()).map(|slide| bags.slide_mpp(slide))),
        evaluation: run.evaluation,
        warnings: &run.made.warnings,
    };
    card::of_slides(arguments, &task, &facts).save(&folder)?;
    write_file(&folder.join("CARD.md"), run.prose.as_bytes())?;
    let folder = folder.display();
    Ok(Some(format!("the task {} is in {folder}: bianque task pack {folder} …\n", task.name)))
}

/// The output folder's name as a package may bear it.
fn name_of(out: &Path) -> String {
    let absolute = out.canonicalize().unwrap_or_else(|_| out.to_owned());
    let name = absolute.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().map(plain).take(LONGEST_NAME).collect();
    let name = name.trim_matches(['.', '-', '_']);
    if name.is_empty() { "slides".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_folder_gives_a_name_that_a_package_may_bear() {
        for (folder, name) in [
            ("runs/Grade 2", "grade-2"),
            (".hidden", "hidden"),
            ("结果", "slides"),
            ("/", "slides"),
        ] {
            assert_eq!(name_of(Path::new(folder)), name, "{folder}");
            bianque_package::PackageName::new(name).unwrap();
        }
    }
}

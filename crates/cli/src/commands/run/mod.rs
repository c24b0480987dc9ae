//! `bianque run`: from a slide to regions, on one slide or a folder of them.

mod analysis;
mod output;
mod scope;

use std::{collections::BTreeMap, path::Path, time::Instant};

use anyhow::Context;
use bianque_core::Digest;
use bianque_lesion::{Card, RESEARCH_USE, Task};
use bianque_quality::CheckSettings;
use bianque_vision::{Device, Encoder, Loaded, Permission, Purpose, load_on};
use serde::Serialize;

use self::analysis::{Analysis, analyse};
use super::{Outcome, check, slides};
use crate::{
    arguments::{RunArguments, RunPurpose},
    interrupt,
    models::{Models, TaskPlace},
    report::ProducerDocument,
    task_package::TaskPackage,
    terminal::Terminal,
};

/// The task of a run that names neither task nor organ.
const USUAL_TASK: &str = "colon";

/// A task with its encoder, loaded once for all slides.
pub(crate) struct LoadedTask {
    pub(crate) task: Task,
    pub(crate) encoder: Box<dyn Encoder>,
    /// What the task is for and was measured on, with the digest of that statement.
    pub(crate) card: Option<(Card, Digest)>,
    /// Whose it is.
    pub(crate) package: TaskPackage,
    /// What its results are for.
    pub(crate) purpose: Purpose,
}

impl LoadedTask {
    pub(crate) fn load(models: &Models, name: &str) -> anyhow::Result<Self> {
        let place = models.task(name)?;
        Ok(Self::load_from(models, &place, Device::Cpu)?.0)
    }

    /// The task of a place, its encoder on a device; gives what is to be said of the device.
    fn load_from(
        models: &Models,
        place: &TaskPlace,
        device: Device,
    ) -> anyhow::Result<(Self, Option<String>)> {
        let package = TaskPackage::of(place, models)?;
        let task = Task::load(&place.folder)?;
        let card = Card::load(&place.folder, &task)?;
        // A path inside a package could point anywhere: what came from elsewhere names its encoder
        // by digest alone.
        let folder = if package.digest.is_some() {
            let found = models.encoder_of(&task.encoder);
            found.with_context(|| format!("the task {} cannot run", task.name))?
        } else {
            task.encoder_path(&place.folder)
        };
        let Loaded { encoder, note } = load_encoder(&folder, device)?;
        task.check_encoder(encoder.as_ref())?;
        Ok((Self { task, encoder, card, package, purpose: Purpose::Research }, note))
    }

    /// The same for a purpose that the encoder's licence allows; gives a note where nobody stated
    /// whether it does.
    fn with_purpose(mut self, purpose: Purpose) -> anyhow::Result<(Self, Option<String>)> {
        anyhow::ensure!(
            purpose != Purpose::Clinical || self.package.standing.is_trusted(),
            "a clinical run may not use the task {}: it is {}. Install it from a package that somebody \
             signed whom this site trusts (`bianque task install`, `bianque key trust`)",
            self.task.name,
            self.package.standing
        );
        let recipe = self.encoder.recipe();
        let (name, digest) = (&recipe.name, self.encoder.producer().digest);
        let digest = digest.map(|digest| format!(", {}", digest.short())).unwrap_or_default();
        let note = match (recipe.permits(purpose), purpose) {
            (Permission::Allowed, _) => None,
            (Permission::NotStated(why), Purpose::Research) => {
                Some(format!("the encoder {name}{digest}: {why}"))
            }
            (Permission::Forbidden(why) | Permission::NotStated(why), _) => anyhow::bail!(
                "a {} run may not use the encoder {name}{digest}: {why}. Use another encoder \
                 (`bianque model list`), or state in its recipe what your agreement allows",
                purpose.name()
            ),
        };
        self.purpose = purpose;
        Ok((self, note))
    }
}

/// Loads an encoder from its folder or recipe file.
pub(crate) fn load_encoder(path: &Path, device: Device) -> anyhow::Result<Loaded> {
    let recipe = if path.is_dir() { path.join("recipe.json") } else { path.to_owned() };
    load_on(&recipe, None, device).with_context(|| format!("the encoder {}", recipe.display()))
}

/// What a run on one slide asks for.
pub(crate) struct SlideRun<'a> {
    pub(crate) slide: &'a Path,
    pub(crate) out: &'a Path,
    pub(crate) mpp: Option<f64>,
    pub(crate) organ: Option<&'a str>,
    pub(crate) truth: Option<&'a Path>,
    pub(crate) truth_label: Option<&'a str>,
    pub(crate) fresh: bool,
    /// What the slide is judged by before anything else looks at it.
    pub(crate) check: &'a CheckSettings,
}

/// What a run on one slide came to, for the terminal and for `--json`.
#[derive(Serialize)]
pub(crate) struct SlideResult {
    pub(crate) slide: String,
    pub(crate) out: String,
    /// Number of regions by label.
    pub(crate) regions: BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip)]
    text: String,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    notice: &'static str,
    purpose: Purpose,
    /// What the results rest on.
    encoder: ProducerDocument,
    results: &'a [SlideResult],
}

pub(crate) fn run(
    arguments: &RunArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    if let Some(threads) = arguments.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    interrupt::flag()?;
    let purpose = match arguments.purpose {
        RunPurpose::Research => Purpose::Research,
        RunPurpose::Clinical => Purpose::Clinical,
    };
    let place = match (&arguments.task, &arguments.organ) {
        (Some(task), _) => models.task(task)?,
        (None, Some(organ)) => models.task_for_organ(organ)?,
        (None, None) => models.task(USUAL_TASK)?,
    };
    let (loaded, device) = LoadedTask::load_from(models, &place, arguments.device)?;
    let (loaded, note) = loaded.with_purpose(purpose)?;
    for note in device.into_iter().chain(note) {
        terminal.note(&note);
    }
    let check = check::settings(arguments.thresholds.as_deref())?;
    let found = slides::find(&arguments.slide, arguments.out.as_deref())?;
    anyhow::ensure!(
        arguments.truth.is_none() || found.len() == 1,
        "--truth is for one slide; for a folder use `bianque evaluate lesions`"
    );
    let mut results = Vec::new();
    for (index, (slide, out)) in found.iter().enumerate() {
        if found.len() > 1 {
            terminal.note(&format!("[{}/{}] {}", index + 1, found.len(), slide.display()));
        }
        let request = SlideRun {
            slide,
            out,
            mpp: arguments.mpp,
            organ: arguments.organ.as_deref(),
            truth: arguments.truth.as_deref(),
            truth_label: arguments.truth_label.as_deref(),
            fresh: arguments.fresh,
            check: &check,
        };
        match run_slide(&request, &loaded, terminal) {
            Ok(result) => results.push(result),
            Err(error) if found.len() == 1 || interrupt::requested() => return Err(error),
            // One bad slide must not hide the others; the exit code says that there was one.
            Err(error) => {
                terminal.error(&error.context(format!("{}", slide.display())));
                results.push(SlideResult::failed(slide, out));
            }
        }
    }
    let document = Document {
        schema: "bianque.run/1",
        notice: RESEARCH_USE,
        purpose,
        encoder: loaded.encoder.producer().into(),
        results: &results,
    };
    let text: Vec<&str> = results.iter().map(|result| result.text.as_str()).collect();
    terminal.result(&document, &text.join("\n"))?;
    let failed = results.iter().any(|result| result.error.is_some());
    Ok(if failed { Outcome::Failed } else { Outcome::Done })
}

impl SlideResult {
    /// What the terminal shows.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn failed(slide: &Path, out: &Path) -> Self {
        Self {
            slide: slide.display().to_string(),
            out: out.display().to_string(),
            regions: BTreeMap::new(),
            error: Some("see the message on standard error".into()),
            text: format!("{}: failed", slide.display()),
        }
    }
}

/// Runs a task on one slide and writes everything.
pub(crate) fn run_slide(
    request: &SlideRun<'_>,
    loaded: &LoadedTask,
    terminal: &Terminal,
) -> anyhow::Result<SlideResult> {
    let start = Instant::now();
    std::fs::create_dir_all(request.out)
        .with_context(|| format!("cannot make {}", request.out.display()))?;
    let analysis = analyse(request, loaded, terminal)?;
    let report = output::write(request, loaded, analysis, start)?;
    let mut regions = BTreeMap::new();
    for region in &report.regions {
        *regions.entry(region.label.clone()).or_insert(0) += 1;
    }
    Ok(SlideResult {
        slide: request.slide.display().to_string(),
        out: request.out.display().to_string(),
        text: output::summary(request, &report)?,
        regions,
        error: None,
    })
}

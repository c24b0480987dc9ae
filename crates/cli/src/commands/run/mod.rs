//! `bianque run`: from a slide to regions, on one slide or a folder of them.

mod analysis;
mod attention;
mod examine;
mod output;
mod plan;
mod prepare;
mod scope;
mod second;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use anyhow::Context;
use bianque_core::{Digest, RgbImage};
use bianque_lesion::{Card, RESEARCH_USE, ReadAhead, SlideExtraction, SlideFeatures, Task};
use bianque_quality::CheckSettings;
use bianque_vision::{Device, Encoder, Loaded, Permission, Purpose, load_on};
use serde::Serialize;

use self::{
    analysis::{Analysis, Evidence, judge},
    plan::{PlannedTask, Shelf, Wanted},
    prepare::{Prepared, with_each_prepared},
    second::FirstStage,
};
pub(crate) use self::{
    examine::{Examination, examine},
    plan::RunPlan,
};
use super::{Outcome, check, slides};
use crate::{
    arguments::{RunArguments, RunPurpose},
    interrupt,
    models::{Models, TaskPlace},
    report::{AttentionDocument, PassDocument, ProducerDocument, ScopeDocument},
    task_package::TaskPackage,
    terminal::Terminal,
};

/// The task unless one or an organ is named.
const USUAL_TASK: &str = "colon";

/// A task with its encoder, loaded once for all slides.
pub(crate) struct LoadedTask {
    pub(crate) task: Task,
    pub(crate) encoder: Arc<dyn Encoder>,
    /// What the task is for and was measured on, with the digest of that statement.
    pub(crate) card: Option<(Card, Digest)>,
    /// Whose it is.
    pub(crate) package: TaskPackage,
    /// What its results are for.
    pub(crate) purpose: Purpose,
}

impl LoadedTask {
    pub(crate) fn load(models: &Models, name: &str) -> anyhow::Result<Self> {
        Self::load_from(models, &models.task(name)?, &mut Shelf::default())
    }

    /// The same with encoders that other tasks may have loaded before.
    fn load_from(models: &Models, place: &TaskPlace, shelf: &mut Shelf) -> anyhow::Result<Self> {
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
        let encoder = shelf.encoder(&folder)?;
        task.check_encoder(encoder.as_ref())?;
        Ok(Self { task, encoder, card, package, purpose: Purpose::Research })
    }

    /// The same for a purpose that the encoder's licence allows; gives a note where nobody stated
    /// whether it does.
    fn with_purpose(mut self, purpose: Purpose) -> anyhow::Result<(Self, Option<String>)> {
        anyhow::ensure!(
            purpose != Purpose::Clinical || self.package.standing.is_trusted(),
            "a clinical run may not use the task {}: it is {}. Install it from a package that \
             somebody signed whom this site trusts (`bianque task install`, `bianque key trust`)",
            self.task.name,
            self.package.standing
        );
        let note = licence_note(self.encoder.as_ref(), purpose)?;
        self.purpose = purpose;
        Ok((self, note))
    }
}

/// What a person should know of an encoder's licence.
///
/// # Errors
/// When the licence does not allow the purpose.
fn licence_note(encoder: &dyn Encoder, purpose: Purpose) -> anyhow::Result<Option<String>> {
    let recipe = encoder.recipe();
    let (name, digest) = (&recipe.name, encoder.producer().digest);
    let digest = digest.map(|digest| format!(", {}", digest.short())).unwrap_or_default();
    match (recipe.permits(purpose), purpose) {
        (Permission::Allowed, _) => Ok(None),
        (Permission::NotStated(why), Purpose::Research) => {
            Ok(Some(format!("the encoder {name}{digest}: {why}")))
        }
        (Permission::Forbidden(why) | Permission::NotStated(why), _) => anyhow::bail!(
            "a {} run may not use the encoder {name}{digest}: {why}. Use another encoder \
             (`bianque model list`), or state in its recipe what your agreement allows",
            purpose.name()
        ),
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

/// What a run on one slide came to for one task, for the terminal and for `--json`.
#[derive(Serialize)]
pub(crate) struct SlideResult {
    pub(crate) slide: String,
    /// Absent where only features were wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task: Option<String>,
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
    /// What the first task's results rest on.
    encoder: ProducerDocument,
    /// All encoders that saw the slides in one pass.
    encoders: Vec<ProducerDocument>,
    results: &'a [SlideResult],
    speed: Speed,
}

/// How fast it went, all slides together; this part differs from run to run.
#[derive(Serialize)]
struct Speed {
    slides: usize,
    seconds: f64,
    slides_per_hour: f64,
    #[serde(flatten)]
    pass: PassDocument,
}

impl Speed {
    fn text(&self) -> String {
        format!(
            "{} slides in {:.1} s, {:.0} slides an hour; {}",
            self.slides,
            self.seconds,
            self.slides_per_hour,
            self.pass.text()
        )
    }
}

pub(crate) fn run(
    arguments: &RunArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    if let Some(threads) = arguments.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    interrupt::flag()?;
    let plan = load_plan(arguments, models, terminal)?;
    let check = check::settings(arguments.thresholds.as_deref())?;
    let found = slides::find(&arguments.slide, arguments.out.as_deref())?;
    anyhow::ensure!(
        arguments.truth.is_none() || found.len() == 1,
        "--truth is for one slide; for a folder use `bianque evaluate lesions`"
    );
    let requests: Vec<SlideRun<'_>> = found
        .iter()
        .map(|(slide, out)| SlideRun {
            slide,
            out,
            mpp: arguments.mpp,
            organ: arguments.organ.as_deref(),
            truth: arguments.truth.as_deref(),
            truth_label: arguments.truth_label.as_deref(),
            fresh: arguments.fresh,
            check: &check,
        })
        .collect();
    let mut results = Vec::new();
    let mut pass = PassDocument::default();
    let mut number = 0;
    with_each_prepared(&requests, &plan, |request, prepared| {
        number += 1;
        if requests.len() > 1 {
            let slide = request.slide.display();
            terminal.note(&format!("[{number}/{}] {slide}", requests.len()));
        }
        let done = prepared
            .and_then(|(slide, ahead)| finish_slide(request, &plan, &slide, ahead, terminal));
        match done {
            Ok((own, split)) => {
                results.extend(own);
                pass.add(&split);
            }
            Err(error) if requests.len() == 1 || interrupt::requested() => return Err(error),
            // One bad slide must not hide the others; the exit code says that there was one.
            Err(error) => {
                terminal.error(&error.context(format!("{}", request.slide.display())));
                results.push(SlideResult::failed(request.slide, request.out));
            }
        }
        Ok(())
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let slides_per_hour = requests.len() as f64 / seconds * 3600.0;
    let speed = Speed { slides: requests.len(), seconds, slides_per_hour, pass };
    show(&plan, &results, speed, terminal)
}

fn load_plan(
    arguments: &RunArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<RunPlan> {
    let purpose = match arguments.purpose {
        RunPurpose::Research => Purpose::Research,
        RunPurpose::Clinical => Purpose::Clinical,
    };
    let second = arguments.second_task.as_deref().map(|task| (task, arguments.second_tiles));
    let tasks = match (&arguments.task[..], &arguments.organ) {
        _ if arguments.features_only => Vec::new(),
        ([], Some(organ)) => vec![models.task_for_organ(organ)?],
        ([], None) => vec![models.task(USUAL_TASK)?],
        (tasks, _) => tasks.iter().map(|task| models.task(task)).collect::<Result<_, _>>()?,
    };
    let head = arguments.attention_head.as_deref();
    let attention = (arguments.attention || head.is_some()).then_some(head);
    let outlines = arguments.outlines;
    let (device, encoders) = (arguments.device, &arguments.encoder);
    let wanted = Wanted { tasks: &tasks, encoders, second, attention, outlines, device };
    let (plan, notes) = RunPlan::load(models, &wanted, purpose)?;
    notes.iter().for_each(|note| terminal.note(note));
    Ok(plan)
}

fn show(
    plan: &RunPlan,
    results: &[SlideResult],
    speed: Speed,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let mut encoders = plan.lanes.iter().map(|lane| lane.encoder.producer().into());
    let mut text: Vec<&str> = results.iter().map(|result| result.text.as_str()).collect();
    let speed_line = speed.text();
    text.push(&speed_line);
    let text = text.join("\n");
    let document = Document {
        schema: "bianque.run/1",
        notice: RESEARCH_USE,
        purpose: plan.purpose,
        encoder: encoders.next().context("a run needs an encoder")?,
        encoders: plan.lanes.iter().map(|lane| lane.encoder.producer().into()).collect(),
        results,
        speed,
    };
    terminal.result(&document, &text)?;
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
            task: None,
            out: out.display().to_string(),
            regions: BTreeMap::new(),
            error: Some("see the message on standard error".into()),
            text: format!("{}: failed", slide.display()),
        }
    }
}

/// Runs a plan on one slide and writes everything; one result a task.
pub(crate) fn run_slide(
    request: &SlideRun<'_>,
    plan: &RunPlan,
    terminal: &Terminal,
) -> anyhow::Result<Vec<SlideResult>> {
    let prepared = Prepared::new(request)?;
    Ok(finish_slide(request, plan, &prepared, ReadAhead::default(), terminal)?.0)
}

fn finish_slide(
    request: &SlideRun<'_>,
    plan: &RunPlan,
    prepared: &Prepared,
    ahead: ReadAhead,
    terminal: &Terminal,
) -> anyhow::Result<(Vec<SlideResult>, PassDocument)> {
    let start = Instant::now();
    std::fs::create_dir_all(request.out)
        .with_context(|| format!("cannot make {}", request.out.display()))?;
    let judged = |loaded| scope::judge(request, loaded, prepared.slide.facts(), &prepared.mpp);
    let mut scopes = Vec::new();
    for task in &plan.tasks {
        scopes.push(judged(&task.loaded)?);
    }
    if let Some(second) = &plan.second {
        judged(&second.loaded)?;
    }
    let found = analysis::extract(request, plan, prepared, ahead, terminal)?;
    let mut split = PassDocument::of(&found);
    let mut results = Vec::new();
    let thumbnail = output::thumbnail(prepared)?;
    for (index, (planned, scope)) in plan.tasks.iter().zip(scopes).enumerate() {
        let out = match plan.tasks.len() {
            1 => request.out.to_owned(),
            _ => request.out.join(&planned.loaded.task.name),
        };
        std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
        let extraction = &found[planned.lane];
        let lane = &plan.lanes[planned.lane];
        let source = plan.attention.as_ref();
        let attention = source
            .map(|source| attention::draw(source, lane, prepared, extraction, &thumbnail, &out))
            .transpose()?;
        let (out, thumbnail) = (out.as_path(), &thumbnail);
        let report = SlideReport {
            request,
            plan,
            prepared,
            planned,
            scope,
            out,
            start,
            thumbnail,
            attention,
        };
        let second = plan.second.as_ref().filter(|_| index == 0);
        results.push(report.write(extraction, second, &mut split, terminal)?);
    }
    if plan.tasks.is_empty() {
        results.push(output::features_only(request, plan, prepared, &found, start)?);
    }
    Ok((results, split))
}

/// Where and how a task's result on a slide is written.
struct SlideReport<'a> {
    request: &'a SlideRun<'a>,
    plan: &'a RunPlan,
    prepared: &'a Prepared,
    planned: &'a PlannedTask,
    /// Whether the task was made for such a slide.
    scope: ScopeDocument,
    out: &'a Path,
    start: Instant,
    /// What lies under every layer.
    thumbnail: &'a RgbImage,
    attention: Option<AttentionDocument>,
}

impl SlideReport<'_> {
    /// The logits of tokens that belong to this task, among its lane's.
    fn tokens<'e>(&self, extraction: &'e SlideExtraction) -> Option<&'e SlideFeatures> {
        let shares = |task: &&PlannedTask| task.lane == self.planned.lane && task.by_tokens;
        let own = |task: &PlannedTask| std::ptr::eq(task, self.planned);
        let place = self.plan.tasks.iter().filter(shares).position(own)?;
        extraction.tokens.get(place)
    }

    fn write(
        &self,
        extraction: &SlideExtraction,
        second: Option<&plan::SecondStage>,
        split: &mut PassDocument,
        terminal: &Terminal,
    ) -> anyhow::Result<SlideResult> {
        let loaded = &self.planned.loaded;
        let first = analysis::probabilities(loaded, &extraction.features)?;
        let evidence = Evidence {
            planned: self.planned,
            lane: &self.plan.lanes[self.planned.lane],
            prepared: self.prepared,
            extraction,
            tokens: self.tokens(extraction),
        };
        let judge = |probabilities: &_, again: &[bool]| judge(&evidence, probabilities, again);
        let mut report = output::write(self, judge(&first, &[])?, None)?;
        if let Some(stage) = second {
            let start = FirstStage { extraction, probabilities: &first };
            second::refine(
                self.request,
                stage,
                self.prepared,
                &start,
                terminal,
                |refined, again, facts| {
                    let mut analysis = judge(refined, again)?;
                    split.second_compute_seconds = Some(facts.timing.compute_seconds);
                    analysis.second = Some(facts);
                    report = output::write(self, analysis, Some(stage))?;
                    Ok(())
                },
            )?;
        }
        let mut regions = BTreeMap::new();
        for region in &report.regions {
            *regions.entry(region.label.clone()).or_insert(0) += 1;
        }
        Ok(SlideResult {
            slide: self.request.slide.display().to_string(),
            task: Some(loaded.task.name.clone()),
            out: self.out.display().to_string(),
            text: output::summary(self.out, &report)?,
            regions,
            error: None,
        })
    }
}

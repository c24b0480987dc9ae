//! `bianque run`: from a slide to regions, on one slide or a folder of them.

mod analysis;
mod attention;
mod examine;
mod loaded;
mod output;
mod plan;
mod prepare;
mod scope;
mod second;
mod slide_report;
mod slide_tasks;

use std::{collections::BTreeMap, path::Path, time::Instant};

use anyhow::Context;
use bianque_lesion::{RESEARCH_USE, ReadAhead, SecondBudget, TaskStatement};
use bianque_quality::CheckSettings;
use bianque_vision::Purpose;
use serde::Serialize;

use self::{
    analysis::Analysis,
    attention::Drawings,
    plan::Wanted,
    prepare::{Prepared, with_each_prepared},
    slide_report::SlideReport,
    slide_tasks::Verdict,
};
pub(crate) use self::{
    examine::{Examination, SiteSlides, examine},
    loaded::{LoadedTask, load_encoder},
    plan::RunPlan,
};
use super::{Outcome, check, slides};
use crate::{
    arguments::RunArguments,
    interrupt,
    models::Models,
    report::{AttentionDocument, PassDocument, ProducerDocument},
    terminal::Terminal,
};

/// The task unless one or an organ is named.
const USUAL_TASK: &str = "colon";

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
    /// What a task of whole slides says.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    /// Pictures of attention where no task judged; a task names its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attention: Vec<AttentionDocument>,
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
    /// The one that judged places of the first task again, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    second_encoder: Option<ProducerDocument>,
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
    let found = slides::find(&arguments.slide, arguments.out.as_deref(), terminal)?;
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
    let purpose = Purpose::from(arguments.used.purpose);
    let budget = SecondBudget { places: arguments.second_places, tiles: arguments.second_tiles };
    let second = arguments.second_task.as_deref().map(|task| (task, budget));
    let tasks = match (&arguments.task[..], &arguments.organ) {
        _ if arguments.features_only => Vec::new(),
        ([], _) if !arguments.slide_task.is_empty() => Vec::new(),
        ([], Some(organ)) => vec![models.task_for_organ(organ)?],
        ([], None) => vec![models.task(USUAL_TASK)?],
        (tasks, _) => tasks.iter().map(|task| models.task(task)).collect::<Result<_, _>>()?,
    };
    let named = arguments.slide_task.iter().map(|task| models.task(task));
    let slide_tasks = named.collect::<Result<Vec<_>, _>>()?;
    let head = arguments.attention_head.as_deref();
    let attention = (arguments.attention || head.is_some()).then_some(head);
    let outlines = arguments.outlines;
    let (device, encoders) = (arguments.used.device, &arguments.encoder);
    let wanted = Wanted {
        tasks: &tasks,
        slide_tasks: &slide_tasks,
        encoders,
        second,
        attention,
        outlines,
        device,
    };
    let (plan, notes) = RunPlan::load(models, &wanted, purpose)?;
    notes.iter().for_each(|note| terminal.note(note));
    let tasks = plan.tasks.iter().map(|planned| &planned.loaded.task as &dyn TaskStatement);
    let slide_tasks = plan.slide_tasks.iter().map(|planned| &planned.task as &dyn TaskStatement);
    let tasks = tasks.chain(slide_tasks);
    if let Some(organ) = &arguments.organ {
        for task in tasks.filter(|task| !task.organ().eq_ignore_ascii_case(organ)) {
            let (name, own) = (task.name(), task.organ());
            terminal.note(&format!(
                "the slides are stated as {organ}, the task {name} is for {own}: whatever it says of \
                 them is marked as outside of its scope"
            ));
        }
    }
    Ok(plan)
}

fn show(
    plan: &RunPlan,
    results: &[SlideResult],
    speed: Speed,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let producers =
        || plan.lanes.iter().map(|lane| ProducerDocument::from(lane.encoder.producer()));
    let mut text: Vec<&str> = results.iter().map(|result| result.text.as_str()).collect();
    // A task's result names its own encoder; of several encoders all are named, whoever used them.
    let named = plan.lanes.len() > 1 || plan.tasks.is_empty();
    let encoder_lines = producers().filter(|_| named).map(|own| format!("encoder {}", own.line()));
    let encoder_lines = encoder_lines.collect::<Vec<_>>().join("\n");
    if named {
        text.push(&encoder_lines);
    }
    let speed_line = speed.text();
    text.push(&speed_line);
    let text = text.join("\n");
    let document = Document {
        schema: "bianque.run/1",
        notice: RESEARCH_USE,
        purpose: plan.purpose,
        encoder: producers().next().context("a run needs an encoder")?,
        encoders: producers().collect(),
        second_encoder: plan.second.as_ref().map(|second| second.loaded.encoder.producer().into()),
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
            verdict: None,
            attention: Vec::new(),
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
    let judged = |loaded: &LoadedTask| {
        let stated = loaded.stated();
        scope::judge(request, &stated, prepared.slide.facts(), &prepared.mpp)
    };
    let mut scopes = Vec::new();
    for task in &plan.tasks {
        scopes.push(judged(&task.loaded)?);
    }
    if let Some(second) = &plan.second {
        judged(&second.loaded)?;
    }
    let of_slides = plan.slide_tasks.iter().map(|task| task.scope(request, prepared));
    let of_slides = of_slides.collect::<Result<Vec<_>, _>>()?;
    let found = analysis::extract(request, plan, prepared, ahead, terminal)?;
    let mut split = PassDocument::of(&found);
    let mut results = Vec::new();
    let thumbnail = output::thumbnail(prepared)?;
    let mut drawings = Drawings::new(plan, prepared, &found, &thumbnail);
    for (index, (planned, scope)) in plan.tasks.iter().zip(scopes).enumerate() {
        let out = match plan.tasks.len() {
            1 => request.out.to_owned(),
            _ => request.out.join(&planned.loaded.task.name),
        };
        std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
        let extraction = &found[planned.lane];
        let attention = drawings.draw(planned.lane, &out, attention::FILE)?;
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
        // A task of slides has a picture of its own.
        let drawn = match plan.slide_tasks.is_empty() {
            true => drawings.draw_lanes(request.out)?,
            false => Vec::new(),
        };
        results.push(output::features_only(request, plan, prepared, &found, (start, drawn))?);
    }
    for (task, scope) in plan.slide_tasks.iter().zip(of_slides) {
        let file = format!("attention-{}.png", task.task.name);
        // Of several encoders, the first one's: a picture is of one network.
        let attention = match task.lanes.first() {
            Some(lane) => drawings.draw(*lane, request.out, &file)?,
            None => None,
        };
        results.push(task.judge(request, prepared, &found, (scope, attention))?);
    }
    Ok((results, split))
}

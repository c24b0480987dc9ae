//! `bianque check`: a verdict on each slide, with the place and the reason.

pub(crate) mod output;
mod site;

use std::path::{Path, PathBuf};

use anyhow::Context;
use bianque_core::Digest;
use bianque_lesion::RESEARCH_USE;
use bianque_quality::{
    Check, CheckSettings, DEFAULT_THRESHOLDS, Verdict, check_slide, site::SlideRecord,
};
use bianque_slide::{OpenOptions, Slide};
use serde::Serialize;

use super::{Outcome, slides};
use crate::{arguments::CheckArguments, interrupt, report::QualityDocument, terminal::Terminal};

/// A slide as it was judged; without pixels where it cannot be opened.
pub(crate) struct Checked<'a> {
    pub(crate) slide: Option<&'a dyn Slide>,
    pub(crate) digest: Option<Digest>,
    pub(crate) check: &'a Check,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    notice: &'static str,
    /// The gravest verdict first.
    checks: Vec<&'a QualityDocument>,
    /// What the site's memory says, with `--site`.
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<&'a site::Remembered>,
}

struct Result {
    path: PathBuf,
    document: QualityDocument,
    text: String,
}

pub(crate) fn run(arguments: &CheckArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    if let Some(fault) = &arguments.explain {
        return explain(fault, terminal);
    }
    if let Some(threads) = arguments.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    let flag = interrupt::flag()?;
    let settings = settings(arguments.thresholds.as_deref())?;
    let path = arguments.slide.as_deref().context("name a slide or a folder")?;
    let found = slides::find(path, arguments.out.as_deref(), terminal)?;
    let bar = terminal.progress("slides", found.len() as u64);
    let stated = site::Stated::new(
        arguments.scanner.as_deref(),
        arguments.stainer.as_deref(),
        arguments.day.as_deref(),
    )?;
    let memory = site::Memory::read(arguments.site.as_deref())?;
    let mut results = Vec::new();
    let mut records = Vec::new();
    for (slide, out) in &found {
        if flag.load(std::sync::atomic::Ordering::Relaxed) {
            bar.finish_and_clear();
            if let Some(file) = &arguments.site {
                site::remember(file, &records, &settings.thresholds)?;
            }
            anyhow::bail!("interrupted; the checks that were finished are written");
        }
        let (document, record) = check(slide, out, arguments.mpp, &settings, (&stated, &memory))?;
        records.extend(record);
        let text = output::summary(slide, &document, out);
        results.push(Result { path: slide.clone(), document, text });
        bar.inc(1);
    }
    bar.finish_and_clear();
    results.sort_by(|a, b| {
        (b.document.verdict.cmp(&a.document.verdict)).then_with(|| a.path.cmp(&b.path))
    });
    let remembered = match &arguments.site {
        Some(file) => Some(site::remember(file, &records, &settings.thresholds)?),
        None => None,
    };
    let checks = results.iter().map(|result| &result.document).collect();
    let document = Document {
        schema: "bianque.check/1",
        notice: RESEARCH_USE,
        checks,
        site: remembered.as_ref(),
    };
    let mut text: Vec<String> = results.iter().map(|result| result.text.clone()).collect();
    if results.len() > 1 {
        text.push(counts(&results));
    }
    text.extend(remembered.as_ref().map(site::Remembered::summary));
    text.push(format!("  {RESEARCH_USE}"));
    terminal.result(&document, &text.join("\n"))?;
    let all_pass = results.iter().all(|result| result.document.verdict.passes());
    Ok(if arguments.strict && !all_pass { Outcome::Failed } else { Outcome::Done })
}

/// The shipped thresholds, with what a site's file changes.
pub(crate) fn settings(thresholds: Option<&Path>) -> anyhow::Result<CheckSettings> {
    let text = match thresholds {
        Some(path) => {
            let reading = || format!("cannot read the thresholds {}", path.display());
            Some(std::fs::read_to_string(path).with_context(reading)?)
        }
        None => None,
    };
    Ok(CheckSettings::with_overrides(text.as_deref())?)
}

/// Judges a file and writes the result. One that does not open is a verdict too; only one that is
/// not there is an error.
fn check(
    path: &Path,
    out: &Path,
    mpp: Option<f64>,
    settings: &CheckSettings,
    (stated, memory): (&site::Stated, &site::Memory),
) -> anyhow::Result<(QualityDocument, Option<SlideRecord>)> {
    anyhow::ensure!(path.exists(), "there is no {}", path.display());
    let digest = bianque_slide::content_digest(path).ok();
    let options = OpenOptions { mpp, ..OpenOptions::default() };
    let opened = bianque_slide::open(path, &options);
    let mut check = match &opened {
        Ok(slide) => check_slide(slide.as_ref(), settings),
        Err(error) => Check::unreadable(&error.to_string()),
    };
    let slide = opened.as_ref().ok().map(AsRef::as_ref);
    let facts = slide.map(Slide::facts);
    let mut record = digest.map(|digest| site::record(facts, digest, &check, stated));
    if let Some(record) = &mut record {
        memory.hold(&mut check, record, &settings.thresholds);
        record.verdict = check.verdict;
    }
    let document = output::write(path, out, &Checked { slide, digest, check: &check })?;
    Ok((document, record))
}

fn counts(results: &[Result]) -> String {
    let count = |verdict: Verdict| {
        results.iter().filter(|result| result.document.verdict == verdict).count()
    };
    let parts: Vec<String> = Verdict::ALL
        .iter()
        .rev()
        .filter(|verdict| count(**verdict) > 0)
        .map(|verdict| format!("{verdict} {}", count(*verdict)))
        .collect();
    format!("{} slides: {}", results.len(), parts.join(", "))
}

#[derive(Serialize)]
struct Thresholds {
    thresholds: &'static str,
}

fn explain(fault: &str, terminal: &Terminal) -> anyhow::Result<Outcome> {
    if fault == "thresholds" {
        let document = Thresholds { thresholds: DEFAULT_THRESHOLDS };
        terminal.result(&document, DEFAULT_THRESHOLDS)?;
        return Ok(Outcome::Done);
    }
    output::explain(fault, terminal)
}

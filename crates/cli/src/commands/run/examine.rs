//! One task on one slide for the worklist: what the check says, regions and map in memory, features
//! kept in a folder.

use std::{path::Path, sync::atomic::AtomicBool};

use bianque_core::{Level0, PixelRect, Polygon, Producer, Rect, RgbImage};
use bianque_lesion::{Cell, LesionError, PassRequest, ReadAhead, encode_slide};
use bianque_quality::{Check, CheckSettings, check_slide};
use bianque_slide::{OpenOptions, Slide, SlideError};

use super::{
    RunPlan, SlideRun,
    analysis::{Analysis, Evidence, judge, probabilities},
    prepare::{PassFiles, Prepared, encoder_requests},
    scope,
};
use crate::commands::check;

const NO_MPP: &str = "the file states no resolution, so no lesions were looked for: start the server \
                      with --mpp, or run `bianque run --mpp` on it";

/// What was found on a slide.
pub(crate) struct Examination {
    pub(crate) check: Check,
    /// The place of each of the check's findings, where it has one.
    pub(crate) places: Vec<Option<PixelRect<Level0>>>,
    /// The gravest finding's picture.
    pub(crate) crop: Option<RgbImage>,
    pub(crate) regions: Vec<ExaminedRegion>,
    pub(crate) map: Option<ExaminedMap>,
    /// The head that found the regions.
    pub(crate) producer: Producer,
    /// The encoder whose features it judged.
    pub(crate) encoder: Producer,
    /// Why no lesions were looked for.
    pub(crate) nothing_sought: Option<String>,
}

/// A region with its label's name.
pub(crate) struct ExaminedRegion {
    pub(crate) label: String,
    pub(crate) outline: Vec<Polygon<Level0>>,
    pub(crate) score: f64,
    pub(crate) evidence: Vec<PixelRect<Level0>>,
}

/// The probability of any lesion, a byte a cell; 0 where nothing was judged.
pub(crate) struct ExaminedMap {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Level-0 pixels a cell.
    pub(crate) downsample: f64,
    pub(crate) values: Vec<u8>,
}

/// What a site says of its slides.
#[derive(Clone, Debug)]
pub(crate) struct SiteSlides {
    /// The organ that they are all from, where they are from one.
    pub(crate) organ: Option<String>,
    /// Microns per level-0 pixel of those that state none.
    pub(crate) mpp: Option<f64>,
    pub(crate) check: CheckSettings,
}

/// Checks a slide and runs the plan's first task on it. `None` when it was stopped.
pub(crate) fn examine(
    slide: &Path,
    out: &Path,
    plan: &RunPlan,
    site: &SiteSlides,
    progress: &(dyn Fn(u64, u64) + Sync),
    stop: &AtomicBool,
) -> anyhow::Result<Option<Examination>> {
    let Some(planned) = plan.tasks.first() else { anyhow::bail!("no task is loaded") };
    let producer = planned.loaded.task.producer();
    let encoder = planned.loaded.encoder.producer().clone();
    let opened = open(slide, site)?;
    let check = check_slide(opened.as_ref(), &site.check);
    let places = check.findings.iter().map(|finding| place(&finding.areas, finding.crop)).collect();
    let worst = check.findings.first();
    let crop = worst.and_then(|finding| check::output::crop(opened.as_ref(), finding));
    let mut found = Examination {
        check,
        places,
        crop,
        regions: Vec::new(),
        map: None,
        producer,
        encoder,
        nothing_sought: None,
    };
    let Some(mpp) = opened.facts().mpp.clone() else {
        found.nothing_sought = Some(NO_MPP.to_owned());
        return Ok(Some(found));
    };
    let Some(tissue) = found.check.tissue.take() else { return Ok(Some(found)) };
    let digest = bianque_slide::content_digest(slide)?;
    let check = found.check.clone();
    let prepared = Prepared { slide: opened, mpp, digest, tissue, check, seconds: Vec::new() };
    std::fs::create_dir_all(out)?;
    let request = SlideRun {
        slide,
        out,
        mpp: None,
        organ: site.organ.as_deref(),
        truth: None,
        truth_label: None,
        fresh: false,
        check: &site.check,
    };
    let facts = prepared.slide.facts();
    if let Err(why) = scope::judge(&request, &planned.loaded.stated(), facts, &prepared.mpp) {
        found.nothing_sought = Some(format!("{why:#}"));
        return Ok(Some(found));
    }
    let files = PassFiles::of(&request, plan);
    let tokens = files.token_requests(plan);
    let encoders = encoder_requests(&prepared, plan, &files, &tokens);
    let pass = PassRequest {
        slide: prepared.slide.as_ref(),
        identity: &prepared.digest.to_string(),
        tissue: &prepared.good_tissue(),
        encoders: &encoders,
    };
    let told = |done: bianque_lesion::Progress| progress(done.done as u64, done.total as u64);
    let extractions = match encode_slide(&pass, ReadAhead::default(), &told, stop) {
        Err(LesionError::Cancelled) => return Ok(None),
        made => made?,
    };
    let extraction = &extractions[planned.lane];
    let evidence = Evidence {
        planned,
        lane: &plan.lanes[planned.lane],
        prepared: &prepared,
        extraction,
        tokens: plan.tokens_of(planned, extraction),
    };
    let probabilities = probabilities(&planned.loaded, &extraction.features)?;
    let analysis = judge(&evidence, &probabilities, &[])?;
    (found.regions, found.map) = (regions(&analysis, plan), map(&analysis, plan));
    Ok(Some(found))
}

/// Opens a slide, by what the site says where it states no resolution itself.
fn open(slide: &Path, site: &SiteSlides) -> Result<Box<dyn Slide>, SlideError> {
    let opened = bianque_slide::open(slide, &OpenOptions::default())?;
    if opened.facts().mpp.is_some() || site.mpp.is_none() {
        return Ok(opened);
    }
    bianque_slide::open(slide, &OpenOptions { mpp: site.mpp, ..OpenOptions::default() })
}

/// A rectangle around a finding's areas, or what a person should look at.
fn place(areas: &[Polygon<Level0>], crop: Option<PixelRect<Level0>>) -> Option<PixelRect<Level0>> {
    let around = Rect::around(areas.iter().flat_map(|area| area.outer.iter().copied()));
    let Some(rect) = around else { return crop };
    let (x, y) = (rect.min.x.floor() as i64, rect.min.y.floor() as i64);
    Some(PixelRect::new(x, y, rect.width().ceil() as u32, rect.height().ceil() as u32))
}

fn regions(analysis: &Analysis<'_>, plan: &RunPlan) -> Vec<ExaminedRegion> {
    let labels = plan.tasks.first().map(|task| task.loaded.task.labels.as_slice());
    let name = |class: usize| labels.and_then(|labels| labels.get(class));
    let region = |region: &bianque_lesion::Region| {
        Some(ExaminedRegion {
            label: name(region.class)?.name.clone(),
            outline: region.polygons.clone(),
            score: region.score.clamp(0.0, 1.0),
            evidence: region.evidence.iter().map(|evidence| evidence.rect).collect(),
        })
    };
    analysis.regions.iter().filter_map(region).collect()
}

fn map(analysis: &Analysis<'_>, plan: &RunPlan) -> Option<ExaminedMap> {
    let lesions = plan.tasks.first()?.loaded.task.lesions();
    let grid = analysis.map.grid();
    let value = |cell: Cell| {
        let Some(probabilities) = analysis.map.at(cell) else { return 0 };
        let of_lesions = probabilities.iter().zip(&lesions).filter(|(_, lesion)| **lesion);
        let sum: f32 = of_lesions.map(|(probability, _)| probability).sum();
        (sum * 255.0).round().clamp(1.0, 255.0) as u8
    };
    Some(ExaminedMap {
        width: grid.columns(),
        height: grid.rows(),
        downsample: grid.cell_um() / analysis.prepared.mpp.mean(),
        values: grid.cells().map(value).collect(),
    })
}

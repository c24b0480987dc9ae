//! Writes what a run found.

use std::{collections::BTreeMap, fmt::Write, path::Path, time::Instant};

use bianque_core::{
    Point, RgbImage,
    geojson::{self, Feature},
};
use bianque_lesion::{
    LesionEvaluation, LesionSettings, RESEARCH_USE, SlideExtraction, SlideLesions, Task,
    evaluate_lesions, regions_to_features,
};
use bianque_slide::Slide;
use serde_json::{Value, json};

use super::{
    Analysis, LoadedTask, Prepared, RunPlan, SlideReport, SlideResult, SlideRun, plan::SecondStage,
    scope,
};
use crate::{
    commands::{
        check::{self, Checked},
        evaluate_lesions as lesions, write_file,
    },
    picture::{self, HeatCell, HeatLayer},
    report::{
        AttentionDocument, EvidenceDocument, Images, LabelDocument, LevelDocument, PackageDocument,
        Page, PassDocument, PlaceDocument, QualityDocument, RegionDocument, Report, ScopeDocument,
        SecondStageDocument, SlideDocument, TaskDocument, TilesDocument, Timings, TissueDocument,
        rings,
    },
};

/// Longest side of the picture under the heat layer.
const PICTURE: u32 = 1800;
/// Edge of an evidence crop on the page.
const CROP: u32 = 224;
/// Regions whose evidence is shown on the page; all are in the files.
const REGIONS_WITH_CROPS: usize = 24;

/// What the heatmap says of itself.
const STANDING: &str = "proposals, unconfirmed";

/// The picture under every layer.
pub(super) fn thumbnail(prepared: &Prepared) -> anyhow::Result<RgbImage> {
    Ok(prepared.slide.thumbnail(PICTURE)?)
}

/// Writes every file and gives the report.
pub(super) fn write(
    to: &SlideReport<'_>,
    mut analysis: Analysis<'_>,
    second: Option<&SecondStage>,
) -> anyhow::Result<Report> {
    let began = Instant::now();
    let (request, loaded, prepared) = (to.request, &to.planned.loaded, analysis.prepared);
    let task = &loaded.task;
    let evaluation = evaluate(request, task, &analysis)?;
    write_file(
        &to.out.join("regions.geojson"),
        geojson::encode(&region_features(&analysis, loaded, &to.scope, second)).as_bytes(),
    )?;
    let heat = heat_layer(&analysis, task, to.thumbnail);
    let legend: Vec<(String, [u8; 3])> = task
        .labels
        .iter()
        .filter(|label| label.lesion)
        .map(|label| (label.title.clone(), label.color))
        .collect();
    let width = prepared.slide.facts().bounds().width;
    let mpp = Some(&prepared.mpp);
    let sheet = picture::annotated(to.thumbnail, &heat, width, mpp, &legend, STANDING)?;
    picture::write(&sheet, &to.out.join("heatmap.png"))?;
    let quality = write_check(request, prepared)?;
    let images = Images {
        quality: quality_crops(prepared)?,
        thumbnail: picture::data_uri_jpeg(to.thumbnail)?,
        heat: picture::data_uri_rgba(heat.width, heat.height, &heat.pixels)?,
        attention: to.attention.as_ref().map(|attention| attention.layer.clone()),
        evidence: evidence_crops(&analysis)?,
    };
    analysis.seconds.push(("pictures_and_files", began.elapsed().as_secs_f64()));
    let mut report = document(to, &analysis, quality, evaluation);
    report.second = second.map(|stage| second_document(stage, &analysis));
    let page = Page { report: &report, images };
    write_file(&to.out.join("report.html"), page.html()?.as_bytes())?;
    let mut text = serde_json::to_string_pretty(&report)?;
    text.push('\n');
    write_file(&to.out.join("report.json"), text.as_bytes())?;
    Ok(report)
}

fn write_check(request: &SlideRun<'_>, prepared: &Prepared) -> anyhow::Result<QualityDocument> {
    let checked = Checked {
        slide: Some(prepared.slide.as_ref()),
        digest: Some(prepared.digest),
        check: &prepared.check,
    };
    check::output::write(request.slide, request.out, &checked)
}

/// Where no task judges: the check is written, the features are there already.
pub(super) fn features_only(
    request: &SlideRun<'_>,
    plan: &RunPlan,
    prepared: &Prepared,
    found: &[SlideExtraction],
    (start, attention): (Instant, Vec<AttentionDocument>),
) -> anyhow::Result<SlideResult> {
    write_check(request, prepared)?;
    let mut text = format!("{}\n", file_name(request.slide));
    for (lane, found) in plan.lanes.iter().zip(found) {
        let features = &found.features;
        writeln!(
            text,
            "  {:<10} {} tiles of {} px at {} um/px, {} values each",
            lane.encoder.recipe().name,
            features.cells().len(),
            features.facts.grid.tile_px(),
            features.facts.grid.mpp(),
            features.facts.dimension
        )?;
        writeln!(text, "             {}", request.out.join(&lane.file).display())?;
        for warning in &found.warnings {
            writeln!(text, "  note: {warning}")?;
        }
    }
    for drawn in &attention {
        writeln!(text, "  attention  {}", request.out.join(&drawn.file).display())?;
    }
    writeln!(text, "  seconds    {:.1}", start.elapsed().as_secs_f64())?;
    Ok(SlideResult {
        slide: request.slide.display().to_string(),
        task: None,
        out: request.out.display().to_string(),
        regions: BTreeMap::new(),
        verdict: None,
        attention,
        error: None,
        text,
    })
}

/// Regions as features; each says what it rests on, whoever takes it out of the file.
fn region_features(
    analysis: &Analysis<'_>,
    loaded: &LoadedTask,
    scope: &ScopeDocument,
    second: Option<&SecondStage>,
) -> Vec<Feature> {
    let producer = loaded.encoder.producer();
    let second = second.map(|stage| second_property(&stage.loaded));
    let mut features = regions_to_features(&analysis.regions, &loaded.task);
    for feature in &mut features {
        if let Some(Value::Object(proposal)) = feature.properties.get_mut("proposal") {
            proposal.insert("purpose".to_owned(), loaded.purpose.name().into());
            proposal.insert("encoder_name".to_owned(), producer.name.clone().into());
            proposal.insert("encoder_licence".to_owned(), producer.licence.clone().into());
            proposal.insert("in_scope".to_owned(), scope.fits.into());
            let trusted = loaded.package.standing.is_trusted();
            proposal.insert("signer_trusted".to_owned(), trusted.into());
            if let Some(second) = &second {
                proposal.insert("second".to_owned(), second.clone());
            }
        }
    }
    features
}

/// Who judged a part of the map again, as a proposal names it.
fn second_property(loaded: &LoadedTask) -> Value {
    let (producer, head) = (loaded.encoder.producer(), loaded.task.head_digest);
    json!({
        "name": producer.name,
        "version": producer.version,
        "digest": producer.digest.map(|digest| digest.to_string()),
        "licence": producer.licence,
        "head": head.to_string(),
    })
}

fn evaluate(
    request: &SlideRun<'_>,
    task: &Task,
    analysis: &Analysis<'_>,
) -> anyhow::Result<Option<LesionEvaluation>> {
    let Some(truth) = request.truth else { return Ok(None) };
    let slide = SlideLesions {
        name: file_name(request.slide),
        truth: lesions::read(truth)?,
        regions: regions_to_features(&analysis.regions, task),
    };
    let settings = LesionSettings {
        region_classes: request.truth_label.iter().map(ToString::to_string).collect(),
        mpp: Some(analysis.prepared.mpp.mean()),
        ..LesionSettings::default()
    };
    Ok(Some(evaluate_lesions(&[slide], &settings)?))
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn heat_layer(analysis: &Analysis<'_>, task: &Task, thumbnail: &RgbImage) -> HeatLayer {
    let grid = analysis.map.grid();
    let lesions = task.lesions();
    let cells: Vec<HeatCell> = grid
        .cells()
        .filter_map(|cell| {
            let probabilities = analysis.map.at(cell)?;
            let lesion = || probabilities.iter().enumerate().filter(|(class, _)| lesions[*class]);
            let (gravest, _) = lesion().max_by(|a, b| a.1.total_cmp(b.1))?;
            Some(HeatCell {
                place: grid.cell_rect(cell),
                probability: lesion().map(|(_, p)| p).sum(),
                color: task.labels[gravest].color,
            })
        })
        .collect();
    let slide_width = analysis.prepared.slide.facts().bounds().width;
    HeatLayer::paint(thumbnail.width(), thumbnail.height(), slide_width, &cells)
}

/// Per finding of the check its crop, if it has a place.
fn quality_crops(prepared: &Prepared) -> anyhow::Result<Vec<Option<String>>> {
    let crop = |finding| check::output::crop(prepared.slide.as_ref(), finding);
    let findings = prepared.check.findings.iter();
    findings.map(|finding| crop(finding).as_ref().map(picture::data_uri_jpeg).transpose()).collect()
}

fn evidence_crops(analysis: &Analysis<'_>) -> anyhow::Result<Vec<Vec<String>>> {
    let crop = |slide: &dyn Slide, x: i64, y: i64, width: u32| -> anyhow::Result<String> {
        let step = f64::from(width) / f64::from(CROP);
        let image = slide.read_scaled(Point::new(x as f64, y as f64), step, CROP, CROP)?;
        picture::data_uri_jpeg(&image)
    };
    analysis
        .regions
        .iter()
        .take(REGIONS_WITH_CROPS)
        .map(|region| {
            let tiles = region.evidence.iter();
            tiles
                .map(|e| crop(&*analysis.prepared.slide, e.rect.x, e.rect.y, e.rect.width))
                .collect()
        })
        .collect()
}

fn document(
    to: &SlideReport<'_>,
    analysis: &Analysis<'_>,
    quality: QualityDocument,
    evaluation: Option<LesionEvaluation>,
) -> Report {
    let (request, loaded) = (to.request, &to.planned.loaded);
    let task = &loaded.task;
    let seconds: BTreeMap<_, _> = analysis.seconds.iter().copied().collect();
    let own = std::slice::from_ref(analysis.extraction);
    let stated = request.organ.map(str::to_owned);
    let fits = stated.as_deref().is_some_and(|organ| organ.eq_ignore_ascii_case(&task.organ));
    Report {
        schema: "bianque.report/1",
        notice: RESEARCH_USE,
        purpose: loaded.purpose,
        program_version: env!("CARGO_PKG_VERSION"),
        slide: slide_document(request, analysis),
        task: TaskDocument {
            name: task.name.clone(),
            version: task.version.clone(),
            title: task.title.clone(),
            title_zh: task.title_zh.clone(),
            organ: task.organ.clone(),
            stated_organ: stated,
            labels: task
                .labels
                .iter()
                .map(|label| LabelDocument {
                    name: label.name.clone(),
                    title: label.title.clone(),
                    title_zh: label.title_zh.clone(),
                    lesion: label.lesion,
                    color: label.color,
                })
                .collect(),
        },
        exploratory: !fits,
        package: PackageDocument {
            digest: loaded.package.digest.map(|digest| digest.to_string()),
            signature: loaded.package.standing.clone(),
        },
        scope: to.scope.clone(),
        encoder: loaded.encoder.producer().into(),
        head: (&task.producer()).into(),
        tissue: tissue_document(analysis),
        quality,
        tiles: tiles_document(analysis),
        regions: region_documents(task, analysis),
        evaluation,
        second: None,
        attention: to.attention.clone(),
        timings: Timings {
            total_seconds: to.start.elapsed().as_secs_f64(),
            seconds,
            pass: match &analysis.second {
                Some(second) => PassDocument::of(own).with_second(&second.timing),
                None => PassDocument::of(own),
            },
        },
        warnings: analysis.warnings.clone(),
    }
}

fn slide_document(request: &SlideRun<'_>, analysis: &Analysis<'_>) -> SlideDocument {
    let prepared = analysis.prepared;
    let facts = prepared.slide.facts();
    let bounds = facts.bounds();
    let levels = facts.levels.iter();
    SlideDocument {
        name: file_name(request.slide),
        format: facts.format.name(),
        vendor: facts.vendor.clone(),
        width: bounds.width,
        height: bounds.height,
        levels: levels
            .map(|level| LevelDocument {
                width: level.width,
                height: level.height,
                downsample: level.downsample,
            })
            .collect(),
        mpp: Some((&prepared.mpp).into()),
        mpp_statements: facts.mpp_statements.iter().map(Into::into).collect(),
        magnification: facts.magnification.as_ref().map(|(power, _)| power.power()),
        digest: prepared.digest,
    }
}

fn tissue_document(analysis: &Analysis<'_>) -> TissueDocument {
    let tissue = &analysis.prepared.tissue;
    let mut ink: Vec<String> = tissue.ink.iter().map(|area| area.colour.to_string()).collect();
    ink.sort();
    ink.dedup();
    TissueDocument {
        area_mm2: tissue.area.map(|area| area.0),
        fraction: tissue.fraction,
        fragments: tissue.fragments,
        ink,
        polygons: tissue.polygons.iter().map(rings).collect(),
    }
}

fn tiles_document(analysis: &Analysis<'_>) -> TilesDocument {
    let features = &analysis.extraction.features;
    let grid = &features.facts.grid;
    TilesDocument {
        analysed: features.cells().len(),
        broken: features.facts.left_out.len(),
        flawed: analysis.flawed_tiles,
        size: grid.tile_px(),
        mpp: grid.mpp(),
        steps: grid.steps(),
        outlines: if analysis.by_tokens { "tokens" } else { "interpolated" },
        features_reused: analysis.extraction.timing.tiles == 0 && !features.cells().is_empty(),
    }
}

fn region_documents(task: &Task, analysis: &Analysis<'_>) -> Vec<RegionDocument> {
    let regions = analysis.regions.iter();
    regions
        .map(|region| RegionDocument {
            label: task.labels[region.class].name.clone(),
            score: region.score,
            mean_probability: region.mean_probability,
            area_mm2: Some(region.area.0),
            tiles: region.tiles,
            state: "unconfirmed",
            polygons: region.polygons.iter().map(rings).collect(),
            evidence: region
                .evidence
                .iter()
                .map(|evidence| EvidenceDocument {
                    x: evidence.rect.x,
                    y: evidence.rect.y,
                    width: evidence.rect.width,
                    height: evidence.rect.height,
                    probability: evidence.probabilities[region.class],
                })
                .collect(),
        })
        .collect()
}

fn second_document(stage: &SecondStage, analysis: &Analysis<'_>) -> SecondStageDocument {
    let facts = analysis.second.as_ref();
    let features = &analysis.extraction.features;
    let judged = facts.map_or(0, |facts| facts.places.len());
    let place = |tile: &usize| {
        let rect = features.facts.grid.tile_rect(features.cells()[*tile]);
        PlaceDocument { x: rect.x, y: rect.y, width: rect.width, height: rect.height }
    };
    SecondStageDocument {
        encoder: stage.loaded.encoder.producer().into(),
        head: (&stage.loaded.task.producer()).into(),
        places_planned: facts.map_or(0, |facts| facts.planned),
        places_skipped: facts.map_or(0, |facts| facts.skipped),
        share: judged as f64 / features.cells().len().max(1) as f64,
        tiles: facts.map_or(0, |facts| facts.tiles),
        places: facts.map(|facts| facts.places.iter().map(place).collect()).unwrap_or_default(),
    }
}

fn second_line(second: &SecondStageDocument) -> String {
    let (encoder, places, tiles) = (second.encoder.line(), second.places.len(), second.tiles);
    let noun = if places == 1 { "place" } else { "places" };
    let share = second.share * 100.0;
    let skipped = match second.places_skipped {
        0 => String::new(),
        skipped => format!("; --second-tiles left no room for {skipped} more"),
    };
    format!(
        "{encoder}; judged {places} {noun} again, {share:.1} % of the tiles, with {tiles} tiles of its \
         own{skipped}"
    )
}

/// What the terminal shows of a slide.
pub(super) fn summary(out: &Path, report: &Report) -> anyhow::Result<String> {
    let mut text = String::new();
    writeln!(text, "{}", report.slide.name)?;
    let reasons: Vec<&str> = report.quality.reasons().collect();
    let colon = if reasons.is_empty() { "" } else { ": " };
    writeln!(text, "  quality   {}{colon}{}", report.quality.verdict, reasons.join(", "))?;
    let (encoder, purpose) = (report.encoder.line(), report.purpose.name());
    writeln!(text, "  encoder   {encoder}; {purpose} use")?;
    let area = report.tissue.area_mm2.map(|area| format!("{area:.1} mm², ")).unwrap_or_default();
    writeln!(
        text,
        "  tissue    {area}{:.0} % of the slide; {} tiles analysed",
        report.tissue.fraction * 100.0,
        report.tiles.analysed
    )?;
    for (number, region) in report.regions.iter().enumerate().take(12) {
        let area = region.area_mm2.map(|area| format!(", {area:.2} mm²")).unwrap_or_default();
        writeln!(
            text,
            "  {:>2}. {:<16} peak {:>3.0} %, mean {:>3.0} %{area}, {} tiles",
            number + 1,
            region.label,
            region.score * 100.0,
            region.mean_probability * 100.0,
            region.tiles
        )?;
    }
    match report.regions.len() {
        0 => writeln!(text, "  no region reached the threshold")?,
        count if count > 12 => writeln!(text, "  and {} more regions", count - 12)?,
        _ => {}
    }
    if let Some(evaluation) = &report.evaluation {
        for line in lesions::text(evaluation)?.lines() {
            writeln!(text, "  {line}")?;
        }
    }
    if !report.scope.fits {
        writeln!(text, "  scope     outside: {}", scope::line(&report.scope.outside))?;
    }
    if !report.package.signature.is_trusted() {
        writeln!(text, "  task      {}", report.package.signature)?;
    }
    if report.exploratory {
        writeln!(text, "  exploratory: the task is for {}, see --organ", report.task.organ)?;
    }
    for warning in &report.warnings {
        writeln!(text, "  note: {warning}")?;
    }
    if let Some(second) = &report.second {
        writeln!(text, "  second    {}", second_line(second))?;
    }
    writeln!(text, "  pass      {}", report.timings.pass.text())?;
    let seconds: Vec<String> = report
        .timings
        .seconds
        .iter()
        .map(|(name, seconds)| format!("{} {seconds:.1}", name.replace('_', " ")))
        .collect();
    writeln!(text, "  seconds   {:.1} ({})", report.timings.total_seconds, seconds.join(", "))?;
    writeln!(text, "  report    {}", out.join("report.html").display())?;
    writeln!(text, "  {RESEARCH_USE}")?;
    Ok(text)
}

//! Compares the tissue mask with the double-threshold method, on painted scenes with truth and on
//! slides: `cargo run --release -p bianque-quality --example compare_tissue -- [--pictures DIR]
//! [SLIDE...]`.

use std::{path::PathBuf, time::Instant};

use bianque_quality::{Overview, Reason, Tissue, TissueSettings};
use bianque_slide::{OpenOptions, open};

#[allow(dead_code)]
#[path = "../../src/components.rs"]
mod components;
mod double_pass;
mod overlay;
#[allow(dead_code)]
#[path = "../../src/plane.rs"]
mod plane;
#[path = "../../tests/scenes/mod.rs"]
mod scenes;
#[allow(dead_code)]
#[path = "../../src/threshold.rs"]
mod threshold;

type Failure = Box<dyn std::error::Error>;

/// Both methods' answers for one low-power view.
struct Comparison {
    tissue: Tissue,
    ours: Vec<bool>,
    theirs: Vec<bool>,
    ours_ms: f64,
    theirs_ms: f64,
}

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Failure> {
    let (pictures, slides) = arguments();
    if let Some(folder) = &pictures {
        std::fs::create_dir_all(folder)?;
    }
    println!(
        "| scene | ours, IoU | double pass, IoU | ours, ink IoU | ours, ms | double pass, ms |"
    );
    println!("|---|---|---|---|---|---|");
    let (mut sums, mut count) = ((0.0, 0.0), 0.0);
    for scene in scenes::all() {
        let overview = scene.overview();
        let found = compare(&overview)?;
        let ours = scenes::overlap(&found.ours, &scene.tissue);
        let theirs = scenes::overlap(&found.theirs, &scene.tissue);
        (sums, count) = ((sums.0 + ours, sums.1 + theirs), count + 1.0);
        println!(
            "| {} | {ours:.3} | {theirs:.3} | {} | {:.0} | {:.0} |",
            scene.name,
            ink_overlap(&found, &scene),
            found.ours_ms,
            found.theirs_ms
        );
        picture(pictures.as_ref(), scene.name, &overview, &found)?;
    }
    println!("| **mean** | **{:.3}** | **{:.3}** | | | |\n", sums.0 / count, sums.1 / count);
    if !slides.is_empty() {
        compare_slides(&slides, pictures.as_ref())?;
    }
    Ok(())
}

#[allow(clippy::print_stdout)]
fn compare_slides(slides: &[PathBuf], pictures: Option<&PathBuf>) -> Result<(), Failure> {
    println!(
        "| slide | mask | tissue, ours | double pass | IoU of both | fragments | ink marks | \
         area, mm2 | read, ms | find, ms | warnings |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for path in slides {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let slide = match open(path, &OpenOptions::default()) {
            Ok(slide) => slide,
            Err(error) => {
                println!("| {name} | not opened: {error} |");
                continue;
            }
        };
        let start = Instant::now();
        let overview = Overview::read(slide.as_ref(), &TissueSettings::default())?;
        let read_ms = start.elapsed().as_secs_f64() * 1e3;
        let found = compare(&overview)?;
        let share = |mask: &[bool]| {
            100.0 * mask.iter().filter(|v| **v).count() as f64 / mask.len().max(1) as f64
        };
        let tissue = &found.tissue;
        let warnings: Vec<String> = tissue.warnings.iter().map(ToString::to_string).collect();
        println!(
            "| {name} | {} x {} | {:.1} % | {:.1} % | {:.3} | {} | {} | {} | {read_ms:.0} | {:.0} \
             | {} |",
            overview.image.width(),
            overview.image.height(),
            share(&found.ours),
            share(&found.theirs),
            scenes::overlap(&found.ours, &found.theirs),
            tissue.fragments,
            tissue.ink.len(),
            tissue.area.map_or("-".into(), |area| format!("{:.2}", area.0)),
            found.ours_ms,
            warnings.join("; "),
        );
        picture(pictures, &name, &overview, &found)?;
    }
    Ok(())
}

fn compare(overview: &Overview) -> Result<Comparison, Failure> {
    let start = Instant::now();
    let tissue = Tissue::find(overview, &TissueSettings::default())?;
    let ours_ms = start.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    let theirs = double_pass::double_pass(&overview.image);
    let theirs_ms = start.elapsed().as_secs_f64() * 1e3;
    let ours = tissue.reasons.pixels().iter().map(|c| *c == Reason::Tissue.code()).collect();
    Ok(Comparison { tissue, ours, theirs, ours_ms, theirs_ms })
}

/// How well ink was found; a dash where there is none.
fn ink_overlap(found: &Comparison, scene: &scenes::Scene) -> String {
    if !scene.ink.contains(&true) {
        return "-".into();
    }
    let codes = found.tissue.reasons.pixels().iter();
    let ink: Vec<bool> =
        codes.map(|code| matches!(Reason::from_code(*code), Some(Reason::Ink(_)))).collect();
    format!("{:.3}", scenes::overlap(&ink, &scene.ink))
}

fn picture(
    folder: Option<&PathBuf>,
    name: &str,
    overview: &Overview,
    found: &Comparison,
) -> Result<(), Failure> {
    let Some(folder) = folder else { return Ok(()) };
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let drawn = overlay::draw(&overview.image, found.tissue.reasons.pixels(), &found.theirs);
    overlay::write(&folder.join(format!("{name}.png")), &drawn)
}

fn arguments() -> (Option<PathBuf>, Vec<PathBuf>) {
    let mut pictures = None;
    let mut slides = Vec::new();
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--pictures" {
            pictures = arguments.next().map(PathBuf::from);
        } else {
            slides.push(PathBuf::from(argument));
        }
    }
    (pictures, slides)
}

//! Faults that live in a file: each written, opened and judged.

use std::path::Path;

use bianque_core::{Level0, PixelRect, RgbImage};
use bianque_quality::{Check, CheckSettings, Fault, check_slide};
use bianque_slide::{OpenOptions, open};
use bianque_testkit::{
    SlideRecipe, SyntheticSlide,
    faulty_files::{Damage, MacroImage, Scan, recompressed, write_scan},
    render_region,
};

use rayon::prelude::*;
use serde::Serialize;

use crate::Failure;

/// A file with what the check should say of it.
struct Case {
    name: String,
    scan: Scan,
    /// The fault that must be named; `None` where none may be but a missing macro image.
    expected: Option<Fault>,
}

/// One file.
#[derive(Serialize)]
pub(crate) struct FileRow {
    file: String,
    should_be_called: Option<&'static str>,
    right: bool,
    verdict: String,
    findings: Vec<String>,
}

pub(crate) fn rows(
    folder: &Path,
    settings: &CheckSettings,
    only: Option<&str>,
) -> Result<Vec<FileRow>, Failure> {
    let mut rows = Vec::new();
    for case in cases()? {
        if only.is_some_and(|only| !case.name.contains(only)) {
            continue;
        }
        let path = folder.join("case.svs");
        write_scan(&case.scan, &path)?;
        let check = match open(&path, &OpenOptions::default()) {
            Ok(slide) => check_slide(slide.as_ref(), settings),
            Err(error) => Check::unreadable(&error.to_string()),
        };
        let findings = check.findings.iter().map(|f| format!("{} {:.3}", f.fault, f.value));
        rows.push(FileRow {
            right: is_right(&case, &check),
            file: case.name,
            should_be_called: case.expected.map(Fault::name),
            verdict: check.verdict.to_string(),
            findings: findings.collect(),
        });
    }
    Ok(rows)
}

pub(crate) fn print(rows: &[FileRow]) {
    println!("\n## Files\n");
    println!("| file | should be called | right | verdict | findings |");
    println!("|---|---|---|---|---|");
    for row in rows {
        println!(
            "| {} | {} | {} | {} | {} |",
            row.file,
            row.should_be_called.unwrap_or("nothing"),
            if row.right { "yes" } else { "NO" },
            row.verdict,
            row.findings.join(", ")
        );
    }
}

fn is_right(case: &Case, check: &Check) -> bool {
    match case.expected {
        Some(fault) => check.findings.iter().any(|finding| finding.fault == fault),
        None => check.verdict.passes(),
    }
}

fn cases() -> Result<Vec<Case>, Failure> {
    let recipe = SlideRecipe::healthy(21, 2048, 2048, 0.5);
    let middle = PixelRect::<Level0>::new(200, 200, 1536, 1536);
    let tissue = render_region(&recipe, middle)?;
    let case = |name: &str, scan: Scan, expected: Option<Fault>| Case {
        name: name.to_owned(),
        scan,
        expected,
    };
    let fine = || Scan { quality: 90, ..Scan::of(tissue.clone(), 0.5) };
    let plain = |side: u32, value: u8| Scan::plain(side, side, [value; 3], 0.5);
    let mut cases = vec![
        case("nothing wrong", fine(), None),
        case("pure glass", plain(1024, 243), Some(Fault::NoTissue)),
        case("pure black", plain(1024, 0), Some(Fault::Underexposed)),
        case("1 x 1 px", plain(1, 243), Some(Fault::TooSmall)),
        case("no macro image", fine(), Some(Fault::MacroAbsent)),
    ];
    for quality in [5, 10, 15, 20, 30] {
        let expected = (quality < 25).then_some(Fault::Compression);
        cases.push(case(&format!("JPEG quality {quality}"), Scan { quality, ..fine() }, expected));
    }
    for quality in [20, 40, 60, 80] {
        let image = recompressed(&tissue, quality, (3, 5))?;
        let scan = Scan { quality: 90, ..Scan::of(image, 0.5) };
        let name = format!("coded twice, first at {quality}");
        cases.push(case(&name, scan, Some(Fault::Recompressed)));
    }
    for (name, damage) in [("noise", Damage::Noise), ("zeros", Damage::Zeros)] {
        let scan = Scan { damaged: vec![((3, 2), damage)], ..fine() };
        cases.push(case(&format!("one tile of {name}"), scan, Some(Fault::BrokenTiles)));
    }
    cases.extend(missing_tissue()?);
    Ok(cases)
}

/// A glass with one or two pieces of tissue of which the scan holds one, with and without the
/// scanner's green frame.
fn missing_tissue() -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    let own = picture(31, 1200)?;
    let others = [300, 500, 800, 1100].map(|side| (side, picture(32, side)));
    for frame in [true, false] {
        let framed = |scan: Scan| {
            let macro_image = scan.macro_image.map(|image| MacroImage { frame, ..image });
            Scan { macro_image, ..scan }
        };
        let beside = if frame { "with frame" } else { "without frame" };
        let alone = MacroImage::of_scan(&own, 4.0);
        let whole = Scan { macro_image: Some(alone), ..Scan::of(own.clone(), 4.0) };
        cases.push(Case {
            name: format!("all tissue scanned, {beside}"),
            scan: framed(whole),
            expected: None,
        });
        for (side, other) in &others {
            let other = other.as_ref().map_err(ToString::to_string)?.clone();
            let scan = Scan::of(own.clone(), 4.0).missing(other);
            cases.push(Case {
                name: format!(
                    "a piece within {:.1} mm not scanned, {beside}",
                    f64::from(*side) * 0.004
                ),
                scan: framed(scan),
                expected: Some(Fault::MissingTissue),
            });
        }
    }
    Ok(cases)
}

/// A painted piece of tissue with glass around, at 4 um per pixel.
fn picture(seed: u64, side: u32) -> Result<RgbImage, Failure> {
    const BAND: u32 = 16;
    let slide = SyntheticSlide::new(&SlideRecipe::healthy(seed, side, side, 4.0))?;
    let bands: Vec<RgbImage> = (0..side)
        .into_par_iter()
        .step_by(BAND as usize)
        .map(|y| slide.render(PixelRect::new(0, i64::from(y), side, BAND.min(side - y))))
        .collect();
    let pixels = bands.into_iter().flat_map(RgbImage::into_pixels).collect();
    Ok(RgbImage::from_pixels(side, side, pixels)?)
}

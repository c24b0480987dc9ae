//! Artefacts of a strength that anybody sees, planted into a generated slide: each is called by its
//! name, where it is, and sends the slide where it should go.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the windows serve another test")]
mod planted;

use bianque_core::{PixelRect, Point};
use bianque_quality::{Check, CheckSettings, Fault, Verdict, check_slide};
use bianque_slide::{OpenOptions, Slide, open};
use bianque_testkit::{
    SlideRecipe,
    artefacts::{
        Artefact, Axis, Bubble, Defocus, Dirt, Exposure, Fold, Pen, Region, StainShift, Stitching,
        Stripes, Stroke, Tear, WhiteBalance,
    },
    histology::InkColour,
    write_svs,
};
use planted::PlantedSlide;

fn checked(slide: &dyn Slide) -> Check {
    check_slide(slide, &CheckSettings::with_overrides(None).unwrap())
}

/// A place with tissue all around it.
fn middle(check: &Check) -> Point<bianque_core::Level0> {
    let tissue = check.tissue.as_ref().unwrap();
    let places = (4..20).flat_map(|row| (4..28).map(move |column| (column * 128, row * 128)));
    let share =
        |(x, y): &(i64, i64)| tissue.tissue_fraction(PixelRect::new(x - 450, y - 450, 900, 900));
    let best = places.max_by(|a, b| share(a).total_cmp(&share(b))).unwrap();
    Point::new(best.0 as f64, best.1 as f64)
}

#[test]
fn what_anybody_sees_is_called_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slide.svs");
    write_svs(&SlideRecipe::healthy(11, 4096, 3072, 0.5), &path).unwrap();
    let slide = open(&path, &OpenOptions::default()).unwrap();
    let clean = checked(slide.as_ref());
    assert!(clean.verdict.passes(), "{:?}", clean.findings);
    let at = middle(&clean);
    let across = |width: f64| {
        let (from, to) =
            (Point::new(at.x - 600.0, at.y - 200.0), Point::new(at.x + 600.0, at.y + 200.0));
        Stroke::wavy(from, to, width, 0.1, 5)
    };
    let out_of_the_scan = Stroke::wavy(at, Point::new(at.x, -400.0), 300.0, 0.05, 7);
    let patch = |radius: f64| Region::ellipse(at, radius, 0.9 * radius);
    let cases: Vec<(Fault, Verdict, Box<dyn Artefact>)> = vec![
        (Fault::OutOfFocus, Verdict::Rescan, Box::new(Defocus::lens(8.0))),
        (Fault::OutOfFocus, Verdict::Rescan, Box::new(Defocus::lens(10.0).within(patch(700.0)))),
        (
            Fault::Stripes,
            Verdict::Rescan,
            Box::new(Stripes {
                axis: Axis::X,
                period: 800.0,
                step: 18.0,
                extent: slide.facts().bounds(),
                seed: 3,
            }),
        ),
        (Fault::Fold, Verdict::PassMarked, Box::new(Fold::new(across(160.0), 1.0))),
        (
            Fault::Stitching,
            Verdict::PassMarked,
            Box::new(Stitching {
                axis: Axis::X,
                shift: (0.0, 24.0),
                extent: PixelRect::new(at.x as i64 - 400, 0, 800, slide.facts().bounds().height),
            }),
        ),
        (Fault::Tear, Verdict::PassMarked, Box::new(Tear::new(across(120.0).tapered(0.25)))),
        (Fault::Bubble, Verdict::Recut, Box::new(Bubble::new(patch(450.0), 1.0))),
        (
            Fault::Dirt,
            Verdict::PassMarked,
            Box::new(Dirt::scattered(&patch(450.0), 12, 44.0, 0.95, 2)),
        ),
        (
            Fault::Ink,
            Verdict::PassMarked,
            Box::new(Pen::new(vec![across(300.0)], InkColour::Green, 1.0)),
        ),
        (
            Fault::Ink,
            Verdict::PassMarked,
            Box::new(Pen::new(vec![out_of_the_scan], InkColour::Black, 1.5)),
        ),
        (Fault::Overexposed, Verdict::Rescan, Box::new(Exposure { gain: 1.8 })),
        (Fault::Underexposed, Verdict::Rescan, Box::new(Exposure { gain: 0.1 })),
        (Fault::WhiteBalance, Verdict::Rescan, Box::new(WhiteBalance { gains: [1.0, 1.0, 0.75] })),
        (Fault::TooPale, Verdict::Restain, Box::new(StainShift::new(0.2, 0.2))),
        (Fault::TooDark, Verdict::PassMarked, Box::new(StainShift::new(4.0, 4.0))),
    ];
    let mut failures = Vec::new();
    for (fault, verdict, artefact) in cases {
        let truth = artefact.truth();
        let check = checked(&PlantedSlide::new(slide.as_ref(), vec![artefact]));
        let Some(finding) = check.findings.iter().find(|finding| finding.fault == fault) else {
            let names: Vec<_> = check.findings.iter().map(|f| f.fault.name()).collect();
            failures.push(format!("{fault} is called {names:?}"));
            continue;
        };
        // Whatever else is said, the slide must not get off more lightly than it should.
        if check.verdict < verdict {
            failures.push(format!("{fault}: {} at {}", check.verdict, finding.value));
        }
        let placed = finding.areas.is_empty()
            || truth.is_empty()
            || finding.areas.iter().any(|area| {
                truth.iter().any(|truth| area.outer.iter().any(|place| truth.contains(*place)))
                    || truth.iter().any(|truth| truth.outer.iter().any(|p| area.contains(*p)))
            });
        if !placed {
            failures.push(format!("{fault} is not where it was planted"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

//! Plants, checks, and counts what is found.

use bianque_core::{Level0, Point, Polygon, Rect};
use bianque_quality::{Check, CheckSettings, Fault, check_slide};

use crate::{
    Arguments,
    artefacts::{KINDS, Kind},
    grounds::Ground,
    planted::PlantedSlide,
};

/// Recall that a strength needs to count as found.
const ENOUGH: f64 = 0.95;

/// What became of one planted artefact.
struct Outcome {
    found: bool,
    /// Share of the artefact that the finding covers, and overlap over union, where both have areas.
    overlap: Option<(f64, f64)>,
    /// What else was said that the clean slide was not.
    others: Vec<Fault>,
}

pub(crate) fn report(grounds: &[Ground<'_>], settings: &CheckSettings, arguments: &Arguments) {
    println!("\n## Planted artefacts ({} slides)\n", grounds.len());
    println!(
        "| artefact | strength | recall by strength | covered, IoU (from visible on) | found from | \
         visible from | also said |"
    );
    println!("|---|---|---|---|---|---|---|");
    for kind in KINDS {
        if arguments.only.as_ref().is_some_and(|only| !kind.name.contains(only)) {
            continue;
        }
        let places = if kind.local { arguments.places } else { 1 };
        row(kind, grounds, settings, places);
    }
}

fn row(kind: &Kind, grounds: &[Ground<'_>], settings: &CheckSettings, places: u32) {
    let (mut recalls, mut overlaps, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for strength in kind.strengths {
        let mut outcomes = Vec::new();
        for (ground, number) in grounds.iter().zip(1..) {
            for place in 1..=places {
                outcomes.push(try_one(kind, *strength, ground, number * 100 + place, settings));
            }
        }
        let found = outcomes.iter().filter(|outcome| outcome.found).count();
        recalls.push((*strength, found as f64 / outcomes.len().max(1) as f64));
        if *strength >= kind.visible {
            overlaps.extend(outcomes.iter().filter(|o| o.found).filter_map(|o| o.overlap));
            others.extend(outcomes.into_iter().flat_map(|outcome| outcome.others));
        }
    }
    let from = recalls.iter().rev().take_while(|(_, recall)| *recall >= ENOUGH).last();
    let listed: Vec<String> =
        recalls.iter().map(|(strength, recall)| format!("{strength}: {recall:.2}")).collect();
    let mean = |part: fn(&(f64, f64)) -> f64| {
        overlaps.iter().map(part).sum::<f64>() / overlaps.len().max(1) as f64
    };
    let overlap = if overlaps.is_empty() {
        "-".to_owned()
    } else {
        format!("{:.2}, {:.2}", mean(|o| o.0), mean(|o| o.1))
    };
    println!(
        "| {} | {} | {} | {overlap} | {} | {} | {} |",
        kind.name,
        kind.unit,
        listed.join(", "),
        from.map_or("never".to_owned(), |(strength, _)| strength.to_string()),
        kind.visible,
        counted(&others)
    );
}

fn try_one(
    kind: &Kind,
    strength: f64,
    ground: &Ground<'_>,
    seed: u32,
    settings: &CheckSettings,
) -> Outcome {
    let artefact = (kind.plant)(strength, ground, seed);
    let truth = artefact.truth();
    let planted = PlantedSlide::new(ground.slide.as_ref(), vec![artefact]);
    let check = check_slide(&planted, settings);
    let others = check
        .findings
        .iter()
        .map(|finding| finding.fault)
        .filter(|fault| *fault != kind.fault && !has(&ground.clean, *fault))
        .collect();
    let (found, overlap) = judge(kind.fault, &truth, &check, &ground.clean);
    Outcome { found, overlap, others }
}

fn has(check: &Check, fault: Fault) -> bool {
    check.findings.iter().any(|finding| finding.fault == fault)
}

fn areas(check: &Check, fault: Fault) -> Vec<&Polygon<Level0>> {
    check.findings.iter().filter(|f| f.fault == fault).flat_map(|f| &f.areas).collect()
}

/// Whether a fault was found that the clean slide has not, in the artefact's place if both have one.
fn judge(
    fault: Fault,
    truth: &[Polygon<Level0>],
    check: &Check,
    clean: &Check,
) -> (bool, Option<(f64, f64)>) {
    let (said, before) = (areas(check, fault), areas(clean, fault));
    if !has(check, fault) {
        return (false, None);
    }
    if truth.is_empty() || said.is_empty() {
        return (!has(clean, fault), None);
    }
    let corners = truth.iter().chain(said.iter().copied()).filter_map(Polygon::bounds);
    let Some(bounds) = Rect::around(corners.flat_map(|rect| [rect.min, rect.max])) else {
        return (false, None);
    };
    let (mut planted, mut both, mut either, mut new) = (0_u32, 0_u32, 0_u32, 0_u32);
    // Thin lines fall between the points of a grid: a finding's own corners count for "found" too.
    for point in grid(bounds).chain(said.iter().flat_map(|polygon| polygon.outer.iter().copied())) {
        let is = |polygons: &[&Polygon<Level0>]| polygons.iter().any(|p| p.contains(point));
        let (here, said) = (truth.iter().any(|p| p.contains(point)), is(&said));
        planted += u32::from(here);
        both += u32::from(here && said);
        either += u32::from(here || said);
        new += u32::from(here && !is(&before));
    }
    let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
    let touches = both > 0
        || truth
            .iter()
            .any(|t| said.iter().any(|s| t.outer.iter().any(|point| s.contains(*point))))
        || truth
            .iter()
            .any(|t| said.iter().any(|s| s.outer.iter().any(|point| t.contains(*point))));
    (touches && new > 0, Some((share(both, planted), share(both, either))))
}

/// 128 x 128 places over a rectangle.
fn grid(bounds: Rect<Level0>) -> impl Iterator<Item = Point<Level0>> {
    const SIDE: u32 = 128;
    (0..SIDE * SIDE).map(move |at| {
        let part = |at: u32| (f64::from(at) + 0.5) / f64::from(SIDE);
        Point::new(
            bounds.min.x + part(at % SIDE) * bounds.width(),
            bounds.min.y + part(at / SIDE) * bounds.height(),
        )
    })
}

fn counted(faults: &[Fault]) -> String {
    let listed: Vec<String> = Fault::ALL
        .iter()
        .map(|fault| (fault, faults.iter().filter(|other| *other == fault).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(fault, count)| format!("{fault} {count}x"))
        .collect();
    listed.join(", ")
}

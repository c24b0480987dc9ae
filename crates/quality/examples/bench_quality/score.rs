//! Plants, checks, and counts what is found.

use bianque_core::{Level0, Polygon, Rect};
use bianque_quality::{Check, CheckSettings, Fault, check_slide};

use rayon::prelude::*;

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
        let tries: Vec<(&Ground<'_>, u32)> = grounds
            .iter()
            .zip(1..)
            .flat_map(|(ground, number)| (1..=places).map(move |at| (ground, number * 100 + at)))
            .collect();
        let outcomes: Vec<Outcome> = tries
            .par_iter()
            .map(|(ground, seed)| try_one(kind, *strength, ground, *seed, settings))
            .collect();
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
    if !has(check, fault) {
        return (false, None);
    }
    let (said, before) = (areas(check, fault), areas(clean, fault));
    if truth.is_empty() || said.is_empty() {
        return (!has(clean, fault), None);
    }
    let truth: Vec<&Polygon<Level0>> = truth.iter().collect();
    let corners = truth.iter().chain(&said).filter_map(|polygon| polygon.bounds());
    let Some(bounds) = Rect::around(corners.flat_map(|rect| [rect.min, rect.max])) else {
        return (false, None);
    };
    let [here, said, before] = [truth, said, before].map(|polygons| raster(&polygons, bounds));
    let count = |is: fn(bool, bool, bool) -> bool| {
        let all = here.iter().zip(&said).zip(&before);
        all.filter(|((here, said), before)| is(**here, **said, **before)).count() as f64
    };
    let both = count(|here, said, _| here && said);
    let found = count(|here, said, before| here && said && !before) > 0.0;
    let planted = count(|here, _, _| here).max(1.0);
    let either = count(|here, said, _| here || said).max(1.0);
    (found, Some((both / planted, both / either)))
}

/// Places along each side of a raster.
const SIDE: usize = 512;

/// Which of 512 x 512 places over a rectangle lie in any of some polygons (even-odd by scan line).
fn raster(polygons: &[&Polygon<Level0>], bounds: Rect<Level0>) -> Vec<bool> {
    let mut out = vec![false; SIDE * SIDE];
    let column = |x: f64| (x - bounds.min.x) / bounds.width().max(1e-9) * SIDE as f64 - 0.5;
    let row = |y: f64| (y - bounds.min.y) / bounds.height().max(1e-9) * SIDE as f64 - 0.5;
    for polygon in polygons {
        let mut crossings = vec![Vec::new(); SIDE];
        for ring in std::iter::once(&polygon.outer).chain(&polygon.holes) {
            for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                let (top, bottom) = if a.y < b.y { (a, b) } else { (b, a) };
                let first = row(top.y).ceil().max(0.0) as usize;
                let end = row(bottom.y).ceil().clamp(0.0, SIDE as f64) as usize;
                for (at, line) in crossings.iter_mut().enumerate().take(end).skip(first) {
                    let t = (at as f64 - row(top.y)) / (row(bottom.y) - row(top.y));
                    line.push(column(top.x + t * (bottom.x - top.x)));
                }
            }
        }
        for (line, places) in crossings.iter_mut().zip(out.chunks_exact_mut(SIDE)) {
            line.sort_by(f64::total_cmp);
            for pair in line.chunks_exact(2) {
                let start = pair[0].ceil().max(0.0) as usize;
                let end = pair[1].ceil().clamp(0.0, SIDE as f64) as usize;
                places[start.min(end)..end].fill(true);
            }
        }
    }
    out
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

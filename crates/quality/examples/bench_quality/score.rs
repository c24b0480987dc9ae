//! Plants, checks, and counts what is found.

use std::{collections::BTreeMap, path::Path};

use bianque_core::{Level0, Polygon};
use bianque_quality::{Check, CheckSettings, Fault, check_slide, site::StainReference};
use rayon::prelude::*;
use serde::Serialize;

use crate::{
    Arguments, Failure,
    artefacts::{KINDS, Kind},
    grounds::{Ground, Plan, scrambled},
    laboratory, pictures,
    planted::PlantedSlide,
    regions::{around, raster},
    wilson::Interval,
};

/// Recall that a strength needs to count as found.
const ENOUGH: f64 = 0.95;

/// What became of one planted artefact.
struct Outcome {
    kind: usize,
    /// Which of the kind's strengths.
    strength: usize,
    ground: String,
    found: bool,
    /// Share of the artefact that the finding covers, and overlap over union, where both have areas.
    overlap: Option<(f64, f64)>,
    /// What else was said that the clean slide was not.
    others: Vec<Fault>,
}

/// One artefact.
#[derive(Serialize)]
pub(crate) struct Row {
    artefact: &'static str,
    unit: &'static str,
    visible_from: f64,
    /// The smallest strength from which on recall is 0.95 or more.
    found_from: Option<f64>,
    /// From the visible strength on: share of the artefact that is covered, overlap over union.
    covered: Option<f64>,
    overlap_over_union: Option<f64>,
    strengths: Vec<Strength>,
    /// What else was said from the visible strength on, and how often.
    also_said: Vec<(&'static str, usize)>,
    /// Where it was missed at the visible strength.
    missed_on: Vec<String>,
}

/// One strength of an artefact.
#[derive(Serialize)]
struct Strength {
    strength: f64,
    found: usize,
    trials: usize,
    recall: f64,
    /// Wilson, 95 %.
    interval: Interval,
}

/// Plants every artefact into every ground. One ground is held in memory at a time.
pub(crate) fn rows(
    plans: &[Plan<'_>],
    settings: &CheckSettings,
    arguments: &Arguments,
) -> Result<Vec<Row>, Failure> {
    let meant = |kind: &Kind| arguments.only.as_ref().is_none_or(|only| kind.name.contains(only));
    let references = if KINDS.iter().any(|kind| kind.with_site && meant(kind)) {
        laboratory::references(plans, settings, arguments.seed)?
    } else {
        BTreeMap::new()
    };
    let mut outcomes = Vec::new();
    for (number, plan) in (0_u32..).zip(plans) {
        let ground = plan.prepare(settings)?;
        let reference = references.get(plan.origin);
        eprintln!("{}: {}", plan.name, names(&ground.clean));
        let tries: Vec<(usize, usize, u32)> = KINDS
            .iter()
            .enumerate()
            .filter(|(_, kind)| meant(kind))
            .flat_map(|(at, kind)| {
                let places = if kind.local { arguments.places } else { 1 };
                (0..kind.strengths.len()).flat_map(move |s| (0..places).map(move |p| (at, s, p)))
            })
            .collect();
        let seed = |kind: usize, place: u32| {
            scrambled(arguments.seed) ^ scrambled((kind as u32 * 64 + place) * 1024 + number)
        };
        let made: Result<Vec<Outcome>, String> = tries
            .par_iter()
            .map(|&(kind, strength, place)| {
                let told = (settings, reference);
                let trial = Trial::of(&KINDS[kind], strength, &ground, seed(kind, place), told);
                let is_visible = KINDS[kind].strengths[strength] == KINDS[kind].visible;
                if let (false, true, Some(folder)) = (trial.found, is_visible, &arguments.pictures)
                {
                    let name = format!("{}-{}-{place}", KINDS[kind].name, plan.name);
                    trial.picture(folder, &name.replace([' ', ','], "_"), &ground)?;
                }
                let ground = plan.name.clone();
                let Trial { found, overlap, others, .. } = trial;
                Ok(Outcome { kind, strength, ground, found, overlap, others })
            })
            .collect();
        outcomes.extend(made?);
    }
    let of = |at: usize| outcomes.iter().filter(move |outcome| outcome.kind == at);
    let kinds = KINDS.iter().enumerate().filter(|(_, kind)| meant(kind));
    Ok(kinds.map(|(at, kind)| Row::of(kind, &of(at).collect::<Vec<_>>())).collect())
}

impl Row {
    fn of(kind: &Kind, outcomes: &[&Outcome]) -> Self {
        let strengths: Vec<Strength> = kind
            .strengths
            .iter()
            .enumerate()
            .map(|(at, strength)| Strength::of(*strength, at, outcomes))
            .collect();
        let is_visible = |outcome: &&&Outcome| kind.strengths[outcome.strength] >= kind.visible;
        let visible: Vec<&&Outcome> = outcomes.iter().filter(is_visible).collect();
        let overlaps: Vec<(f64, f64)> =
            visible.iter().filter(|o| o.found).filter_map(|o| o.overlap).collect();
        let mean = |part: fn(&(f64, f64)) -> f64| {
            let sum: f64 = overlaps.iter().map(part).sum();
            (!overlaps.is_empty()).then(|| sum / overlaps.len() as f64)
        };
        let missed = visible
            .iter()
            .filter(|o| !o.found && kind.strengths[o.strength] == kind.visible)
            .map(|o| o.ground.clone());
        Self {
            artefact: kind.name,
            unit: kind.unit,
            visible_from: kind.visible,
            found_from: strengths
                .iter()
                .rev()
                .take_while(|strength| strength.recall >= ENOUGH)
                .last()
                .map(|strength| strength.strength),
            covered: mean(|overlap| overlap.0),
            overlap_over_union: mean(|overlap| overlap.1),
            also_said: counted(visible.iter().flat_map(|outcome| &outcome.others)),
            missed_on: missed.collect(),
            strengths,
        }
    }

    fn at_visible(&self) -> Option<&Strength> {
        self.strengths.iter().find(|strength| strength.strength >= self.visible_from)
    }

    fn print(&self) {
        let visible = self.at_visible().map_or("-".to_owned(), |at| {
            format!("{:.2} ({}/{}; {})", at.recall, at.found, at.trials, at.interval)
        });
        let by_strength: Vec<String> =
            self.strengths.iter().map(|s| format!("{}: {:.2}", s.strength, s.recall)).collect();
        let also: Vec<String> =
            self.also_said.iter().map(|(name, times)| format!("{name} {times}x")).collect();
        let overlap = match (self.covered, self.overlap_over_union) {
            (Some(covered), Some(overlap)) => format!("{covered:.2}, {overlap:.2}"),
            _ => "-".to_owned(),
        };
        println!(
            "| {} | {} | {} | {visible} | {} | {overlap} | {} | {} |",
            self.artefact,
            self.unit,
            self.visible_from,
            self.found_from.map_or("never".to_owned(), |strength| strength.to_string()),
            by_strength.join(", "),
            also.join(", ")
        );
    }
}

impl Strength {
    fn of(strength: f64, at: usize, outcomes: &[&Outcome]) -> Self {
        let tried = outcomes.iter().filter(|outcome| outcome.strength == at);
        let (mut found, mut trials) = (0, 0);
        for outcome in tried {
            trials += 1;
            found += usize::from(outcome.found);
        }
        let recall = found as f64 / trials.max(1) as f64;
        Self { strength, found, trials, recall, interval: Interval::of(found, trials) }
    }
}

pub(crate) fn print(rows: &[Row], grounds: usize) {
    println!("\n## Planted artefacts ({grounds} grounds)\n");
    println!(
        "| artefact | strength | visible from | recall there (count; 95 % interval) | \
         recall >= 0.95 from | covered, IoU | recall by strength | also said |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    rows.iter().for_each(Row::print);
    for row in rows.iter().filter(|row| !row.missed_on.is_empty()) {
        eprintln!("{} missed on: {}", row.artefact, row.missed_on.join(", "));
    }
}

fn names(check: &Check) -> String {
    let names: Vec<String> =
        check.findings.iter().map(|f| format!("{} {:.3}", f.fault, f.value)).collect();
    names.join(", ")
}

/// One planting and what was said of it.
struct Trial {
    kind: &'static Kind,
    strength: usize,
    seed: u32,
    check: Check,
    found: bool,
    overlap: Option<(f64, f64)>,
    others: Vec<Fault>,
}

impl Trial {
    fn of(
        kind: &'static Kind,
        strength: usize,
        ground: &Ground<'_>,
        seed: u32,
        (settings, reference): (&CheckSettings, Option<&StainReference>),
    ) -> Self {
        let artefact = (kind.plant)(kind.strengths[strength], ground, seed);
        let truth = artefact.truth();
        let planted = PlantedSlide::new(&ground.slide, vec![artefact]);
        let mut check = check_slide(&planted, settings);
        if let (true, Some(reference)) = (kind.with_site, reference) {
            check.hold_against(reference, &settings.thresholds);
        }
        let others = check
            .findings
            .iter()
            .map(|finding| finding.fault)
            .filter(|fault| !kind.is_called(*fault) && !has(&ground.clean, *fault))
            .collect();
        let verdicts = kind.faults.iter().map(|fault| judge(*fault, &truth, &check, &ground.clean));
        let (found, overlap) = verdicts.max_by_key(|(found, _)| *found).unwrap_or((false, None));
        Self { kind, strength, seed, check, found, overlap, others }
    }

    fn picture(&self, folder: &Path, name: &str, ground: &Ground<'_>) -> Result<(), String> {
        let artefact = (self.kind.plant)(self.kind.strengths[self.strength], ground, self.seed);
        let truth = artefact.truth();
        let planted = PlantedSlide::new(&ground.slide, vec![artefact]);
        let said = (&self.check, self.kind.faults[0]);
        pictures::write(folder, name, &planted, &truth, said).map_err(|error| error.to_string())
    }
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
    let Some(bounds) = around(truth.iter().chain(&said).copied()) else { return (false, None) };
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

fn counted<'a>(faults: impl Iterator<Item = &'a Fault>) -> Vec<(&'static str, usize)> {
    let faults: Vec<&Fault> = faults.collect();
    Fault::ALL
        .iter()
        .map(|fault| (fault.name(), faults.iter().filter(|other| **other == fault).count()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

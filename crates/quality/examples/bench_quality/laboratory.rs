//! A laboratory's own stain: what `--site` would hold a slide against.

use std::collections::BTreeMap;

use bianque_core::Digest;
use bianque_quality::{
    CheckSettings, check_slide,
    site::{SiteLog, SlideRecord, StainReference},
};
use bianque_testkit::artefacts::StainShift;
use rayon::prelude::*;

use crate::{
    Failure,
    grounds::{Plan, scrambled},
    planted::PlantedSlide,
};

/// Slides that each laboratory has sent in before.
const SLIDES: u32 = 30;
/// By how much haematoxylin and eosin, each alone, vary from slide to slide: one deviation of the
/// logarithm. Assumed, not measured.
const SPREAD: f64 = 0.12;

/// For each origin of grounds the stain of slides that passed: its grounds with varied stain.
pub(crate) fn references(
    plans: &[Plan<'_>],
    settings: &CheckSettings,
    seed: u32,
) -> Result<BTreeMap<&'static str, StainReference>, Failure> {
    let mut records: BTreeMap<&'static str, Vec<SlideRecord>> = BTreeMap::new();
    for (number, plan) in (0_u32..).zip(plans) {
        let like = plans.iter().filter(|other| other.origin == plan.origin).count() as u32;
        let ground = plan.prepare(settings)?;
        let own: Vec<SlideRecord> = (0..SLIDES.div_ceil(like))
            .into_par_iter()
            .map(|at| {
                let drawn = scrambled(seed ^ scrambled(number * 1000 + at));
                let varied = |salt: u32| (SPREAD * bell(drawn ^ salt)).exp() as f32;
                let shift = StainShift::new(varied(0x11), varied(0x22));
                let slide = PlantedSlide::new(&ground.slide, vec![Box::new(shift)]);
                let check = check_slide(&slide, settings);
                let measures = check.measures.into_iter();
                SlideRecord {
                    digest: Digest::of(&[number.to_le_bytes(), at.to_le_bytes()].concat()),
                    name: None,
                    scanner: None,
                    stainer: None,
                    day: "2026-01-05".parse().unwrap(),
                    version: String::new(),
                    verdict: check.verdict,
                    measures: measures.map(|(name, value)| (name.to_owned(), value)).collect(),
                }
            })
            .collect();
        records.entry(plan.origin).or_default().extend(own);
    }
    let judged = Digest::of(b"the slide that is judged");
    records
        .into_iter()
        .map(|(origin, records)| {
            let reference = StainReference::of(&SiteLog::of(records), None, None, &judged);
            let reference = reference.map_err(|few| format!("{origin}: {few:?}"))?;
            Ok((origin, reference))
        })
        .collect()
}

/// Mean 0, deviation 1 (twelve uniform numbers).
fn bell(seed: u32) -> f64 {
    let of = |n: u32| f64::from(scrambled(seed.wrapping_add(n * 7919))) / 4_294_967_296.0;
    (0..12).map(of).sum::<f64>() - 6.0
}

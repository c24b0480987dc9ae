//! The check itself: a slide, its verdict, and where it should not be looked at.

use std::time::Instant;

use bianque_core::{Level0, PixelRect, Point, Polygon};
use bianque_slide::Slide;

use super::{
    checker::Checker,
    fault::Fault,
    scene::Scene,
    thresholds::Thresholds,
    verdict::{Finding, Measures, Verdict},
};
use crate::{
    Result, Tissue, TissueSettings,
    coverage::CoverageTable,
    site::{Departure, StainReference},
};

/// What a check goes by.
#[derive(Clone, Debug)]
pub struct CheckSettings {
    /// How tissue is looked for.
    pub tissue: TissueSettings,
    /// From which value on a fault is marked and the slide is sent back.
    pub thresholds: Thresholds,
}

impl CheckSettings {
    /// The shipped thresholds, with what a site's file changes.
    ///
    /// # Errors
    /// See [`Thresholds::with_overrides`].
    pub fn with_overrides(text: Option<&str>) -> Result<Self> {
        let thresholds = Thresholds::with_overrides(text)?;
        Ok(Self { tissue: TissueSettings::default(), thresholds })
    }
}

/// A judged slide.
#[derive(Clone, Debug)]
pub struct Check {
    /// What happens to it.
    pub verdict: Verdict,
    /// Why, the gravest first.
    pub findings: Vec<Finding>,
    /// Facts that a person should know and that change no verdict.
    pub notes: Vec<String>,
    /// Everything that was measured.
    pub measures: Measures,
    /// Where the tissue is; `None` where nothing could be read.
    pub tissue: Option<Tissue>,
    /// Wall seconds by step.
    pub seconds: Vec<(&'static str, f64)>,
    pub(super) flawed: Flawed,
}

impl Check {
    /// The share of a rectangle that lesion finding should leave out, 0 to 1: what is out of focus,
    /// and the places of findings that fail.
    #[must_use]
    pub fn flawed_fraction(&self, rect: PixelRect<Level0>) -> f64 {
        let area = rect.area() as f64 / (self.flawed.scale.0 * self.flawed.scale.1);
        let Some(table) = &self.flawed.table else { return 0.0 };
        if area <= 0.0 {
            return 0.0;
        }
        let (x, y) = self.flawed.scale;
        let covered = table.area(
            rect.x as f64 / x,
            rect.y as f64 / y,
            rect.right() as f64 / x,
            rect.bottom() as f64 / y,
        );
        (covered / area).clamp(0.0, 1.0)
    }

    /// Holds the stain against a site's own, and marks what departs from it.
    pub fn hold_against(&mut self, reference: &StainReference, thresholds: &Thresholds) {
        let Some(furthest) = reference.departures(&self.measures).into_iter().next() else {
            return;
        };
        let Departure { measure, value, usual, z } = furthest;
        let say = format!(
            "{measure} is {value:.2}, usual here is {usual:.2}: {z:+.1} robust deviations of {} \
             slides",
            reference.slides
        );
        match thresholds.judge(Fault::UnlikeSite, z.abs(), say.clone()) {
            Some(finding) => {
                self.findings.push(finding);
                sort_by_gravity(&mut self.findings);
                self.verdict = Verdict::of(&self.findings);
            }
            None => self.notes.push(format!("held against the site's own stain: {say}")),
        }
    }

    /// The check of a slide that cannot be read at all.
    #[must_use]
    pub fn unreadable(why: &str) -> Self {
        let finding = Finding {
            fault: Fault::Unreadable,
            fails: true,
            value: 1.0,
            threshold: 1.0,
            areas: Vec::new(),
            tissue_share: None,
            crop: None,
            note: why.to_owned(),
        };
        Self {
            verdict: Verdict::Unreadable,
            findings: vec![finding],
            notes: Vec::new(),
            measures: Measures::new(),
            tissue: None,
            seconds: Vec::new(),
            flawed: Flawed { table: None, scale: (1.0, 1.0) },
        }
    }
}

/// The gravest first, of equal ones what takes most of the tissue.
pub(super) fn sort_by_gravity(findings: &mut [Finding]) {
    let gravity = |finding: &Finding| (finding.verdict(), finding.tissue_share.unwrap_or(1.0));
    findings.sort_by(|a, b| {
        let (a, b) = (gravity(a), gravity(b));
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
}

/// Where something is wrong, for quick questions.
#[derive(Clone, Debug)]
pub(super) struct Flawed {
    pub(super) table: Option<CoverageTable>,
    pub(super) scale: (f64, f64),
}

/// Judges a slide. Whatever is wrong with it is a finding, never an error: a slide that cannot be
/// read has the verdict [`Verdict::Unreadable`].
#[must_use]
pub fn check_slide(slide: &dyn Slide, settings: &CheckSettings) -> Check {
    let started = Instant::now();
    let scene = match Scene::read(slide, &settings.tissue) {
        Ok(scene) => scene,
        Err(error) => return Check::unreadable(&error.to_string()),
    };
    let mut checker = Checker::new(&scene, settings, started);
    match checker.measure() {
        Ok(()) => checker.finish(),
        Err(error) => Check::unreadable(&error.to_string()),
    }
}

/// A rectangle's outline.
pub(super) fn rectangle(rect: &PixelRect<Level0>) -> Polygon<Level0> {
    let (left, top) = (rect.x as f64, rect.y as f64);
    let (right, bottom) = (rect.right() as f64, rect.bottom() as f64);
    Polygon::simple(
        [(left, top), (right, top), (right, bottom), (left, bottom)]
            .into_iter()
            .map(|(x, y)| Point::new(x, y))
            .collect(),
    )
}

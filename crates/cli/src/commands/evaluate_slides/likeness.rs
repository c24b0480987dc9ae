//! How alike slides are to those of other sites and to those that a run was about.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use anyhow::Context;
use bianque_lesion::{
    FeatureFolder, FeatureMatrix, LesionError, Novelty, NoveltyGroup, PredictedSlide, Predictions,
    RunReference, SiteShift, SlideEvaluationSettings, mean_features, novelty, site_novelty,
    site_shift,
};
use serde::Serialize;

use crate::{commands::write_file, interrupt, terminal::Terminal};

/// How alike slides are to those of other sites and to those that a run was about.
#[derive(Default, Serialize)]
pub(crate) struct Likeness {
    /// Whether the site can be told from the features.
    pub(super) site_shift: Option<SiteShift>,
    /// Every site's slides, measured from those of the other sites.
    pub(super) site_novelty: Vec<NoveltyGroup>,
    /// The slides, measured from those that the run was about.
    pub(super) novelty: Option<Novelty>,
}

impl Likeness {
    /// What can be said of sites, where these are known; says why where not.
    pub(crate) fn between_sites(
        predictions: &Predictions,
        features: &FeatureFolder,
        settings: &SlideEvaluationSettings,
        terminal: &Terminal,
    ) -> anyhow::Result<Self> {
        let (mut places, mut sites, mut patients) = (Vec::new(), Vec::new(), Vec::new());
        let mut numbers = BTreeMap::new();
        // By name: the same slides give the same figures in whatever order they were predicted.
        let mut slides: Vec<&PredictedSlide> = predictions.slides.iter().collect();
        slides.sort_by(|a, b| a.slide.cmp(&b.slide));
        for slide in slides {
            if let (Some(site), Some(place)) = (&slide.site, features.find(&slide.slide)) {
                places.push(place);
                sites.push(site.clone());
                let next = numbers.len();
                patients.push(*numbers.entry(slide.patient.as_str()).or_insert(next));
            }
        }
        if sites.is_empty() {
            return Ok(Self::default());
        }
        let vectors = mean_features(&features.bags(&places), &*interrupt::flag()?)?;
        let (rounds, seed) = (settings.rounds, settings.seed);
        let shift = site_shift(&vectors, &sites, &patients, rounds, seed);
        let distance = site_novelty(&vectors, &sites, &patients, seed);
        Ok(Self {
            site_shift: or_why("site shift", shift, terminal)?,
            site_novelty: or_why("distance between sites", distance, terminal)?.unwrap_or_default(),
            novelty: None,
        })
    }

    /// Measures how far slides lie from those that a run was about.
    pub(super) fn measure_from_run(
        &mut self,
        run: &Path,
        predictions: &Predictions,
        vectors: &FeatureMatrix,
        settings: &SlideEvaluationSettings,
        terminal: &Terminal,
    ) -> anyhow::Result<()> {
        let what = "distance from the training slides";
        let Some(reference) = RunReference::read(run)? else {
            terminal.note(&format!("{what} is not measured: the run kept no training slides"));
            return Ok(());
        };
        let sites: Vec<Option<String>> =
            predictions.slides.iter().map(|s| s.site.clone()).collect();
        let (training, patients) = (&reference.vectors, &reference.patient_of);
        let found = novelty(training, patients, vectors, &sites, settings.seed);
        self.novelty = or_why(what, found, terminal)?;
        Ok(())
    }

    /// Writes each slide's distance from the training slides, where that was measured.
    pub(super) fn write_distances(
        &self,
        path: &Path,
        predictions: &Predictions,
    ) -> anyhow::Result<()> {
        let Some(novelty) = &self.novelty else { return Ok(()) };
        let mut text = String::from("slide,distance,beyond\n");
        for (slide, distance) in predictions.slides.iter().zip(&novelty.distances) {
            let name = slide.slide.replace('"', "\"\"");
            writeln!(text, "\"{name}\",{distance},{}", u8::from(*distance > novelty.limit))?;
        }
        write_file(path, text.as_bytes())
    }
}

/// The mean features of every slide, a row each.
pub(super) fn vectors(
    predictions: &Predictions,
    features: &FeatureFolder,
) -> anyhow::Result<FeatureMatrix> {
    let find = |name: &str| features.find(name).with_context(|| format!("no features of {name}"));
    let slides = predictions.slides.iter();
    let places = slides.map(|slide| find(&slide.slide)).collect::<Result<Vec<_>, _>>()?;
    Ok(mean_features(&features.bags(&places), &*interrupt::flag()?)?)
}

/// What was measured; where the slides do not suffice, says why.
fn or_why<T>(
    what: &str,
    measured: Result<T, LesionError>,
    terminal: &Terminal,
) -> anyhow::Result<Option<T>> {
    match measured {
        Ok(found) => Ok(Some(found)),
        Err(LesionError::Data(why)) => {
            terminal.note(&format!("{what} is not measured: {why}"));
            Ok(None)
        }
        Err(other) => Err(other.into()),
    }
}

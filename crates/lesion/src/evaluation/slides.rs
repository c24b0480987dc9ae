//! Everything that is measured of predictions of slides, in one document.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    abstention::{self, Abstention},
    agreement::{balanced_accuracy, confusion_counts, mean, quadratic_kappa, weighted_f1},
    auroc::auroc,
    bootstrap::{Estimate, PatientBootstrap},
    calibrated::{self, Calibration},
    ranking::{CurvePoint, average_precision, concordance_within, curve},
    reliability::most_probable,
};
use crate::{
    error::{LesionError, Result},
    slide_head::{SlidePurpose, SlideTarget},
    slide_training::Predictions,
};

/// How predictions are measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlideEvaluationSettings {
    /// Cohorts that are resampled for every interval.
    pub rounds: usize,
    /// Largest share of slides whose true class may be excluded.
    pub alpha: f64,
    /// Seed of the resampling.
    pub seed: u64,
}

impl Default for SlideEvaluationSettings {
    fn default() -> Self {
        Self { rounds: 1000, alpha: 0.1, seed: 1 }
    }
}

/// What is measured, in words: predictions of tiles are measured like those of slides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationUnit {
    /// What stands in the place of slides, such as `tiles`.
    pub items: String,
    /// What stands in the place of patients; the same as `items` where each is taken alone.
    pub groups: String,
}

impl Default for EvaluationUnit {
    fn default() -> Self {
        Self { items: "slides".into(), groups: "patients".into() }
    }
}

/// A measure by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlideMeasure {
    /// `auroc`, `auprc`, `balanced_accuracy`, `weighted_f1`, `quadratic_kappa`, `accuracy`;
    /// `mean_absolute_error`, `r2`, `pearson`; `c_index`.
    pub name: String,
    /// The measure; absent where the slides do not have what it needs.
    #[serde(flatten)]
    pub estimate: Option<Estimate>,
}

/// The measures on slides that have something in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlideGroup {
    /// `site` or `scanner`.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Slides.
    pub slides: usize,
    /// Patients.
    pub patients: usize,
    /// The measures.
    pub measures: Vec<SlideMeasure>,
}

/// One class against the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassCurve {
    /// The class.
    pub class: String,
    /// Slides of it.
    pub slides: usize,
    /// Area under the receiver operating characteristic.
    pub auroc: Option<f64>,
    /// Average precision.
    pub auprc: Option<f64>,
    /// Both curves.
    pub points: Vec<CurvePoint>,
}

/// Everything that is measured of predictions. What does not apply is empty or absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlideEvaluation {
    /// How it was measured.
    pub settings: SlideEvaluationSettings,
    /// What counts as a slide and as a patient here.
    #[serde(default)]
    pub unit: EvaluationUnit,
    /// `classification`, `value` or `survival`.
    pub question: String,
    /// Slides.
    pub slides: usize,
    /// Patients: what intervals resample.
    pub patients: usize,
    /// On all slides.
    pub measures: Vec<SlideMeasure>,
    /// By site and by scanner, the worst first.
    pub groups: Vec<SlideGroup>,
    /// The classes' names.
    pub classes: Vec<String>,
    /// Slides by true class (row) and most probable class (column).
    pub confusion: Vec<Vec<u64>>,
    /// Each class against the others.
    pub curves: Vec<ClassCurve>,
    /// How honest the probabilities are, as they are and recalibrated.
    pub calibration: Option<Calibration>,
    /// What comes of abstention.
    pub abstention: Option<Abstention>,
    /// True and said values: for a picture.
    pub values: Vec<(f64, f64)>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl SlideEvaluation {
    /// Measures predictions.
    ///
    /// # Errors
    /// When there are none, or a setting is out of range.
    pub fn measure(predictions: &Predictions, settings: &SlideEvaluationSettings) -> Result<Self> {
        Self::measure_as(predictions, settings, EvaluationUnit::default())
    }

    /// The same of something else than slides of patients.
    ///
    /// # Errors
    /// As [`SlideEvaluation::measure`].
    pub fn measure_as(
        predictions: &Predictions,
        settings: &SlideEvaluationSettings,
        unit: EvaluationUnit,
    ) -> Result<Self> {
        if predictions.slides.is_empty() {
            return Err(LesionError::Data("there are no predictions to measure".into()));
        }
        if !(settings.alpha > 0.0 && settings.alpha < 0.5) || settings.rounds > 100_000 {
            let what = "alpha must be above 0 and below 0.5, rounds at most 100000";
            return Err(LesionError::Setting(what.into()));
        }
        let subject = Subject::new(predictions);
        let bootstrap = PatientBootstrap::new(&subject.patient_of, settings.rounds, settings.seed);
        let patients: BTreeSet<usize> = subject.patient_of.iter().copied().collect();
        let mut out = Self {
            settings: settings.clone(),
            question: subject.question().into(),
            slides: predictions.slides.len(),
            patients: patients.len(),
            measures: subject.measures(&bootstrap, |slides| slides.to_vec()),
            groups: Vec::new(),
            classes: Vec::new(),
            confusion: Vec::new(),
            curves: Vec::new(),
            calibration: None,
            abstention: None,
            values: Vec::new(),
            warnings: warnings(predictions, patients.len(), &unit),
            unit,
        };
        out.groups = subject.groups(settings);
        match &predictions.purpose {
            SlidePurpose::Classification { classes } => {
                let count = classes.len();
                out.classes.clone_from(classes);
                out.confusion = confusion_counts(&subject.truth, &subject.best, count);
                out.curves =
                    (0..count).map(|class| subject.curve(class, &classes[class])).collect();
                let folds = calibrated::folds(&subject.patient_of, &subject.truth, settings.seed);
                if let Some(folds) = folds {
                    let rows = &subject.said;
                    out.calibration = calibrated::calibration(rows, &subject.truth, &folds)?;
                    let held = abstention::Held { rows, truth: &subject.truth, folds: &folds };
                    out.abstention = abstention::abstention(predictions, &held, settings.alpha);
                } else {
                    let groups = &out.unit.groups;
                    let what = format!("too few {groups} to recalibrate or to test abstention on");
                    out.warnings.push(what);
                }
            }
            SlidePurpose::Regression { .. } => {
                out.values =
                    (0..out.slides).map(|s| (subject.value(s), subject.said[s][0])).collect();
            }
            SlidePurpose::Survival => {}
        }
        Ok(out)
    }

    /// Leaves out what takes the classes for an order.
    pub fn forget_order(&mut self) {
        let of_groups = self.groups.iter_mut().map(|group| &mut group.measures);
        for measures in of_groups.chain([&mut self.measures]) {
            measures.retain(|measure| measure.name != "quadratic_kappa");
        }
    }

    /// A measure by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Estimate> {
        self.measures.iter().find(|measure| measure.name == name).and_then(|m| m.estimate)
    }
}

fn warnings(predictions: &Predictions, patients: usize, unit: &EvaluationUnit) -> Vec<String> {
    let EvaluationUnit { items, groups } = unit;
    let mut warnings = Vec::new();
    if patients < 30 {
        warnings.push(format!("{patients} {groups} only: intervals are wide and not exact"));
    }
    if let SlidePurpose::Classification { classes } = &predictions.purpose {
        for (class, name) in classes.iter().enumerate() {
            let own = predictions.slides.iter().filter(|s| s.truth == SlideTarget::Class(class));
            let count = own.count();
            if count < 10 {
                warnings.push(format!("{count} {items} of class '{name}' only"));
            }
        }
    }
    warnings
}

/// Predictions in the form that measures read.
pub(super) struct Subject<'a> {
    predictions: &'a Predictions,
    pub(super) patient_of: Vec<usize>,
    /// Probabilities, or the one number that was said.
    pub(super) said: Vec<Vec<f64>>,
    /// True classes, of a classification.
    pub(super) truth: Vec<usize>,
    /// Most probable classes, of a classification.
    pub(super) best: Vec<usize>,
    /// The head that judged each slide: that of its part of a cross-validation.
    head_of: Vec<usize>,
}

/// Names of the measures of each question.
const CLASSIFICATION: [&str; 6] =
    ["auroc", "auprc", "balanced_accuracy", "weighted_f1", "quadratic_kappa", "accuracy"];
const VALUE: [&str; 3] = ["mean_absolute_error", "r2", "pearson"];
const SURVIVAL: [&str; 1] = ["c_index"];

impl<'a> Subject<'a> {
    pub(super) fn new(predictions: &'a Predictions) -> Self {
        let mut names = BTreeMap::new();
        let slides = &predictions.slides;
        let patient_of = slides.iter().map(|slide| {
            let next = names.len();
            *names.entry(slide.patient.as_str()).or_insert(next)
        });
        let mut heads = BTreeMap::new();
        let head_of = slides.iter().map(|slide| {
            let next = heads.len();
            *heads.entry(slide.fold.as_deref()).or_insert(next)
        });
        let truth = slides.iter().filter_map(|slide| match slide.truth {
            SlideTarget::Class(class) => Some(class),
            _ => None,
        });
        Self {
            predictions,
            patient_of: patient_of.collect(),
            said: slides.iter().map(|slide| slide.said.clone()).collect(),
            truth: truth.collect(),
            best: slides.iter().map(|slide| most_probable(&slide.said)).collect(),
            head_of: head_of.collect(),
        }
    }

    fn question(&self) -> &'static str {
        match self.predictions.purpose {
            SlidePurpose::Classification { .. } => "classification",
            SlidePurpose::Regression { .. } => "value",
            SlidePurpose::Survival => "survival",
        }
    }

    fn value(&self, slide: usize) -> f64 {
        match self.predictions.slides[slide].truth {
            SlideTarget::Value(value) => value,
            SlideTarget::Class(class) => class as f64,
            SlideTarget::Survival { time, .. } => time,
        }
    }

    /// Every measure, on the slides that `chosen` makes of a drawn cohort.
    fn measures(
        &self,
        bootstrap: &PatientBootstrap,
        chosen: impl Fn(&[usize]) -> Vec<usize> + Sync,
    ) -> Vec<SlideMeasure> {
        let named = |names: &[&str], estimates: &[Option<Estimate>]| {
            let all = names.iter().zip(estimates);
            all.map(|(name, estimate)| SlideMeasure { name: (*name).into(), estimate: *estimate })
                .collect()
        };
        match self.predictions.purpose {
            SlidePurpose::Classification { .. } => named(
                &CLASSIFICATION,
                &bootstrap.estimates(|slides| self.classification(&chosen(slides))),
            ),
            SlidePurpose::Regression { .. } => {
                named(&VALUE, &bootstrap.estimates(|slides| self.regression(&chosen(slides))))
            }
            SlidePurpose::Survival => {
                named(&SURVIVAL, &bootstrap.estimates(|slides| [self.c_index(&chosen(slides))]))
            }
        }
    }

    /// The names of what [`Subject::by_name`] measures.
    pub(super) fn names(&self) -> &'static [&'static str] {
        match self.predictions.purpose {
            SlidePurpose::Classification { .. } => &CLASSIFICATION,
            SlidePurpose::Regression { .. } => &VALUE,
            SlidePurpose::Survival => &SURVIVAL,
        }
    }

    /// Every measure on some slides, in the order of [`Subject::names`].
    pub(super) fn by_name(&self, slides: &[usize]) -> Vec<Option<f64>> {
        match self.predictions.purpose {
            SlidePurpose::Classification { .. } => self.classification(slides).to_vec(),
            SlidePurpose::Regression { .. } => self.regression(slides).to_vec(),
            SlidePurpose::Survival => vec![self.c_index(slides)],
        }
    }

    /// Of two classes the second counts as positive; of more, the mean over the classes, each
    /// against the others.
    fn ranking(
        &self,
        slides: &[usize],
        measure: impl Fn(&[f64], &[bool]) -> Option<f64>,
    ) -> Option<f64> {
        let classes = self.said.first()?.len();
        let positives = if classes == 2 { 1..2 } else { 0..classes };
        let mut sum = 0.0;
        let count = positives.len();
        for class in positives {
            let scores: Vec<f64> = slides.iter().map(|slide| self.said[*slide][class]).collect();
            let is: Vec<bool> = slides.iter().map(|slide| self.truth[*slide] == class).collect();
            sum += measure(&scores, &is)?;
        }
        Some(sum / count as f64)
    }

    fn classification(&self, slides: &[usize]) -> [Option<f64>; 6] {
        let classes = self.said.first().map_or(0, Vec::len);
        let truth: Vec<usize> = slides.iter().map(|slide| self.truth[*slide]).collect();
        let best: Vec<usize> = slides.iter().map(|slide| self.best[*slide]).collect();
        let counts = confusion_counts(&truth, &best, classes);
        let right = truth.iter().zip(&best).map(|(a, b)| f64::from(u8::from(a == b)));
        [
            self.ranking(slides, auroc),
            self.ranking(slides, average_precision),
            balanced_accuracy(&counts),
            weighted_f1(&counts),
            quadratic_kappa(&counts),
            mean(right),
        ]
    }

    fn regression(&self, slides: &[usize]) -> [Option<f64>; 3] {
        let truth: Vec<f64> = slides.iter().map(|slide| self.value(*slide)).collect();
        let said: Vec<f64> = slides.iter().map(|slide| self.said[*slide][0]).collect();
        let pairs = || truth.iter().zip(&said);
        let error = mean(pairs().map(|(a, b)| (a - b).abs()));
        let (Some(a), Some(b)) = (mean(truth.iter().copied()), mean(said.iter().copied())) else {
            return [None; 3];
        };
        let spread: f64 = truth.iter().map(|x| (x - a).powi(2)).sum();
        let said_spread: f64 = said.iter().map(|x| (x - b).powi(2)).sum();
        let squares: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
        let together: f64 = pairs().map(|(x, y)| (x - a) * (y - b)).sum();
        let r2 = (spread > 0.0).then(|| 1.0 - squares / spread);
        let pearson =
            (spread * said_spread > 0.0).then(|| together / (spread * said_spread).sqrt());
        [error, r2, pearson]
    }

    /// Of pairs that the same head judged.
    fn c_index(&self, slides: &[usize]) -> Option<f64> {
        let (mut risks, mut times, mut events) = (Vec::new(), Vec::new(), Vec::new());
        let mut heads = Vec::new();
        for slide in slides {
            if let SlideTarget::Survival { time, event } = self.predictions.slides[*slide].truth {
                risks.push(self.said[*slide][0]);
                times.push(time);
                events.push(event);
                heads.push(self.head_of[*slide]);
            }
        }
        concordance_within(&risks, &times, &events, &heads)
    }

    fn curve(&self, class: usize, name: &str) -> ClassCurve {
        let scores: Vec<f64> = self.said.iter().map(|row| row[class]).collect();
        let is: Vec<bool> = self.truth.iter().map(|truth| *truth == class).collect();
        ClassCurve {
            class: name.into(),
            slides: is.iter().filter(|is| **is).count(),
            auroc: auroc(&scores, &is),
            auprc: average_precision(&scores, &is),
            points: curve(&scores, &is),
        }
    }

    /// The measures by site and by scanner, where there are two at least; the worst first.
    fn groups(&self, settings: &SlideEvaluationSettings) -> Vec<SlideGroup> {
        let mut all = Vec::new();
        for (group, members) in members(self.predictions) {
            let of_group: Vec<SlideGroup> = members
                .into_iter()
                .map(|(name, slides)| {
                    let patients: Vec<usize> =
                        slides.iter().map(|slide| self.patient_of[*slide]).collect();
                    let bootstrap =
                        PatientBootstrap::new(&patients, settings.rounds, settings.seed);
                    let measures = self
                        .measures(&bootstrap, |drawn| drawn.iter().map(|i| slides[*i]).collect());
                    let patients: BTreeSet<usize> = patients.into_iter().collect();
                    let (slides, patients) = (slides.len(), patients.len());
                    SlideGroup { group: group.into(), name, slides, patients, measures }
                })
                .collect();
            all.extend(of_group);
        }
        let lower_is_worse = !matches!(self.predictions.purpose, SlidePurpose::Regression { .. });
        let worst = |group: &SlideGroup| {
            let value = group.measures.first().and_then(|m| m.estimate).map(|e| e.value);
            value.map_or(f64::INFINITY, |value| if lower_is_worse { value } else { -value })
        };
        all.sort_by(|a, b| a.group.cmp(&b.group).reverse().then(worst(a).total_cmp(&worst(b))));
        all
    }
}

/// Slides by site and by scanner, where there are two at least.
pub(super) fn members(
    predictions: &Predictions,
) -> Vec<(&'static str, BTreeMap<String, Vec<usize>>)> {
    let mut all = Vec::new();
    for group in ["site", "scanner"] {
        let mut of_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, slide) in predictions.slides.iter().enumerate() {
            let name = if group == "site" { &slide.site } else { &slide.scanner };
            if let Some(name) = name {
                of_name.entry(name.clone()).or_default().push(index);
            }
        }
        if of_name.len() > 1 {
            all.push((group, of_name));
        }
    }
    all
}

//! Two models on the same slides, by paired tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    agreement::mcnemar,
    bootstrap::PatientBootstrap,
    delong::{DeLong, delong},
    slides::{SlideEvaluationSettings, Subject},
};
use crate::{
    error::{LesionError, Result},
    slide_head::SlidePurpose,
    slide_training::Predictions,
};

/// A measure of both models and their difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedMeasure {
    /// As in [`super::SlideMeasure`].
    pub name: String,
    /// The first model's.
    pub first: Option<f64>,
    /// The second's.
    pub second: Option<f64>,
    /// First minus second.
    pub difference: Option<f64>,
    /// The 2.5th percentile of the difference over resampled cohorts of the same patients.
    pub low: Option<f64>,
    /// The 97.5th percentile.
    pub high: Option<f64>,
    /// Twice the smaller share of resampled cohorts in which the difference has the other sign;
    /// at least one over the rounds.
    pub p: Option<f64>,
}

/// DeLong's test of one class against the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassDeLong {
    /// The class.
    pub class: String,
    /// The test.
    #[serde(flatten)]
    pub test: DeLong,
}

/// McNemar's exact test of which slides are right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Slides that only the first model has right.
    pub only_first: u64,
    /// Slides that only the second has right.
    pub only_second: u64,
    /// Two-sided p.
    pub p: f64,
}

/// Two models on the same slides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlideComparison {
    /// Slides that both have judged.
    pub slides: usize,
    /// Patients.
    pub patients: usize,
    /// Paired bootstrap over patients.
    pub measures: Vec<PairedMeasure>,
    /// Of a classification: each class against the others; of two classes, the second.
    pub delong: Vec<ClassDeLong>,
    /// Of a classification.
    pub mcnemar: Option<McNemar>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl SlideComparison {
    /// Leaves out what takes the classes for an order.
    pub fn forget_order(&mut self) {
        self.measures.retain(|measure| measure.name != "quadratic_kappa");
    }

    /// Compares two models on the slides that both have judged.
    ///
    /// # Errors
    /// When they answer different questions, share no slide, or know different truths of one.
    pub fn measure(
        first: &Predictions,
        second: &Predictions,
        settings: &SlideEvaluationSettings,
    ) -> Result<Self> {
        let (first, second, mut warnings) = shared(first, second)?;
        let (a, b) = (Subject::new(&first), Subject::new(&second));
        let slides = first.slides.len();
        let bootstrap = PatientBootstrap::new(&a.patient_of, settings.rounds, settings.seed);
        let rounds = bootstrap.rounds(|drawn| {
            let (first, second) = (a.by_name(drawn), b.by_name(drawn));
            first.iter().zip(&second).map(|(a, b)| Some((*a)? - (*b)?)).collect::<Vec<_>>()
        });
        let all: Vec<usize> = (0..slides).collect();
        let (own, other) = (a.by_name(&all), b.by_name(&all));
        let measures = a.names().iter().enumerate().map(|(index, name)| {
            let drawn: Vec<f64> = rounds.iter().filter_map(|round| round[index]).collect();
            let p = sign_p(&drawn);
            let (low, high) = bootstrap.middle(drawn);
            let (first, second) = (own[index], other[index]);
            let difference = first.zip(second).map(|(a, b)| a - b);
            PairedMeasure { name: (*name).into(), first, second, difference, low, high, p }
        });
        let measures = measures.collect();
        let patients = a.patient_of.iter().max().map_or(0, |most| most + 1);
        let (mut tests, mut differing) = (Vec::new(), None);
        if let SlidePurpose::Classification { classes } = &first.purpose {
            tests = delong_tests(&a, &b, classes);
            differing = Some(mcnemar_test(&a, &b));
            if patients < slides {
                warnings.push(
                    "some patients have several slides, which DeLong's and McNemar's tests take \
                     as independent: trust the bootstrap, which resamples patients"
                        .into(),
                );
            }
        }
        Ok(Self { slides, patients, measures, delong: tests, mcnemar: differing, warnings })
    }
}

/// Both models' predictions of the slides that both have judged, in the same order.
fn shared(
    first: &Predictions,
    second: &Predictions,
) -> Result<(Predictions, Predictions, Vec<String>)> {
    let same = match (&first.purpose, &second.purpose) {
        (
            SlidePurpose::Classification { classes: a },
            SlidePurpose::Classification { classes: b },
        ) => a == b,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    };
    if !same {
        let what = "the two models answer different questions, or name their classes or the order \
                    of these differently; they cannot be compared";
        return Err(LesionError::Data(what.into()));
    }
    let of_slide: BTreeMap<&str, usize> =
        second.slides.iter().enumerate().map(|(i, slide)| (slide.slide.as_str(), i)).collect();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for slide in &first.slides {
        let Some(place) = of_slide.get(slide.slide.as_str()) else { continue };
        let other = &second.slides[*place];
        if other.truth != slide.truth {
            return Err(LesionError::Data(format!(
                "slide '{}' has different truths in the two tables; use one table of labels",
                slide.slide
            )));
        }
        a.push(slide.clone());
        b.push(other.clone());
    }
    if a.is_empty() {
        return Err(LesionError::Data("the two models have no slide in common".into()));
    }
    let left = first.slides.len() + second.slides.len() - 2 * a.len();
    let warnings = (left > 0)
        .then(|| format!("{left} slides were judged by one model only and are left out"))
        .into_iter()
        .collect();
    let purpose = &first.purpose;
    let with = |slides| Predictions { purpose: purpose.clone(), slides, encoder: None };
    Ok((with(a), with(b), warnings))
}

fn sign_p(differences: &[f64]) -> Option<f64> {
    let count = differences.len() as f64;
    let share = |is: fn(&f64) -> bool| differences.iter().filter(|d| is(d)).count() as f64 / count;
    let least = share(|d| *d <= 0.0).min(share(|d| *d >= 0.0));
    (!differences.is_empty()).then(|| (2.0 * least).clamp(1.0 / count, 1.0))
}

fn delong_tests(a: &Subject<'_>, b: &Subject<'_>, classes: &[String]) -> Vec<ClassDeLong> {
    let tested = if classes.len() == 2 { 1..2 } else { 0..classes.len() };
    let test = |class: usize| {
        let scores = |s: &Subject<'_>| s.said.iter().map(|row| row[class]).collect::<Vec<_>>();
        let is: Vec<bool> = a.truth.iter().map(|truth| *truth == class).collect();
        let test = delong(&scores(a), &scores(b), &is)?;
        Some(ClassDeLong { class: classes[class].clone(), test })
    };
    tested.filter_map(test).collect()
}

fn mcnemar_test(a: &Subject<'_>, b: &Subject<'_>) -> McNemar {
    let (mut only_first, mut only_second) = (0, 0);
    for (slide, truth) in a.truth.iter().enumerate() {
        match (a.best[slide] == *truth, b.best[slide] == *truth) {
            (true, false) => only_first += 1,
            (false, true) => only_second += 1,
            _ => {}
        }
    }
    McNemar { only_first, only_second, p: mcnemar(only_first, only_second) }
}

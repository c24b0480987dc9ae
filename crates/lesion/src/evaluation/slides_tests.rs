//! Whole evaluations and comparisons of made-up predictions.

use super::*;
use crate::{
    slide_head::{SlidePurpose, SlideTarget},
    slide_training::{PredictedSlide, Predictions},
    tape::mixed,
};

fn number(seed: u64) -> f64 {
    (mixed(seed) % 100_000) as f64 / 100_000.0
}

/// Honest probabilities of two classes; at the site `b` they are the wrong way round.
fn honest(slides: usize, broken: bool) -> Predictions {
    let slide = |index: usize| {
        let p = number(index as u64);
        let class = usize::from(number(index as u64 + 1_000_000) < p);
        let site = ["a", "b", "c"][index % 3];
        let p = if broken && site == "b" { 1.0 - p } else { p };
        PredictedSlide {
            slide: format!("s{index}"),
            patient: format!("p{}", index / 2),
            site: Some(site.into()),
            scanner: None,
            fold: None,
            truth: SlideTarget::Class(class),
            said: vec![1.0 - p, p],
        }
    };
    let classes = vec!["no".to_owned(), "yes".to_owned()];
    let purpose = SlidePurpose::Classification { classes };
    Predictions { purpose, slides: (0..slides).map(slide).collect(), encoder: None }
}

fn settings() -> SlideEvaluationSettings {
    SlideEvaluationSettings { rounds: 100, ..SlideEvaluationSettings::default() }
}

#[test]
fn honest_probabilities_are_found_honest() {
    let found = SlideEvaluation::measure(&honest(900, false), &settings()).unwrap();
    assert_eq!((found.slides, found.patients, found.groups.len()), (900, 450, 3));
    // A uniform p that is the true rate: AUROC 5/6.
    let auroc = found.get("auroc").unwrap();
    assert!((auroc.value - 5.0 / 6.0).abs() < 0.03, "{auroc:?}");
    assert!(auroc.low.unwrap() < auroc.value && auroc.value < auroc.high.unwrap());
    let calibration = found.calibration.unwrap();
    assert!(calibration.given.ece < 0.06 && calibration.isotonic.ece < 0.08);
    assert!((calibration.best_temperature - 1.0).abs() < 0.2);
    let abstention = found.abstention.unwrap();
    assert!(abstention.other_patients.iter().all(|group| !group.broken), "{abstention:?}");
    assert_eq!((abstention.other_patients.len(), abstention.other_sites.len()), (6, 3));
    let json = serde_json::to_value(&abstention).unwrap();
    assert_eq!(json["other_patients"][0]["group"], "all");
}

#[test]
fn the_site_where_it_fails_stands_first_and_breaks_its_promise() {
    let found = SlideEvaluation::measure(&honest(900, true), &settings()).unwrap();
    assert_eq!(found.groups[0].name, "b");
    assert!(found.groups[0].measures[0].estimate.unwrap().value < 0.3);
    let sites = found.abstention.unwrap().other_sites;
    let broken: Vec<&str> = sites.iter().filter(|g| g.broken).map(|g| g.name.as_str()).collect();
    assert_eq!(broken, ["b"]);
}

#[test]
fn a_better_model_is_found_better() {
    let (good, bad) = (honest(600, false), honest(600, true));
    let found = SlideComparison::measure(&good, &bad, &settings()).unwrap();
    let auroc = &found.measures[0];
    assert!(auroc.low.unwrap() > 0.05 && auroc.p.unwrap() <= 0.011, "{auroc:?}");
    assert!(found.delong[0].test.p < 1e-6 && found.mcnemar.clone().unwrap().p < 1e-6);
    assert_eq!(found.warnings.len(), 1, "several slides a patient");
    let same = SlideComparison::measure(&good, &good, &settings()).unwrap();
    assert_eq!((same.measures[0].difference, same.measures[0].p), (Some(0.0), Some(1.0)));
    let mut other = good.clone();
    other.slides[3].truth =
        SlideTarget::Class(1 - usize::from(other.slides[3].truth == SlideTarget::Class(1)));
    let error = SlideComparison::measure(&good, &other, &settings()).unwrap_err().to_string();
    assert!(error.contains("'s3'"), "{error}");
}

#[test]
fn values_survival_and_small_cohorts_are_measured() {
    let mut predictions = honest(60, false);
    predictions.purpose = SlidePurpose::Survival;
    for (index, slide) in predictions.slides.iter_mut().enumerate() {
        let time = number(index as u64) * 10.0;
        slide.truth = SlideTarget::Survival { time, event: index % 3 > 0 };
        slide.said = vec![-time];
    }
    let found = SlideEvaluation::measure(&predictions, &settings()).unwrap();
    assert_eq!(found.get("c_index").unwrap().value, 1.0);
    predictions.purpose = SlidePurpose::Regression { mean: 0.0, deviation: 1.0 };
    for (index, slide) in predictions.slides.iter_mut().enumerate() {
        slide.truth = SlideTarget::Value(index as f64);
        slide.said = vec![index as f64 + 1.0];
    }
    let found = SlideEvaluation::measure(&predictions, &settings()).unwrap();
    assert_eq!(found.get("mean_absolute_error").unwrap().value, 1.0);
    assert!((found.get("pearson").unwrap().value - 1.0).abs() < 1e-12);
    let few = SlideEvaluation::measure(&honest(8, false), &settings()).unwrap();
    assert!(few.calibration.is_none() && few.warnings.len() >= 2, "{:?}", few.warnings);
    let none = Predictions { slides: vec![], ..predictions };
    assert!(SlideEvaluation::measure(&none, &settings()).is_err());
}

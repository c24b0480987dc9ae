//! Whole experiments on small features folders.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::{table::Table, *};
use crate::{
    error::LesionError,
    matrix::FeatureMatrix,
    slide_features::{SlideFeatures, store_tests},
    slide_head::{SlideHeadKind, SlideTarget},
    tape::mixed,
};

/// Slides of two classes, two a patient; features 0 and 1 tell them apart on some tiles.
fn folder(slides: usize, shift: f32) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut csv = String::from("slide,patient,label,site\n");
    for slide in 0..slides {
        let class = slide / 2 % 2;
        let template = store_tests::features(30);
        let value = |index: usize| {
            let noise = (mixed((slide * 1000 + index) as u64) % 2000) as f32 / 1000.0 - 1.0;
            let telling = (index / 3).is_multiple_of(5) && index % 3 == class;
            noise + if telling { shift } else { 0.0 }
        };
        let mut facts = template.facts.clone();
        facts.slide = format!("slide {slide}");
        let vectors = FeatureMatrix::new(3, (0..90).map(value).collect()).unwrap();
        let made = SlideFeatures::new(facts, template.cells().to_vec(), &vectors).unwrap();
        made.write(&folder.path().join(format!("s{slide}.safetensors"))).unwrap();
        let (patient, site) = (slide / 2, ["north", "south", "west"][slide / 4 % 3]);
        csv.push_str(&format!("s{slide},p{patient},{},{site}\n", ["no", "yes"][class]));
    }
    (folder, csv)
}

fn cohort(path: &Path, csv: &str) -> (FeatureFolder, Cohort) {
    let features = FeatureFolder::scan(path).unwrap();
    let table = Table::parse(csv, "labels.csv".into()).unwrap();
    let table = LabelTable::of(&table, SlideQuestion::Class, &LabelColumns::default()).unwrap();
    let settings = CohortSettings::default();
    let cohort = Cohort::join(&table, &features, SlideQuestion::Class, &settings).unwrap();
    (features, cohort)
}

fn settings(split: SlideSplit, rates: &[f32]) -> ExperimentSettings {
    let head = SlideHeadKind::Abmil { hidden: 8, attention: 4, branches: 1, dropout: 0.0 };
    let candidate = |rate: &f32| SlideTrainingSettings {
        learning_rate: *rate,
        epochs: 12,
        ..SlideTrainingSettings::for_head(head.clone(), false)
    };
    ExperimentSettings { candidates: rates.iter().map(candidate).collect(), split, seed: 1 }
}

fn accuracy(predictions: &Predictions) -> f64 {
    let right = predictions.slides.iter().filter(|slide| {
        let said = usize::from(slide.said[1] > slide.said[0]);
        slide.truth == SlideTarget::Class(said)
    });
    right.count() as f64 / predictions.slides.len() as f64
}

#[test]
fn every_slide_is_judged_once_by_a_head_that_had_not_seen_its_patient() {
    let (path, csv) = folder(80, 3.0);
    let (features, cohort) = cohort(path.path(), &csv);
    let stop = AtomicBool::new(false);
    let watch = ExperimentWatch { progress: &|_, _| {}, finished: &|_, _| {}, stop: &stop };
    for (split, parts, slides) in [
        (SlideSplit::Holdout, 1, 16),
        (SlideSplit::CrossValidation { folds: 4 }, 4, 80),
        (SlideSplit::Sites, 3, 80),
    ] {
        let out = tempfile::tempdir().unwrap();
        let run = out.path().join("run");
        let settings = settings(split, &[1e-2]);
        let made = run_experiment(&cohort, &features, &settings, &run, &watch).unwrap();
        assert_eq!((made.folds.len(), made.predictions.slides.len()), (parts, slides));
        assert!(accuracy(&made.predictions) > 0.85, "{settings:?}");
        assert_eq!(Predictions::read(&run.join("predictions.csv")).unwrap(), made.predictions);
        for fold in made.predictions.slides.iter().filter_map(|slide| slide.fold.as_ref()) {
            assert!(run.join(fold).join("head.safetensors").is_file());
        }
    }
}

#[test]
fn nested_cross_validation_takes_the_better_settings() {
    let (path, csv) = folder(48, 3.0);
    let (features, cohort) = cohort(path.path(), &csv);
    let stop = AtomicBool::new(false);
    let watch = ExperimentWatch { progress: &|_, _| {}, finished: &|_, _| {}, stop: &stop };
    let settings = settings(SlideSplit::Nested { folds: 3, inner: 2 }, &[1e-7, 1e-2]);
    let out = tempfile::tempdir().unwrap();
    let made = run_experiment(&cohort, &features, &settings, out.path(), &watch).unwrap();
    for fold in &made.folds {
        assert_eq!((fold.chosen, fold.losses.len()), (1, 2), "{fold:?}");
        assert!(!out.path().join(&fold.name).join("inner").exists());
    }
}

#[test]
fn a_stopped_experiment_is_taken_up_and_another_is_refused() {
    let (path, csv) = folder(40, 3.0);
    let (features, cohort) = cohort(path.path(), &csv);
    let settings = settings(SlideSplit::CrossValidation { folds: 4 }, &[1e-2]);
    let (out, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stop = AtomicBool::new(false);
    let passes = AtomicUsize::new(0);
    let progress = |_: &str, _: &EpochRecord| {
        if passes.fetch_add(1, Ordering::Relaxed) == 15 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let watch = ExperimentWatch { progress: &progress, finished: &|_, _| {}, stop: &stop };
    let error = run_experiment(&cohort, &features, &settings, out.path(), &watch).unwrap_err();
    assert!(matches!(error, LesionError::Cancelled));
    stop.store(false, Ordering::Relaxed);
    let watch = ExperimentWatch { progress: &|_, _| {}, finished: &|_, _| {}, stop: &stop };
    let resumed = run_experiment(&cohort, &features, &settings, out.path(), &watch).unwrap();
    let straight = run_experiment(&cohort, &features, &settings, whole.path(), &watch).unwrap();
    assert_eq!(resumed.predictions, straight.predictions);
    let other = ExperimentSettings { seed: 2, ..settings };
    let error = run_experiment(&cohort, &features, &other, out.path(), &watch).unwrap_err();
    assert!(error.to_string().contains("another --out"), "{error}");
}

#[test]
fn a_run_judges_other_slides_and_refuses_its_own() {
    let (path, csv) = folder(40, 3.0);
    let (features, own) = cohort(path.path(), &csv);
    let stop = AtomicBool::new(false);
    let watch = ExperimentWatch { progress: &|_, _| {}, finished: &|_, _| {}, stop: &stop };
    let out = tempfile::tempdir().unwrap();
    let settings = settings(SlideSplit::CrossValidation { folds: 3 }, &[1e-2]);
    run_experiment(&own, &features, &settings, out.path(), &watch).unwrap();
    let error = predict_with_run(out.path(), &own, &features, &stop).unwrap_err().to_string();
    assert!(error.contains("40 of these slides"), "{error}");
    // Other slides: the same features under other identities.
    let (other, csv) = folder(20, 3.0);
    for slide in 0..20 {
        let path = other.path().join(format!("s{slide}.safetensors"));
        let mut features = SlideFeatures::read(&path).unwrap();
        features.facts.slide = format!("other {slide}");
        features.write(&path).unwrap();
    }
    let (features, others) = cohort(other.path(), &csv);
    let tried = predict_with_run(out.path(), &others, &features, &stop).unwrap();
    assert!(accuracy(&tried.predictions) > 0.85);
    assert!(tried.by_head.len() == 20 && tried.by_head.iter().all(|heads| heads.len() == 3));
    assert_eq!(mean_of_heads(&tried.by_head[4]), tried.predictions.slides[4].said);
    let reference = RunReference::read(out.path()).unwrap().unwrap();
    assert_eq!((reference.vectors.rows(), &reference.patient_of), (40, &own.patient_of));
    for slide in 0..20 {
        let path = other.path().join(format!("s{slide}.safetensors"));
        let mut features = SlideFeatures::read(&path).unwrap();
        features.facts.recipe_digest = bianque_core::Digest::of(b"another");
        features.write(&path).unwrap();
    }
    let (features, others) = cohort(other.path(), &csv);
    let error = predict_with_run(out.path(), &others, &features, &stop).unwrap_err().to_string();
    assert!(error.contains("of another recipe"), "{error}");
}

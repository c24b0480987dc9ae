//! Training of slide heads on small bags.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{train::predict_all, *};
use crate::{
    error::LesionError,
    matrix::FeatureMatrix,
    slide_head::{SlideHeadKind, SlidePurpose, SlideTarget},
    splits::Parts,
    tape::mixed,
};

/// Bags in which one tile of ten says what the slide is.
fn bags(count: usize) -> (MemoryBags, Vec<usize>) {
    let noise = |n: u64| (mixed(n) % 2000) as f32 / 1000.0 - 1.0;
    let labels: Vec<usize> = (0..count).map(|slide| slide % 2).collect();
    let bag = |slide: usize| {
        let tiles = 20 + slide % 7;
        let value = |index: usize| {
            let (tile, feature) = (index / 6, index % 6);
            let telling = tile % 10 == 3 && feature == labels[slide];
            noise((slide * 10_000 + index) as u64) + if telling { 3.0 } else { 0.0 }
        };
        FeatureMatrix::new(6, (0..tiles * 6).map(value).collect()).unwrap()
    };
    (MemoryBags::new((0..count).map(bag).collect()).unwrap(), labels)
}

fn parts(count: usize) -> Parts {
    let part = |of: usize| (0..count).filter(|slide| slide / 2 % 4 == of).collect::<Vec<_>>();
    Parts { train: [part(0), part(1)].concat(), validation: part(2), test: part(3) }
}

fn settings(head: &str) -> SlideTrainingSettings {
    let mut kind = SlideHeadKind::named(head).unwrap();
    match &mut kind {
        SlideHeadKind::Abmil { hidden, attention, .. }
        | SlideHeadKind::Clam { hidden, attention, .. } => (*hidden, *attention) = (16, 8),
        SlideHeadKind::Dsmil { query } => *query = 8,
        SlideHeadKind::Transmil { width, heads, landmarks, .. } => {
            (*width, *heads, *landmarks) = (16, 2, 6);
        }
        _ => {}
    }
    SlideTrainingSettings {
        learning_rate: 5e-3,
        epochs: 30,
        tiles: 18,
        ..SlideTrainingSettings::for_head(kind, false)
    }
}

fn classification() -> SlidePurpose {
    SlidePurpose::Classification { classes: vec!["a".into(), "b".into()] }
}

fn watch(stop: &AtomicBool) -> SlideTrainingWatch<'_> {
    SlideTrainingWatch { checkpoint: None, progress: &|_| {}, stop }
}

#[test]
fn every_head_finds_the_telling_tiles() {
    let (bags, labels) = bags(96);
    let targets: Vec<SlideTarget> = labels.iter().map(|l| SlideTarget::Class(*l)).collect();
    let purpose = classification();
    let data = SlideTrainingData { bags: &bags, targets: &targets, purpose: &purpose };
    let (parts, stop) = (parts(96), AtomicBool::new(false));
    for name in SlideHeadKind::NAMES {
        let trained = train_slide_head(&data, &parts, &settings(name), &watch(&stop)).unwrap();
        let outputs = predict_all(&trained.head, &bags, &parts.test, 1000, 1, &stop).unwrap();
        let right = parts.test.iter().zip(&outputs);
        let right = right.filter(|(slide, o)| usize::from(o[1] > o[0]) == labels[**slide]).count();
        assert!(right >= 20, "{name}: {right} of 24, {:?}", trained.history.last());
        let again = train_slide_head(&data, &parts, &settings(name), &watch(&stop)).unwrap();
        assert_eq!(again.head, trained.head, "{name}");
    }
}

#[test]
fn values_and_survival_are_learnt() {
    let (bags, labels) = bags(96);
    let (parts, stop) = (parts(96), AtomicBool::new(false));
    let values: Vec<SlideTarget> =
        labels.iter().map(|l| SlideTarget::Value(50.0 + 10.0 * *l as f64)).collect();
    let times: Vec<SlideTarget> = labels
        .iter()
        .enumerate()
        .map(|(slide, label)| SlideTarget::Survival {
            time: (if *label == 1 { 5.0 } else { 30.0 }) + (slide % 5) as f64,
            event: slide % 3 != 0,
        })
        .collect();
    let value = SlidePurpose::Regression { mean: 0.0, deviation: 1.0 };
    for (targets, purpose) in [(values, value), (times, SlidePurpose::Survival)] {
        let data = SlideTrainingData { bags: &bags, targets: &targets, purpose: &purpose };
        let settings =
            SlideTrainingSettings { batch: 16, learning_rate: 1e-2, ..settings("abmil") };
        let trained = train_slide_head(&data, &parts, &settings, &watch(&stop)).unwrap();
        let outputs = predict_all(&trained.head, &bags, &parts.test, 1000, 1, &stop).unwrap();
        let mean = |class| {
            let own = parts.test.iter().zip(&outputs).filter(|(s, _)| labels[**s] == class);
            own.map(|(_, o)| f64::from(o[0])).sum::<f64>() / 12.0
        };
        assert!(mean(1) - mean(0) > 0.8, "{purpose:?}: {} {}", mean(0), mean(1));
        if let SlidePurpose::Regression { mean, deviation } = trained.head.purpose() {
            assert_eq!((*mean, *deviation), (55.0, 5.0));
        }
    }
}

#[test]
fn an_interrupted_training_ends_as_an_uninterrupted_one() {
    let (bags, labels) = bags(40);
    let targets: Vec<SlideTarget> = labels.iter().map(|l| SlideTarget::Class(*l)).collect();
    let purpose = classification();
    let data = SlideTrainingData { bags: &bags, targets: &targets, purpose: &purpose };
    let (parts, settings) = (parts(40), SlideTrainingSettings { epochs: 6, ..settings("abmil") });
    let stop = AtomicBool::new(false);
    let whole = train_slide_head(&data, &parts, &settings, &watch(&stop)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fold/checkpoint.safetensors");
    let passes = AtomicUsize::new(0);
    let progress = |_: &EpochRecord| {
        if passes.fetch_add(1, Ordering::Relaxed) == 2 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let watched = SlideTrainingWatch { checkpoint: Some(&path), progress: &progress, stop: &stop };
    let error = train_slide_head(&data, &parts, &settings, &watched).unwrap_err();
    assert!(matches!(error, LesionError::Cancelled));
    stop.store(false, Ordering::Relaxed);
    passes.store(10, Ordering::Relaxed);
    let resumed = train_slide_head(&data, &parts, &settings, &watched).unwrap();
    assert_eq!(resumed.head, whole.head);
    assert_eq!(resumed.history.len(), whole.history.len());
    assert_eq!(passes.load(Ordering::Relaxed), 13, "three passes were not made again");
    let other = SlideTrainingSettings { seed: 9, ..settings };
    let error = train_slide_head(&data, &parts, &other, &watched).unwrap_err().to_string();
    assert!(error.contains("another output folder"), "{error}");
}

#[test]
fn training_stops_early_and_keeps_the_best_pass() {
    let (bags, labels) = bags(40);
    // Labels that nothing tells: the validation loss soon rises.
    let targets: Vec<SlideTarget> = (0..labels.len())
        .map(|slide| SlideTarget::Class(mixed(slide as u64) as usize % 2))
        .collect();
    let purpose = classification();
    let data = SlideTrainingData { bags: &bags, targets: &targets, purpose: &purpose };
    let settings = SlideTrainingSettings { epochs: 200, patience: 3, ..settings("abmil") };
    let stop = AtomicBool::new(false);
    let trained = train_slide_head(&data, &parts(40), &settings, &watch(&stop)).unwrap();
    assert_eq!(trained.history.len(), trained.best_epoch + 4, "three passes are borne, not four");
    let losses = trained.history.iter().map(|record| record.validation_loss);
    let least = losses.fold(f64::INFINITY, f64::min);
    assert_eq!(trained.history[trained.best_epoch - 1].validation_loss, least);
}

#[test]
fn class_weights_let_the_rare_class_count() {
    let (bags, _) = bags(96);
    let stop = AtomicBool::new(false);
    // One slide of four is of the rare class; half of what tells it stands on others too.
    let rare: Vec<SlideTarget> =
        (0..96).map(|slide| SlideTarget::Class(usize::from(slide % 4 == 1))).collect();
    let purpose = classification();
    let data = SlideTrainingData { bags: &bags, targets: &rare, purpose: &purpose };
    let mean_of_rare = |balance: bool| {
        let settings = SlideTrainingSettings { balance, epochs: 8, ..settings("mean") };
        let trained = train_slide_head(&data, &parts(96), &settings, &watch(&stop)).unwrap();
        let all: Vec<usize> = (0..96).collect();
        let outputs = predict_all(&trained.head, &bags, &all, 1000, 1, &stop).unwrap();
        outputs.iter().map(|o| f64::from(o[1] - o[0])).sum::<f64>() / 96.0
    };
    assert!(mean_of_rare(true) > mean_of_rare(false) + 0.3);
}

#[test]
fn parts_that_teach_nothing_are_refused() {
    let (bags, labels) = bags(24);
    let (all, stop) = (parts(24), AtomicBool::new(false));
    let train = |targets: Vec<SlideTarget>, purpose: &SlidePurpose| {
        let data = SlideTrainingData { bags: &bags, targets: &targets, purpose };
        train_slide_head(&data, &all, &settings("mean"), &watch(&stop)).unwrap_err().to_string()
    };
    let one = train(vec![SlideTarget::Class(0); 24], &classification());
    assert!(one.contains("'b'"), "{one}");
    let value = SlidePurpose::Regression { mean: 0.0, deviation: 1.0 };
    assert!(train(vec![SlideTarget::Value(3.0); 24], &value).contains("all the same"));
    let nobody = vec![SlideTarget::Survival { time: 1.0, event: false }; 24];
    assert!(train(nobody, &SlidePurpose::Survival).contains("no event"));
    let targets: Vec<SlideTarget> = labels.iter().map(|l| SlideTarget::Class(*l)).collect();
    let purpose = classification();
    let data = SlideTrainingData { bags: &bags, targets: &targets, purpose: &purpose };
    let twice = Parts { validation: all.train.clone(), ..all.clone() };
    assert!(train_slide_head(&data, &twice, &settings("mean"), &watch(&stop)).is_err());
}

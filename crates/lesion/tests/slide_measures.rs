//! Every measure of slides against scikit-learn and SciPy, on the same predictions.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use bianque_lesion::{
    FeatureMatrix, Isotonic, NoveltyModel, PredictedSlide, Predictions, SlideEvaluation,
    SlideEvaluationSettings, SlidePurpose, SlideTarget, average_precision, balanced_accuracy,
    concordance, confusion_counts, delong, fit_temperature, mcnemar, quadratic_kappa, reliability,
    weighted_f1, wilson,
};
use bianque_testkit::surroundings;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

fn close(own: f64, other: &Value, what: &str) {
    let other = other.as_f64().unwrap();
    assert!((own - other).abs() <= 1e-9, "{what}: {own}, the other says {other}");
}

/// What a script of this folder says of an input.
fn judged(python: &Path, script: &str, input: &Value) -> Value {
    let mut child = Command::new(python)
        .arg(surroundings::crate_folder().join("tests").join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Python of BIANQUE_PYTHON does not start");
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} failed; see its message above");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn measures_equal_scikit_learns() {
    let Some(python) = surroundings::python() else { return };
    let mut random = ChaCha8Rng::seed_from_u64(21);
    let count = 400;
    let truth: Vec<usize> = (0..count).map(|i| [0, 0, 1, 2, 2, 3][i % 6]).collect();
    let said: Vec<usize> = truth
        .iter()
        .map(|t| if random.random_range(0..10) < 6 { *t } else { random.random_range(0..4) })
        .collect();
    let positive: Vec<bool> = truth.iter().map(|t| *t > 1).collect();
    // Rounded, so that there are equal scores.
    let mut scores = |skill: f64| -> Vec<f64> {
        let score = |is: &bool| {
            let noise: f64 = random.random_range(0.0..1.0);
            (100.0 * (noise + if *is { skill } else { 0.0 })).round() / 100.0
        };
        positive.iter().map(score).collect()
    };
    let (first, second) = (scores(0.5), scores(0.3));
    let places = [-1.0, 0.0, 0.113, 0.5, 0.87, 1.0, 2.0];
    let input = json!({
        "truth": truth, "said": said, "positive": positive,
        "first": first, "second": second, "places": places,
    });
    let other = judged(&python, "slide_measures_reference.py", &input);
    let counts = confusion_counts(&truth, &said, 4);
    close(balanced_accuracy(&counts).unwrap(), &other["balanced_accuracy"], "balanced accuracy");
    close(weighted_f1(&counts).unwrap(), &other["weighted_f1"], "weighted F1");
    close(quadratic_kappa(&counts).unwrap(), &other["kappa"], "quadratic kappa");
    close(average_precision(&first, &positive).unwrap(), &other["auprc"], "average precision");
    let fit = Isotonic::fit(&first, &positive).unwrap();
    for (index, place) in places.iter().enumerate() {
        close(fit.value(*place), &other["isotonic"][index], "isotonic regression");
    }
    let test = delong(&first, &second, &positive).unwrap();
    close(test.first, &other["delong"]["first"], "first AUROC");
    close(test.error, &other["delong"]["error"], "DeLong's standard error");
    close(test.p, &other["delong"]["p"], "DeLong's p");
    close(mcnemar(7, 19), &other["mcnemar"], "McNemar's p");
}

/// Slides of three classes from three scanners, one of which makes the model too sure.
fn predictions(random: &mut ChaCha8Rng) -> Predictions {
    let slide = |index: usize| {
        let truth = [0, 0, 1, 2, 1][index % 5];
        let scanner = ["north", "south", "west"][index % 3];
        let weights: Vec<f64> = (0..3)
            .map(|class| {
                let own = if class == truth { 1.2 } else { 0.0 };
                let noise: f64 = random.random_range(-1.0..1.0);
                (if scanner == "west" { 4.0 } else { 1.5 } * (own + noise)).exp()
            })
            .collect();
        let sum: f64 = weights.iter().sum();
        PredictedSlide {
            slide: format!("s{index}"),
            patient: format!("p{}", index / 2),
            site: None,
            scanner: Some(scanner.into()),
            fold: None,
            truth: SlideTarget::Class(truth),
            said: weights.iter().map(|weight| weight / sum).collect(),
        }
    };
    let classes = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
    Predictions {
        purpose: SlidePurpose::Classification { classes },
        slides: (0..240).map(slide).collect(),
        encoder: None,
    }
}

#[test]
fn honesty_is_measured_as_others_measure_it() {
    let Some(python) = surroundings::python() else { return };
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let predictions = predictions(&mut random);
    let rows: Vec<Vec<f64>> = predictions.slides.iter().map(|s| s.said.clone()).collect();
    let truth: Vec<usize> = (0..240).map(|index| [0, 0, 1, 2, 1][index % 5]).collect();
    let scanners: Vec<_> = predictions.slides.iter().map(|s| s.scanner.clone()).collect();
    let times: Vec<f64> = (0..150).map(|_| f64::from(random.random_range(1..40))).collect();
    let events: Vec<bool> = (0..150).map(|_| random.random_range(0..3) > 0).collect();
    let risks: Vec<f64> =
        times.iter().map(|t| (-t + random.random_range(-30.0..30.0_f64)).round()).collect();
    // Fewer slides than features, as it is with slides.
    let mut features = |rows: usize, shift: f32| -> Vec<f32> {
        let value = |i: usize| {
            let scale = if i.is_multiple_of(7) { 20.0 } else { 1.0 };
            scale * (random.random_range(-1.0..1.0_f32) + shift)
        };
        (0..rows * 90).map(value).collect()
    };
    let (training, new) = (features(60, 0.0), features(20, 0.4));
    let input = json!({
        "rows": rows, "truth": truth, "scanners": scanners, "alpha": 0.1, "times": times,
        "events": events, "risks": risks, "training": training, "new": new,
    });
    let other = judged(&python, "honesty_reference.py", &input);

    let measured = reliability(&rows, &truth).unwrap();
    close(measured.ece, &other["ece"], "expected calibration error");
    close(measured.brier, &other["brier"], "Brier");
    close(measured.log_loss, &other["log_loss"], "log loss");
    let logits: Vec<f32> = rows.iter().flatten().map(|p| p.ln() as f32).collect();
    let temperature = fit_temperature(&logits, &truth, 3).unwrap();
    let away = (temperature - other["temperature"].as_f64().unwrap()).abs();
    assert!(away < 1e-4, "temperature {temperature}, SciPy says {}", other["temperature"]);
    close(concordance(&risks, &times, &events).unwrap(), &other["c_index"], "C-index");
    let (low, high) = wilson(17, 20);
    close(low, &other["wilson"][0], "Wilson's interval");
    close(high, &other["wilson"][1], "Wilson's interval");

    let settings = SlideEvaluationSettings { rounds: 10, ..SlideEvaluationSettings::default() };
    let found = SlideEvaluation::measure(&predictions, &settings).unwrap().abstention.unwrap();
    assert_eq!(found.other_sites.len(), 3);
    for group in &found.other_sites {
        let counted = &other["abstention"][&group.name];
        let own = json!([group.covered, group.decided, group.wrong]);
        assert_eq!(&own, counted, "abstention on {}", group.name);
    }

    let matrix = |values: Vec<f32>| FeatureMatrix::new(90, values).unwrap();
    let model = NoveltyModel::fit(&matrix(training)).unwrap();
    close(model.shrinkage(), &other["shrinkage"], "Ledoit and Wolf's shrinkage");
    let new = matrix(new);
    for row in 0..20 {
        let distance = model.squared_distance(new.row(row));
        let judged = other["mahalanobis"][row].as_f64().unwrap();
        assert!((distance / judged - 1.0).abs() < 1e-6, "{row}: {distance} {judged}");
    }
}

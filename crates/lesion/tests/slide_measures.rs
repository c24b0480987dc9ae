//! Every measure of slides against scikit-learn and SciPy, on the same predictions.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    io::Write,
    process::{Command, Stdio},
};

use bianque_lesion::{
    Isotonic, average_precision, balanced_accuracy, confusion_counts, delong, mcnemar,
    quadratic_kappa, weighted_f1,
};
use bianque_testkit::surroundings;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

fn close(own: f64, other: &Value, what: &str) {
    let other = other.as_f64().unwrap();
    assert!((own - other).abs() <= 1e-9, "{what}: {own}, the other says {other}");
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
    let script = surroundings::crate_folder().join("tests/slide_measures_reference.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Python of BIANQUE_PYTHON does not start");
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "slide_measures_reference.py failed; see its message above");
    let other: Value = serde_json::from_slice(&output.stdout).unwrap();
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

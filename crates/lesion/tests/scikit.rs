//! Logistic regression and every measure against scikit-learn, on the same examples.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use bianque_lesion::{
    ClassificationMetrics, Examples, FeatureMatrix, LogisticSettings, train_logistic,
};
use bianque_testkit::surroundings;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const CLASSES: usize = 3;
const DIMENSION: usize = 12;
const L2: f64 = 2e-3;

/// Unbalanced classes that overlap, and one feature that never varies.
fn examples() -> (Vec<f32>, Vec<usize>) {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut values = Vec::new();
    let mut labels = Vec::new();
    for index in 0..900 {
        let label = [0, 0, 0, 1, 1, 2][index % 6];
        for feature in 0..DIMENSION {
            let shift = if feature % CLASSES == label { 0.8 } else { 0.0 };
            let noise: f32 = (0..4).map(|_| random.random_range(-1.0_f32..1.0)).sum();
            values.push(if feature == 7 { 3.0 } else { (noise + shift) * (feature + 1) as f32 });
        }
        labels.push(label);
    }
    (values, labels)
}

fn scikit(python: &Path, input: &Value) -> Value {
    let script = surroundings::crate_folder().join("tests/scikit_reference.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Python of BIANQUE_PYTHON does not start");
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "scikit_reference.py failed; see its message above");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn close(own: f64, other: &Value, tolerance: f64, what: &str) {
    let other = other.as_f64().unwrap();
    assert!((own - other).abs() <= tolerance, "{what}: {own}, scikit-learn says {other}");
}

#[test]
fn logistic_regression_and_measures_equal_scikit_learn() {
    let Some(python) = surroundings::python() else { return };
    let (values, labels) = examples();
    let features = FeatureMatrix::new(DIMENSION, values.clone()).unwrap();
    let data = Examples::new(features.clone(), labels.clone(), CLASSES).unwrap();
    let settings = LogisticSettings { l2: L2, balance: true, iterations: 1000 };
    let (head, (steps, converged)) = train_logistic(&data, &settings).unwrap();
    assert!(converged, "no minimum after {steps} steps");
    let probabilities = head.probabilities(&features, 1.0).unwrap();
    let rows: Vec<f32> =
        (0..labels.len()).flat_map(|row| probabilities.row(row).to_vec()).collect();
    let other = scikit(
        &python,
        &json!({
            "features": values,
            "labels": labels,
            "classes": CLASSES,
            "dimension": DIMENSION,
            "l2": L2,
            "probabilities": rows,
        }),
    );
    for (index, own) in rows.iter().enumerate() {
        close(f64::from(*own), &other["fitted"][index], 2e-4, "fitted probability");
    }
    let names: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
    let own = ClassificationMetrics::measure(&probabilities, &labels, &names).unwrap();
    close(own.balanced_accuracy, &other["balanced_accuracy"], 1e-12, "balanced accuracy");
    assert_eq!(json!(own.confusion), other["confusion"]);
    for class in 0..CLASSES {
        let area = own.auroc_one_vs_rest[class].unwrap();
        close(area, &other["one_vs_rest"][class], 1e-9, "AUROC against the rest");
    }
    for (index, pair) in own.auroc_pairwise.iter().enumerate() {
        close(pair.auroc.unwrap(), &other["pairwise"][index], 1e-9, "AUROC of a pair");
    }
    close(own.log_loss, &other["log_loss"], 1e-6, "log loss");
    close(own.brier, &other["brier"], 1e-6, "Brier score");
    close(own.ece, &other["ece"], 1e-6, "expected calibration error");
}

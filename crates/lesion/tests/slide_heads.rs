//! Every slide head's output, loss and gradient against PyTorch, on the same weights and bags: of
//! classes, of a value, and of survival by Cox's loss over several slides.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    io::Write,
    process::{Command, Stdio},
};

use bianque_lesion::{
    FeatureMatrix, SlideGradient, SlideHead, SlideHeadKind, SlidePurpose, SlideTarget,
};
use bianque_testkit::surroundings;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const INPUTS: usize = 24;
const TILES: usize = 300;

fn narrow(name: &str) -> SlideHeadKind {
    let mut kind = SlideHeadKind::named(name).unwrap();
    match &mut kind {
        SlideHeadKind::Abmil { hidden, attention, .. }
        | SlideHeadKind::Clam { hidden, attention, .. } => (*hidden, *attention) = (16, 12),
        SlideHeadKind::Dsmil { query } => *query = 12,
        SlideHeadKind::Transmil { width, heads, landmarks, .. } => {
            (*width, *heads, *landmarks) = (16, 4, 7);
        }
        SlideHeadKind::Mean | SlideHeadKind::Max => {}
    }
    kind
}

fn case(name: &str, classes: usize, bag: &FeatureMatrix) -> (Value, Value) {
    let purpose = if classes == 1 {
        SlidePurpose::Regression { mean: 2.0, deviation: 4.0 }
    } else {
        SlidePurpose::Classification { classes: (0..classes).map(|c| c.to_string()).collect() }
    };
    let target = if classes == 1 { SlideTarget::Value(5.0) } else { SlideTarget::Class(1) };
    let head = SlideHead::new(narrow(name), purpose, INPUTS, 5).unwrap();
    let gradient = head.gradient(bag, target).unwrap();
    documents(&head, classes, &head.predict(bag).unwrap().outputs, gradient)
}

/// Cox's loss over slides that are equal parts of the bag; three times are tied, two slides censored.
fn survival(name: &str, bag: &FeatureMatrix) -> (Value, Value) {
    let times = [5.0, 3.0, 3.0, 8.0, 1.0, 3.0];
    let events = [true, true, false, false, true, true];
    let tiles = TILES / times.len();
    let part = |slide: usize| {
        let rows: Vec<usize> = (slide * tiles..(slide + 1) * tiles).collect();
        bag.select(&rows)
    };
    let bags: Vec<FeatureMatrix> = (0..times.len()).map(part).collect();
    let targets: Vec<SlideTarget> = times
        .iter()
        .zip(events)
        .map(|(time, event)| SlideTarget::Survival { time: *time, event })
        .collect();
    let head = SlideHead::new(narrow(name), SlidePurpose::Survival, INPUTS, 5).unwrap();
    let gradient = head.survival_gradient(&bags, &targets).unwrap();
    let outputs: Vec<f32> =
        bags.iter().flat_map(|bag| head.predict(bag).unwrap().outputs).collect();
    let (mut input, own) = documents(&head, 1, &outputs, gradient);
    input["survival"] = json!({ "times": times, "events": events, "tiles": tiles });
    (input, own)
}

fn documents(
    head: &SlideHead,
    classes: usize,
    outputs: &[f32],
    gradient: SlideGradient,
) -> (Value, Value) {
    let parameters: serde_json::Map<String, Value> = head
        .parameters()
        .map(|(name, extent, values)| (name.into(), json!({ "shape": extent, "values": values })))
        .collect();
    let loss = gradient.loss;
    let gradient: serde_json::Map<String, Value> =
        gradient.slopes.into_iter().map(|(name, values)| (name, json!(values))).collect();
    (
        json!({ "head": head.kind(), "classes": classes, "parameters": parameters }),
        json!({ "loss": loss, "outputs": outputs, "gradient": gradient }),
    )
}

fn close(own: &Value, other: &Value, what: &str) {
    match (own, other) {
        (Value::Array(own), Value::Array(other)) => {
            assert_eq!(own.len(), other.len(), "{what}");
            own.iter().zip(other).for_each(|(own, other)| close(own, other, what));
        }
        (own, other) => {
            let (own, other) = (own.as_f64().unwrap(), other.as_f64().unwrap());
            let away = (own - other).abs();
            assert!(away <= 2e-5 * other.abs().max(0.5), "{what}: {own}, PyTorch says {other}");
        }
    }
}

#[test]
fn outputs_losses_and_gradients_equal_pytorch() {
    let Some(python) = surroundings::python() else { return };
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let values: Vec<f32> = (0..TILES * INPUTS).map(|_| random.random_range(-2.0..2.0)).collect();
    let bag = FeatureMatrix::new(INPUTS, values.clone()).unwrap();
    let mut cases = Vec::new();
    let mut names = Vec::new();
    for name in SlideHeadKind::NAMES {
        for classes in [1, 2, 3] {
            if classes > 1 || !name.starts_with("clam") {
                cases.push(case(name, classes, &bag));
                names.push(format!("{name}, {classes} outputs"));
            }
        }
        if !name.starts_with("clam") {
            cases.push(survival(name, &bag));
            names.push(format!("{name}, survival"));
        }
    }
    let input = json!({
        "bag": values,
        "inputs": INPUTS,
        "cases": cases.iter().map(|(input, _)| input).collect::<Vec<_>>(),
    });
    let script = surroundings::crate_folder().join("tests/slide_heads_reference.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the Python of BIANQUE_PYTHON does not start");
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "slide_heads_reference.py failed; see its message above");
    let others: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(others.len(), cases.len());
    for (((_, own), other), name) in cases.iter().zip(&others).zip(&names) {
        close(&own["loss"], &other["loss"], &format!("{name}: loss"));
        close(&own["outputs"], &other["outputs"], &format!("{name}: outputs"));
        for (parameter, own) in own["gradient"].as_object().unwrap() {
            close(own, &other["gradient"][parameter], &format!("{name}: slope of {parameter}"));
        }
    }
}

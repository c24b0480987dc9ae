//! `bianque train slide` and `bianque evaluate slides` as a person runs them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    path::Path,
    process::{Command, Output},
};

use bianque_core::{Confidence, Digest, Mpp, MppSource, PixelRect, Producer};
use bianque_lesion::{Cell, FeatureFacts, FeatureMatrix, SlideFeatures, TileGrid};
use serde_json::Value;

const TILES: usize = 40;
const DIMENSION: usize = 8;

fn bianque(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_bianque");
    Command::new(program).args(arguments).output().expect("the program does not start")
}

/// Numbers from -1 to 1 that are the same every time.
fn number(seed: usize) -> f32 {
    let mixed = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed >> 40) as f32 / (1 << 23) as f32) - 1.0
}

/// Slides of two classes, two a patient, of three sites; some tiles of `yes` tell of it.
fn features(folder: &Path, slides: std::ops::Range<usize>, encoder: &str) -> String {
    std::fs::create_dir_all(folder).unwrap();
    let mpp = Mpp::new(0.5, 0.5, MppSource::User, Confidence::High).unwrap();
    let grid = TileGrid::over(PixelRect::new(0, 0, 4480, 4480), &mpp, 224, 1.0, 1).unwrap();
    let cells: Vec<Cell> = grid.cells().take(TILES).collect();
    let mut csv = String::from("slide,patient,label,site,scanner\n");
    for slide in slides {
        let class = slide / 2 % 2;
        let value = |index: usize| {
            let telling =
                class == 1 && (index / DIMENSION).is_multiple_of(5) && index % DIMENSION == 2;
            number(slide * 1_000 + index) + if telling { 2.0 } else { 0.0 }
        };
        let values = (0..TILES * DIMENSION).map(value).collect();
        let facts = FeatureFacts {
            schema: 1,
            slide: Digest::of(slide.to_string().as_bytes()).to_string(),
            mpp: mpp.clone(),
            grid: grid.clone(),
            tissue: 0.35,
            encoder: Producer {
                name: encoder.into(),
                version: "1".into(),
                digest: Some(Digest::of(encoder.as_bytes())),
                licence: Some("Apache-2.0".into()),
            },
            recipe_digest: Digest::of(encoder.as_bytes()),
            dimension: DIMENSION,
            program: "test".into(),
            left_out: Vec::new(),
        };
        let vectors = FeatureMatrix::new(DIMENSION, values).unwrap();
        let made = SlideFeatures::new(facts, cells.clone(), &vectors).unwrap();
        made.write(&folder.join(format!("s{slide}.safetensors"))).unwrap();
        let (label, site) = (["no", "yes"][class], ["north", "south", "west"][slide / 4 % 3]);
        let scanner = ["GT450", "S360"][slide / 2 % 4 / 2];
        csv.push_str(&format!("s{slide}.svs,p{},{label},{site},{scanner}\n", slide / 2));
    }
    csv
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn sites_that_were_held_out_are_external_in_the_card() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let csv = features(&folder.path().join("features"), 0..60, "one");
    std::fs::write(at("labels.csv"), &csv).unwrap();
    let (from, labels, out) = (at("features"), at("labels.csv"), at("run"));
    let train = ["train", "slide", "--features", &from, "--labels", &labels, "--out", &out];
    let quick = ["--head", "mean", "--epochs", "3", "--split", "sites", "--site", "all three"];
    let trained = bianque(&[&train[..], &quick].concat());
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    let card = json(&folder.path().join("run/task/card.json"));
    let rows = card["metrics"].as_array().unwrap();
    let row = |row: &Value| (row["site"].as_str().unwrap().to_owned(), row["external"] == true);
    let mut rows: Vec<(String, bool)> = rows.iter().map(row).collect();
    rows[1..].sort();
    let expected = [("all three", false), ("north", true), ("south", true), ("west", true)];
    assert_eq!(rows, expected.map(|(site, external)| (site.to_owned(), external)));
}

#[test]
fn a_run_is_trained_measured_taken_up_and_tried_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let csv = features(&folder.path().join("features"), 0..60, "one");
    std::fs::write(at("labels.csv"), &csv).unwrap();
    let (labels, from, out) = (at("labels.csv"), at("features"), at("run"));
    let train = |more: &[&str]| {
        let own = ["train", "slide", "--features", &from, "--labels", &labels, "--out", &out];
        let quick = ["--folds", "3", "--head", "mean,abmil", "--epochs", "6"];
        bianque(
            &[&own[..], &quick, &["--learning-rate", "0.005", "--split", "nested"], more].concat(),
        )
    };
    let first = train(&[]);
    let said = String::from_utf8_lossy(&first.stdout).into_owned();
    assert!(first.status.success(), "{said}{}", String::from_utf8_lossy(&first.stderr));
    assert!(said.contains("auroc") && said.contains("60 slides of 30 patients"), "{said}");
    let run = folder.path().join("run");
    let evaluation = json(&run.join("evaluation.json"));
    assert_eq!(evaluation["schema"], "bianque.slide-evaluation/1");
    assert!(evaluation["measures"][0]["value"].as_f64().unwrap() > 0.9, "{said}");
    let groups = |of: &Value, group: &str| {
        let all = of.as_array().unwrap();
        all.iter().filter(|own| own["group"] == group).count()
    };
    for (group, count) in [("site", 3), ("scanner", 2)] {
        assert_eq!(groups(&evaluation["groups"], group), count);
        let abstention = &evaluation["abstention"];
        assert_eq!(groups(&abstention["other_patients"], group), count, "{abstention}");
    }
    // Every output names what it rests on.
    let model = &evaluation["model"];
    assert_eq!((&model["kind"], &model["encoder"]["name"]), (&"run".into(), &"one".into()));
    assert_eq!(model["encoder"]["licence"], "Apache-2.0");
    assert_eq!(model["encoder"]["digest"], Digest::of(b"one").to_string());
    assert_eq!(model["heads"].as_array().unwrap().len(), 3);
    assert!(said.contains("encoder one 1, Apache-2.0"), "{said}");
    // The classes are no order unless it is said.
    let names = |of: &Value| -> Vec<String> {
        let all = of["measures"].as_array().unwrap().iter();
        all.map(|measure| measure["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!names(&evaluation).contains(&"quadratic_kappa".to_owned()));
    assert!(evaluation["site_shift"]["chance"].as_f64().unwrap() > 0.3);
    let manifest = json(&run.join("manifest.json"));
    let parts = manifest["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 3);
    for part in parts {
        // Each part chose between the two heads by losses of its own inner folds.
        assert_eq!(part["losses"].as_array().unwrap().len(), 2, "{part}");
        assert!(part["chosen"].as_u64().unwrap() < 2);
    }
    assert_eq!(manifest["encoder"]["name"], "one");
    let card = std::fs::read_to_string(run.join("CARD.md")).unwrap();
    assert!(card.contains("research") && card.contains("site north"), "{card}");
    assert!(card.contains("3 folds of patients") && !card.contains("kappa"), "{card}");
    let page = std::fs::read_to_string(run.join("evaluation.html")).unwrap();
    assert!(page.contains("<svg") || page.contains("createElementNS"));
    // Again: nothing is trained, the same is written. Otherwise: another folder is asked for.
    let again = train(&[]);
    assert!(again.status.success() && !String::from_utf8_lossy(&again.stderr).contains("passes"));
    let other = train(&["--seed", "2"]);
    assert!(String::from_utf8_lossy(&other.stderr).contains("another --out"));
    // Elsewhere.
    let csv = features(&folder.path().join("elsewhere"), 100..140, "one");
    std::fs::write(at("elsewhere.csv"), csv).unwrap();
    let tried = bianque(&[
        "evaluate",
        "slides",
        "--run",
        &out,
        "--features",
        &at("elsewhere"),
        "--labels",
        &at("elsewhere.csv"),
        "--out",
        &at("tried"),
        "--json",
        "--rounds",
        "50",
    ]);
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));
    let document: Value = serde_json::from_slice(&tried.stdout).unwrap();
    assert!(document["measures"][0]["value"].as_f64().unwrap() > 0.9);
    // The run's own thresholds, beside those that are fitted here.
    let shipped = &document["abstention_as_shipped"];
    assert_eq!((&shipped["heads"], &shipped["calibrated_on"]), (&3.into(), &60.into()));
    assert!((shipped["most"].as_f64().unwrap() - 0.2).abs() < 1e-9, "{shipped}");
    for (group, count) in [("all", 1), ("class", 2), ("site", 3), ("scanner", 2)] {
        assert_eq!(groups(&shipped["groups"], group), count, "{shipped}");
    }
    let alike = shipped["groups"][0]["slides"].as_u64().unwrap();
    assert_eq!(alike + shipped["unlike"].as_u64().unwrap(), 40);
    assert_eq!(document["model"]["heads"], model["heads"]);
    assert_eq!(document["novelty"]["training_slides"], 60);
    assert_eq!(document["novelty"]["groups"][0]["slides"], 40);
    let distances = std::fs::read_to_string(folder.path().join("tried/distances.csv")).unwrap();
    assert_eq!(distances.lines().count(), 41);
    // Features of another encoder.
    features(&folder.path().join("foreign"), 100..140, "two");
    let foreign = bianque(&[
        "evaluate",
        "slides",
        "--run",
        &out,
        "--features",
        &at("foreign"),
        "--labels",
        &at("elsewhere.csv"),
    ]);
    let said = String::from_utf8_lossy(&foreign.stderr).into_owned();
    assert_eq!(foreign.status.code(), Some(1));
    assert!(said.contains("features of one 1, these are of two 1"), "{said}");
    assert!(said.contains("make features with its encoder"), "{said}");
    let compared = bianque(&[
        "evaluate",
        "slides",
        "--predictions",
        &at("run/predictions.csv"),
        "--against",
        &at("run/predictions.csv"),
        "--rounds",
        "50",
    ]);
    assert!(String::from_utf8_lossy(&compared.stdout).contains("McNemar"));
}

#[test]
fn two_encoders_stand_side_by_side_by_a_list_of_parts() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let csv = features(&folder.path().join("one"), 0..30, "one");
    features(&folder.path().join("two"), 0..30, "two");
    // As a spreadsheet writes it: a mark of its encoding, semicolons, columns of other names.
    let csv = csv.replace("label", "msi").replace(',', ";");
    std::fs::write(at("labels.csv"), format!("\u{feff}{csv}")).unwrap();
    let part = |slide: usize| ["train", "train", "train", "val", "test"][slide / 2 % 5];
    let parts: String = (0..30).map(|slide| format!("s{slide}.svs,{}\n", part(slide))).collect();
    std::fs::write(at("parts.csv"), format!("slide,part\n{parts}")).unwrap();
    let train = |more: &[&str]| {
        let (one, labels, parts, out) = (at("one"), at("labels.csv"), at("parts.csv"), at("mixed"));
        let own = ["train", "slide", "--features", &one, "--labels", &labels, "--split", &parts];
        let quick = ["--column", "label=msi", "--epochs", "3", "--head", "mean", "--out", &out];
        bianque(&[&own[..], &quick, more].concat())
    };
    let done = train(&["--features", &at("two")]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let manifest = json(&folder.path().join("mixed/manifest.json"));
    assert_eq!(manifest["encoder"]["name"], "one + two");
    assert_eq!(manifest["parts"][0]["slides"], serde_json::json!([18, 6, 6]));
    let twice = train(&["--features", &at("one")]);
    let said = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert!(said.contains("one folder an encoder"), "{said}");
}

#[test]
fn what_cannot_be_trained_on_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let csv = features(&folder.path().join("features"), 0..20, "one");
    let first: String = csv.lines().take(3).map(|line| format!("{line}\n")).collect();
    let unknown = format!("{csv}s99.svs,p99,yes,north,GT450\n");
    let no_patient = csv.replace("patient", "person");
    for (labels, part) in [
        (first.as_str(), "all slides are of one class"),
        (unknown.as_str(), "--allow-missing"),
        (no_patient.as_str(), "no column 'patient'"),
    ] {
        std::fs::write(at("labels.csv"), labels).unwrap();
        let out = bianque(&[
            "train",
            "slide",
            "--features",
            &at("features"),
            "--labels",
            &at("labels.csv"),
            "--out",
            &at("run"),
        ]);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success() && said.contains(part), "{part}: {said}");
    }
    features(&folder.path().join("features"), 20..22, "two");
    std::fs::write(at("labels.csv"), csv).unwrap();
    let out = bianque(&[
        "train",
        "slide",
        "--features",
        &at("features"),
        "--labels",
        &at("labels.csv"),
        "--out",
        &at("run"),
    ]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("of 2 encoders") && said.contains("two 1"), "{said}");
}

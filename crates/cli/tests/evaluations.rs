//! `bianque evaluate tiles` and `bianque evaluate lesions`: intervals, pages, tables.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use bianque_testkit::surroundings;
use serde_json::{Value, json};

/// Edge of a tile.
const EDGE: u32 = 224;

fn bianque(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bianque"))
        .env("BIANQUE_MODELS", surroundings::crate_folder().join("../../models"))
        .env("BIANQUE_DATA", folder.join("data"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn measured(folder: &Path, arguments: &[&str]) -> Value {
    let output = bianque(folder, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A tile of noise around a colour.
fn tile(path: &Path, seed: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let noise = |at: u32| (at.wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 24) as u8;
    let pixels = (0..EDGE * EDGE * 3).map(|at| 120 + noise(at) / 3 + (seed * 7 % 40) as u8);
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), EDGE, EDGE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels.collect::<Vec<u8>>()).unwrap();
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn tiles_are_measured_with_intervals_over_folders_or_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut table = String::from("file,patient,site\n");
    for seed in 0..24 {
        let (class, patient) = (["normal", "tumour"][seed % 2], seed / 2);
        let name = format!("{class}/p{patient}/{seed}.png");
        tile(&folder.join("tiles").join(&name), seed as u32);
        table.push_str(&format!("{name},q{},{}\n", patient / 2, ["a", "b"][seed / 12]));
    }
    fs::write(folder.join("tiles.csv"), table).unwrap();
    let evaluate = ["evaluate", "tiles", "tiles", "--task", "sample", "--rounds", "60"];
    let by_folders = measured(folder, &[&evaluate[..], &["--out", "out"]].concat());
    assert_eq!(by_folders["schema"], "bianque.tile-evaluation/1");
    // What stood there before stands there still.
    for field in ["accuracy", "balanced_accuracy", "ece", "brier", "log_loss", "auroc_pairwise"] {
        assert!(!by_folders[field].is_null(), "{field}");
    }
    assert_eq!(by_folders["grouped_by"], "folders");
    let evaluation = &by_folders["evaluation"];
    assert_eq!((&evaluation["slides"], &evaluation["patients"]), (&json!(24), &json!(12)));
    let names = |of: &Value| -> Vec<String> {
        let all = of["measures"].as_array().unwrap().iter();
        all.map(|measure| measure["name"].as_str().unwrap().to_owned()).collect()
    };
    let expected = ["auroc", "auprc", "balanced_accuracy", "weighted_f1", "accuracy"];
    assert_eq!(names(evaluation), expected);
    assert!(evaluation["measures"][4]["low"].as_f64().unwrap() <= 1.0);
    let calibration = &evaluation["calibration"];
    assert!(!calibration["given"]["bins"].as_array().unwrap().is_empty());
    assert!(calibration["temperature"]["ece"].is_number(), "{calibration}");
    assert!(calibration["isotonic"]["ece"].is_number(), "{calibration}");
    let written: Value = serde_json::from_str(&text(&folder.join("out/evaluation.json"))).unwrap();
    assert_eq!(written, by_folders);
    let encoder = &by_folders["model"]["encoder"];
    assert!(encoder["digest"].is_string() && encoder["licence"].is_string(), "{encoder}");
    let predictions = text(&folder.join("out/predictions.csv"));
    assert!(predictions.lines().next().unwrap().ends_with("encoder_digest,encoder_licence"));
    assert!(predictions.contains(encoder["digest"].as_str().unwrap()));
    let page = text(&folder.join("out/evaluation.html"));
    assert!(page.contains(r#""items":"tiles","groups":"folders""#) && !page.contains("{{"));
    assert_eq!(text(&folder.join("out/predictions.csv")).lines().count(), 25);

    let table = ["--groups", "tiles.csv", "--ordered"];
    let by_table = measured(folder, &[&evaluate[..], &table].concat());
    assert_eq!(
        (&by_table["grouped_by"], &by_table["accuracy"]),
        (&json!("table"), &written["accuracy"])
    );
    assert_eq!(by_table["evaluation"]["patients"], 6);
    assert!(names(&by_table["evaluation"]).contains(&"quadratic_kappa".to_owned()));
    assert_eq!(by_table["evaluation"]["groups"].as_array().unwrap().len(), 2);
    let said = bianque(folder, &evaluate);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("24 tiles of 12 folders") && said.contains("weighted_f1"), "{said}");
}

#[test]
fn a_head_is_not_measured_on_the_tiles_that_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut parts = String::from("file,part\n");
    for seed in 0..24_usize {
        let name = format!("{}/{seed}.png", ["normal", "tumour"][seed % 2]);
        tile(&folder.join("tiles").join(&name), 100 + seed as u32);
        tile(&folder.join("others").join(&name), 200 + seed as u32);
        let part = ["train", "validation", "test"][seed / 2 % 3];
        parts.push_str(&format!("{name},{part}\n"));
    }
    fs::write(folder.join("parts.csv"), parts).unwrap();
    let train = ["train", "tiles", "tiles", "--split", "parts.csv", "--name", "mine", "--organ"];
    let rest = ["colon", "--lesions", "tumour", "--stain-copies", "0", "--out", "tasks"];
    let trained = bianque(folder, &[&train[..], &rest].concat());
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    let evaluate = |tiles: &str, more: &[&str]| {
        let own = ["evaluate", "tiles", tiles, "--task", "tasks/mine", "--rounds", "20"];
        bianque(folder, &[&own[..], more].concat())
    };
    let refused = evaluate("tiles", &[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("16 of these 24 tiles trained or calibrated the task mine"), "{said}");
    assert!(said.contains("--split"), "{said}");
    for (tiles, more) in [("tiles", &["--split", "parts.csv"][..]), ("others", &[])] {
        let measured = evaluate(tiles, more);
        let said = String::from_utf8_lossy(&measured.stdout).into_owned();
        assert!(measured.status.success() && !said.contains("could not be checked"), "{said}");
    }
    // Tasks from before keep no digests: they load, and it is said.
    let older = bianque(folder, &["evaluate", "tiles", "tiles", "--task", "sample"]);
    let said = String::from_utf8_lossy(&older.stdout).into_owned();
    assert!(said.contains("could not be checked"), "{said}");
}

/// Squares as GeoJSON, each with a score where it was found.
fn squares(path: &Path, squares: &[(f64, f64, Option<f64>)]) {
    let feature = |(x, edge, score): &(f64, f64, Option<f64>)| {
        let (right, ring) = (x + edge, |a: f64, b: f64| json!([a, b]));
        let measurements = score.map_or(json!([]), |s| json!([{ "name": "Score", "value": s }]));
        json!({
            "type": "Feature",
            "geometry": { "type": "Polygon", "coordinates": [[
                ring(*x, 0.0), ring(right, 0.0), ring(right, *edge), ring(*x, *edge), ring(*x, 0.0),
            ]] },
            "properties": { "measurements": measurements },
        })
    };
    let features: Vec<Value> = squares.iter().map(feature).collect();
    let collection = json!({ "type": "FeatureCollection", "features": features });
    fs::write(path, collection.to_string()).unwrap();
}

#[test]
fn lesions_are_measured_with_intervals_over_slides() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut arguments = vec!["evaluate".to_owned(), "lesions".to_owned()];
    for slide in 0..6 {
        let (truth, found) = (format!("t{slide}.geojson"), format!("f{slide}.geojson"));
        squares(&folder.join(&truth), &[(0.0, 300.0, None), (2000.0, 900.0, None)]);
        let hit = [(0.0, 300.0, Some(0.9)), (5000.0, 200.0, Some(0.3 + 0.1 * f64::from(slide)))];
        squares(&folder.join(&found), if slide % 3 == 0 { &hit[1..] } else { &hit });
        arguments.extend(["--truth".to_owned(), truth, "--regions".to_owned(), found]);
    }
    let more = ["--mpp", "1", "--rounds", "80", "--out", "out"].map(str::to_owned);
    arguments.extend(more);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let document = measured(folder, &arguments);
    assert_eq!(document["schema"], "bianque.lesion-evaluation/1");
    let score = &document["intervals"]["score"];
    let at = |field: &str| score[field].as_f64().unwrap();
    assert!(at("low") < at("value") && at("value") < at("high"), "{score}");
    assert_eq!(score["value"], document["froc"]["score"]);
    assert_eq!(document["intervals"]["sensitivities"].as_array().unwrap().len(), 6);
    // No lesion is below 0.05 mm²: there is nothing to recall.
    let sizes = document["intervals"]["recall_by_size"].as_array().unwrap();
    assert!(sizes[0].is_null() && sizes[1]["low"].is_number(), "{sizes:?}");
    let written: Value = serde_json::from_str(&text(&folder.join("out/evaluation.json"))).unwrap();
    assert_eq!(written, document);
    let page = text(&folder.join("out/evaluation.html"));
    assert!(
        page.contains("Recall by size") && page.contains("const Plots") && !page.contains("{{")
    );
    let said = bianque(folder, &arguments);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("6 slides resampled") && said.contains(" to "), "{said}");
}

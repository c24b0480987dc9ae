//! `bianque run` with several tasks, several encoders, a second look and attention.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use bianque_lesion::{
    FeatureRows, SlideHead, SlideHeadFacts, SlideHeadKind, SlidePurpose, slide_head_to_bytes,
};
use bianque_testkit::{SlideRecipe, surroundings, write_svs};
use serde_json::Value;

fn bianque(arguments: &[&str]) -> Output {
    let models = surroundings::crate_folder().join("../../models");
    Command::new(env!("CARGO_BIN_EXE_bianque"))
        .env("BIANQUE_MODELS", models)
        .args(arguments)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn slide(folder: &Path, name: &str, seed: u64) -> PathBuf {
    let path = folder.join(name);
    let recipe = SlideRecipe {
        width: 3072,
        height: 2560,
        lesions: 1,
        lesion_diameters: (500.0, 700.0),
        ..SlideRecipe::demo(seed)
    };
    write_svs(&recipe, &path).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn tasks_of_one_encoder_share_its_features() {
    let folder = tempfile::tempdir().unwrap();
    let slide = slide(folder.path(), "a.svs", 21);
    let out = folder.path().join("out");
    let run = ["run", text(&slide), "--out", text(&out), "--json"];
    let tasks = ["--task", "sample", "--task", "colon", "--encoder", "bianque-lite"];
    let document = json(&bianque(&[&run[..], &tasks].concat()));
    let results = document["results"].as_array().unwrap();
    assert_eq!(results[0]["task"], "sample");
    assert_eq!(results[1]["task"], "colon");
    assert_eq!(document["encoders"].as_array().unwrap().len(), 1);
    let tiles = document["speed"]["tiles"].as_u64().unwrap();
    assert_eq!(
        tiles as usize,
        FeatureRows::open(&out.join("features.safetensors")).unwrap().tiles()
    );
    assert!(document["speed"]["slides_per_hour"].as_f64().unwrap() > 0.0);
    let (sample, colon) = (out.join("sample/report.json"), out.join("colon/report.json"));
    assert_eq!(read(&sample)["tiles"]["analysed"], read(&colon)["tiles"]["analysed"]);

    // Alone, a task gives the same regions.
    let alone = folder.path().join("alone");
    json(&bianque(&["run", text(&slide), "--task", "sample", "--out", text(&alone), "--json"]));
    assert_eq!(read(&alone.join("report.json"))["regions"], read(&sample)["regions"]);
    let regions = |folder: &Path| fs::read(folder.join("regions.geojson")).unwrap();
    assert_eq!(regions(&alone), regions(&out.join("sample")));
    let twice = bianque(&["run", text(&slide), "--task", "sample", "--task", "sample"]);
    assert!(String::from_utf8_lossy(&twice.stderr).contains("named twice"));
}

#[test]
fn features_alone_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let slide = slide(folder.path(), "a.svs", 21);
    let out = folder.path().join("out");
    let run = ["run", text(&slide), "--features-only", "--out", text(&out), "--json"];
    let document = json(&bianque(&[&run[..], &["--encoder", "bianque-lite"]].concat()));
    assert!(document["results"][0].get("task").is_none());
    assert!(out.join("quality.json").is_file() && !out.join("report.json").exists());
    let rows = FeatureRows::open(&out.join("features.safetensors")).unwrap();
    assert_eq!((rows.facts().grid.steps(), rows.facts().dimension), (1, 1280));
    assert_eq!(bianque(&run).status.code(), Some(2), "an encoder must be named");
}

#[test]
fn slides_that_were_prepared_ahead_give_what_they_give_alone() {
    let folder = tempfile::tempdir().unwrap();
    let slides = folder.path().join("slides");
    fs::create_dir(&slides).unwrap();
    let names = ["a", "b", "c"];
    for (name, seed) in names.iter().zip([21, 22, 23]) {
        slide(&slides, &format!("{name}.svs"), seed);
    }
    let out = folder.path().join("out");
    let arguments = ["--task", "sample", "--json", "--out"];
    let run = ["run", text(&slides)];
    let document = json(&bianque(&[&run[..], &arguments, &[text(&out)]].concat()));
    assert_eq!(document["speed"]["slides"], 3);
    for name in names {
        let alone = folder.path().join(name);
        let slide = slides.join(name).with_extension("svs");
        let one = ["run", text(&slide)];
        json(&bianque(&[&one[..], &arguments, &[text(&alone)]].concat()));
        for file in ["features.safetensors", "regions.geojson"] {
            let (own, ahead) = (alone.join(file), out.join(name).join(file));
            assert!(fs::read(own).unwrap() == fs::read(ahead).unwrap(), "{name}/{file}");
        }
    }
}

#[test]
fn a_second_task_judges_again_where_the_first_is_least_sure() {
    let folder = tempfile::tempdir().unwrap();
    let slide = slide(folder.path(), "a.svs", 21);
    let run_with = |out: &Path, budget: &[&str]| {
        let arguments = ["run", text(&slide), "--task", "sample", "--out", text(out), "--json"];
        let arguments = [&arguments[..], &["--second-task", "sample"], budget].concat();
        let said = json(&bianque(&arguments));
        (read(&out.join("report.json")), said)
    };
    let run = |out: &Path| run_with(out, &["--second-places", "9"]);
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let (report, said) = run(&one);
    let second = &report["second"];
    assert_eq!(second["encoder"]["name"], "bianque-lite");
    assert_eq!(second["places_planned"], 9);
    assert_eq!((&second["tiles"], &second["places_skipped"]), (&9.into(), &0.into()));
    let analysed = report["tiles"]["analysed"].as_f64().unwrap();
    assert!((second["share"].as_f64().unwrap() - 9.0 / analysed).abs() < 1e-9);
    assert_eq!(second["places"].as_array().unwrap().len(), 9);
    // What the second encoder did is in the split of the report and of the run.
    for pass in [&report["timings"]["pass"], &said["speed"]] {
        let seconds = |name: &str| pass[name].as_f64().unwrap();
        assert!(seconds("second_compute_seconds") > 0.0, "{pass}");
        assert!(seconds("second_compute_seconds") < seconds("compute_seconds"), "{pass}");
        assert_eq!(pass["tiles"], report["tiles"]["analysed"].as_u64().unwrap() + 9);
    }
    let (other, _) = run(&two);
    assert_eq!((&other["second"], &other["regions"]), (second, &report["regions"]));
    // Kept features of the second encoder serve the next run.
    assert!(one.join("features-bianque-lite-second.safetensors").is_file());
    // Every region that a part of the map gave names both.
    let drawn = read(&one.join("regions.geojson"));
    let drawn = drawn["features"].as_array().unwrap();
    assert!(!drawn.is_empty());
    for feature in drawn {
        let proposal = &feature["properties"]["proposal"];
        let own = (&proposal["second"]["name"], &proposal["second"]["digest"]);
        assert_eq!(own, (&second["encoder"]["name"], &second["encoder"]["digest"]), "{feature}");
        assert_eq!(proposal["second"]["licence"], second["encoder"]["licence"]);
        assert_eq!(proposal["second"]["head"], second["head"]["digest"]);
    }
    assert_eq!(said["second_encoder"]["digest"], second["encoder"]["digest"]);
    assert!(report["timings"]["seconds"]["second_encoder"].as_f64().unwrap() > 0.0);
    let (again, _) = run(&one);
    assert_eq!((&again["second"], &again["regions"]), (second, &report["regions"]));
    let three = folder.path().join("three");
    let (limited, _) = run_with(&three, &["--second-places", "9", "--second-tiles", "4"]);
    assert_eq!(limited["second"]["places"].as_array().unwrap().len(), 4);
    assert_eq!(limited["second"]["places_skipped"], 5);
    let labels = ["run", text(&slide), "--task", "sample", "--second-task", "colon"];
    let refused = bianque(&labels);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("must be the same"));
}

#[test]
fn attention_is_a_picture_and_never_a_region() {
    let folder = tempfile::tempdir().unwrap();
    let slide = slide(folder.path(), "a.svs", 21);
    let (plain, with) = (folder.path().join("plain"), folder.path().join("with"));
    let run = ["run", text(&slide), "--task", "sample", "--json", "--out"];
    json(&bianque(&[&run[..], &[text(&plain)]].concat()));
    let refused = bianque(&[&run[..], &[text(&with), "--attention"]].concat());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--attention-head"));

    let features = FeatureRows::open(&plain.join("features.safetensors")).unwrap();
    let head = folder.path().join("head.safetensors");
    fs::write(&head, abmil(&features)).unwrap();
    let arguments = [text(&with), "--attention-head", text(&head)];
    json(&bianque(&[&run[..], &arguments].concat()));
    assert!(with.join("attention.png").is_file());
    let attention = &read(&with.join("report.json"))["attention"];
    assert_eq!(attention["notice"], "attention, not a lesion");
    assert!(fs::read_to_string(with.join("report.html")).unwrap().contains("attention-layer"));
    let regions = |folder: &Path| fs::read(folder.join("regions.geojson")).unwrap();
    assert_eq!(regions(&with), regions(&plain));
    assert!(!String::from_utf8(regions(&with)).unwrap().to_lowercase().contains("attention"));
}

/// A head of slides with attention, for these features, that was never trained.
fn abmil(features: &FeatureRows) -> Vec<u8> {
    let facts = features.facts();
    let classes = ["a", "b"].map(String::from).to_vec();
    let kind = SlideHeadKind::Abmil { hidden: 16, attention: 8, branches: 1, dropout: 0.0 };
    let purpose = SlidePurpose::Classification { classes };
    let head = SlideHead::new(kind, purpose, facts.dimension, 7).unwrap();
    let facts = SlideHeadFacts {
        encoder: facts.encoder.clone(),
        recipe_digest: facts.recipe_digest,
        tile_px: facts.grid.tile_px(),
        tile_mpp: facts.grid.mpp(),
        temperature: 1.0,
    };
    slide_head_to_bytes(&head, &facts).unwrap()
}

//! Packing, verifying, installing and running tasks; keys and trust; the coverage table.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use bianque_testkit::{SlideRecipe, write_svs};
use serde_json::Value;
use support::{Site, message, shipped_models, text};

impl Site {
    /// A key, and the shipped sample task packed with it as `sample.tar`.
    fn with_package() -> Self {
        let site = Self::new();
        site.json(&["key", "new", "lab.key"]);
        let folder = shipped_models().join("tasks/sample");
        site.json(&["task", "pack", text(&folder), "--key", "lab.key", "--out", "sample.tar"]);
        site
    }

    fn slide(&self) -> PathBuf {
        let path = self.path("small.svs");
        let recipe = SlideRecipe {
            width: 3072,
            height: 2560,
            lesions: 1,
            lesion_diameters: (500.0, 700.0),
            ..SlideRecipe::demo(21)
        };
        write_svs(&recipe, &path).unwrap();
        path
    }
}

fn refused(output: &Output, with: &str) {
    assert!(!output.status.success());
    let message = message(output);
    assert!(message.contains(with), "{message}");
}

#[test]
fn both_shipped_tasks_are_packed_and_come_back_the_same() {
    let site = Site::new();
    site.json(&["key", "new", "lab.key"]);
    for (name, evidence) in [("colon", "tile"), ("sample", "slide")] {
        let folder = shipped_models().join("tasks").join(name);
        let packed = site.json(&["task", "pack", text(&folder), "--key", "lab.key"]);
        assert_eq!(packed["evidence"], evidence);
        let first = fs::read(site.path(packed["file"].as_str().unwrap())).unwrap();
        let installed = site.json(&["task", "install", packed["file"].as_str().unwrap()]);
        assert_eq!(installed["digest"], packed["digest"]);
        assert_eq!(installed["missing_encoder"], Value::Null);
        let installed = installed["folder"].as_str().unwrap();
        site.json(&["task", "pack", installed, "--key", "lab.key", "--out", "again.tar"]);
        assert_eq!(first, fs::read(site.path("again.tar")).unwrap());
        for file in ["task.json", "head.safetensors", "card.json", "CARD.md"] {
            let there = fs::read(Path::new(installed).join(file)).unwrap();
            assert_eq!(there, fs::read(folder.join(file)).unwrap(), "{file}");
        }
    }
    let listed = site.json(&["task", "list"]);
    assert_eq!(listed["tasks"].as_array().unwrap().len(), 4);
    let card = site.json(&["task", "card", "colon"]);
    assert_eq!(card["signature"]["standing"], "unknown_signer");
    assert_eq!(card["card"]["metrics"][0]["count"], 744);
}

#[test]
fn a_signer_is_unknown_until_trusted_and_a_changed_byte_is_found() {
    let site = Site::with_package();
    let unknown = site.run(&["task", "verify", "sample.tar", "--json"]);
    assert_eq!(unknown.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&unknown.stdout).unwrap();
    assert_eq!(said["signature"]["standing"], "unknown_signer");
    let key = site.json(&["key", "trust", "lab.pub", "--name", "laboratory"]);
    assert_eq!(key["trusted_as"], "laboratory");
    let verified = site.json(&["task", "verify", "sample.tar"]);
    assert_eq!(verified["signature"]["signer"], "laboratory");
    let mut bytes = fs::read(site.path("sample.tar")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(site.path("changed.tar"), bytes).unwrap();
    for verb in ["verify", "install"] {
        refused(
            &site.run(&["task", verb, "changed.tar"]),
            "was changed after the package was made",
        );
    }
    let tasks = site.path("data/tasks/sample");
    assert!(!tasks.exists() || fs::read_dir(tasks).unwrap().count() == 0, "something stayed");
    refused(&site.run(&["task", "verify", "lab.pub"]), "this is no package");
    refused(&site.run(&["task", "pack", ".", "--key", "lab.pub"]), "task.json");
    refused(&site.run(&["key", "new", "lab.key"]), "there already");
}

#[test]
fn an_installed_task_is_found_by_its_organ_and_marks_its_results() {
    let site = Site::with_package();
    site.json(&["key", "trust", "lab.pub", "--name", "laboratory"]);
    let installed = site.json(&["task", "install", "sample.tar"]);
    let slide = site.slide();
    let organ = ["--organ", "generated tissue"];
    site.json(&[&["run", text(&slide), "--out", "out"], &organ[..]].concat());
    let report: Value =
        serde_json::from_slice(&fs::read(site.path("out/report.json")).unwrap()).unwrap();
    assert_eq!(report["package"]["digest"], installed["digest"]);
    assert_eq!(report["package"]["signature"]["signer"], "laboratory");
    assert_eq!(report["scope"]["fits"], false);
    assert_eq!(report["scope"]["outside"][0]["rule"], "no_paired_scanner");
    let regions = fs::read_to_string(site.path("out/regions.geojson")).unwrap();
    assert!(regions.contains("\"in_scope\":false") || !regions.contains("\"proposal\""));
    let clinical = ["run", text(&slide), "--out", "no", "--purpose", "clinical"];
    let output = site.run(&[&clinical[..], &organ[..]].concat());
    refused(&output, "measured with no scanner");
    let other = site.run(&["run", text(&slide), "--organ", "liver"]);
    refused(&other, "no task is for 'liver'");
    let head = Path::new(installed["folder"].as_str().unwrap()).join("head.safetensors");
    let mut bytes = fs::read(&head).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&head, bytes).unwrap();
    let output = site.run(&["run", text(&slide), "--task", "sample"]);
    refused(&output, "install the task again");
}

#[test]
fn a_task_whose_signer_is_unknown_is_refused_for_patients() {
    let site = Site::with_package();
    site.json(&["task", "install", "sample.tar"]);
    let clinical = ["run", "x.svs", "--task", "sample", "--purpose", "clinical"];
    refused(&site.run(&clinical), "which this site does not know");
    let shipped = ["run", "x.svs", "--task", "colon", "--purpose", "clinical"];
    refused(&site.run(&shipped), "not signed");
}

#[test]
fn a_task_without_its_encoder_says_which_one_it_needs() {
    let site = Site::with_package();
    let bare = site.path("bare");
    fs::create_dir_all(bare.join("tasks")).unwrap();
    let output = site.run_with(&bare, &["task", "install", "sample.tar", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let missing = said["missing_encoder"].as_str().unwrap();
    for part in ["bianque-lite 1.1.0", "blake3:7d09aa16", "recipe blake3:4751995a", "model add"] {
        assert!(missing.contains(part), "{missing}");
    }
    refused(&site.run_with(&bare, &["run", "x.svs", "--task", "sample"]), "cannot run");
}

#[test]
fn an_encoder_under_another_name_and_licence_is_the_one_that_a_task_needs() {
    let site = Site::with_package();
    let (shipped, own) = (shipped_models().join("encoders/bianque-lite"), site.path("own"));
    let folder = own.join("encoders/our-lite");
    fs::create_dir_all(own.join("tasks")).unwrap();
    fs::create_dir_all(&folder).unwrap();
    let weights = "weights.safetensors";
    fs::copy(shipped.join(weights), folder.join(weights)).unwrap();
    let mut recipe: Value =
        serde_json::from_slice(&fs::read(shipped.join("recipe.json")).unwrap()).unwrap();
    recipe["name"] = "our-lite".into();
    recipe["licence"] = "LicenseRef-agreement".into();
    recipe["terms"] = serde_json::json!({ "clinical": true, "note": "agreement of 2026" });
    let missing = |recipe: &Value| {
        fs::write(folder.join("recipe.json"), recipe.to_string()).unwrap();
        let output = site.run_with(&own, &["task", "install", "sample.tar", "--json"]);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        said["missing_encoder"].clone()
    };
    assert_eq!(missing(&recipe), Value::Null);
    let slide = site.slide();
    let run = ["run", text(&slide), "--task", "sample", "--out", "renamed", "--json"];
    let output = site.run_with(&own, &run);
    assert!(output.status.success(), "{}", message(&output));
    let report: Value =
        serde_json::from_slice(&fs::read(site.path("renamed/report.json")).unwrap()).unwrap();
    assert_eq!(report["encoder"]["licence"], "LicenseRef-agreement");

    recipe["input"]["normalise"]["floor"] = 0.06.into();
    let other = missing(&recipe);
    assert!(other.as_str().unwrap().contains("back as they were"), "{other}");
}

#[test]
fn a_version_before_stays_and_is_found_by_its_digest() {
    let site = Site::with_package();
    let first = site.json(&["task", "install", "sample.tar"]);
    let folder = site.path("sample-2");
    fs::create_dir(&folder).unwrap();
    for file in ["task.json", "head.safetensors", "card.json"] {
        fs::copy(shipped_models().join("tasks/sample").join(file), folder.join(file)).unwrap();
    }
    let task = fs::read_to_string(folder.join("task.json")).unwrap();
    fs::write(
        folder.join("task.json"),
        task.replace("\"1.1.0\",\n  \"title\"", "\"2.0.0\",\n  \"title\""),
    )
    .unwrap();
    site.json(&["task", "pack", "sample-2", "--unsigned", "--out", "two.tar"]);
    let second = site.json(&["task", "install", "two.tar"]);
    assert_eq!(second["version"], "2.0.0");
    let before = second["before"].as_str().unwrap();
    assert!(first["digest"].as_str().unwrap().contains(before));
    assert_eq!(site.json(&["task", "card", "sample"])["version"], "2.0.0");
    assert_eq!(site.json(&["task", "card", &format!("sample@{before}")])["version"], "1.1.0");
    let card = fs::read_to_string(folder.join("card.json")).unwrap();
    fs::write(folder.join("card.json"), card.replace("generated tissue", "colon")).unwrap();
    refused(&site.run(&["task", "pack", "sample-2", "--unsigned"]), "'organ'");
    fs::remove_file(folder.join("card.json")).unwrap();
    refused(&site.run(&["task", "pack", "sample-2", "--unsigned"]), "has no card.json");
}

#[test]
fn the_coverage_table_counts_what_is_installed() {
    let site = Site::new();
    let coverage = site.json(&["coverage", "--html", "page.html"]);
    assert_eq!(coverage["schema"], "bianque.coverage/1");
    let row = coverage["rows"].as_array().unwrap().iter().find(|row| row["site"] == "colorectum");
    assert_eq!(row.unwrap()["evidence"], "tile");
    assert_eq!(row.unwrap()["partly"], true);
    let china = &coverage["shares"]["china"];
    assert_eq!(china["cases"]["tile"], 517_100);
    assert_eq!(china["shares"]["slide"], 0.0);
    assert_eq!(china["at_most"], true);
    let rest = |place: &str| coverage["shares"][place]["rest"].as_u64().unwrap();
    assert_eq!((rest("china"), rest("world")), (225_486, 1_158_982));
    let shown = String::from_utf8(site.run(&["coverage"]).stdout).unwrap();
    assert!(shown.contains("other and unspecified") && shown.contains("225486"), "{shown}");
    assert!(!shown.contains("no source was read"), "every figure of the shipped table has one");
    let page = fs::read_to_string(site.path("page.html")).unwrap();
    assert!(page.contains("For research use") && !page.contains("{{"));
    let bare = site.path("bare");
    fs::create_dir_all(bare.join("tasks")).unwrap();
    refused(&site.run_with(&bare, &["coverage"]), "cancers.toml is not there");
}

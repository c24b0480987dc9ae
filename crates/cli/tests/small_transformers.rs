//! Tasks on small transformers of random weights: in 8-bit integers, with a class token whose
//! attention is drawn, without parts that outlines could follow.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, path::Path};

use bianque_core::Digest;
use bianque_lesion::{
    Card, CardWords, EncoderReference, Examples, FeatureMatrix, Label, LogisticSettings, MppRange,
    RegionSettings, Task, TileSettings, head_to_bytes, recipe_digest, train_logistic,
};
use bianque_testkit::{SlideRecipe, surroundings, write_svs};
use serde_json::Value;
use support::{Site, message, text};

impl Site {
    /// With both fixtures' encoders, the one called `learned` in 8-bit integers.
    fn with_encoders() -> Self {
        let mut site = Self::new();
        site.models = site.path("models");
        fs::create_dir_all(site.path("models/tasks")).unwrap();
        for (name, precision) in [("learned", "int8"), ("rotary", "f32")] {
            let fixture = surroundings::crate_folder().join("../vision/tests/fixtures").join(name);
            let weights = fixture.join("weights.safetensors");
            let recipe = fixture.join("recipe.json");
            let add = ["model", "add", text(&weights), "--recipe", text(&recipe)];
            site.json(&[&add[..], &["--precision", precision]].concat());
        }
        site
    }

    /// A task of tiles on an installed encoder, in the folder of its own name.
    fn tile_task(&self, encoder: &str) {
        let folder = self.path("models/encoders").join(encoder);
        let encoder = bianque_vision::load(&folder.join("recipe.json")).unwrap();
        let dimension = encoder.dimension();
        let rows = [vec![-1.0; dimension], vec![1.0; dimension]].concat();
        let features = FeatureMatrix::new(dimension, rows).unwrap();
        let examples = Examples::new(features, vec![0, 1], 2).unwrap();
        let (head, _) = train_logistic(&examples, &LogisticSettings::default()).unwrap();
        let (recipe, producer) = (encoder.recipe(), encoder.producer());
        let name = &recipe.name;
        let label = |name: &str, lesion| Label {
            name: name.into(),
            title: name.into(),
            title_zh: None,
            lesion,
            color: [100, 50, 0],
        };
        let task = Task {
            name: name.clone(),
            version: "1".into(),
            title: name.clone(),
            title_zh: None,
            organ: "generated tissue".into(),
            encoder: EncoderReference {
                path: folder.display().to_string(),
                name: name.clone(),
                version: producer.version.clone(),
                digest: producer.digest.unwrap(),
                recipe_digest: Some(recipe_digest(recipe)),
            },
            tiles: TileSettings {
                size: recipe.input.size,
                mpp: recipe.input.mpp,
                steps: 1,
                tissue: 0.3,
            },
            labels: vec![label("healthy", false), label("tumour", true)],
            regions: RegionSettings::for_tile(24.0),
            temperature: 1.0,
            intended_use: "this test".into(),
            licence: "CC0-1.0".into(),
            trained_on: "two points".into(),
            training_tiles: None,
            measured: Value::Null,
            head_digest: Digest::of(&head_to_bytes(&head).unwrap()),
            head,
        };
        let words = CardWords {
            stain: "generated".into(),
            site: "generator".into(),
            training_licence: "CC0-1.0".into(),
            ..CardWords::default()
        };
        task.save(&self.path(name)).unwrap();
        let card = Card::of_training(&task, &words, "two points", MppRange::around_tiles(0.5));
        card.save(&self.path(name)).unwrap();
    }

    fn slides(&self, seeds: std::ops::Range<u64>) {
        fs::create_dir_all(self.path("slides")).unwrap();
        let mut table = String::from("slide,patient,label\n");
        for seed in seeds {
            let lesions = u32::from(seed % 2 == 1);
            let recipe = SlideRecipe {
                width: 1024,
                height: 1024,
                lesions,
                lesion_diameters: (200.0, 260.0),
                ..SlideRecipe::demo(seed)
            };
            write_svs(&recipe, &self.path("slides").join(format!("s{seed}.svs"))).unwrap();
            table.push_str(&format!("s{seed},p{seed},{}\n", ["clear", "lesion"][lesions as usize]));
        }
        fs::write(self.path("slides.csv"), table).unwrap();
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_rounded_encoder_is_found_by_an_installed_task() {
    let site = Site::with_encoders();
    site.tile_task("learned");
    site.slides(1..2);
    site.json(&["task", "pack", "learned", "--unsigned", "--out", "learned.tar"]);
    let installed = site.json(&["task", "install", "learned.tar"]);
    assert_eq!(installed["missing_encoder"], Value::Null);
    fs::remove_dir_all(site.path("learned")).unwrap();
    let run = ["run", "slides/s1.svs", "--task", "learned", "--out"];
    let document = site.json(&[&run[..], &["out"]].concat());
    assert_eq!(document["encoder"]["version"], "random (int8)");

    // Its tiles' vectors are means of their parts': outlines follow tokens, and nothing is noted.
    let by_tokens = [&run[..], &["tokens", "--outlines", "tokens"]].concat();
    site.json(&by_tokens);
    assert_eq!(read(&site.path("tokens/report.json"))["tiles"]["outlines"], "tokens");

    fs::remove_dir_all(site.path("models/encoders/learned")).unwrap();
    let missing = site.refusal(&[&run[..], &["no"]].concat());
    assert!(missing.contains("--recipe learned --precision int8"), "{missing}");
}

#[test]
fn a_task_of_slides_runs_on_a_rounded_encoder_and_draws_attention() {
    let site = Site::with_encoders();
    site.slides(0..12);
    let features = ["run", "slides", "--features-only", "--encoder", "learned", "--out", "runs"];
    let document = site.json(&[&features[..], &["--attention"]].concat());
    assert_eq!(document["results"][0]["attention"][0]["notice"], "attention, not a lesion");
    assert!(site.path("runs/s0/attention.png").is_file());
    let train = ["train", "slide", "--features", "runs", "--labels", "slides.csv", "--out"];
    let words = ["--organ", "generated tissue", "--stain", "generated", "--site", "generator"];
    let quick = ["grade", "--head", "mean", "--epochs", "2", "--folds", "3"];
    site.json(&[&train[..], &quick, &words].concat());
    let run = ["run", "slides/s1.svs", "--slide-task", "grade/task", "--out", "out"];
    site.json(&[&run[..], &["--attention"]].concat());
    let verdict = read(&site.path("out/slide-grade.json"));
    assert_eq!(verdict["encoder"]["version"], "random (int8)");
    assert_eq!(verdict["attention"]["file"], "attention-grade.png");
    assert!(site.path("out/attention-grade.png").is_file());
}

#[test]
fn what_was_asked_and_cannot_be_done_is_said() {
    let site = Site::with_encoders();
    site.tile_task("rotary");
    site.slides(1..2);
    let run = ["run", "slides/s1.svs", "--task", "rotary", "--outlines", "tokens", "--out", "out"];
    let output = site.run(&run);
    assert!(output.status.success(), "{}", message(&output));
    let said = "outlines are interpolated between tiles, not by tokens";
    assert!(message(&output).contains(said), "{}", message(&output));
    let report = read(&site.path("out/report.json"));
    assert_eq!(report["tiles"]["outlines"], "interpolated");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains(said) && warnings.contains("class token"), "{warnings}");

    // The same weights, pooled so that a head can speak of each part.
    let fixture = surroundings::crate_folder().join("../vision/tests/fixtures/rotary");
    let (weights, recipe) = (fixture.join("weights.safetensors"), fixture.join("recipe.json"));
    let add = ["model", "add", text(&weights), "--recipe", text(&recipe)];
    let added = site.json(&[&add[..], &["--pooling", "class-and-mean"]].concat());
    assert_eq!(added["name"], "rotary-class-and-mean");
    site.tile_task("rotary-class-and-mean");
    let run = ["run", "slides/s1.svs", "--task", "rotary-class-and-mean", "--out", "dense"];
    site.json(&[&run[..], &["--outlines", "tokens"]].concat());
    assert_eq!(read(&site.path("dense/report.json"))["tiles"]["outlines"], "tokens");
}

#[test]
fn a_task_of_slides_takes_the_features_of_two_encoders_side_by_side() {
    let site = Site::with_encoders();
    site.slides(0..12);
    for encoder in ["learned", "rotary"] {
        let run = ["run", "slides", "--features-only", "--encoder", encoder, "--out", encoder];
        site.json(&run);
    }
    let train = ["train", "slide", "--features", "learned", "--features", "rotary"];
    let table = ["--labels", "slides.csv", "--out", "both"];
    let words = ["--organ", "generated tissue", "--stain", "generated", "--site", "generator"];
    let quick = ["--head", "mean", "--epochs", "2", "--folds", "3"];
    site.json(&[&train[..], &table, &words, &quick].concat());

    // Its package names both encoders; each that is missing is said.
    let packed = site.json(&["task", "pack", "both/task", "--unsigned", "--out", "both.tar"]);
    assert_eq!(packed["name"], "both");
    let installed = site.json(&["task", "install", "both.tar"]);
    assert_eq!(installed["missing_encoder"], Value::Null);
    let run = ["run", "slides/s1.svs", "--slide-task", "both", "--out", "out"];
    site.json(&run);
    let verdict = read(&site.path("out/slide-both.json"));
    assert_eq!(verdict["encoder"]["name"], "learned + rotary");
    assert_eq!(verdict["heads"], 3);
    for file in ["features.safetensors", "features-rotary.safetensors"] {
        assert!(site.path("out").join(file).is_file(), "{file}");
    }

    // The features of both, again side by side, are known as those that it was made of.
    let tried = ["evaluate", "slides", "--run", "both", "--rounds", "50", "--out", "tried"];
    let again = ["--features", "learned", "--features", "rotary", "--labels", "slides.csv"];
    let refused = site.refusal(&[&tried[..], &again].concat());
    assert!(refused.contains("12 of these slides were part of the run"), "{refused}");

    fs::remove_dir_all(site.path("models/encoders/rotary")).unwrap();
    let missing = site.refusal(&run);
    assert!(missing.contains("it needs the encoder rotary"), "{missing}");
}

//! From slides and labels to a signed task of slides that another site runs and measures.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, path::Path};

use bianque_testkit::{SlideRecipe, write_svs};
use serde_json::Value;
use support::Site;

impl Site {
    /// Small slides, half of them with a lesion, and a table of them.
    fn slides(&self, folder: &str, seeds: std::ops::Range<u64>) {
        fs::create_dir_all(self.path(folder)).unwrap();
        let mut table = String::from("slide,patient,label\n");
        for seed in seeds {
            let lesions = u32::from(seed % 2 == 1);
            let recipe = SlideRecipe {
                width: 1536,
                height: 1536,
                lesions,
                lesion_diameters: (300.0, 400.0),
                ..SlideRecipe::demo(seed)
            };
            write_svs(&recipe, &self.path(folder).join(format!("s{seed}.svs"))).unwrap();
            table.push_str(&format!("s{seed},p{seed},{}\n", ["clear", "lesion"][lesions as usize]));
        }
        fs::write(self.path(&format!("{folder}.csv")), table).unwrap();
    }

    fn features(&self, folder: &str) {
        let (out, encoder) = (format!("{folder}-runs"), "bianque-lite");
        self.json(&["run", folder, "--features-only", "--encoder", encoder, "--out", &out]);
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn heads_of_slides_are_packed_installed_run_and_measured() {
    let site = Site::new();
    site.slides("own", 0..12);
    site.features("own");
    let train = ["train", "slide", "--features", "own-runs", "--labels", "own.csv", "--out"];
    let words = ["--organ", "generated tissue", "--stain", "generated", "--site", "generator"];
    let quick = ["Grade", "--head", "mean", "--epochs", "3", "--folds", "3"];
    site.json(&[&train[..], &quick, &words].concat());
    let card = read(&site.path("Grade/task/card.json"));
    assert_eq!(card["metrics"][0]["unit"], "slide");
    assert_eq!(card["metrics"][0]["external"], false);
    assert_eq!(card["training"]["patients"], 12);
    assert_eq!(card["scanners"], serde_json::json!([]));

    site.json(&["key", "new", "lab.key"]);
    let packed = site.json(&["task", "pack", "Grade/task", "--key", "lab.key"]);
    assert_eq!((&packed["name"], &packed["evidence"]), (&"grade".into(), &"slide".into()));
    let package = packed["file"].as_str().unwrap();
    let installed = site.json(&["task", "install", package]);
    assert_eq!(installed["missing_encoder"], Value::Null);
    let stated = site.json(&["task", "card", "grade"]);
    assert_eq!(stated["judges"], "slides");
    let all = site.json(&["task", "list"]);
    assert!(all["tasks"].as_array().unwrap().iter().any(|task| task["judges"] == "slides"));

    // It is no task that outlines lesions, and an organ does not choose it.
    let wrong = site.refusal(&["run", "own/s1.svs", "--task", "grade"]);
    assert!(wrong.contains("--slide-task"), "{wrong}");
    let wrong = site.refusal(&["run", "own/s1.svs", "--slide-task", "sample"]);
    assert!(wrong.contains("train slide"), "{wrong}");

    site.slides("other", 20..24);
    let organ = ["--organ", "generated tissue"];
    let run = ["run", "other/s21.svs", "--slide-task", "grade", "--out", "out"];
    let document = site.json(&[&run[..], &organ].concat());
    let verdict = read(&site.path("out/slide-grade.json"));
    assert_eq!(verdict["schema"], "bianque.slide-verdict/1");
    assert_eq!(verdict["state"], "unconfirmed");
    assert_eq!(verdict["package"]["digest"], installed["digest"]);
    let classes = verdict["says"]["classes"].as_array().unwrap();
    let sum: f64 = classes.iter().map(|class| class["probability"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-6 && classes[1]["class"] == "lesion", "{verdict}");
    assert_eq!(document["results"][1]["verdict"], verdict);
    // Twelve training slides are too few to exclude a class at 10 %, enough to know what is alike.
    let unlike = &verdict["unlikeness"];
    assert_eq!((&unlike["training_slides"], unlike["beyond"].is_boolean()), (&12.into(), true));
    let files = read(&Path::new(installed["folder"].as_str().unwrap()).join("task.json"));
    assert_eq!(files["limits"]["file"], "limits.safetensors");
    let clinical = site.refusal(&[&run[..], &organ, &["--purpose", "clinical"]].concat());
    assert!(clinical.contains("which this site does not know"), "{clinical}");

    // What the run says is what the evaluation says, and it is not measured on its own slides.
    site.features("other");
    let tried = ["evaluate", "slides", "--run", "grade", "--rounds", "50", "--out", "tried"];
    let elsewhere = ["--features", "other-runs", "--labels", "other.csv"];
    site.json(&[&tried[..], &elsewhere].concat());
    let said = fs::read_to_string(site.path("tried/predictions.csv")).unwrap();
    let line = said.lines().find(|line| line.starts_with("s21,")).unwrap();
    let close = |field: &str| {
        let probability = classes[1]["probability"].as_f64().unwrap();
        field.parse::<f64>().is_ok_and(|value| (value - probability).abs() < 1e-9)
    };
    assert!(line.split(',').any(close), "{line}: {verdict}");
    let own = ["--features", "own-runs", "--labels", "own.csv"];
    let again = site.refusal(&[&tried[..], &own].concat());
    assert!(again.contains("12 of these slides were part of the run"), "{again}");

    let head = Path::new(installed["folder"].as_str().unwrap()).join("head-2.safetensors");
    let mut bytes = fs::read(&head).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&head, bytes).unwrap();
    for command in [&run[..], &[&tried[..], &elsewhere].concat()] {
        let changed = site.refusal(command);
        assert!(changed.contains("install the task again"), "{changed}");
    }
}

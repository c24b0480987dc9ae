//! The real binary, as a person or a script uses it: results, exit codes, messages, JSON.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use bianque_core::geojson;
use bianque_testkit::{SlideRecipe, surroundings, write_svs};
use serde_json::Value;

fn bianque(arguments: &[&str]) -> Output {
    let models = surroundings::crate_folder().join("../../models");
    Command::new(env!("CARGO_BIN_EXE_bianque"))
        .env("BIANQUE_MODELS", models)
        // What this machine's user has installed is not what is tested.
        .env("BIANQUE_DATA", std::env::temp_dir().join("bianque-tests-install-nothing"))
        .args(arguments)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A small slide with one planted lesion, and its truth.
fn sample(folder: &Path) -> (PathBuf, PathBuf) {
    let slide = folder.join("small.svs");
    let recipe = SlideRecipe {
        width: 4096,
        height: 3072,
        lesions: 1,
        lesion_diameters: (500.0, 700.0),
        ..SlideRecipe::demo(21)
    };
    let truth = write_svs(&recipe, &slide).unwrap();
    let path = folder.join("small.truth.geojson");
    fs::write(&path, truth.to_geojson()).unwrap();
    (slide, path)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_run_writes_everything_and_a_second_one_reads_the_features() {
    let folder = tempfile::tempdir().unwrap();
    let (slide, truth) = sample(folder.path());
    let out = folder.path().join("out");
    let arguments = [
        "run",
        text(&slide),
        "--task",
        "sample",
        "--organ",
        "generated tissue",
        "--truth",
        text(&truth),
        "--out",
        text(&out),
        "--json",
    ];
    let first = json(&bianque(&arguments));
    assert_eq!(first["schema"], "bianque.run/1");
    for file in
        ["report.json", "report.html", "regions.geojson", "heatmap.png", "features.safetensors"]
    {
        assert!(out.join(file).is_file(), "{file}");
    }
    let report: Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["schema"], "bianque.report/1");
    assert_eq!(report["exploratory"], false);
    assert_eq!(report["slide"]["mpp"]["source"], "aperio.MPP");
    assert_eq!(report["tiles"]["features_reused"], false);
    assert!(report["regions"].as_array().unwrap().iter().all(|r| r["state"] == "unconfirmed"));
    let lesions = report["evaluation"]["lesions"].as_array().unwrap();
    assert!(lesions.iter().all(|lesion| lesion["confidence"].as_f64().is_some()), "{lesions:?}");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("data:image/jpeg;base64,") && !page.contains("{{"));

    let regions = fs::read(out.join("regions.geojson")).unwrap();
    json(&bianque(&arguments));
    let again: Value = serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(again["tiles"]["features_reused"], true);
    assert_eq!(again["regions"], report["regions"]);
    assert_eq!(fs::read(out.join("regions.geojson")).unwrap(), regions, "same bytes");
}

#[test]
fn features_do_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let (slide, _) = sample(folder.path());
    let features = |threads: &str| {
        let out = folder.path().join(threads);
        let run =
            ["run", text(&slide), "--task", "sample", "--out", text(&out), "--threads", threads];
        assert!(bianque(&run).status.success());
        fs::read(out.join("features.safetensors")).unwrap()
    };
    assert!(features("1") == features("3"));
}

#[test]
fn a_slide_without_a_scale_asks_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let slide = folder.path().join("plain.tif");
    fs::write(&slide, tiny_tiff()).unwrap();
    let out = folder.path().join("out");
    let run = ["run", text(&slide), "--task", "sample", "--out", text(&out)];
    let output = bianque(&run);
    assert_eq!(output.status.code(), Some(1));
    assert!(message(&output).contains("--mpp"), "{}", message(&output));
    // A slide of glass is a finding, not a failure.
    let output = bianque(&[&run[..], &["--mpp", "1.0", "--json"]].concat());
    json(&output);
    let report: Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["slide"]["mpp"]["source"], "stated by the user");
    assert_eq!(report["exploratory"], true);
    assert!(!report["warnings"].as_array().unwrap().is_empty());
}

#[test]
fn one_broken_slide_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let slides = folder.path().join("slides");
    fs::create_dir(&slides).unwrap();
    sample(&slides);
    fs::write(slides.join("broken.svs"), b"II*\0no slide at all").unwrap();
    let out = folder.path().join("out");
    let output =
        bianque(&["run", text(&slides), "--task", "sample", "--out", text(&out), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(message(&output).contains("broken.svs"));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["results"].as_array().unwrap().len(), 2);
    assert!(out.join("small/report.json").is_file());
}

#[test]
fn regions_and_thumbnails_are_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (slide, _) = sample(folder.path());
    let picture = folder.path().join("a.png");
    let region = [
        "region",
        text(&slide),
        "--x",
        "1000",
        "--y",
        "-100",
        "--width",
        "64",
        "--height",
        "48",
        "--mpp",
        "1.0",
        "--out",
        text(&picture),
        "--json",
    ];
    assert_eq!(json(&bianque(&region))["width"], 64);
    assert_eq!(&fs::read(&picture).unwrap()[1..4], b"PNG");
    let small = folder.path().join("b.jpg");
    let thumbnail = ["thumbnail", text(&slide), "--size", "256", "--out", text(&small), "--json"];
    assert_eq!(json(&bianque(&thumbnail))["width"], 256);
    let wrong = folder.path().join("c.bmp");
    let output = bianque(&["thumbnail", text(&slide), "--out", text(&wrong)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(message(&output).contains(".png"));
}

#[test]
fn info_states_size_scale_and_source() {
    let folder = tempfile::tempdir().unwrap();
    let (slide, _) = sample(folder.path());
    let info = json(&bianque(&["info", text(&slide), "--json"]));
    assert_eq!(info["schema"], "bianque.info/1");
    assert_eq!((&info["width"], &info["height"]), (&4096.into(), &3072.into()));
    assert_eq!(info["mpp"]["source"]["field"], "aperio.MPP");
    assert_eq!(info["magnification"], 20.0);
}

#[test]
fn lesions_are_measured_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let (_, truth) = sample(folder.path());
    let found = folder.path().join("found.geojson");
    // The truth itself, as regions of another program: everything is found.
    let features = geojson::decode(&fs::read_to_string(&truth).unwrap()).unwrap();
    fs::write(&found, geojson::encode(&features)).unwrap();
    let arguments =
        ["evaluate", "lesions", "--truth", text(&truth), "--regions", text(&found), "--json"];
    let evaluation = json(&bianque(&arguments));
    assert_eq!(evaluation["froc"]["score"], 1.0);
    assert!(evaluation["overlap"]["dice"].as_f64().unwrap() > 0.999);
}

#[test]
fn a_check_gives_a_verdict_on_each_slide_and_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let slides = folder.path().join("slides");
    fs::create_dir(&slides).unwrap();
    sample(&slides);
    fs::write(slides.join("broken.svs"), b"no slide").unwrap();
    let (out, site) = (folder.path().join("out"), folder.path().join("site.jsonl"));
    let arguments = [
        "check",
        text(&slides),
        "--out",
        text(&out),
        "--site",
        text(&site),
        "--scanner",
        "One",
        "--json",
    ];
    let document = json(&bianque(&arguments));
    assert_eq!(document["schema"], "bianque.check/1");
    let checks = document["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 2, "the worst first");
    assert_eq!(
        (&checks[0]["slide"], &checks[0]["verdict"]),
        (&"broken.svs".into(), &"unreadable".into())
    );
    let verdict = checks[1]["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("pass"), "{}", checks[1]);
    for name in ["quality.json", "quality.geojson", "quality.png"] {
        assert!(out.join("small").join(name).is_file(), "{name}");
    }
    let written = fs::read_to_string(out.join("small/quality.geojson")).unwrap();
    geojson::decode(&written).unwrap();
    assert!(site.with_extension("html").is_file());
    assert_eq!(fs::read_to_string(&site).unwrap().lines().count(), 2);
    let strict = bianque(&["check", text(&slides), "--out", text(&out), "--strict"]);
    assert_eq!(strict.status.code(), Some(1));
}

#[test]
fn faults_are_explained_and_thresholds_checked() {
    let output = bianque(&["check", "--explain", "fold"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("What to do") && said.contains("皱褶"), "{said}");
    let output = bianque(&["check", "--explain", "folly"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(message(&output).contains("out-of-focus"), "names the faults there are");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ours.toml");
    fs::write(&file, "[fold]\nmark = 9\n").unwrap();
    let slide = folder.path().join("any.svs");
    fs::write(&slide, b"any").unwrap();
    let output = bianque(&["check", text(&slide), "--thresholds", text(&file)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(message(&output).contains("[fold]"), "{}", message(&output));
}

#[test]
fn wrong_usage_and_missing_files_have_their_own_exit_codes() {
    assert_eq!(bianque(&["run"]).status.code(), Some(2));
    assert_eq!(bianque(&["dance"]).status.code(), Some(2));
    let output = bianque(&["info", "nowhere.svs"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(message(&output).contains("nowhere.svs"));
    let output = bianque(&["run", "nowhere.svs", "--task", "no-such-task"]);
    assert!(message(&output).contains("colon"), "names the tasks there are: {}", message(&output));
}

/// 64 x 64 white pixels in one strip, without any resolution.
fn tiny_tiff() -> Vec<u8> {
    let entries: [(u16, u16, u32, u32); 9] = [
        (256, 3, 1, 64),
        (257, 3, 1, 64),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8 + 2 + 9 * 12 + 4),
        (277, 3, 1, 1),
        (278, 3, 1, 64),
        (279, 4, 1, 64 * 64),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x09\0".to_vec();
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend([255; 64 * 64]);
    bytes
}

#[test]
fn the_audit_is_verified_from_the_database_and_from_an_export() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("record.db");
    let missing = bianque(&["audit", "verify", "--database", text(&database)]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(!database.exists(), "looking makes none");
    let location: bianque_record::database::Location = text(&database).parse().unwrap();
    drop(bianque_record::Record::open(&location, bianque_record::Settings::default()).unwrap());

    let export = folder.path().join("audit.jsonl");
    let arguments =
        ["audit", "export", "--database", text(&database), "--out", text(&export), "--json"];
    let head = bianque(&arguments);
    assert_eq!(json(&head)["schema"], "bianque.audit-head/1");
    let heads = folder.path().join("kept.jsonl");
    fs::write(&heads, &head.stdout).unwrap();
    for chain in [["--database", text(&database)], ["--export", text(&export)]] {
        let verify = ["audit", "verify", chain[0], chain[1], "--heads", text(&heads), "--json"];
        let report = json(&bianque(&verify));
        assert_eq!(report["schema"], "bianque.audit-verify/1");
        assert_eq!((&report["whole"], &report["entries"]), (&true.into(), &2.into()));
    }

    // An export whose first entry somebody took away.
    let whole = fs::read_to_string(&export).unwrap();
    fs::write(&export, whole.split_once('\n').unwrap().1).unwrap();
    let verify = bianque(&["audit", "verify", "--export", text(&export), "--json"]);
    assert_eq!(verify.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&verify.stdout).unwrap();
    assert_eq!((&report["whole"], &report["fault"]), (&false.into(), &"order".into()));
}

#[test]
fn whoever_runs_the_machine_lets_an_administrator_in_again() {
    use bianque_record::{
        Actor, Record, Settings,
        people::{LinkPurpose, Password},
    };

    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("record.db");
    let missing = bianque(&["account", "list", "--database", text(&database)]);
    assert_eq!((missing.status.code(), database.exists()), (Some(1), false));
    let location: bianque_record::database::Location = text(&database).parse().unwrap();
    let record = Record::open(&location, Settings::default()).unwrap();
    let first = record.issue_link(&Actor::console(), LinkPurpose::FirstAdministrator).unwrap();
    let password = |text| Password::new(text).unwrap();
    let login = "ruth".parse().unwrap();
    record
        .redeem_first_administrator(
            first.token.reveal(),
            &login,
            &password("a long enough password"),
        )
        .unwrap();

    let list = json(&bianque(&["account", "list", "--database", text(&database), "--json"]));
    assert_eq!(list["accounts"][0]["login"], "ruth");
    assert_eq!(list["accounts"].as_array().unwrap().len(), 1, "{list}");
    let stranger = bianque(&["account", "link", "nobody", "--database", text(&database)]);
    assert_eq!(stranger.status.code(), Some(1));
    let link = ["account", "link", "ruth", "--database", text(&database), "--json"];
    let link = json(&bianque(&link));
    let token = link["link"].as_str().unwrap().split("token=").nth(1).unwrap().to_owned();
    let password = password("another long password");
    record.redeem_password(&token, &password).unwrap();
    assert!(record.redeem_password(&token, &password).is_err(), "it works once");
}

//! What leaves, judged by other people's programs: pydicom and highdicom on signed documents,
//! wsidicom's web client on the slide.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::{path::Path, process::Command};

use serde_json::{Value, json};
use support::{Ground, examined_case, findings, key, text};

fn judge(script: &str, arguments: &[&str]) -> String {
    let python =
        std::env::var_os("BIANQUE_PYTHON").expect("BIANQUE_PYTHON names the judges' Python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let output = Command::new(python)
        .arg(script)
        .args(arguments)
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("no_proxy", "127.0.0.1,localhost")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn region(finding: &Value) -> Value {
    json!({
        "id": finding["id"], "label": finding["label"],
        "outer": finding["outline"][0][0], "point": finding["point"],
        "area_mm2": finding["area_mm2"],
    })
}

#[test]
fn signed_findings_are_read_as_a_measurement_report_and_as_annotations() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let case = examined_case(&reader);
    let (id, file) = (text(&case["id"]), text(&case["slides"][0]["key"]));
    let regions = findings(&reader, &id, "lesion-region");
    let decide = |finding: &Value| format!("/api/v1/findings/{}/decision", text(&finding["id"]));
    reader.post(&decide(&regions[0]), &json!({ "key": key(), "verdict": "accept" }));
    let correct = json!({ "key": key(), "verdict": "correct", "label": "adenoma" });
    reader.post(&decide(&regions[1]), &correct);
    let drawn = json!({ "key": key(), "slide": case["slides"][0]["id"], "label": "other-lesion",
        "outline": [[[[10.5, 20.25], [400.0, 20.0], [380.0, 500.0], [12.0, 480.0]]]] });
    let draw = format!("/api/v1/cases/{id}/findings");
    assert_eq!(reader.post(&draw, &drawn).status, 200);
    // Of one label and person: polygons and points are groups of their own.
    for point in [[700.5, 300.25], [90.0, 11.5]] {
        let point = json!({ "key": key(), "slide": case["slides"][0]["id"],
            "label": "other-lesion", "point": point });
        assert_eq!(reader.post(&draw, &point).status, 200);
    }
    let export = format!("/api/v1/cases/{id}/exports");
    for format in ["sr.dcm", "annotations.dcm"] {
        assert_eq!(reader.get(&format!("{export}/{format}")).status, 409, "nothing is signed");
        let unconfirmed = reader.get(&format!("{export}/{format}?status=unconfirmed"));
        assert_eq!(unconfirmed.status, 409, "what is unconfirmed is no document");
    }
    let sign = json!({ "conclusion": "Carcinoma and adenoma. 腺癌", "leave_out_undecided": true });
    assert_eq!(reader.post(&format!("/api/v1/cases/{id}/sign-out"), &sign).status, 200);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for name in ["sr.dcm", "annotations.dcm"] {
        let answer = reader.get(&format!("{export}/{name}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(!answer.text().contains("Zhang"));
        std::fs::write(path(name), &answer.body).unwrap();
    }
    let instances = reader.get("/dicomweb/instances").json();
    let largest = instances
        .as_array()
        .unwrap()
        .iter()
        .max_by_key(|i| i["00280008"]["Value"][0].as_u64().unwrap_or(0));
    let largest = largest.unwrap();
    let all = findings(&reader, &id, "lesion-region");
    // In the order in which they were proposed.
    let mut regions: Vec<Value> = all.iter().map(region).collect();
    regions.sort_by_key(|region| text(&region["id"]));
    let expected = json!({
        "patient": case["patient"], "study": largest["0020000D"]["Value"][0],
        "image": largest["00080018"]["Value"][0], "regions": regions,
    });
    std::fs::write(path("expected.json"), expected.to_string()).unwrap();
    let told =
        judge("documents.py", &[&path("sr.dcm"), &path("annotations.dcm"), &path("expected.json")]);
    assert!(told.contains("judged 5, points 2"), "{told} {file}");
}

#[test]
fn a_foreign_web_client_sees_the_files_pixels() {
    let ground = Ground::new();
    let server = ground.demo();
    let reader = server.demo("demo-pathologist");
    let case = examined_case(&reader);
    let slide = ground.folder.path().join("Zhang San 19600101.svs").display().to_string();
    let base = format!("http://127.0.0.1:{}", server.address.port());
    let told = judge("web_client.py", &[&base, &text(&case["slides"][0]["key"]), &slide]);
    assert!(told.contains("opened"), "{told}");
}

#[test]
fn dicomweb_answers_have_what_the_standards_tables_ask_for() {
    let ground = Ground::new();
    let server = ground.demo();
    examined_case(&server.demo("demo-pathologist"));
    let base = format!("http://127.0.0.1:{}", server.address.port());
    let told = judge("dicomweb.py", &[&base, "1.2.3.4.5"]);
    assert!(told.contains("conforms 1"), "{told}");
}

#[test]
fn dicomweb_holds_what_a_conformance_checker_looks_at() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let id = text(&examined_case(&reader)["id"]);
    let found = text(&findings(&reader, &id, "lesion-region")[0]["id"]);
    let accept = json!({ "key": key(), "verdict": "accept" });
    let decided = reader.post(&format!("/api/v1/findings/{found}/decision"), &accept);
    assert_eq!(decided.status, 200, "{}", decided.text());
    let sign = json!({ "conclusion": "Carcinoma.", "leave_out_undecided": true });
    assert_eq!(reader.post(&format!("/api/v1/cases/{id}/sign-out"), &sign).status, 200);
    let csrf = text(&server.client().get("/api/v1/session").json()["csrf"]);
    let base = format!("http://127.0.0.1:{}", server.address.port());
    let told = judge("conformance.py", &[&base, &csrf, "necrosis"]);
    assert!(told.contains("holds 12"), "{told}");
    // Signed and stored documents are not for whoever is to look first, and are in the audit.
    let drawn = findings(&reader, &id, "lesion-region");
    assert!(
        drawn.iter().any(|finding| finding["label"] == "necrosis"),
        "what was stored is proposed"
    );
}

#[test]
fn annotations_that_a_foreign_program_stores_become_proposals() {
    let ground = Ground::new();
    let server = ground.demo();
    let reader = server.demo("demo-pathologist");
    let case = text(&examined_case(&reader)["id"]);
    // Nobody is logged in there: the demo's own page token.
    let csrf = text(&server.client().get("/api/v1/session").json()["csrf"]);
    let base = format!("http://127.0.0.1:{}", server.address.port());
    let told = judge("store.py", &[&base, &csrf, "necrosis"]);
    assert!(told.contains("stored"), "{told}");
    let all = findings(&reader, &case, "lesion-region");
    let stored: Vec<_> =
        all.iter().filter(|finding| finding["producer"]["name"] == "Foreign finder").collect();
    assert_eq!(stored.len(), 4, "stored twice, counted once");
    let points = stored.iter().filter(|finding| finding["point"].is_array());
    let mut points: Vec<_> = points.map(|finding| finding["point"].to_string()).collect();
    points.sort();
    assert_eq!(points, ["[30.5,60.25]", "[900.0,800.0]"]);
    for finding in stored {
        assert_eq!(
            (&finding["state"], &finding["label"]),
            (&json!("proposed"), &json!("necrosis"))
        );
    }
    let kind = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=b\r\n";
    let header = format!("{kind}X-CSRF-Token: {csrf}\r\n");
    let client = server.client();
    let broken = client.send("POST", "/dicomweb/studies", &header, b"--b\r\n\r\n\r\nDICM\r\n--b--");
    assert_eq!(broken.status, 409, "{}", broken.text());
    assert_eq!(client.send("POST", "/dicomweb/studies", &header, b"nothing").status, 400);
}

//! In which order findings stand.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use serde_json::json;
use support::{Ground, case_and_slide, findings, key, text};

#[test]
fn the_graver_stands_before_the_surer() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let (id, slide) = case_and_slide(&reader);
    let found = findings(&reader, &id, "lesion-region");
    assert_eq!((&found[0]["score"], &found[1]["score"]), (&json!(0.9), &json!(0.7)));
    // The surest is no carcinoma, says a person.
    let decide = format!("/api/v1/findings/{}/decision", text(&found[0]["id"]));
    let milder = json!({ "key": key(), "verdict": "correct", "label": "adenoma" });
    assert_eq!(reader.post(&decide, &milder).status, 200);
    for label in ["normal", "inflammation", "carcinoma", "dysplasia"] {
        let drawn = json!({ "key": key(), "slide": slide, "label": label,
            "outline": [[[[10, 10], [90, 10], [90, 90]]]] });
        let put = reader.post(&format!("/api/v1/cases/{id}/findings"), &drawn);
        assert_eq!(put.status, 200, "{}", put.text());
    }
    let all = reader.get(&format!("/api/v1/cases/{id}/findings")).json();
    let all = all["findings"].as_array().unwrap();
    assert_eq!(all[0]["kind"], "quality-verdict", "whether the slide is fit comes first");
    let order: Vec<(String, bool)> = all[1..]
        .iter()
        .map(|finding| (text(&finding["label"]), finding["by_person"] == true))
        .collect();
    let expected = [
        ("carcinoma", true),
        ("carcinoma", false),
        ("dysplasia", true),
        ("adenoma", false),
        ("inflammation", true),
        ("normal", true),
    ];
    assert_eq!(order, expected.map(|(label, drawn)| (label.to_owned(), drawn)));
}

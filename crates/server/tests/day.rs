//! A pathologist's day over HTTP: worklist, findings, decisions, two readers, signature, audit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::sync::atomic::Ordering;

use bianque_record::proposals::SlideVerdict;
use serde_json::json;
use support::{Ground, case_and_slide, examined_case, findings, key, text};

const REGION: &str = "lesion-region";

#[test]
fn a_slide_becomes_a_signed_case() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let case = examined_case(&reader);
    let id = text(&case["id"]);
    let one = reader.get(&format!("/api/v1/cases/{id}"));
    assert!(!one.text().contains("Zhang") && !case.to_string().contains("Zhang"));
    let slide = one.json()["slides"][0].clone();
    assert_eq!(
        (&slide["image"]["width"], &slide["heatmap"]["downsample"]),
        (&json!(2100), &json!(500.0))
    );
    let heatmap = reader.get(slide["heatmap"]["url"].as_str().unwrap());
    let mut decoder = png::Decoder::new(std::io::Cursor::new(&heatmap.body)).read_info().unwrap();
    let mut pixels = vec![0; 8];
    decoder.next_frame(&mut pixels).unwrap();
    assert_eq!(pixels, [0, 1, 128, 255, 0, 0, 9, 9]);

    let regions = findings(&reader, &id, REGION);
    assert_eq!(regions[0]["score"], 0.9, "the surest comes first");
    let first = format!("/api/v1/findings/{}/decision", text(&regions[0]["id"]));
    let (own, viewed) = (
        key(),
        json!([{ "slide": slide["id"], "x": 0, "y": 0, "width": 900,
        "height": 600, "magnification": 10.0 }]),
    );
    let accept = json!({ "key": own, "verdict": "accept", "viewed": viewed, "milliseconds": 1500 });
    let once = reader.post(&first, &accept).json();
    let again = reader.post(&first, &accept).json();
    assert_eq!((&once["state"], &once["decision"]), (&json!("accepted"), &again["decision"]));
    let anew = reader.post(&first, &json!({ "key": key(), "verdict": "accept" }));
    assert_eq!(anew.status, 409, "a second decision is an amendment");

    let second = format!("/api/v1/findings/{}/decision", text(&regions[1]["id"]));
    let moved = json!([[[[100.0, 200.0], [600.0, 200.0], [600.0, 700.0]]]]);
    let correct =
        json!({ "key": key(), "verdict": "correct", "label": "adenoma", "outline": moved });
    let corrected = reader.post(&second, &correct).json();
    assert_eq!(corrected["finding"]["label"], "adenoma");
    assert_eq!(corrected["finding"]["outline"], moved);
    assert_eq!(corrected["finding"]["proposed"]["label"], "carcinoma");
    let decision = text(&corrected["decision"]);
    let amend = format!("/api/v1/decisions/{decision}/amendment");
    let silent = json!({ "key": key(), "verdict": "accept" });
    assert_eq!(reader.post(&amend, &silent).status, 400, "an amendment says why");
    let why = json!({ "key": key(), "verdict": "refuse", "reason": "regeneration" });
    assert_eq!(reader.post(&amend, &why).json()["state"], "refused");

    let sign = format!("/api/v1/cases/{id}/sign-out");
    let conclusion = json!({ "conclusion": "Carcinoma." });
    assert_eq!(reader.post(&sign, &conclusion).status, 409, "the quality verdict is undecided");
    let export = format!("/api/v1/cases/{id}/exports/geojson");
    assert_eq!(reader.get(&export).status, 409, "nothing is signed");
    let marked = reader.get(&format!("{export}?status=unconfirmed"));
    assert!(marked.text().contains("UNCONFIRMED"), "{}", marked.text());
    let leave = json!({ "conclusion": "Carcinoma.", "leave_out_undecided": true });
    assert_eq!(reader.post(&sign, &leave).json()["version"], 1);
    let report = reader.get(&format!("/api/v1/cases/{id}/report")).json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    assert_eq!(report["undecided"].as_array().unwrap().len(), 1);
    assert_eq!(report["refused"], 1);
    let fact = reader.get(&export).json();
    assert_eq!(fact["features"][0]["properties"]["confirmation"]["state"], "released");

    let admin = server.demo("demo-administrator");
    let verified = admin.get("/api/v1/audit/verify").json();
    assert_eq!(verified["whole"], true, "{verified}");
    assert_eq!(admin.get(&format!("/api/v1/cases/{id}")).status, 403);
}

#[test]
fn a_slide_is_examined_once_whatever_restarts() {
    let ground = Ground { verdict: SlideVerdict::Recut, ..Ground::new() };
    for _ in 0..2 {
        let server = ground.demo();
        let case = examined_case(&server.demo("demo-pathologist"));
        assert_eq!(case["has_bad_slide"], true);
        assert_eq!(case["bad_slide"]["headline"], "recut: fold");
        let crop = server.demo("demo-technician").get(case["bad_slide"]["crop"].as_str().unwrap());
        assert_eq!((crop.status, crop.body.as_slice()), (200, &b"no real JPEG"[..]));
    }
    assert_eq!(ground.examined.load(Ordering::SeqCst), 1);
}

#[test]
fn who_reads_first_is_shown_nothing_until_asking() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut admin = server.demo("demo-administrator");
    let first = json!({ "read_first": true });
    assert_eq!(admin.change("PUT", "/api/v1/settings", &first).status, 204);
    let mut reader = server.demo("demo-pathologist");
    let case = text(&examined_case(&reader)["id"]);
    assert!(findings(&reader, &case, REGION).is_empty());
    let one = reader.get(&format!("/api/v1/cases/{case}")).json();
    let listed = reader.get("/api/v1/worklist").json()["items"][0]["undecided"].clone();
    assert_eq!((&one["undecided"], &listed), (&json!(1), &json!(1)), "the verdict alone");
    assert_eq!((&one["revealed"], &one["slides"][0]["heatmap"]), (&json!(false), &json!(null)));
    let slide = text(&one["slides"][0]["id"]);
    let heatmap = format!("/api/v1/cases/{case}/slides/{slide}/heatmap.png");
    assert_eq!(reader.get(&heatmap).status, 409);
    // Neither does another address say what the findings do not.
    let region = |document: &serde_json::Value| document.to_string().contains("arcinoma");
    let report = reader.get(&format!("/api/v1/cases/{case}/report")).json();
    assert!(!region(&report), "{report}");
    assert_eq!(report["hidden"], true);
    let comparison = reader.get(&format!("/api/v1/cases/{case}/comparison")).json();
    assert_eq!(comparison, json!({ "pairs": [], "disputed": [], "settled": [] }));
    for format in ["json", "geojson"] {
        let path = format!("/api/v1/cases/{case}/exports/{format}?status=unconfirmed");
        assert_eq!(reader.get(&path).status, 409);
    }
    let drawn = json!({ "key": key(), "slide": slide, "label": "necrosis", "milliseconds": 40,
        "outline": [[[[1, 1], [90, 1], [90, 90]]]] });
    assert_eq!(reader.post(&format!("/api/v1/cases/{case}/findings"), &drawn).status, 200);
    let cost = reader.get("/api/v1/cost").json();
    assert_eq!((&cost[0]["aided"], &cost[0]["milliseconds"]), (&json!(false), &json!(40)));
    assert_eq!(reader.post(&format!("/api/v1/cases/{case}/reveal"), &json!({})).status, 200);
    assert_eq!(reader.get(&heatmap).status, 200);
    let found = findings(&reader, &case, REGION);
    let decide = format!("/api/v1/findings/{}/decision", text(&found[0]["id"]));
    reader.post(&decide, &json!({ "key": key(), "verdict": "accept", "milliseconds": 700 }));
    let mut cost = reader.get("/api/v1/cost").json();
    cost.as_array_mut().unwrap().retain(|line| line["milliseconds"] == 700);
    assert_eq!((&cost[0]["aided"], &cost[0]["milliseconds"]), (&json!(true), &json!(700)));
    let other = server.demo("demo-adjudicator");
    let seen = findings(&other, &case, REGION);
    assert!(seen.iter().all(|f| f["by_person"] == true), "each reader asks for himself");
}

#[test]
fn two_readers_differ_and_a_third_settles_it() {
    let ground = Ground::new();
    let server = ground.demo();
    let (mut first, mut second) =
        (server.demo("demo-pathologist"), server.demo("demo-second-reader"));
    let case = text(&examined_case(&first)["id"]);
    assert_eq!(second.get(&format!("/api/v1/cases/{case}")).status, 403, "it is read once");
    assert_eq!(first.post(&format!("/api/v1/cases/{case}/second-reading"), &json!({})).status, 204);
    let region = text(&findings(&first, &case, REGION)[0]["id"]);
    let decide = format!("/api/v1/findings/{region}/decision");
    let accept = json!({ "key": key(), "verdict": "accept" });
    assert_eq!(first.post(&decide, &accept).json()["state"], "read-once");
    assert_eq!(findings(&second, &case, REGION)[0]["state"], "proposed", "the second is blind");
    assert!(second.get(&format!("/api/v1/findings/{region}/decisions")).json() == json!([]));
    let other = server.demo("demo-adjudicator");
    let copy = format!("/api/v1/cases/{case}/exports/json?status=unconfirmed");
    assert!(!other.get(&copy).text().contains("read-once"), "nor does an export say it");

    let drawn = json!({ "key": key(), "slide": first.get(&format!("/api/v1/cases/{case}"))
        .json()["slides"][0]["id"], "label": "necrosis",
        "outline": [[[[1, 1], [90, 1], [90, 90]]]] });
    assert_eq!(first.post(&format!("/api/v1/cases/{case}/findings"), &drawn).status, 200);
    for format in ["json", "geojson"] {
        let copy = format!("/api/v1/cases/{case}/exports/{format}?status=unconfirmed");
        assert!(!other.get(&copy).text().contains("necrosis"), "nor what the other drew");
        assert!(first.get(&copy).text().contains("necrosis"));
    }
    assert_eq!(findings(&second, &case, REGION).len(), 2, "what the first drew is not shown yet");
    let one = second.get(&format!("/api/v1/cases/{case}")).json();
    assert_eq!(one["undecided"], json!(null), "nor counted");

    let refuse = json!({ "key": key(), "verdict": "refuse", "reason": "normal" });
    assert_eq!(second.post(&decide, &refuse).json()["state"], "disputed");
    let mut third = server.demo("demo-adjudicator");
    let comparison = third.get(&format!("/api/v1/cases/{case}/comparison")).json();
    assert_eq!(comparison["disputed"][0]["decisions"].as_array().unwrap().len(), 2);
    let settle = format!("/api/v1/findings/{region}/adjudication");
    assert_eq!(first.post(&settle, &json!({ "key": key(), "verdict": "accept" })).status, 403);
    let settled = third.post(&settle, &json!({ "key": key(), "verdict": "accept" })).json();
    assert_eq!(settled["state"], "accepted");
    let comparison = third.get(&format!("/api/v1/cases/{case}/comparison")).json();
    assert_eq!(comparison["pairs"][0]["readings"][0]["agree"], false);
    assert_eq!(comparison["settled"][0]["decisions"][0]["manner"], "adjudication");
    let amend = format!("/api/v1/decisions/{}/amendment", text(&settled["decision"]));
    let own = json!({ "key": key(), "verdict": "refuse", "reason": "still normal" });
    assert_eq!(second.post(&amend, &own).status, 403, "a reader is no third");
    let other = text(&findings(&second, &case, REGION)[1]["id"]);
    let other = format!("/api/v1/findings/{other}/decision");
    second.post(&other, &json!({ "key": key(), "verdict": "accept" }));
    assert_eq!(findings(&second, &case, REGION).len(), 3, "now it is");
}

/// A case that two read in which the first has drawn: the case and the second's client.
fn drawn_by_the_first(server: &support::Running) -> (String, support::Client) {
    let mut first = server.demo("demo-pathologist");
    let second = server.demo("demo-second-reader");
    let case = examined_case(&first);
    let (case, slide) = (text(&case["id"]), text(&case["slides"][0]["id"]));
    let twice = format!("/api/v1/cases/{case}/second-reading");
    assert_eq!(first.post(&twice, &json!({})).status, 204);
    let drawn = json!({ "key": key(), "slide": slide, "label": "necrosis",
        "outline": [[[[1, 1], [90, 1], [90, 90]]]] });
    assert_eq!(first.post(&format!("/api/v1/cases/{case}/findings"), &drawn).status, 200);
    assert_eq!(
        findings(&first, &case, REGION).iter().filter(|f| f["by_person"] == true).count(),
        1
    );
    (case, second)
}

#[test]
fn a_second_reader_who_looks_first_sees_no_drawing_of_the_firsts() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut admin = server.demo("demo-administrator");
    let first = json!({ "read_first": true });
    assert_eq!(admin.change("PUT", "/api/v1/settings", &first).status, 204);
    let (case, mut second) = drawn_by_the_first(&server);
    assert!(findings(&second, &case, REGION).is_empty());
    assert_eq!(second.post(&format!("/api/v1/cases/{case}/reveal"), &json!({})).status, 200);
    let seen = findings(&second, &case, REGION);
    assert_eq!(seen.len(), 2, "what AI found, and no drawing yet: {seen:?}");
    for finding in &seen {
        let decide = format!("/api/v1/findings/{}/decision", text(&finding["id"]));
        second.post(&decide, &json!({ "key": key(), "verdict": "accept" }));
    }
    assert_eq!(findings(&second, &case, REGION).len(), 3);
}

#[test]
fn where_ai_found_nothing_a_drawing_waits_until_the_second_is_done() {
    let ground = Ground { finds: 0, ..Ground::new() };
    let server = ground.demo();
    let (case, mut second) = drawn_by_the_first(&server);
    let document = second.get(&format!("/api/v1/cases/{case}/findings")).json();
    assert_eq!(document["hidden"], true, "the page offers to say so");
    assert!(!document.to_string().contains("necrosis"), "{document}");
    assert_eq!(second.post(&format!("/api/v1/cases/{case}/reveal"), &json!({})).status, 200);
    let document = second.get(&format!("/api/v1/cases/{case}/findings")).json();
    assert_eq!(document["hidden"], false);
    assert!(document.to_string().contains("necrosis"), "{document}");
}

#[test]
fn views_are_kept_by_reader() {
    let ground = Ground::new();
    let server = ground.demo();
    let (mut reader, other) = (server.demo("demo-pathologist"), server.demo("demo-adjudicator"));
    let case = examined_case(&reader);
    let path = format!(
        "/api/v1/cases/{}/slides/{}/views",
        text(&case["id"]),
        text(&case["slides"][0]["id"])
    );
    let view = json!({ "x": -5, "y": 0, "width": 10, "height": 10, "magnification": 0.01,
        "milliseconds": 250 });
    assert_eq!(reader.post(&path, &json!({ "views": [view, view] })).status, 204);
    assert_eq!(reader.get(&path).json()["views"].as_array().unwrap().len(), 2);
    assert_eq!(other.get(&path).json()["views"].as_array().unwrap().len(), 0);
    let many = json!({ "views": vec![view; 501] });
    assert_eq!(reader.post(&path, &many).status, 400);
}

#[test]
fn a_million_points_come_back_as_they_were_sent() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let (id, slide) = case_and_slide(&reader);
    let path = format!("/api/v1/cases/{id}/slides/{slide}/annotations");
    let count = 1_000_000_u32;
    let mut body = b"BNA1".to_vec();
    body.extend(count.to_le_bytes());
    for at in 0..count {
        body.extend(((at % 2100) as f32).to_le_bytes());
        body.extend(((at / 2100) as f32).to_le_bytes());
    }
    body.extend((0..count).map(|at| (at % 3) as u8));
    let asked = format!("{path}?key={}&label=nuclei&classes=tumour,lymphocyte,other", key());
    let header = format!("X-CSRF-Token: {}\r\n", reader.csrf);
    let put = reader.send("POST", &asked, &header, &body);
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(reader.send("POST", &asked, &header, &body).json(), put.json(), "counted once");
    let sets = reader.get(&path).json();
    assert_eq!(
        (&sets["sets"][0]["count"], &sets["sets"][0]["state"]),
        (&json!(count), &json!("proposed"))
    );
    let set = text(&sets["sets"][0]["id"]);
    let points = reader.get(&format!("{path}/{set}/points"));
    assert!(points.body == body);
    let wrong = asked.replace("tumour,lymphocyte,other", "tumour");
    let wrong = reader.send("POST", &wrong.replace("key=", "key=a"), &header, &body);
    assert_eq!(wrong.status, 400, "a class that is not in the list");
    let accept = json!({ "key": key(), "verdict": "accept", "milliseconds": 3000 });
    let decided = reader.post(&format!("/api/v1/findings/{set}/decision"), &accept);
    assert_eq!(decided.json()["state"], "accepted");
}

#[test]
fn regions_go_to_qupath_and_come_back() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let (id, slide) = case_and_slide(&reader);
    let regions = findings(&reader, &id, REGION);
    let decide =
        |finding: &serde_json::Value| format!("/api/v1/findings/{}/decision", text(&finding["id"]));
    let moved = json!([[
        [[100.0, 200.0], [600.0, 200.0], [600.0, 700.5]],
        [[300.0, 250.0], [350.0, 250.0], [350.0, 300.0]]
    ]]);
    let correct =
        json!({ "key": key(), "verdict": "correct", "label": "adenoma", "outline": moved });
    assert_eq!(reader.post(&decide(&regions[0]), &correct).status, 200);
    let refuse = json!({ "key": key(), "verdict": "refuse", "reason": "none" });
    assert_eq!(reader.post(&decide(&regions[1]), &refuse).status, 200);
    let export = format!("/api/v1/cases/{id}/exports/geojson?status=unconfirmed");
    let left = reader.get(&export).text();
    let features = bianque_core::geojson::decode(&left).unwrap();
    assert_eq!(features.len(), 1, "what was refused stays here: {left}");
    assert_eq!(features[0].class.as_deref(), Some("adenoma"));
    assert_eq!(features[0].polygons[0].outer[2].y, 700.5, "as it was corrected");
    assert_eq!(features[0].polygons[0].holes.len(), 1);

    // As QuPath 0.5 writes what somebody has drawn and classified there.
    let foreign = json!({ "type": "FeatureCollection", "features": [
        { "type": "Feature", "id": "1b1ab3a5-6ee5-4a1c-8e9c-111111111111",
          "geometry": { "type": "Polygon", "coordinates":
              [[[10, 20], [400, 20], [400, 500], [10, 500], [10, 20]]] },
          "properties": { "objectType": "annotation",
              "classification": { "name": "Carcinoma", "color": [178, 24, 43] } } },
        { "type": "Feature", "id": "1b1ab3a5-6ee5-4a1c-8e9c-222222222222",
          "geometry": { "type": "MultiPolygon", "coordinates":
              [[[[1, 2], [40, 2], [40, 50], [1, 2]]], [[[60, 2], [90, 2], [90, 50], [60, 2]]]] },
          "properties": { "objectType": "annotation",
              "classification": { "name": "necrosis", "color": [92, 92, 92] } } },
    ] });
    let import = format!("/api/v1/cases/{id}/slides/{slide}/geojson");
    for _ in 0..2 {
        let answer = reader.post(&import, &foreign);
        assert_eq!((answer.status, answer.json()), (200, json!({ "regions": 2 })));
    }
    let mine = findings(&reader, &id, REGION);
    let mine: Vec<_> = mine.iter().filter(|finding| finding["by_person"] == true).collect();
    assert_eq!(mine.len(), 2, "sent twice, put once");
    assert!(mine.iter().all(|finding| finding["state"] == "accepted"));
    let again = reader.get(&export).text();
    let features = bianque_core::geojson::decode(&again).unwrap();
    let carcinoma = features.iter().find(|f| f.class.as_deref() == Some("carcinoma")).unwrap();
    assert_eq!(carcinoma.polygons[0].outer.len(), 4);
    assert!(features.iter().any(|feature| feature.polygons.len() == 2));

    // A point of QuPath's, and several of one object: each is a finding, and leaves as a point.
    let points = json!({ "type": "FeatureCollection", "features": [
        { "type": "Feature", "geometry": { "type": "Point", "coordinates": [70.5, 80] },
          "properties": { "classification": { "name": "Adenoma" } } },
        { "type": "Feature",
          "geometry": { "type": "MultiPoint", "coordinates": [[5, 6], [7, 8.25]] },
          "properties": { "classification": { "name": "Adenoma" } } },
        { "type": "Feature",
          "geometry": { "type": "LineString", "coordinates": [[5, 6], [7, 8]] } },
    ] });
    for _ in 0..2 {
        let answer = reader.post(&import, &points);
        assert_eq!((answer.status, answer.json()), (200, json!({ "regions": 3 })));
    }
    let left: serde_json::Value = reader.get(&export).json();
    let left = left["features"].as_array().unwrap().iter();
    let left = left.filter(|feature| feature["geometry"]["type"] == "Point");
    let mut places: Vec<_> =
        left.map(|feature| feature["geometry"]["coordinates"].to_string()).collect();
    places.sort();
    assert_eq!(places, ["[5.0,6.0]", "[7.0,8.25]", "[70.5,80.0]"]);

    let mut unknown = foreign.clone();
    unknown["features"][1]["properties"]["classification"]["name"] = json!("Stroma");
    let refused = reader.post(&import, &unknown);
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("region 2"), "{}", refused.text());
    assert_eq!(reader.post(&import, &json!({ "features": [] })).status, 400);
}

#[test]
fn a_point_stays_a_point_until_it_is_signed() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let (id, slide) = case_and_slide(&reader);
    let draw = format!("/api/v1/cases/{id}/findings");
    let outline = json!([[[[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]]]]);
    let drawn = |shape: serde_json::Value| {
        let mut new = json!({ "key": key(), "slide": slide, "label": "adenoma" });
        new.as_object_mut().unwrap().extend(shape.as_object().unwrap().clone());
        new
    };
    for bad in [
        json!({}),
        json!({ "point": [1.0, 2.0], "outline": outline }),
        json!({ "point": [1.0, 1e300] }),
        json!({ "outline": [[[[1.0, 2.0]]]] }),
    ] {
        assert_eq!(reader.post(&draw, &drawn(bad.clone())).status, 400, "{bad}");
    }
    let made = reader.post(&draw, &drawn(json!({ "point": [100.25, 200.0] })));
    assert_eq!(made.status, 200, "{}", made.text());
    let made = made.json();
    assert_eq!(made["point"], json!([100.25, 200.0]));
    assert!(made["outline"].is_null() && made["area_mm2"].is_null(), "{made}");

    let amend = format!("/api/v1/decisions/{}/amendment", text(&made["standing"]));
    let both = json!({ "key": key(), "verdict": "correct", "reason": "where it is",
        "point": [1.0, 2.0], "outline": outline });
    assert_eq!(reader.post(&amend, &both).status, 400);
    let moved = json!({ "key": key(), "verdict": "correct", "reason": "where it is",
        "point": [110.0, 205.5] });
    let moved = reader.post(&amend, &moved);
    assert_eq!(moved.status, 200, "{}", moved.text());
    let finding = &moved.json()["finding"];
    assert_eq!(finding["point"], json!([110.0, 205.5]));
    assert_eq!(finding["proposed"]["point"], json!([100.25, 200.0]));
    assert!(finding["proposed"]["outline"].is_null() && finding["area_mm2"].is_null());

    let sign = json!({ "conclusion": "Adenoma.", "leave_out_undecided": true });
    assert_eq!(reader.post(&format!("/api/v1/cases/{id}/sign-out"), &sign).status, 200);
    let report = reader.get(&format!("/api/v1/cases/{id}/report")).json();
    let line = &report["findings"][0];
    assert_eq!(line["point"], json!([110.0, 205.5]), "{report}");
    assert!(line["area_mm2"].is_null(), "{line}");
}

/// Puts the slide into new cases until chance has drawn one for the reader, or has not.
fn case_of_luck(server: &support::Running, drawn: bool) -> String {
    let mut technician = server.demo("demo-technician");
    let reader = server.demo("demo-pathologist");
    let slide = text(&examined_case(&reader)["slides"][0]["id"]);
    for number in 0..60 {
        let place = json!({ "slide": slide, "specimen": "A", "organ": "colon", "block": "A1",
            "label": "A1-1", "stain": "HE" });
        let number = format!("H{}-{number:02}", u8::from(drawn));
        let new = json!({ "number": number, "patient": "P-0001", "urgency": "routine",
            "reading": "single", "slides": [place] });
        let case = text(&technician.post("/api/v1/cases", &new).json()["id"]);
        if reader.get(&format!("/api/v1/cases/{case}")).json()["drawn_unaided"] == drawn {
            return case;
        }
    }
    panic!("chance draws nothing, or everything");
}

#[test]
fn a_case_drawn_for_the_comparison_is_revealed_only_after_the_reading_is_fixed() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut admin = server.demo("demo-administrator");
    let share = json!({ "read_first": false, "unaided_share": 0.5 });
    assert_eq!(admin.change("PUT", "/api/v1/settings", &share).status, 204);
    let mut reader = server.demo("demo-pathologist");
    let fix = json!({ "conclusion": "Nothing.", "milliseconds": 5000 });

    let shown = case_of_luck(&server, false);
    assert!(!findings(&reader, &shown, REGION).is_empty());
    let late = reader.post(&format!("/api/v1/cases/{shown}/reading"), &fix);
    assert_eq!(late.status, 409, "what is on the screen aids: {}", late.text());

    let case = case_of_luck(&server, true);
    let (reveal, reading) =
        (format!("/api/v1/cases/{case}/reveal"), format!("/api/v1/cases/{case}/reading"));
    assert!(findings(&reader, &case, REGION).is_empty());
    let early = reader.post(&reveal, &json!(null));
    assert!(early.status == 409 && early.text().contains("fix your reading"), "{}", early.text());
    let sign = json!({ "conclusion": "Nothing.", "leave_out_undecided": true });
    let unread = reader.post(&format!("/api/v1/cases/{case}/sign-out"), &sign);
    assert!(unread.status == 409 && unread.text().contains("fix your reading"));
    assert_eq!(server.demo("demo-technician").post(&reading, &fix).status, 403);
    let fixed = reader.post(&reading, &fix);
    assert_eq!(fixed.status, 200, "{}", fixed.text());
    assert!(findings(&reader, &case, REGION).is_empty(), "it is fixed, and not yet revealed");
    assert_eq!(reader.post(&reveal, &json!(null)).status, 200);
    let regions = findings(&reader, &case, REGION);
    let decide = format!("/api/v1/findings/{}/decision", text(&regions[0]["id"]));
    assert_eq!(reader.post(&decide, &json!({ "key": key(), "verdict": "accept" })).status, 200);
    let readings = reader.get("/api/v1/cost/readings").json();
    let unaided = &readings["unaided"];
    assert_eq!(
        (&unaided["readings"], &unaided["taken_over"]),
        (&json!(1), &json!(1)),
        "{readings}"
    );
    assert_eq!(unaided["median_milliseconds"], 5000);
    assert_eq!(readings["enough"], false, "one says nothing");
}

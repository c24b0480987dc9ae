//! Cases of several slides: put together by hand, taken apart, and by `cases.csv` in the folder.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::{
    fs,
    time::{Duration, Instant},
};

use bianque_record::{database::Location, identity::UserId};
use bianque_testkit::{SlideRecipe, write_svs};
use serde_json::{Value, json};
use support::{Client, Ground, findings, key, text};

/// A folder with three slides.
fn ground() -> Ground {
    let ground = Ground::new();
    for (seed, name) in [(8, "b.svs"), (9, "c.svs")] {
        let recipe =
            SlideRecipe { width: 1100, height: 900, lesions: 0, ..SlideRecipe::demo(seed) };
        write_svs(&recipe, &ground.folder.path().join(name)).unwrap();
    }
    ground
}

/// Asks again and again until an answer is as wanted.
fn wait(client: &Client, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_secs(40);
    loop {
        let answer = client.get(path).json();
        if wanted(&answer) {
            return answer;
        }
        assert!(Instant::now() < until, "{path} stays {answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn examined(items: &Value) -> bool {
    let done = |item: &Value| item["slide"]["examination"] == "done";
    items["items"].as_array().unwrap().iter().all(done)
}

fn piece(item: &Value, label: &str) -> Value {
    json!({ "slide": item["slide"]["id"], "specimen": "A", "organ": "colon", "block": "A1",
            "label": label, "stain": "HE" })
}

#[test]
fn slides_are_put_together_and_taken_apart() {
    let ground = ground();
    let server = ground.demo();
    let mut technician = server.demo("demo-technician");
    let three = |list: &Value| list["items"].as_array().unwrap().len() == 3 && examined(list);
    let all = wait(&technician, "/api/v1/unattached", three);
    let items = all["items"].as_array().unwrap().clone();
    let new = json!({ "number": "H26-0001", "patient": "P-0001", "urgency": "urgent",
        "reading": "single", "slides": [piece(&items[0], "A1-1"), piece(&items[1], "A1-2")] });
    let named = json!({ "patient": "Zhang San" });
    let mut wrong = new.clone();
    wrong["patient"] = named["patient"].clone();
    let refused = technician.post("/api/v1/cases", &wrong);
    assert_eq!(refused.status, 400, "{}", refused.text());
    let made = technician.post("/api/v1/cases", &new);
    assert_eq!(made.status, 200, "{}", made.text());
    let case = text(&made.json()["id"]);
    let one = technician.get(&format!("/api/v1/cases/{case}")).json();
    assert_eq!(one["slides"].as_array().unwrap().len(), 2);
    assert_eq!((&one["undecided"], &one["urgency"]), (&json!(6), &json!("urgent")));
    assert!(one["slides"][1]["heatmap"]["url"].as_str().unwrap().contains(&case));
    let worklist = technician.get("/api/v1/worklist").json();
    assert_eq!(worklist["items"].as_array().unwrap().len(), 2, "emptied cases are not there");

    let more = json!({ "slides": [piece(&items[2], "A1-1")] });
    let path = format!("/api/v1/cases/{case}/slides");
    let same = technician.post(&path, &more);
    assert!(same.status == 409 && same.text().contains("has a slide 'A1-1'"), "{}", same.text());
    let more = json!({ "slides": [piece(&items[2], "A1-3")] });
    assert_eq!(technician.post(&path, &more).status, 204);
    let third = format!("{path}/{}", text(&items[2]["slide"]["id"]));
    let out = technician.change("DELETE", &third, &json!(null));
    assert_eq!(out.status, 200, "{}", out.text());
    assert_eq!(out.json()["id"], items[2]["case"]["id"], "it is back in its own case");

    let mut reader = server.demo("demo-pathologist");
    let regions = findings(&reader, &case, "lesion-region");
    assert_eq!(regions.len(), 4, "what machines said came along");
    let decide = format!("/api/v1/findings/{}/decision", text(&regions[0]["id"]));
    let decided = reader.post(&decide, &json!({ "key": key(), "verdict": "accept" }));
    assert_eq!(decided.status, 200, "{}", decided.text());
    let slide = format!("{path}/{}", text(&regions[0]["slide"]));
    let late = technician.change("DELETE", &slide, &json!(null));
    assert!(late.status == 409 && late.text().contains("has decided"), "{}", late.text());
    let mut second = server.demo("demo-second-reader");
    assert_eq!(second.change("DELETE", &slide, &json!(null)).status, 403);
    let verified = server.demo("demo-administrator").get("/api/v1/audit/verify").json();
    assert_eq!(verified["whole"], true, "{verified}");
}

#[test]
fn a_server_that_cannot_take_up_a_slide_is_not_ready() {
    let ground = ground();
    let server = ground.demo();
    let client = server.client();
    wait(&client, "/ready", |answer| answer["status"] == "ready");
    // As if somebody had closed the program's own account behind its back.
    let mut database = Location::Sqlite(ground.data.path().join("record.db")).connect().unwrap();
    let close = |active: u8| {
        format!("UPDATE account SET active = {active} WHERE id = '{}'", UserId::CONSOLE)
    };
    database.batch(&close(0)).unwrap();
    let recipe = SlideRecipe { width: 2100, height: 1500, lesions: 0, ..SlideRecipe::demo(97) };
    write_svs(&recipe, &ground.folder.path().join("late.svs")).unwrap();
    wait(&client, "/ready", |answer| answer["status"] == 503);
    database.batch(&close(1)).unwrap();
    wait(&client, "/ready", |answer| answer["status"] == "ready");
}

const HEAD: &str = "file,case,patient,specimen,organ,block,label,stain,urgency\n";

#[test]
fn a_list_in_the_folder_makes_cases_and_says_what_is_wrong_with_it() {
    let ground = ground();
    let list = ground.folder.path().join("cases.csv");
    let write = |rows: &str| fs::write(&list, format!("{HEAD}{rows}")).unwrap();
    write(
        "b.svs,H26-0002,P-0002,A,colon,A1,A1-1,HE,urgent\n\
         c.svs,H26-0002,P-0002,A,colon,A2,A2-1,PAS,urgent\n\
         d.svs,H26-0002,P-0002,A,colon,A3,A3-1,HE,urgent\n\
         Zhang San 19600101.svs,H26-0003,Zhang San,A,colon,A1,A1-1,HE,\n",
    );
    let server = ground.demo();
    let mut technician = server.demo("demo-technician");
    let listed = |list: &Value| list["present"] == true;
    let standing = wait(&technician, "/api/v1/case-list", listed);
    assert_eq!((&standing["cases"], &standing["waiting"]), (&json!(1), &json!(1)));
    assert_eq!(standing["problems"][0]["line"], 5, "{standing}");
    assert!(!standing.to_string().contains("Zhang"), "{standing}");
    let metrics = technician.get("/metrics").text();
    assert!(metrics.contains("bianque_case_list_problems 1"), "{metrics}");
    let two = |list: &Value| list["items"].as_array().unwrap().len() == 2;
    let worklist = wait(&technician, "/api/v1/worklist", two);
    let case = worklist["items"].as_array().unwrap().iter().find(|c| c["number"] == "H26-0002");
    let case = case.unwrap().clone();
    assert_eq!(case["slides"].as_array().unwrap().len(), 2, "{case}");
    assert_eq!((&case["urgency"], &case["patient"]), (&json!("urgent"), &json!("P-0002")));

    // What a person has taken out is not put back, whatever the list says.
    let slide = text(&case["slides"][0]["id"]);
    let path = format!("/api/v1/cases/{}/slides/{slide}", text(&case["id"]));
    let out = technician.change("DELETE", &path, &json!(null));
    assert_eq!(out.status, 200, "{}", out.text());
    write(
        "b.svs,H26-0002,P-0002,A,colon,A1,A1-1,HE,urgent\n\
         c.svs,H26-0002,P-0002,A,colon,A2,A2-1,PAS,urgent\n\
         Zhang San 19600101.svs,H26-0002,P-0002,A,colon,A4,A4-1,HE,urgent\n",
    );
    let mended = |list: &Value| list["problems"].as_array().unwrap().is_empty();
    wait(&technician, "/api/v1/case-list", mended);
    let case = text(&case["id"]);
    let one = wait(&technician, &format!("/api/v1/cases/{case}"), |one| {
        one["slides"].as_array().unwrap().iter().any(|slide| slide["label"] == "A4-1")
    });
    assert_eq!(one["slides"].as_array().unwrap().len(), 2, "{one}");
    assert!(!one["slides"].as_array().unwrap().iter().any(|s| s["id"] == slide.as_str()));
}

//! Decisions refit the head, a person activates it, and nothing happens by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::{
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::{Duration, Instant},
};

use bianque_core::Digest;
use bianque_record::{
    identity::Label,
    improvement::{Agreement, KindCount, LeftOut, Lesson, Measured, Said},
};
use bianque_server::{
    Settings,
    improve::{HeadFile, ImproveError, Improver, Refitted},
};
use serde_json::{Value, json};
use support::{Client, Ground, Running, examined_case, findings, key, text};

/// Gives heads of so much agreement, one after the other, and says no when there are no more.
struct FakeImprover {
    in_use: Mutex<Digest>,
    agreements: Mutex<Vec<f64>>,
}

impl FakeImprover {
    fn new(agreements: &[f64]) -> Arc<Self> {
        let mut agreements = agreements.to_vec();
        agreements.reverse();
        Arc::new(Self { in_use: Mutex::new(own()), agreements: Mutex::new(agreements) })
    }
}

fn own() -> Digest {
    Digest::of(b"own")
}

fn measured(after: f64) -> Measured {
    let agreement = |balanced| Agreement { agrees: 1, of: 2, balanced, log_loss: 0.5 };
    Measured {
        before: agreement(0.5),
        after: agreement(after),
        mended: 1,
        spoilt: 0,
        kinds: vec![KindCount { kind: "refused".to_owned(), learned: 1, held_out: 0 }],
        pull: 0.1,
        learned_cases: 1,
        held_out_cases: 1,
        learned_tiles: 9,
        left_out: LeftOut::default(),
        slides: 1,
        tiles: 100,
        changed_tiles: 3,
    }
}

impl Improver for FakeImprover {
    fn task(&self) -> Label {
        "fake".parse().unwrap()
    }

    fn obstacle(&self) -> Option<String> {
        None
    }

    fn own_head(&self) -> Digest {
        own()
    }

    fn head_in_use(&self) -> Digest {
        *self.in_use.lock().unwrap()
    }

    fn refit(&self, lessons: &[Lesson], _: &AtomicBool) -> Result<Refitted, ImproveError> {
        let said: Vec<Said> = lessons.iter().map(|lesson| lesson.said).collect();
        assert_eq!(said, [Said::IsNot, Said::Is], "the newest decision first");
        let Some(after) = self.agreements.lock().unwrap().pop() else {
            return Err(ImproveError::Refused("too few decisions".to_owned()));
        };
        Ok(Refitted {
            head: HeadFile { weights: format!("{after}").into_bytes(), pulled_to: own() },
            compared_with: self.head_in_use(),
            measured: measured(after),
            learned: vec![lessons[0].decision],
            held_out: vec![lessons[1].decision],
        })
    }

    fn check_head(&self, head: &HeadFile) -> Result<(), ImproveError> {
        assert_eq!(head.pulled_to, own());
        Ok(())
    }

    fn use_head(&self, head: Option<&HeadFile>) -> Result<(), ImproveError> {
        let digest = head.map_or_else(own, |head| Digest::of(&head.weights));
        *self.in_use.lock().unwrap() = digest;
        Ok(())
    }
}

const IMPROVEMENT: &str = "/api/v1/improvement";
const ACTIVE: &str = "/api/v1/improvement/active";

fn decide_both(reader: &mut Client) -> String {
    let case = text(&examined_case(reader)["id"]);
    let regions = findings(reader, &case, "lesion-region");
    let refuse = json!({ "key": key(), "verdict": "refuse", "reason": "regenerative" });
    for (region, body) in regions.iter().zip([json!({ "key": key(), "verdict": "accept" }), refuse])
    {
        let path = format!("/api/v1/findings/{}/decision", text(&region["id"]));
        assert_eq!(reader.post(&path, &body).status, 200);
    }
    case
}

fn refitted(reader: &mut Client) -> Value {
    let begun = reader.post(IMPROVEMENT, &json!({}));
    assert_eq!(begun.status, 204, "{}", begun.text());
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let document = reader.get(IMPROVEMENT).json();
        if document["running"] == false {
            return document;
        }
        assert!(Instant::now() < until, "it never ends");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn decisions_refit_the_head_and_a_person_activates_it() {
    let ground = Ground::new();
    let improver = FakeImprover::new(&[0.75, 0.25]);
    let settings = Settings { demo: true, improver: Some(improver.clone()), ..ground.settings() };
    let server = Running::with(settings.clone());
    let mut reader = server.demo("demo-pathologist");
    let nothing = reader.post(IMPROVEMENT, &json!({}));
    assert_eq!(nothing.status, 409, "{}", nothing.text());
    decide_both(&mut reader);

    let mut admin = server.demo("demo-administrator");
    for login in ["demo-technician", "demo-second-reader", "demo-clinician"] {
        let mut other = server.demo(login);
        assert_eq!(other.get(IMPROVEMENT).status, 403, "{login}");
        assert_eq!(other.post(IMPROVEMENT, &json!({})).status, 403, "{login}");
        assert_eq!(other.change("PUT", ACTIVE, &json!({})).status, 403, "{login}");
    }
    assert_eq!(admin.post(IMPROVEMENT, &json!({})).status, 403, "it is a pathologist's to ask");

    let first = refitted(&mut reader);
    let head = &first["heads"][0];
    assert_eq!((&first["task"], &first["active"]), (&json!("fake"), &Value::Null));
    assert_eq!(first["in_use"], own().to_string(), "nothing comes into use by itself");
    assert_eq!((&head["worse"], &head["learned"]), (&json!(false), &json!(1)));
    assert_eq!(head["measured"]["after"]["balanced"], 0.75);
    let id = text(&head["id"]);
    let whole = admin.get(&format!("{IMPROVEMENT}/heads/{id}")).json();
    assert_eq!(whole["learned_decisions"].as_array().unwrap().len(), 1);

    let put = |client: &mut Client, body: Value| client.change("PUT", ACTIVE, &body).status;
    assert_eq!(put(&mut admin, json!({ "head": id })), 204);
    assert_eq!(improver.head_in_use(), Digest::of(b"0.75"));
    assert_eq!(put(&mut admin, json!({ "head": id })), 409, "it is in use already");

    let second = refitted(&mut reader);
    let worse = text(&second["heads"][0]["id"]);
    assert_eq!(second["heads"][0]["worse"], true);
    assert_eq!(put(&mut reader, json!({ "head": worse })), 409, "a reason is missing");
    let reason = json!({ "head": worse, "reason": "it sees the serrated ones" });
    assert_eq!(put(&mut reader, reason), 204);
    assert_eq!(put(&mut reader, json!({ "head": "0".repeat(32), "reason": "x" })), 404);
    assert_eq!(put(&mut reader, json!({ "head": "x" })), 400);

    let third = refitted(&mut reader);
    assert_eq!(third["failed"], "too few decisions");
    assert_eq!(third["heads"].as_array().unwrap().len(), 2);

    // Another start of the program examines by what people have activated.
    drop((reader, admin));
    drop(server);
    let again = FakeImprover::new(&[]);
    let server = Running::with(Settings { improver: Some(again.clone()), ..settings });
    let mut reader = server.demo("demo-pathologist");
    let until = Instant::now() + Duration::from_secs(20);
    while again.head_in_use() != Digest::of(b"0.25") {
        assert!(Instant::now() < until, "{}", again.head_in_use());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(put(&mut reader, json!({ "head": null })), 409, "a reason is missing");
    assert_eq!(put(&mut reader, json!({ "reason": "back to what was validated" })), 204);
    assert_eq!(again.head_in_use(), own());
    let history = reader.get(IMPROVEMENT).json()["history"].clone();
    assert_eq!((&history[0]["head"], &history[1]["head"]), (&Value::Null, &json!(worse)));
    let admin = server.demo("demo-administrator");
    let entries = admin.get("/api/v1/audit?limit=200").json()["entries"].clone();
    let count = |event: &str| {
        let done = |entry: &&Value| entry["event"] == event && entry["outcome"] == "done";
        entries.as_array().unwrap().iter().filter(done).count()
    };
    assert_eq!((count("head.refitted"), count("head.activated"), count("lessons.read")), (2, 3, 4));
    assert_eq!(admin.get("/api/v1/audit/verify").json()["whole"], true);
}

#[test]
fn nothing_is_learned_from_patients_who_have_not_agreed() {
    let ground = Ground::new();
    let improver: Arc<dyn Improver> = FakeImprover::new(&[0.75, 0.75]);
    let (server, mut admin) = ground.closed_with(Some(improver));
    let mut reader = server.member(&mut admin, "anna", "pathologist");
    let case = decide_both(&mut reader);
    let refused = reader.post(IMPROVEMENT, &json!({}));
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("agrees to training"), "{}", refused.text());
    let consent = format!("/api/v1/cases/{case}/consent");
    for (granted, status) in [(true, 204), (false, 409)] {
        let body = json!({ "purpose": "training", "granted": granted });
        assert_eq!(reader.post(&consent, &body).status, 204);
        if granted {
            assert_eq!(refitted(&mut reader)["heads"].as_array().unwrap().len(), 1);
        } else {
            assert_eq!(reader.post(IMPROVEMENT, &json!({})).status, status);
        }
    }
    assert_eq!(reader.get(&consent).json().as_array().unwrap().len(), 2);
    assert_eq!(admin.get(&consent).status, 403);
    let bad = json!({ "purpose": "curiosity", "granted": true });
    assert_eq!(reader.post(&consent, &bad).status, 400);
    // The site may have another ground than each patient's consent; that is in the audit.
    let mut settings = reader.get("/api/v1/settings").json();
    settings["learn_from_all"] = json!(true);
    assert_eq!(reader.change("PUT", "/api/v1/settings", &settings).status, 403);
    assert_eq!(admin.change("PUT", "/api/v1/settings", &settings).status, 204);
    assert_eq!(refitted(&mut reader)["heads"].as_array().unwrap().len(), 2);
}

#[test]
fn without_a_task_there_is_no_head_to_improve() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    decide_both(&mut reader);
    let document = reader.get(IMPROVEMENT).json();
    assert!(text(&document["obstacle"]).contains("no task"), "{document}");
    assert_eq!(reader.post(IMPROVEMENT, &json!({})).status, 409);
    assert_eq!(reader.change("PUT", ACTIVE, &json!({})).status, 409);
}

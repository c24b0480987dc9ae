//! What the log says of a day, and what it must never say.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use support::{Ground, examined_case, findings, key, text};
use tracing_subscriber::fmt::MakeWriter;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn a_day_is_in_the_log_without_a_patient_a_path_or_a_secret() {
    let kept = Kept::default();
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_writer(kept.clone());
    lines.with_max_level(tracing_subscriber::filter::LevelFilter::TRACE).init();

    let ground = Ground::new();
    let (server, mut admin) = ground.closed();
    let mut reader = server.member(&mut admin, "anna.reader", "pathologist");
    let case = examined_case(&reader);
    let (id, slide, file) =
        (text(&case["id"]), text(&case["slides"][0]["id"]), text(&case["slides"][0]["key"]));
    let region = text(&findings(&reader, &id, "lesion-region")[0]["id"]);
    let reason = "Zhang San says otherwise";
    let refuse = json!({ "key": key(), "verdict": "refuse", "reason": reason });
    assert_eq!(reader.post(&format!("/api/v1/findings/{region}/decision"), &refuse).status, 200);
    let asked = [
        (format!("/api/v1/cases/{id}"), 200),
        (format!("/api/v1/cases/{id}/slides/{slide}/views"), 200),
        (format!("/deepzoom/{file}.dzi"), 200),
        (format!("/api/v1/cases/{id}/exports/geojson?status=unconfirmed&why=Zhang"), 200),
        ("/api/v1/audit?actor=Zhang%20San".to_owned(), 403),
        ("/Zhang%20San%2019600101.svs".to_owned(), 404),
        ("/nowhere/Zhang%20San".to_owned(), 404),
    ];
    let mut ids = Vec::new();
    for (path, status) in asked {
        let answer = reader.get(&path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let named = answer.head.lines().find_map(|line| line.strip_prefix("x-request-id: "));
        ids.push(named.unwrap().to_owned());
    }
    let host = "Host: evil.example\r\n";
    assert_eq!(reader.send("GET", "/api/v1/worklist", host, &[]).status, 421);
    let wrong = json!({ "login": "anna.reader", "password": "a wrong password" });
    assert_eq!(reader.post("/api/v1/session", &wrong).status, 401);
    let bearer = "Authorization: Bearer 0123secret\r\n";
    assert_eq!(reader.send("GET", "/api/v1/worklist", bearer, &[]).status, 401);
    let (cookie, csrf) = (reader.cookie.clone().unwrap(), reader.csrf.clone());
    let link = server.first_link.clone().unwrap();
    drop(server);

    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let folder = ground.folder.path().display().to_string();
    let data = ground.data.path().display().to_string();
    let token = link.split("token=").nth(1).unwrap();
    let secrets = [
        "Zhang",
        "19600101",
        ".svs",
        "anna.reader",
        "staple battery",
        "correct horse",
        "wrong password",
        "0123secret",
        "unconfirmed",
        "evil.example",
        "otherwise",
        &folder,
        &data,
        token,
        cookie.split('=').nth(1).unwrap(),
        &csrf,
        &id,
        &slide,
        &region,
        &text(&case["number"]),
        &text(&case["patient"]),
    ];
    // What libraries say at their most talkative is left out by the program; see `serve/log.rs`.
    let ours: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["target"].as_str().unwrap().starts_with("bianque"))
        .collect();
    for line in &ours {
        let line = line.to_string();
        for secret in secrets {
            assert!(!secret.is_empty() && !line.contains(secret), "{secret}: {line}");
        }
    }
    let answered = |id: &str| ours.iter().find(|line| line["request"] == id).unwrap();
    let case_read = answered(&ids[0]);
    assert_eq!(
        (&case_read["route"], &case_read["method"]),
        (&json!("/api/v1/cases/{case}"), &json!("GET"))
    );
    assert_eq!((&case_read["status"], &case_read["role"]), (&json!(200), &json!("pathologist")));
    assert_eq!(case_read["user"].as_str().unwrap().len(), 8);
    assert!(case_read["milliseconds"].as_f64().unwrap() >= 0.0);
    assert_eq!(answered(&ids[2])["level"], "DEBUG", "tiles are many");
    assert_eq!(answered(&ids[4])["role"], "pathologist", "who was turned away is known");
    assert_eq!(
        (&answered(&ids[6])["route"], &answered(&ids[6])["role"]),
        (&json!("none"), &json!("nobody"))
    );
    assert!(ours.iter().any(|line| line["status"] == 421), "what a guard turns away is there too");
}

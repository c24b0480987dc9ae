//! Who may ask from where and how often, and what of all that is in the audit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use bianque_server::Settings;
use serde_json::{Value, json};
use support::{Client, Ground, Running, examined_case, text};

/// A program's token.
fn program(server: &Running, admin: &mut Client) -> Client {
    let me = text(&admin.get("/api/v1/session").json()["me"]["id"]);
    let roles = json!({ "roles": ["administrator", "program"] });
    assert_eq!(admin.change("PUT", &format!("/api/v1/users/{me}/roles"), &roles).status, 204);
    let issue = json!({ "user": me, "role": "program", "label": "viewer" });
    let issued = admin.post("/api/v1/service-tokens", &issue).json();
    Client { bearer: Some(text(&issued["token"])), ..server.client() }
}

#[test]
fn pages_of_named_origins_see_answers_and_no_others_do() {
    let ground = Ground::new();
    let slim = "https://slim.example";
    let settings = Settings { allow_origins: vec![slim.parse().unwrap()], ..ground.settings() };
    let (server, mut admin) = ground.closed_by(settings);
    let program = program(&server, &mut admin);
    let asks = "Access-Control-Request-Method: GET\r\n\
                Access-Control-Request-Headers: authorization\r\n";
    let ask = |client: &Client, method: &str, origin: &str, more: &str| {
        client.send(method, "/dicomweb/studies", &format!("Origin: {origin}\r\n{more}"), &[])
    };
    let before = ask(&server.client(), "OPTIONS", slim, asks);
    assert_eq!(before.status, 204, "{}", before.head);
    for line in [
        "access-control-allow-origin: https://slim.example",
        "access-control-allow-methods: GET, POST",
        "access-control-allow-headers: authorization,",
        "vary: origin",
    ] {
        assert!(before.head.contains(line), "{line}: {}", before.head);
    }
    assert!(!before.head.contains("allow-credentials"), "no cookie goes from page to page");
    let seen = ask(&program, "GET", slim, "");
    assert_eq!(seen.status, 200, "{}", seen.text());
    assert!(seen.head.contains("access-control-allow-origin: https://slim.example"));
    let refused = ask(&server.client(), "GET", slim, "");
    assert_eq!(refused.status, 401);
    assert!(refused.head.contains("access-control-allow-origin"), "the page sees why");
    for other in
        ["https://other.example", "http://slim.example", "https://slim.example.evil", "null"]
    {
        let hidden = ask(&program, "GET", other, "");
        assert!(!hidden.head.contains("access-control-allow"), "{other}");
        assert_ne!(ask(&server.client(), "OPTIONS", other, asks).status, 204, "{other}");
    }
    let (server, _) = Ground::new().closed();
    let head = ask(&server.client(), "GET", slim, "").head;
    assert!(!head.contains("access-control"), "none is named: {head}");
}

#[test]
fn guessing_from_elsewhere_slows_and_locks_nobody_else() {
    let ground = Ground::new();
    let settings = Settings { behind_proxy: true, ..ground.settings() };
    let (server, mut admin) = ground.closed_by(settings);
    let mut anna = server.member(&mut admin, "anna", "pathologist");
    let csrf = text(&server.client().get("/api/v1/session").json()["csrf"]);
    let login = |from: &str, password: &str| {
        let headers = format!(
            "X-CSRF-Token: {csrf}\r\nContent-Type: application/json\r\nX-Forwarded-For: {from}\r\n"
        );
        let body = json!({ "login": "anna", "password": password }).to_string();
        server.client().send("POST", "/api/v1/session", &headers, body.as_bytes())
    };
    let right = "staple battery anna";
    assert_eq!(login("10.0.0.1", right).status, 200, "the owner's usual place");
    // An attacker with many addresses, who also claims to be the owner's place.
    for number in 0..6 {
        for _ in 0..4 {
            login(&format!("10.0.0.1, 66.0.0.{number}"), "guess");
        }
    }
    let locked = login("66.0.0.99", right);
    assert_eq!(locked.status, 429, "unknown places are locked");
    assert!(locked.head.contains("retry-after: "), "{}", locked.head);
    assert_eq!(login("10.0.0.1", right).status, 200, "the owner comes in all the same");
    let many: Vec<u16> = (0..30).map(|_| login("66.0.1.1", "guess").status).collect();
    assert!(many.contains(&429));
    assert_eq!(login("10.0.0.1", right).status, 200, "and is not slowed");
    assert_eq!(anna.post("/api/v1/cases/0/reveal", &json!({})).status, 400, "her session goes on");
}

#[test]
fn a_caller_who_asks_without_end_is_slowed_and_others_are_not() {
    let ground = Ground::new();
    let (server, mut admin) = ground.closed();
    let flood = server.client();
    let mut statuses = Vec::new();
    for _ in 0..2000 {
        let answer = flood.get("/health");
        statuses.push(answer.status);
        if answer.status == 429 {
            assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
            break;
        }
    }
    assert_eq!(statuses.last(), Some(&429), "{} were let in", statuses.len());
    assert!(statuses.len() > 500, "a page with its files is let in");
    assert_eq!(
        admin.post("/api/v1/users", &json!({ "login": "bo", "roles": ["clinician"] })).status,
        200
    );
}

fn events(admin: &Client, event: &str, outcome: &str) -> usize {
    let entries =
        admin.get("/api/v1/audit?limit=500").json()["entries"].as_array().unwrap().clone();
    let of = |entry: &&Value| entry["event"] == event && entry["outcome"] == outcome;
    entries.iter().filter(of).count()
}

#[test]
fn the_audit_is_asked_by_event_day_and_thing_and_names_what_rows_are_about() {
    let ground = Ground::new();
    let (_server, mut admin) = ground.closed();
    let bo = json!({ "login": "bo", "roles": ["clinician"] });
    assert_eq!(admin.post("/api/v1/users", &bo).status, 200);
    let ask = |query: &str| {
        let answer = admin.get(&format!("/api/v1/audit?limit=500{query}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        answer.json()["entries"].as_array().unwrap().clone()
    };
    assert_eq!(admin.get("/api/v1/audit?since=yesterday").status, 400);
    assert!(ask("&event=no.such.event").is_empty());
    assert!(ask("&about=%25").is_empty(), "a percent sign is no pattern");
    assert!(ask("&until=0").is_empty() && ask("&since=9223372036854775807").is_empty());
    assert!(ask("&event=account.added").iter().any(|one| one["object_name"] == "bo"));
    let about = ask("&about=bo");
    assert!(!about.is_empty() && about.iter().all(|one| one["object_name"] == "bo"));
}

#[test]
fn every_reading_is_in_the_audit_once_and_every_refusal_at_a_pace() {
    let ground = Ground::new();
    let (server, mut admin) = ground.closed();
    let reader = server.member(&mut admin, "reader", "pathologist");
    let clinician = server.member(&mut admin, "clinician", "clinician");
    let case = examined_case(&reader);
    let slide = &case["slides"][0];
    let (id, slide_id) = (text(&case["id"]), text(&slide["id"]));
    let of_slide = format!("/api/v1/cases/{id}/slides/{slide_id}");
    let study = text(&reader.get("/dicomweb/studies").json()[0]["0020000D"]["Value"][0]);
    for (path, event) in [
        ("/dicomweb/studies".to_owned(), "slides.listed"),
        ("/api/v1/slides".to_owned(), "slides.listed"),
        (format!("/dicomweb/studies/{study}/metadata"), "documents.read"),
        (format!("{of_slide}/heatmap.png"), "slide.opened"),
        (format!("{of_slide}/crop.jpeg"), "slide.opened"),
        (format!("{of_slide}/views"), "views.read"),
        (format!("{of_slide}/annotations"), "proposals.read"),
    ] {
        for _ in 0..3 {
            assert_eq!(reader.get(&path).status, 200, "{path}");
        }
        assert!(events(&admin, event, "done") >= 1, "{path} leaves {event}");
    }
    assert_eq!(events(&admin, "slides.listed", "done"), 2, "each list once in ten minutes");
    assert_eq!(events(&admin, "documents.read", "done"), 1);
    assert_eq!(events(&admin, "views.read", "done"), 1);
    assert_eq!(events(&admin, "action.refused", "refused"), 0);
    for _ in 0..50 {
        assert_eq!(clinician.get(&format!("/api/v1/cases/{id}")).status, 403);
        assert_eq!(clinician.get("/dicomweb/studies").status, 403);
    }
    assert_eq!(events(&admin, "action.refused", "refused"), 2, "once in a minute for each reason");
    assert_eq!(admin.get("/api/v1/audit/verify").json()["whole"], true);
}

/// Every file below a folder.
fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn a_kept_file_that_somebody_changed_is_found_when_it_is_asked_for() {
    let ground = Ground::new();
    let (server, mut admin) = ground.closed();
    examined_case(&server.member(&mut admin, "reader", "pathologist"));
    let with_files = "/api/v1/audit/verify?objects=true";
    assert_eq!(admin.get(with_files).json()["whole"], true);
    let kept = files_below(&ground.data.path().join("objects"));
    assert!(!kept.is_empty(), "a crop and a heatmap are kept");
    std::fs::write(&kept[0], "another picture").unwrap();
    assert_eq!(admin.get("/api/v1/audit/verify").json()["whole"], true, "the chain itself holds");
    let found = admin.get(with_files).json();
    assert_eq!(found["whole"], false, "{found}");
    assert!(text(&found["fault"]).contains("object"), "{found}");
}

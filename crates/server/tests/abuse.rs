//! What nobody may do over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use bianque_record::identity::Label;
use bianque_server::{
    Server, Settings,
    examine::{ExamineError, Examined, Examiner},
};
use bianque_testkit::{SlideRecipe, write_svs};
use serde_json::{Value, json};
use support::{
    Client, FakeExaminer, Ground, Running, case_and_slide, examined_case, findings, key, text,
};

/// Every address of the description with its method, parameters filled in with what is not there.
fn every_address(client: &Client) -> Vec<(String, String, bool)> {
    let document = client.get("/api/v1/openapi.json").json();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let fill = |part: &str| match part.starts_with('{') {
                true => "0".repeat(32),
                false => part.to_owned(),
            };
            let filled = path.split('/').map(fill).collect::<Vec<_>>().join("/");
            let open = operation["security"] == json!([]);
            all.push((method.to_ascii_uppercase(), filled, open));
        }
    }
    all
}

#[test]
fn nothing_is_told_without_a_login() {
    let ground = Ground::new();
    let server = Running::with(ground.settings());
    let client = server.client();
    let all = every_address(&client);
    assert!(all.len() > 50, "{}", all.len());
    let csrf = text(&client.get("/api/v1/session").json()["csrf"]);
    for (method, path, open) in all {
        let header = format!("X-CSRF-Token: {csrf}\r\nContent-Type: application/json\r\n");
        let answer = client.send(&method, &path, &header, b"{}");
        if path == "/metrics" {
            assert_eq!(answer.status, 200, "on loopback it is open");
        } else if !open {
            assert_eq!(answer.status, 401, "{method} {path}");
            assert!(answer.head.contains("www-authenticate: Bearer"), "{method} {path}");
        } else {
            assert!(answer.status < 500, "{method} {path}: {}", answer.status);
        }
        assert!(!answer.text().contains("Zhang"), "{method} {path}");
    }
    let broken = "Cookie: bianque-session=0123\r\nAuthorization: Bearer nothing\r\n";
    assert_eq!(client.send("GET", "/api/v1/worklist", broken, &[]).status, 401);
}

#[test]
fn nothing_changes_without_the_pages_token() {
    let ground = Ground::new();
    let server = ground.demo();
    let reader = server.demo("demo-pathologist");
    let other = server.demo("demo-adjudicator");
    let case = text(&examined_case(&reader)["id"]);
    let path = format!("/api/v1/cases/{case}/sign-out");
    let body = br#"{"conclusion":"x","leave_out_undecided":true}"#;
    let kind = "Content-Type: application/json\r\n";
    assert_eq!(reader.send("POST", &path, kind, body).status, 403);
    let foreign = format!("{kind}X-CSRF-Token: {}\r\n", other.csrf);
    assert_eq!(reader.send("POST", &path, &foreign, body).status, 403);
    let plain = format!("Content-Type: text/plain\r\nX-CSRF-Token: {}\r\n", reader.csrf);
    assert_eq!(reader.send("POST", &path, &plain, body).status, 400, "JSON says that it is");
    // The demo without a session is guarded alike.
    assert_eq!(server.client().send("POST", &path, kind, body).status, 403);
    let host = format!("Host: evil.example\r\nX-CSRF-Token: {}\r\n", reader.csrf);
    assert_eq!(reader.send("POST", &path, &host, body).status, 421);
}

#[test]
fn nobody_sees_another_s_case() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let case = examined_case(&reader);
    let (id, slide, file) =
        (text(&case["id"]), text(&case["slides"][0]["id"]), text(&case["slides"][0]["key"]));
    let region = text(&findings(&reader, &id, "lesion-region")[0]["id"]);
    // The case is read once; the clinician has not asked for it; an administrator sees no patient.
    for login in ["demo-second-reader", "demo-clinician", "demo-administrator"] {
        let mut other = server.demo(login);
        for path in [
            format!("/api/v1/cases/{id}"),
            format!("/api/v1/cases/{id}/findings"),
            format!("/api/v1/cases/{id}/report"),
            format!("/api/v1/cases/{id}/slides/{slide}/heatmap.png"),
            format!("/api/v1/cases/{id}/slides/{slide}/crop.jpeg"),
            format!("/api/v1/cases/{id}/slides/{slide}/views"),
            format!("/api/v1/cases/{id}/exports/geojson?status=unconfirmed"),
            format!("/api/v1/findings/{region}/decisions"),
            format!("/api/v1/slides/{file}/thumbnail"),
            format!("/deepzoom/{file}.dzi"),
            format!("/iiif/3/{file}/info.json"),
            "/dicomweb/studies".to_owned(),
        ] {
            let answer = other.get(&path);
            assert_eq!(answer.status, 403, "{login} {path}: {}", answer.text());
        }
        let accept = json!({ "key": key(), "verdict": "accept" });
        let decided = other.post(&format!("/api/v1/findings/{region}/decision"), &accept);
        assert_eq!(decided.status, 403, "{login}");
    }
    let technician = server.demo("demo-technician");
    assert_eq!(technician.get(&format!("/deepzoom/{file}.dzi")).status, 200);
    // A slide of one case is none of another.
    let strange = format!("/api/v1/cases/{id}/slides/{}/views", "0".repeat(32));
    let none = json!({ "views": [] });
    assert_eq!(reader.post(&strange, &none).status, 404);
    let admin = server.demo("demo-administrator");
    let refused = admin.get("/api/v1/audit?limit=200").json();
    let refused = refused["entries"].as_array().unwrap();
    assert!(refused.iter().any(|entry| entry["outcome"] == "refused"), "refusals are in the audit");
}

#[test]
fn hostile_texts_and_bodies_are_refused_or_inert() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let (id, slide) = case_and_slide(&reader);
    let draw = format!("/api/v1/cases/{id}/findings");
    let region = |label: &str, outline: Value| json!({ "key": key(), "slide": slide, "label": label, "outline": outline });
    let triangle = json!([[[[1, 1], [9, 1], [9, 9]]]]);
    for body in [
        region("<script>alert(1)</script>", triangle.clone()),
        region("carcinoma", json!([])),
        region("carcinoma", json!([[[[1, 1]]]])),
        region("carcinoma", json!([[[[1, 1], [1e300, 1], [2, 2]]]])),
        region("carcinoma", json!([[vec![[0, 0]; 20_001]]])),
        json!({ "key": "x", "slide": slide, "label": "carcinoma", "outline": triangle }),
        json!({ "key": key(), "slide": "../../etc", "label": "carcinoma", "outline": triangle }),
        json!([]),
    ] {
        assert_eq!(
            reader.post(&draw, &body).status,
            400,
            "{}",
            body.to_string().get(..60).unwrap()
        );
    }
    let finding = text(&findings(&reader, &id, "lesion-region")[0]["id"]);
    let script = "</script><script>alert(1)</script>";
    let refuse = json!({ "key": key(), "verdict": "refuse", "reason": script });
    assert_eq!(reader.post(&format!("/api/v1/findings/{finding}/decision"), &refuse).status, 200);
    let kept = reader.get(&format!("/api/v1/findings/{finding}/decisions"));
    assert!(kept.head.contains("application/json") && kept.head.contains("nosniff"));
    assert!(kept.head.contains("script-src 'self'") && !kept.head.contains("unsafe-inline"));
    assert_eq!(kept.json()[0]["reason"], script);

    let huge = vec![b' '; 3 << 20];
    let header = format!("X-CSRF-Token: {}\r\nContent-Type: application/json\r\n", reader.csrf);
    assert_eq!(reader.send("POST", &draw, &header, &huge).status, 413);
    let deep = "[".repeat(100_000);
    assert_eq!(reader.send("POST", &draw, &header, deep.as_bytes()).status, 400);
    for path in [
        "/assets/../../../etc/passwd",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/..%2fetc%2fpasswd",
        "/api/v1/cases/..%2f..",
        "/api/v1/cases/x/slides/y/heatmap.png",
    ] {
        let status = reader.get(path).status;
        assert!(status == 404 || status == 400, "{path} {status}");
    }
}

#[test]
fn guessing_is_slowed_and_accounts_lock() {
    let ground = Ground::new();
    let (server, mut admin) = ground.closed();
    let new = json!({ "login": "anna", "roles": ["pathologist"] });
    let link = text(&admin.post("/api/v1/users", &new).json()["link"]);
    let token = link.split("token=").nth(1).unwrap();
    let mut anna = server.client();
    anna.csrf = text(&anna.get("/api/v1/session").json()["csrf"]);
    let set = json!({ "token": token, "password": "staple battery 2" });
    assert_eq!(anna.post("/api/v1/password", &set).status, 204);
    assert_eq!(anna.post("/api/v1/password", &set).status, 401, "a link works once");
    let wrong = json!({ "login": "anna", "password": "guess" });
    for _ in 0..5 {
        assert_eq!(anna.post("/api/v1/session", &wrong).status, 401);
    }
    let right = json!({ "login": "anna", "password": "staple battery 2" });
    assert_eq!(anna.post("/api/v1/session", &right).status, 429, "locked");
    let nobody = json!({ "login": "nobody", "password": "guess" });
    let statuses: Vec<u16> =
        (0..20).map(|_| anna.post("/api/v1/session", &nobody).status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(admin.get("/api/v1/worklist").status, 403, "an administrator sees no patient");

    // A closed session opens nothing; a program's token needs no page and can be revoked.
    let me = text(&admin.get("/api/v1/session").json()["me"]["id"]);
    let roles = json!({ "roles": ["administrator", "program"] });
    assert_eq!(admin.change("PUT", &format!("/api/v1/users/{me}/roles"), &roles).status, 204);
    let issue = json!({ "user": me, "role": "program", "label": "scanner" });
    let issued = admin.post("/api/v1/service-tokens", &issue).json();
    let mut program = server.client();
    program.bearer = Some(text(&issued["token"]));
    assert_eq!(program.get("/api/v1/worklist").status, 200);
    let revoke = format!("/api/v1/service-tokens/{}", text(&issued["id"]));
    assert_eq!(admin.change("DELETE", &revoke, &json!({})).status, 204);
    assert_eq!(program.get("/api/v1/worklist").status, 401);
    let cookie = admin.cookie.clone();
    assert_eq!(admin.change("DELETE", "/api/v1/session", &json!({})).status, 204);
    admin.cookie = cookie;
    assert_eq!(admin.get("/api/v1/users").status, 401);
}

#[test]
fn what_would_cross_a_network_in_the_clear_does_not_start() {
    let ground = Ground::new();
    let open = Settings { listen: "0.0.0.0:0".parse().unwrap(), ..ground.settings() };
    let error = Server::new(open.clone()).err().unwrap().to_string();
    assert!(error.contains("in the clear"), "{error}");
    let error = Server::new(Settings { demo: true, ..open.clone() }).err().unwrap().to_string();
    assert!(error.contains("no login"), "{error}");
    let proxied = Settings { demo: true, behind_proxy: true, ..ground.settings() };
    assert!(Server::new(proxied).is_err(), "a proxy would let everybody in");
}

#[test]
fn the_demo_and_a_site_never_share_a_record() {
    let ground = Ground::new();
    drop(ground.demo());
    let error = Server::new(ground.settings()).err().unwrap();
    assert!(error.to_string().contains("this record is the demo's"), "{error}");
    let ground = Ground::new();
    let (server, mut admin) = ground.closed();
    let demo = json!({ "login": "demo-pathologist", "roles": ["pathologist"] });
    assert_eq!(admin.post("/api/v1/users", &demo).status, 400);
    drop(server);
    let error = Server::new(Settings { demo: true, ..ground.settings() }).err().unwrap();
    assert!(error.to_string().contains("accounts of people"), "{error}");
}

#[test]
fn made_up_tokens_do_not_fill_the_audit() {
    let ground = Ground::new();
    let (server, admin) = ground.closed();
    for _ in 0..200 {
        let guess = "Authorization: Bearer guess\r\n";
        assert_eq!(server.client().send("GET", "/api/v1/worklist", guess, &[]).status, 401);
    }
    let entries = admin.get("/api/v1/audit?limit=500").text();
    let noted = entries.matches("service token").count();
    assert!((1..60).contains(&noted), "{noted} lines");
}

#[test]
fn no_machine_says_that_a_person_drew_it() {
    let ground = Ground::new();
    let (server, mut admin) = ground.closed();
    let reader = server.member(&mut admin, "reader", "pathologist");
    let me = text(&admin.get("/api/v1/session").json()["me"]["id"]);
    let roles = json!({ "roles": ["administrator", "program"] });
    assert_eq!(admin.change("PUT", &format!("/api/v1/users/{me}/roles"), &roles).status, 204);
    let issue = json!({ "user": me, "role": "program", "label": "finder" });
    let token = text(&admin.post("/api/v1/service-tokens", &issue).json()["token"]);
    let program = Client { bearer: Some(token), ..server.client() };
    let (id, slide) = case_and_slide(&reader);
    let body = [&b"BNA1"[..], &1_u32.to_le_bytes(), &[0; 9]].concat();
    let put = |client: &Client, producer: &str| {
        let path = format!(
            "/api/v1/cases/{id}/slides/{slide}/annotations?key={}&label=nuclei&classes=a{producer}",
            key()
        );
        let headers = format!("X-CSRF-Token: {}\r\n", client.csrf);
        client.send("POST", &path, &headers, &body).status
    };
    let digest = bianque_core::Digest::of(b"weights");
    let model = format!("&producer=a%20model&version=1&digest={digest}");
    assert_eq!(put(&program, &model), 200);
    assert_eq!(put(&program, ""), 400, "a program says which it is");
    for claimed in ["Drawn%20by%20a%20person", "file%20put%20in%20by%20reader"] {
        assert_eq!(put(&program, &format!("&producer={claimed}&version=1")), 400, "{claimed}");
    }
    // Nor does a person say that a program found it.
    assert_eq!(put(&reader, &model), 403);
    assert_eq!(put(&reader, ""), 200);
    let all = findings(&reader, &id, "bulk-points");
    let by = |name: &str| all.iter().find(|finding| finding["producer"]["name"] == name).unwrap();
    assert_eq!(by("a model")["producer"]["digest"], digest.to_string());
    let file = by("file put in by reader");
    let own = bianque_core::Digest::of(&body).to_string();
    assert_eq!((&file["producer"]["digest"], &file["by_person"]), (&json!(own), &json!(false)));
    assert_eq!(all.len(), 2);
}

/// Finds something on every slide but those at which it stumbles.
struct Stumbling(FakeExaminer);

impl Examiner for Stumbling {
    fn producer(&self) -> Label {
        self.0.producer()
    }

    fn examine(
        &self,
        path: &Path,
        progress: &(dyn Fn(u64, u64) + Sync),
        stop: &AtomicBool,
    ) -> Result<Examined, ExamineError> {
        assert!(!path.ends_with("stumble.svs"), "a fault in a decoder");
        self.0.examine(path, progress, stop)
    }
}

#[test]
fn hostile_files_in_the_folder_stop_nothing() {
    let ground = Ground::new();
    let file = |name: &str| ground.folder.path().join(name);
    let recipe = SlideRecipe { width: 900, height: 700, lesions: 0, ..SlideRecipe::demo(9) };
    write_svs(&recipe, &file("stumble.svs")).unwrap();
    let fake =
        FakeExaminer { examined: Arc::default(), verdict: ground.verdict, finds: ground.finds };
    let examiner: Option<Arc<dyn Examiner>> = Some(Arc::new(Stumbling(fake)));
    let server = Running::with(Settings { demo: true, examiner, ..ground.settings() });
    let reader = server.demo("demo-pathologist");
    // What nobody should put there while the server runs.
    let whole = std::fs::read(file("stumble.svs")).unwrap();
    std::fs::write(file("empty.svs"), b"").unwrap();
    std::fs::write(file("text.svs"), b"<script>alert(1)</script>").unwrap();
    std::fs::write(file("cut.svs"), &whole[..whole.len() / 3]).unwrap();
    let mut bomb = whole.clone();
    for byte in bomb.iter_mut().skip(16).step_by(7) {
        *byte = 0xff;
    }
    std::fs::write(file("bomb.tiff"), &bomb).unwrap();
    let script = file("<img src=x onerror=alert(1)>.svs");
    std::fs::write(script, &whole[..whole.len() / 2]).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(file("loop.svs"), file("loop.svs")).unwrap();
        std::os::unix::fs::symlink("/etc", file("elsewhere")).unwrap();
    }
    std::thread::sleep(Duration::from_secs(12));
    // And one slide that comes after all that.
    let late = SlideRecipe { width: 1000, height: 800, lesions: 0, ..SlideRecipe::demo(11) };
    write_svs(&late, &file("late.svs")).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let worklist = reader.get("/api/v1/worklist").json();
        let states: Vec<String> = worklist["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| text(&item["slides"][0]["examination"]))
            .collect();
        let done = states.iter().filter(|state| *state == "done").count();
        if done >= 2 && states.iter().any(|state| state == "failed") {
            break;
        }
        assert!(Instant::now() < until, "{states:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(server.client().get("/ready").status, 200);
    let listed = reader.get("/api/v1/slides").text();
    assert!(!listed.contains("passwd") && !listed.contains("onerror"), "{listed}");
}

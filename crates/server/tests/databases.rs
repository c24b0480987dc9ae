//! One day over HTTP, from login to a verified audit, on each database that a site can have.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use bianque_record::{audit::verify_database, database::Location};
use bianque_server::Settings;
use bianque_testkit::Cluster;
use serde_json::{Value, json};
use support::{Client, Ground, Running, examined_case, findings, key, text};

const REGION: &str = "lesion-region";

#[test]
fn a_day_on_sqlite() {
    let ground = Ground::new();
    a_day(&ground, &Location::Sqlite(ground.data.path().join("a record.db")));
}

#[test]
fn a_day_on_postgresql() {
    let folder = tempfile::tempdir().unwrap();
    let Some(cluster) = Cluster::start(folder.path(), None).unwrap() else { return };
    let ground = Ground::new();
    let url = cluster.url(&cluster.database().unwrap());
    a_day(&ground, &url.parse().unwrap());
    assert!(!ground.data.path().join("record.db").exists(), "the record is in one place");
}

/// The people of one case.
struct Staff {
    administrator: Client,
    first: Client,
    second: Client,
    third: Client,
}

impl Staff {
    fn of(server: &Running, mut administrator: Client) -> Self {
        let mut member = |login: &str, role: &str| server.member(&mut administrator, login, role);
        let first = member("first", "pathologist");
        let second = member("second", "second-reader");
        let third = member("third", "pathologist");
        Self { administrator, first, second, third }
    }
}

fn a_day(ground: &Ground, location: &Location) {
    let settings = || Settings { database: Some(location.clone()), ..ground.settings() };
    let (server, administrator) = ground.closed_by(settings());
    let mut staff = Staff::of(&server, administrator);
    let wrong = json!({ "login": "first", "password": "staple battery of another" });
    let refused = server.client().with_page().post("/api/v1/session", &wrong);
    assert_eq!(refused.status, 401, "{}", refused.text());

    let case = examined_case(&staff.first);
    let id = text(&case["id"]);
    assert!(!case.to_string().contains("Zhang"));
    read_twice(&mut staff, &id);
    let report = sign(&mut staff, &id);
    verified(&mut staff, location);
    drop(server);

    // Another start finds what the first one has left.
    let server = Running::with(settings());
    let reader = logged_in(&server, "first");
    assert_eq!(reader.get(&format!("/api/v1/cases/{id}/report")).json(), report);
    drop(server);
    let mut database = location.connect_to_read().unwrap();
    let verified = verify_database(database.as_mut(), &[]).unwrap();
    assert!(verified.whole, "{:?}", verified.fault);
}

/// Both readers decide about both regions and the slide's quality; a third settles where they differ.
fn read_twice(staff: &mut Staff, case: &str) {
    let second = format!("/api/v1/cases/{case}");
    assert_eq!(staff.second.get(&second).status, 403, "it is read once");
    let twice = format!("/api/v1/cases/{case}/second-reading");
    assert_eq!(staff.first.post(&twice, &json!({})).status, 204);
    let regions = findings(&staff.first, case, REGION);
    assert_eq!((regions.len(), &regions[0]["score"]), (2, &json!(0.9)));

    let own = json!({ "key": key(), "verdict": "accept", "milliseconds": 1500 });
    let once = decided(&mut staff.first, &regions[0], &own);
    assert_eq!(once["state"], "read-once");
    let again = decided(&mut staff.first, &regions[0], &own);
    assert_eq!(again["decision"], once["decision"], "sent twice, counted once");
    let blind = findings(&staff.second, case, REGION);
    assert_eq!(blind[0]["state"], "proposed", "the second is blind");
    let moved = json!([[[[100.0, 200.0], [600.0, 200.0], [600.0, 700.5]]]]);
    let corrected =
        json!({ "key": key(), "verdict": "correct", "label": "adenoma", "outline": moved });
    let refused = json!({ "key": key(), "verdict": "refuse", "reason": "regeneration" });
    assert_eq!(decided(&mut staff.second, &regions[0], &corrected)["state"], "disputed");
    for reader in [&mut staff.first, &mut staff.second] {
        let mut refused = refused.clone();
        refused["key"] = json!(key());
        decided(reader, &regions[1], &refused);
    }
    let settle = format!("/api/v1/findings/{}/adjudication", text(&regions[0]["id"]));
    let mut settled = corrected.clone();
    settled["key"] = json!(key());
    assert_eq!(staff.second.post(&settle, &settled).status, 403, "a reader is no third");
    let answer = staff.third.post(&settle, &settled).json();
    assert_eq!(answer["state"], "corrected");
    assert_eq!(answer["finding"]["outline"], moved);
    assert_eq!(answer["finding"]["label"], "adenoma");
    let mut states: Vec<_> = findings(&staff.first, case, REGION)
        .iter()
        .map(|finding| text(&finding["state"]))
        .collect();
    states.sort_unstable();
    assert_eq!(states, ["corrected", "refused"]);
}

/// Signs and takes the case out of the program; gives the report.
fn sign(staff: &mut Staff, case: &str) -> Value {
    let sign = format!("/api/v1/cases/{case}/sign-out");
    let export = format!("/api/v1/cases/{case}/exports/geojson");
    let conclusion = json!({ "conclusion": "Adenoma. 管状腺瘤。" });
    assert_eq!(staff.first.post(&sign, &conclusion).status, 409, "the verdict is undecided");
    assert_eq!(staff.first.get(&export).status, 409, "nothing is signed");
    let marked = staff.first.get(&format!("{export}?status=unconfirmed"));
    assert!(marked.text().contains("UNCONFIRMED"), "{}", marked.text());
    let leave = json!({ "conclusion": "Adenoma. 管状腺瘤。", "leave_out_undecided": true });
    assert_eq!(staff.second.post(&sign, &leave).status, 403, "a second reader signs nothing");
    let signed = staff.first.post(&sign, &leave);
    assert_eq!((signed.status, &signed.json()["version"]), (200, &json!(1)), "{}", signed.text());

    let report = staff.first.get(&format!("/api/v1/cases/{case}/report")).json();
    assert_eq!(report["signed"]["version"], 1, "{report}");
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    assert_eq!((&report["refused"], report["undecided"].as_array().unwrap().len()), (&json!(1), 1));
    let fact = staff.first.get(&export).text();
    let features = bianque_core::geojson::decode(&fact).unwrap();
    assert_eq!((features.len(), features[0].class.as_deref()), (1, Some("adenoma")));
    assert_eq!(features[0].polygons[0].outer[2].y, 700.5, "as it was corrected");
    let fact: Value = serde_json::from_str(&fact).unwrap();
    assert_eq!(fact["features"][0]["properties"]["confirmation"]["state"], "released");
    report
}

/// The chain holds over HTTP, and not once somebody has changed what it testifies to.
fn verified(staff: &mut Staff, location: &Location) {
    let verify = |staff: &Staff| staff.administrator.get("/api/v1/audit/verify").json();
    let before = verify(staff);
    assert!(before["whole"] == true && before["entries"].as_u64().unwrap() > 20, "{before}");
    let mut database = location.connect().unwrap();
    let change = |to: &str| format!("UPDATE laboratory_case SET status = '{to}'");
    database.batch(&change("open")).unwrap();
    assert_eq!(verify(staff)["whole"], false, "the case was opened by hand");
    database.batch(&change("signed")).unwrap();
    assert_eq!(verify(staff)["whole"], true);
}

fn decided(reader: &mut Client, finding: &Value, decision: &Value) -> Value {
    let path = format!("/api/v1/findings/{}/decision", text(&finding["id"]));
    let answer = reader.post(&path, decision);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn logged_in(server: &Running, login: &str) -> Client {
    let mut client = server.client().with_page();
    let password = format!("staple battery {login}");
    let opened = client.post("/api/v1/session", &json!({ "login": login, "password": password }));
    assert_eq!(opened.status, 200, "{}", opened.text());
    client
}

impl Client {
    /// With the token against forged requests that a page is given.
    fn with_page(mut self) -> Self {
        self.csrf = text(&self.get("/api/v1/session").json()["csrf"]);
        self
    }
}

//! A server that is killed while a case is signed, a full disk, a slide that vanishes: what was
//! acknowledged is there, nothing is half there, the audit's chain is whole.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![cfg(unix)]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bianque_record::{audit::verify_database, database::Location};
use bianque_server::{Server, Settings};
use bianque_testkit::{Cluster, Ending};
use serde_json::json;
use support::{Client, Ground, Running, examined_case, findings, key, text};

/// Another program with a server, killed when this is dropped.
struct OtherProgram {
    /// Ended by SIGKILL: no destructor, no flush.
    child: Ending,
    address: SocketAddr,
}

impl OtherProgram {
    /// `limit` is the largest file that it may write, in KiB.
    fn start(ground: &Ground, record: &str, limit: Option<u64>) -> Self {
        let limit = limit.map(|kib| format!("trap '' XFSZ; ulimit -f {kib};"));
        let limit = limit.unwrap_or_default();
        let mut child = Command::new("bash")
            .arg("-c")
            .arg(format!("{limit} exec \"$0\" --exact the_other_program --nocapture"))
            .arg(std::env::current_exe().unwrap())
            .env("SERVER_FOLDER", ground.folder.path())
            .env("SERVER_DATA", ground.data.path())
            .env("SERVER_RECORD", record)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.split("listening ").nth(1).map(|text| text.parse().unwrap()));
        Self { child: Ending(child), address: address.unwrap() }
    }

    /// A client that acts as the demo's pathologist.
    fn reader(&self) -> Client {
        let address = self.address;
        let mut client = Client { address, cookie: None, csrf: String::new(), bearer: None };
        client.csrf = text(&client.get("/api/v1/session").json()["csrf"]);
        client
    }
}

/// Does nothing unless a test below has started it.
#[test]
fn the_other_program() {
    let Some(folder) = std::env::var_os("SERVER_FOLDER") else { return };
    let data = std::env::var_os("SERVER_DATA").unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let mut settings = Settings::new(folder.into(), data.into(), listen);
    settings.demo = true;
    settings.database = Some(std::env::var("SERVER_RECORD").unwrap().parse().unwrap());
    let server = Server::new(settings).unwrap();
    println!("listening {}", server.address());
    server.serve(std::future::pending()).unwrap();
}

/// The SQLite file of a record.
fn file(ground: &Ground) -> PathBuf {
    ground.data.path().join("record.db")
}

fn assert_whole(record: &str) {
    let location: Location = record.parse().unwrap();
    let report = verify_database(location.connect_to_read().unwrap().as_mut(), &[]).unwrap();
    assert!(report.whole, "{:?}", report.fault);
}

/// Fills a record with the slide's proposals, by a server that ends well; gives the case.
fn prepare(ground: &Ground, record: &str) -> String {
    let database = Some(record.parse().unwrap());
    let server = Running::with(Settings { demo: true, database, ..ground.settings() });
    let mut reader = server.demo("demo-pathologist");
    let case = text(&examined_case(&reader)["id"]);
    let region = text(&findings(&reader, &case, "lesion-region")[0]["id"]);
    let accept = json!({ "key": key(), "verdict": "accept" });
    reader.post(&format!("/api/v1/findings/{region}/decision"), &accept);
    drop(server);
    case
}

#[test]
fn a_server_that_is_killed_while_signing_loses_nothing_it_has_acknowledged() {
    let ground = Ground::new();
    killed_while_signing(&ground, file(&ground).to_str().unwrap());
}

#[test]
fn a_server_that_is_killed_while_signing_on_postgresql_loses_nothing_either() {
    let folder = tempfile::tempdir().unwrap();
    let Some(cluster) = Cluster::start(folder.path(), None).unwrap() else { return };
    killed_while_signing(&Ground::new(), &cluster.url(&cluster.database().unwrap()));
}

fn killed_while_signing(ground: &Ground, record: &str) {
    let case = prepare(ground, record);
    let (sign, reopen) =
        (format!("/api/v1/cases/{case}/sign-out"), format!("/api/v1/cases/{case}/reopen"));
    let mut acknowledged = 0;
    for round in 0..8_u64 {
        let program = OtherProgram::start(ground, record, None);
        let mut reader = program.reader();
        let report = reader.get(&format!("/api/v1/cases/{case}/report")).json();
        let signed = report["signed"]["version"].as_u64();
        if report["status"] == "signed" {
            assert!(signed.unwrap() >= acknowledged, "an acknowledged version is gone");
        }
        let pid = program.child.id();
        let end = Duration::from_millis(40 + 37 * round);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(end);
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        });
        let (start, mut csrf_client) = (Instant::now(), program.reader());
        while start.elapsed() < Duration::from_secs(5) {
            let body = json!({ "conclusion": "x", "leave_out_undecided": true });
            let header =
                format!("X-CSRF-Token: {}\r\nContent-Type: application/json\r\n", csrf_client.csrf);
            let body = body.to_string();
            let Ok(answer) = csrf_client.try_send("POST", &sign, &header, body.as_bytes()) else {
                break;
            };
            if answer.status == 200 {
                acknowledged = answer.json()["version"].as_u64().unwrap();
            }
            let why = json!({ "reason": "again" }).to_string();
            if csrf_client.try_send("POST", &reopen, &header, why.as_bytes()).is_err() {
                break;
            }
        }
        csrf_client.cookie = None;
        reader.cookie = None;
        killer.join().unwrap();
        drop(program);
        assert_whole(record);
    }
    assert!(acknowledged > 0, "nothing was signed at all");
    let program = OtherProgram::start(ground, record, None);
    let reader = program.reader();
    let version = format!("/api/v1/cases/{case}/report?version={acknowledged}");
    assert_eq!(reader.get(&version).json()["signed"]["version"], acknowledged);
}

#[test]
fn a_full_disk_is_said_and_breaks_nothing() {
    let ground = Ground::new();
    let file = file(&ground);
    let record = file.to_str().unwrap();
    let case = prepare(&ground, record);
    let size = std::fs::metadata(&file).unwrap().len() / 1024;
    let program = OtherProgram::start(&ground, record, Some(size + 60));
    let mut reader = program.reader();
    let slide = text(&reader.get(&format!("/api/v1/cases/{case}")).json()["slides"][0]["id"]);
    let ring: Vec<[f64; 2]> = (0..4000).map(|i| [f64::from(i), f64::from(i * i % 977)]).collect();
    let mut refused = None;
    let mut kept = 0;
    for _ in 0..60 {
        let drawn =
            json!({ "key": key(), "slide": slide, "label": "necrosis", "outline": [[ring]] });
        let answer = reader.post(&format!("/api/v1/cases/{case}/findings"), &drawn);
        match answer.status {
            200 => kept += 1,
            status => {
                refused = Some((status, answer.text()));
                break;
            }
        }
    }
    let (status, why) = refused.expect("the disk was never full");
    assert_eq!(status, 503, "{why}");
    assert_eq!(reader.get("/health").status, 200, "the server lives");
    drop(program);
    assert_whole(record);
    let program = OtherProgram::start(&ground, record, None);
    let reader = program.reader();
    let drawn = findings(&reader, &case, "lesion-region");
    let drawn: Vec<_> = drawn.iter().filter(|f| f["by_person"] == true).collect();
    assert!(drawn.len() >= kept, "{} of {kept} are there", drawn.len());
}

#[test]
fn a_slide_that_vanishes_leaves_its_case_readable() {
    let ground = Ground::new();
    let server = ground.demo();
    let mut reader = server.demo("demo-pathologist");
    let case = text(&examined_case(&reader)["id"]);
    let file = std::fs::read_dir(ground.folder.path()).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(file).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let one = reader.get(&format!("/api/v1/cases/{case}")).json();
        let slide = &one["slides"][0];
        if slide["image"].is_null() {
            assert!(!slide["why"].is_null());
            break;
        }
        assert!(Instant::now() < until, "the slide is still shown");
        std::thread::sleep(Duration::from_millis(200));
    }
    let region = text(&findings(&reader, &case, "lesion-region")[0]["id"]);
    let accept = json!({ "key": key(), "verdict": "accept" });
    let decided = reader.post(&format!("/api/v1/findings/{region}/decision"), &accept);
    assert_eq!(decided.status, 200, "{}", decided.text());
    let sign = json!({ "conclusion": "x", "leave_out_undecided": true });
    assert_eq!(reader.post(&format!("/api/v1/cases/{case}/sign-out"), &sign).status, 200);
}

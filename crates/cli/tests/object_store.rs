//! The real server with its objects in a bucket of a foreign S3 service.
#![cfg(feature = "object-store")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bianque_testkit::{Ending, SlideRecipe, surroundings, write_svs};
use serde_json::Value;
use support::serving::{Server, text};

/// A service that speaks S3, written by others; killed when it is dropped.
struct Service {
    _program: Ending,
    port: u16,
}

impl Service {
    fn start() -> Option<Self> {
        let python = surroundings::python()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let service = Self { _program: Ending(program), port };
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "the service does not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(service)
    }

    /// A request whose signature this service does not look at.
    fn send(&self, method: &str, path: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=0\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().to_owned();
        (status, body.to_owned())
    }

    /// The names of the objects in a bucket.
    fn names(&self, bucket: &str) -> Vec<String> {
        let (status, list) = self.send("GET", &format!("/{bucket}?list-type=2"), "");
        assert_eq!(status, "200", "{list}");
        let parts = list.split("<Key>").skip(1);
        parts.map(|part| part.split("</Key>").next().unwrap().to_owned()).collect()
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ]
    }
}

#[test]
fn what_an_examination_keeps_lies_in_the_bucket_and_is_verified_there() {
    let Some(service) = Service::start() else { return };
    let ground = tempfile::tempdir().unwrap();
    let (slides, keep) = (ground.path().join("slides"), ground.path().join("keep"));
    std::fs::create_dir_all(&slides).unwrap();
    let lesion_diameters = (500.0, 700.0);
    let (width, height) = (4096, 3072);
    let recipe =
        SlideRecipe { width, height, lesions: 1, lesion_diameters, ..SlideRecipe::demo(21) };
    write_svs(&recipe, &slides.join("21.svs")).unwrap();
    let variables = service.variables();
    let place = "s3://findings/site-1";
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bianque"));
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.args(arguments).output().unwrap()
    };

    let serve = |more: &[&str]| {
        let (folder, keep) = (slides.to_str().unwrap(), keep.to_str().unwrap());
        let usual =
            ["serve", "--demo", "--listen", "127.0.0.1:0", "--no-examination", "--folder", folder];
        run(&[usual.as_slice(), &["--keep", keep], more].concat())
    };

    // A bucket that is not there is said at the start.
    let early = serve(&["--objects", place]);
    let said = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(!early.status.success() && said.contains("s3://findings"), "{said}");

    assert_eq!(service.send("PUT", "/findings", "").0, "200");
    let server = Server::start(&slides, &keep, &["--objects", place], &variables);
    let case = text(&server.cases(1)[0]["id"]);
    let names = service.names("findings");
    assert!(!names.is_empty() && names.iter().all(|name| name.starts_with("site-1/")), "{names:?}");
    assert!(!keep.join("objects").exists(), "nothing is kept here");

    // What lies there is given out.
    let detail = server.get(&format!("/api/v1/cases/{case}"));
    let slide = text(&detail["slides"][0]["id"]);
    let heatmap = format!("/api/v1/cases/{case}/slides/{slide}/heatmap.png");
    assert_eq!(server.send("GET", &heatmap, &Value::Null).0, 200);

    // A changed object is found by the audit and not given out.
    let database = keep.join("record.db");
    let verify =
        ["audit", "verify", "--database", database.to_str().unwrap(), "--objects", place, "--json"];
    let whole = run(&verify);
    let report: Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!(report["whole"], true, "{report} {}", String::from_utf8_lossy(&whole.stderr));
    for name in &names {
        assert_eq!(service.send("PUT", &format!("/findings/{name}"), "changed").0, "200");
    }
    let report: Value = serde_json::from_slice(&run(&verify).stdout).unwrap();
    assert_eq!(report["whole"], false, "{report}");
    assert_ne!(server.send("GET", &heatmap, &Value::Null).0, 200);

    // A second server is kept out of the same folder.
    let second = serve(&[]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("another server uses"), "{said}");
}

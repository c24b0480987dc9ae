//! Connections that say nothing, say half, or are too many.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "shared by tests")]
mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use bianque_server::{ConnectionLimits, Settings};
use serde_json::json;
use support::{Client, Ground, Running, examined_case, text};

const HEAD: Duration = Duration::from_millis(500);
/// Within this a connection whose time is up must be closed.
const SOON: Duration = Duration::from_secs(10);

fn running(ground: &Ground, in_all: usize) -> Running {
    let limits = ConnectionLimits { head: HEAD, in_all, ..ConnectionLimits::DIRECT };
    Running::with(Settings { connections: Some(limits), ..ground.settings() })
}

fn connected(server: &Running, said: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    // A server that closes at once may do so before this is written.
    let _ = stream.write_all(said);
    stream
}

/// Reads until the server closes; how long that took, and what came.
fn until_closed(mut stream: TcpStream) -> (Duration, String) {
    let began = Instant::now();
    let mut told = Vec::new();
    match stream.read_to_end(&mut told) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("it is open still: {error}"),
    }
    (began.elapsed(), String::from_utf8_lossy(&told).into_owned())
}

#[test]
fn an_answer_that_the_description_has_not_fails_its_test() {
    let json = "application/json";
    let export = "/api/v1/cases/0/exports/json?status=unconfirmed";
    for (method, path, status, kind) in [
        ("GET", "/health", 201, json),
        ("GET", "/health", 200, "text/html"),
        ("GET", export, 200, "text/csv"),
        ("GET", "/api/v1/nothing/here", 200, json),
        ("PATCH", "/health", 200, json),
        ("GET", "/api/v1/worklist", 404, json),
        ("POST", "/dicomweb/studies", 201, "application/dicom+json"),
    ] {
        assert!(support::described::notices(method, path, status, kind), "{method} {path} {kind}");
    }
    let problem = "application/problem+json";
    for (method, path, status, kind) in [
        ("GET", "/health", 200, json),
        ("GET", export, 200, json),
        ("GET", export, 200, "application/dicom"),
        ("GET", "/assets/a/b.js", 200, "text/javascript; charset=utf-8"),
        ("GET", "/nothing/here/at/all/of/it", 404, problem),
        ("POST", "/dicomweb/studies", 202, "application/dicom+json"),
        ("POST", "/dicomweb/studies", 409, problem),
    ] {
        assert!(!support::described::notices(method, path, status, kind), "{method} {path} {kind}");
    }
}

/// An open stream of events of whoever shows this, its first head read.
fn listening(server: &Running, shown: &str) -> TcpStream {
    let asks = format!("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{shown}\r\n\r\n");
    let mut stream = connected(server, asks.as_bytes());
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&head));
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// Reads until the stream of events has ended: its last chunk is empty.
fn ends(mut stream: TcpStream) -> bool {
    let mut told = Vec::new();
    let mut some = [0; 512];
    loop {
        match stream.read(&mut some) {
            Ok(0) => return true,
            Ok(count) => told.extend(&some[..count]),
            Err(_) => return false,
        }
        if told.ends_with(b"0\r\n\r\n") {
            return true;
        }
    }
}

#[test]
fn a_stream_of_events_ends_with_its_session_its_token_and_its_account() {
    let ground = Ground::new();
    let (server, mut admin) = ground.closed();
    let cookie = |client: &Client| format!("Cookie: {}", client.cookie.clone().unwrap());
    let mut leaves = server.member(&mut admin, "leaves", "pathologist");
    let closed = server.member(&mut admin, "closed", "pathologist");
    let stays = server.member(&mut admin, "stays", "pathologist");
    let users = admin.get("/api/v1/users").json();
    let of = |login: &str| {
        let all = users.as_array().unwrap();
        text(&all.iter().find(|user| user["login"] == login).unwrap()["id"])
    };
    let token = json!({ "user": of("stays"), "role": "pathologist", "label": "viewer" });
    let token = admin.post("/api/v1/service-tokens", &token).json();
    let bearer = format!("Authorization: Bearer {}", text(&token["token"]));
    let streams = [cookie(&leaves), cookie(&closed), bearer].map(|who| listening(&server, &who));
    let stays = listening(&server, &cookie(&stays));
    assert_eq!(leaves.change("DELETE", "/api/v1/session", &json!({})).status, 204);
    let account = format!("/api/v1/users/{}/active", of("closed"));
    assert_eq!(admin.change("PUT", &account, &json!({ "active": false })).status, 204);
    let revoked = format!("/api/v1/service-tokens/{}", text(&token["id"]));
    assert_eq!(admin.change("DELETE", &revoked, &json!({})).status, 204);
    for (number, stream) in streams.into_iter().enumerate() {
        assert!(ends(stream), "stream {number} goes on");
    }
    stays.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    assert!(!ends(stays), "who is logged in goes on listening");
}

#[test]
fn what_is_of_a_patient_is_not_kept_by_browsers() {
    let ground = Ground::new();
    let server = ground.demo();
    let reader = server.demo("demo-pathologist");
    let case = text(&examined_case(&reader)["id"]);
    for path in [
        "/api/v1/worklist".to_owned(),
        format!("/api/v1/cases/{case}"),
        format!("/api/v1/cases/{case}/findings"),
        format!("/api/v1/cases/{case}/report"),
        format!("/api/v1/cases/{case}/exports/json?status=unconfirmed"),
        format!("/api/v1/cases/{case}/exports/geojson?status=unconfirmed"),
        "/dicomweb/studies".to_owned(),
        format!("/api/v1/cases/{}", "0".repeat(32)),
    ] {
        let head = reader.get(&path).head;
        assert!(head.contains("cache-control: no-store"), "{path}: {head}");
    }
}

#[test]
fn half_a_head_is_not_waited_for() {
    let ground = Ground::new();
    let server = running(&ground, 100);
    let halves = [&b""[..], b"GET", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "];
    let open: Vec<_> =
        halves.iter().cycle().take(60).map(|half| connected(&server, half)).collect();
    for stream in open {
        let (took, told) = until_closed(stream);
        assert!(took < SOON, "{took:?}");
        assert!(!told.contains("200 OK"), "{told}");
    }
    assert_eq!(server.client().get("/health").status, 200);
}

#[test]
fn a_head_that_drips_is_not_waited_for() {
    let ground = Ground::new();
    let server = running(&ground, 100);
    let mut stream = connected(&server, b"GET /health HTTP/1.1\r\nHost: localhost\r\n");
    let began = Instant::now();
    while stream.write_all(b"X-Drop: 1\r\n").is_ok() {
        assert!(began.elapsed() < SOON, "each drop buys more time");
        std::thread::sleep(HEAD / 5);
    }
}

#[test]
fn a_connection_that_asks_nothing_more_is_closed() {
    let ground = Ground::new();
    let server = running(&ground, 100);
    let asks = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut stream = connected(&server, asks);
    std::thread::sleep(HEAD / 5);
    // Within the limit the connection is used again.
    stream.write_all(asks).unwrap();
    let (took, told) = until_closed(stream);
    assert_eq!(told.matches("200 OK").count(), 2, "{told}");
    assert!(took >= HEAD / 2, "it is kept for a while: {took:?}");
}

#[test]
fn a_connection_too_many_is_closed_and_places_come_back() {
    let ground = Ground::new();
    let server = running(&ground, 4);
    let taken: Vec<_> = (0..4).map(|_| connected(&server, b"GET")).collect();
    let (took, told) = until_closed(connected(&server, b"GET /health HTTP/1.1\r\n\r\n"));
    assert!(took < HEAD && told.is_empty(), "{took:?} {told}");
    for stream in taken {
        until_closed(stream);
    }
    let until = Instant::now() + SOON;
    while server.client().try_send("GET", "/health", "", &[]).is_err() {
        assert!(Instant::now() < until, "no place came back");
    }
}

#[test]
fn a_server_that_stops_waits_for_no_idle_connection() {
    let ground = Ground::new();
    let server = Running::with(ground.settings());
    let idle = connected(&server, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200));
    drop(server);
    let (took, told) = until_closed(idle);
    assert!(took < Duration::from_secs(1) && told.contains("200 OK"), "{took:?} {told}");
}

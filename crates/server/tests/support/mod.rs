//! A running server, a client that keeps its session, and an examiner that finds what it is told.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "shared by tests")]

pub mod described;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use bianque_core::{PixelRect, Point, Polygon, Producer};
use bianque_record::{identity::Label, proposals::SlideVerdict};
use bianque_server::{
    Server, Settings,
    examine::{ExamineError, Examined, Examiner, FoundLesion, FoundQuality, Heatmap},
    improve::Improver,
};
use bianque_testkit::{SlideRecipe, write_svs};
use serde_json::{Value, json};

/// A server that ends when this is dropped.
pub struct Running {
    pub address: SocketAddr,
    pub first_link: Option<String>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    pub fn with(settings: Settings) -> Self {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let server = Server::new(settings).unwrap();
            let link = server.first_administrator_link().map(str::to_owned);
            tell.send((server.address(), link)).unwrap();
            server.serve(async { drop(stopped.await) }).unwrap();
        });
        let (address, first_link) = told.recv().unwrap();
        Self { address, first_link, stop: Some(stop), thread: Some(thread) }
    }

    pub fn client(&self) -> Client {
        Client { address: self.address, cookie: None, csrf: String::new(), bearer: None }
    }

    /// A new member of staff, logged in.
    pub fn member(&self, admin: &mut Client, login: &str, role: &str) -> Client {
        let new = json!({ "login": login, "roles": [role] });
        let link = text(&admin.post("/api/v1/users", &new).json()["link"]);
        let token = link.split("token=").nth(1).unwrap();
        let mut client = self.client();
        client.csrf = text(&client.get("/api/v1/session").json()["csrf"]);
        let password = format!("staple battery {login}");
        let set = json!({ "token": token, "password": password });
        assert_eq!(client.post("/api/v1/password", &set).status, 204);
        let opened =
            client.post("/api/v1/session", &json!({ "login": login, "password": password }));
        assert_eq!(opened.status, 200, "{}", opened.text());
        client
    }

    /// A client that acts as one of the demo's people.
    pub fn demo(&self, login: &str) -> Client {
        let mut client = self.client();
        client.csrf = client.get("/api/v1/session").json()["csrf"].as_str().unwrap().to_owned();
        let answer = client.post("/api/v1/session", &json!({ "login": login }));
        assert_eq!(answer.status, 200, "{}", answer.text());
        client
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

pub struct Client {
    pub address: SocketAddr,
    pub cookie: Option<String>,
    pub csrf: String,
    pub bearer: Option<String>,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.text()))
    }
}

impl Client {
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", &[])
    }

    pub fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.change("POST", path, body)
    }

    pub fn change(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let csrf = format!("X-CSRF-Token: {}\r\nContent-Type: application/json\r\n", self.csrf);
        let answer = self.send(method, path, &csrf, body.to_string().as_bytes());
        if let Some(line) = answer.head.lines().find(|line| line.starts_with("set-cookie: ")) {
            self.cookie = line["set-cookie: ".len()..].split(';').next().map(str::to_owned);
            if answer.status == 200 {
                self.csrf = answer.json()["csrf"].as_str().unwrap().to_owned();
            }
        }
        answer
    }

    /// A request with whatever headers.
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).unwrap()
    }

    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let cookie = self.cookie.as_ref().map(|c| format!("Cookie: {c}\r\n")).unwrap_or_default();
        let bearer = self.bearer.as_ref();
        let bearer = bearer.map(|b| format!("Authorization: Bearer {b}\r\n")).unwrap_or_default();
        let host =
            if headers.to_ascii_lowercase().contains("host:") { "" } else { "Host: localhost\r\n" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{cookie}{bearer}{headers}\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        // A server that refuses a body early closes the way for the rest of it.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            read?;
            return Err(std::io::Error::other("no answer"));
        };
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let (first, rest) = head.split_once("\r\n").unwrap_or((&head, ""));
        let lower: Vec<String> = rest
            .split("\r\n")
            .map(|line| match line.split_once(": ") {
                Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
                None => line.to_owned(),
            })
            .collect();
        let head = format!("{first}\n{}", lower.join("\n"));
        let answer = Answer { status, head, body: answer[end + 4..].to_vec() };
        described::check(method, path, &answer);
        Ok(answer)
    }
}

/// Finds one lesion, one fault and a small map on every slide.
pub struct FakeExaminer {
    pub examined: Arc<AtomicUsize>,
    pub verdict: SlideVerdict,
    /// At most so many lesions.
    pub finds: usize,
}

impl Examiner for FakeExaminer {
    fn producer(&self) -> Label {
        "fake 1".parse().unwrap()
    }

    fn examine(
        &self,
        _: &Path,
        progress: &(dyn Fn(u64, u64) + Sync),
        _: &AtomicBool,
    ) -> Result<Examined, ExamineError> {
        self.examined.fetch_add(1, Ordering::SeqCst);
        progress(1, 2);
        let by = |name: &str| Producer {
            name: name.to_owned(),
            version: "1".to_owned(),
            digest: None,
            licence: None,
        };
        let square = |x: f64, y: f64, edge: f64| {
            let points = [(x, y), (x + edge, y), (x + edge, y + edge), (x, y + edge)];
            vec![Polygon::simple(points.iter().map(|(x, y)| Point::new(*x, *y)).collect())]
        };
        let lesion = |x: f64, score: f64| FoundLesion {
            label: "carcinoma".parse().unwrap(),
            outline: square(x, 200.0, 400.0),
            score,
            evidence: vec![PixelRect::new(x as i64, 200, 64, 64)],
        };
        Ok(Examined {
            quality: FoundQuality {
                verdict: self.verdict,
                reasons: vec![("fold".parse().unwrap(), Some(PixelRect::new(0, 0, 100, 100)))],
                by: by("fake check"),
                crop: Some(b"no real JPEG".to_vec()),
            },
            lesions: [lesion(100.0, 0.7), lesion(900.0, 0.9)]
                .into_iter()
                .take(self.finds)
                .collect(),
            lesions_by: by("fake head"),
            features_by: Some(by("fake encoder")),
            nothing_sought: None,
            heatmap: Some(Heatmap {
                width: 4,
                height: 2,
                downsample: 500.0,
                values: vec![0, 1, 128, 255, 0, 0, 9, 9],
                label: "lesion".to_owned(),
            }),
        })
    }
}

/// A folder with one small slide whose file is named after a patient, and a place for the record.
pub struct Ground {
    pub folder: tempfile::TempDir,
    pub data: tempfile::TempDir,
    pub examined: Arc<AtomicUsize>,
    pub verdict: SlideVerdict,
    pub finds: usize,
}

impl Ground {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recipe = SlideRecipe { width: 2100, height: 1500, lesions: 0, ..SlideRecipe::demo(7) };
        write_svs(&recipe, &folder.path().join("Zhang San 19600101.svs")).unwrap();
        let verdict = SlideVerdict::PassMarked;
        Self {
            folder,
            data: tempfile::tempdir().unwrap(),
            examined: Arc::default(),
            verdict,
            finds: 2,
        }
    }

    pub fn settings(&self) -> Settings {
        let listen = "127.0.0.1:0".parse().unwrap();
        let mut settings =
            Settings::new(self.folder.path().to_owned(), self.data.path().to_owned(), listen);
        let (examined, verdict) = (Arc::clone(&self.examined), self.verdict);
        let finds = self.finds;
        settings.examiner = Some(Arc::new(FakeExaminer { examined, verdict, finds }));
        settings
    }

    pub fn demo(&self) -> Running {
        Running::with(Settings { demo: true, ..self.settings() })
    }

    /// A server with a login, and its administrator.
    pub fn closed(&self) -> (Running, Client) {
        self.closed_with(None)
    }

    /// The same with what improves the head.
    pub fn closed_with(&self, improver: Option<Arc<dyn Improver>>) -> (Running, Client) {
        self.closed_by(Settings { improver, ..self.settings() })
    }

    /// A server with these settings and a login, and its administrator.
    pub fn closed_by(&self, settings: Settings) -> (Running, Client) {
        let server = Running::with(settings);
        let mut admin = server.client();
        admin.csrf = admin.get("/api/v1/session").json()["csrf"].as_str().unwrap().to_owned();
        let token = server.first_link.clone().unwrap();
        let token = token.split("token=").nth(1).unwrap();
        let made = admin.post(
            "/api/v1/first-administrator",
            &json!({ "token": token, "login": "root", "password": "correct horse 1" }),
        );
        assert_eq!(made.status, 204, "{}", made.text());
        let login = json!({ "login": "root", "password": "correct horse 1" });
        assert_eq!(admin.post("/api/v1/session", &login).status, 200);
        (server, admin)
    }
}

/// Waits until the one slide was examined; gives its case. Who reads first is told of the verdict
/// alone.
pub fn examined_case(client: &Client) -> Value {
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        let worklist = client.get("/api/v1/worklist").json();
        let done = worklist["items"][0]["slides"][0]["examination"] == "done";
        if done && [json!(3), json!(1)].contains(&worklist["items"][0]["undecided"]) {
            return worklist["items"][0].clone();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the slide was never examined");
}

/// The case of the one slide, once it was examined, and the slide.
pub fn case_and_slide(client: &Client) -> (String, String) {
    let case = examined_case(client);
    (text(&case["id"]), text(&case["slides"][0]["id"]))
}

/// A key as a page makes one.
pub fn key() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("test-key-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst))
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Findings of a kind.
pub fn findings(client: &Client, case: &str, kind: &str) -> Vec<Value> {
    let all = client.get(&format!("/api/v1/cases/{case}/findings")).json();
    let all = all["findings"].as_array().unwrap().clone();
    all.into_iter().filter(|finding| finding["kind"] == kind).collect()
}

//! The real server, asked over HTTP.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bianque_testkit::{Ending, surroundings};
use serde_json::{Value, json};

/// The server in demo mode; killed when it is dropped.
pub(crate) struct Server {
    _program: Ending,
    port: String,
    csrf: String,
}

impl Server {
    /// Started with more arguments and variables; waits for its address.
    pub(crate) fn start(
        slides: &Path,
        keep: &Path,
        arguments: &[&str],
        variables: &[(&str, String)],
    ) -> Self {
        let models = surroundings::crate_folder().join("../../models");
        let mut program = Command::new(env!("CARGO_BIN_EXE_bianque"))
            .env("BIANQUE_MODELS", models)
            .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--task", "sample"])
            .args(["--log", "warn", "--folder"])
            .arg(slides)
            .arg("--keep")
            .arg(keep)
            .args(arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(program.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = said.find(|line| line.contains("http://")).expect("no address was said");
        let port = line.split("127.0.0.1:").nth(1).unwrap().split('/').next().unwrap().to_owned();
        // Nobody else reads it, and a full pipe would stop the server.
        std::thread::spawn(move || said.for_each(drop));
        let mut server = Self { _program: Ending(program), port, csrf: String::new() };
        let csrf = server.get("/api/v1/session")["csrf"].as_str().unwrap().to_owned();
        server.csrf = csrf;
        server
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{}", self.port)).unwrap();
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-CSRF-Token: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.csrf,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) fn change(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send(method, path, body);
        assert!(status == 200 || status == 204, "{method} {path}: {status} {answer}");
        answer
    }

    /// The cases, once so many slides are examined.
    pub(crate) fn cases(&self, slides: usize) -> Vec<Value> {
        let until = Instant::now() + Duration::from_secs(400);
        loop {
            let items = self.get("/api/v1/worklist")["items"].as_array().unwrap().clone();
            let done = |case: &&Value| case["slides"][0]["examination"] == "done";
            if items.iter().filter(done).count() == slides {
                return items;
            }
            assert!(Instant::now() < until, "never examined: {items:?}");
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    pub(crate) fn regions(&self, case: &str) -> Vec<Value> {
        let all = self.get(&format!("/api/v1/cases/{case}/findings"))["findings"].clone();
        let all = all.as_array().unwrap().clone();
        all.into_iter().filter(|finding| finding["kind"] == "lesion-region").collect()
    }

    /// Has the head refitted; gives what came of it.
    pub(crate) fn refitted(&self) -> Value {
        self.change("POST", "/api/v1/improvement", &json!({}));
        let until = Instant::now() + Duration::from_secs(200);
        loop {
            let document = self.get("/api/v1/improvement");
            if document["running"] == false {
                assert_eq!(document["failed"], Value::Null);
                return document;
            }
            assert!(Instant::now() < until, "it never ends");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

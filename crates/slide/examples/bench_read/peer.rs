//! The other reader: a Python process that answers commands.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use bianque_testkit::surroundings;
use serde_json::{Value, json};

use crate::{Failure, Region, measure::Cost};

pub(crate) struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    pub(crate) fn start(slide: &Path) -> Result<Self, Failure> {
        let python = std::env::var_os("BIANQUE_PYTHON")
            .ok_or("BIANQUE_PYTHON is not set: it must name a Python with openslide-python")?;
        let script = surroundings::crate_folder().join("examples/bench_read/peer.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(slide)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("no standard input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self { child, input, output })
    }

    fn ask(&mut self, command: &Value) -> Result<Value, Failure> {
        writeln!(self.input, "{command}")?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            return Err("the Python side ended: see its message above".into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    fn cost(&mut self, command: &Value) -> Result<Cost, Failure> {
        let answer = self.ask(command)?;
        let number = |name: &str| answer[name].as_f64().ok_or("an answer without a number");
        Ok(Cost { wall: number("seconds")?, processor: number("processor")? })
    }

    pub(crate) fn open(&mut self, times: u32) -> Result<Cost, Failure> {
        self.cost(&json!({ "do": "open", "times": times }))
    }

    pub(crate) fn read(&mut self, regions: &[Region], threads: usize) -> Result<Cost, Failure> {
        self.cost(&json!({ "do": "read", "regions": regions, "threads": threads }))
    }

    pub(crate) fn halve(&mut self, regions: &[Region]) -> Result<Cost, Failure> {
        self.cost(&json!({ "do": "halve", "regions": regions, "threads": 1 }))
    }

    /// Peak memory in megabytes and OpenSlide's version.
    pub(crate) fn finish(mut self) -> Result<(f64, String), Failure> {
        let answer = self.ask(&json!({ "do": "memory" }))?;
        drop(self.input);
        self.child.wait()?;
        let kilobytes = answer["kilobytes"].as_f64().ok_or("no memory figure")?;
        Ok((kilobytes / 1024.0, answer["version"].as_str().unwrap_or("unknown").to_owned()))
    }
}

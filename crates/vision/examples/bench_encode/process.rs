//! Engines as processes that answer line by line.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use bianque_testkit::surroundings;

use crate::{Failure, Model};

/// Wall and processor seconds.
#[derive(Copy, Clone)]
pub(crate) struct Seconds {
    pub(crate) wall: f64,
    pub(crate) processor: f64,
}

impl Seconds {
    pub(crate) const WORST: Self = Self { wall: f64::INFINITY, processor: f64::INFINITY };

    pub(crate) fn best(self, other: Self) -> Self {
        Self { wall: self.wall.min(other.wall), processor: self.processor.min(other.processor) }
    }
}

fn python() -> Result<Command, Failure> {
    let python = std::env::var("BIANQUE_PYTHON").map_err(
        |_| "BIANQUE_PYTHON must name a Python 3 with torch, timm, safetensors and onnxruntime",
    )?;
    let mut command = Command::new(python);
    command.arg(surroundings::crate_folder().join("examples/bench_encode/peers.py"));
    Ok(command)
}

/// Writes a network with random weights for all engines.
pub(crate) fn prepare(folder: &Path, model: Model) -> Result<(), Failure> {
    let output = python()?.arg("prepare").arg(folder).arg(model.name).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} cannot be made: {said}", model.name).into());
    }
    let recipe = |arithmetic: &str| {
        serde_json::json!({
            "schema": 1, "name": model.name, "version": "random", "licence": "CC0-1.0",
            "source": "random", "weights": format!("{}.safetensors", model.name),
            "input": {
                "size": 224, "mpp": 0.5, "filter": "bicubic",
                "normalise": { "kind": "fixed", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5] },
            },
            "architecture": {
                "kind": "vit", "patch": 16, "dim": model.dim, "depth": model.depth,
                "heads": model.heads, "ffn": { "kind": "gelu", "hidden": 4 * model.dim },
                "position": { "kind": "learned", "prefix_rows": "all" },
                "norm_eps": 1e-6, "pooling": "class", "arithmetic": arithmetic,
            },
        })
    };
    for arithmetic in ["f32", "int8"] {
        std::fs::write(recipe_file(folder, arithmetic), recipe(arithmetic).to_string())?;
    }
    Ok(())
}

pub(crate) fn recipe_file(folder: &Path, arithmetic: &str) -> PathBuf {
    folder.join(format!("{arithmetic}.json"))
}

/// One engine in its process.
pub(crate) struct Engine {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Engine {
    /// Starts an engine and waits until it has encoded once; gives its versions too.
    pub(crate) fn start(
        engine: &str,
        folder: &Path,
        model: Model,
        threads: usize,
        batch: usize,
    ) -> Result<(Self, String), Failure> {
        let mut command = if engine.starts_with("bianque") {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("worker");
            command
        } else {
            python()?
        };
        command.arg(engine).arg(folder).arg(model.name);
        command.arg(threads.to_string()).arg(batch.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut engine = Self { child, input, output };
        let versions = engine.line()?;
        Ok((engine, versions))
    }

    /// Encodes some tiles.
    pub(crate) fn time(&mut self, tiles: usize) -> Result<Seconds, Failure> {
        writeln!(self.input, "time {tiles}")?;
        let answer = self.line()?;
        let mut numbers = answer.split_whitespace().map(str::parse::<f64>);
        let mut next = || numbers.next().ok_or("an answer without two numbers");
        Ok(Seconds { wall: next()??, processor: next()?? })
    }

    /// Ends the process; gives its greatest memory in MiB.
    pub(crate) fn end(mut self) -> Result<f64, Failure> {
        writeln!(self.input, "end")?;
        Ok(self.line()?.parse()?)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            return Err("it ended; what it said stands above".into());
        }
        Ok(line.trim().to_owned())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

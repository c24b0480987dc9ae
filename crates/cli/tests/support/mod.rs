//! A user's folder of their own, so that nothing that this machine has installed is seen, and the
//! program run in it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "shared by tests, each of which uses a part"
)]

pub(crate) mod serving;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use bianque_testkit::surroundings;
use serde_json::Value;

pub(crate) struct Site {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) models: PathBuf,
}

impl Site {
    /// With the models that are shipped.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), models: shipped_models() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(&self.models, arguments)
    }

    pub(crate) fn run_with(&self, models: &Path, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_bianque"))
            .env("BIANQUE_MODELS", models)
            .env("BIANQUE_DATA", self.path("data"))
            .current_dir(self.folder.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", message(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn refusal(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", message(&output));
        message(&output)
    }
}

pub(crate) fn shipped_models() -> PathBuf {
    surroundings::crate_folder().join("../../models")
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

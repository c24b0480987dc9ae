//! All that is printed: results on standard output, notes, progress and errors on standard error.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// How the program speaks.
pub(crate) struct Terminal {
    json: bool,
    quiet: bool,
}

impl Terminal {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Prints a result: its JSON document or its text.
    pub(crate) fn result<T: Serialize>(&self, document: &T, text: &str) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(document)?);
        } else {
            println!("{}", text.trim_end());
        }
        Ok(())
    }

    /// Prints a result on one line: its JSON document or its text.
    pub(crate) fn line<T: Serialize>(&self, document: &T, text: &str) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(document)?);
        } else {
            println!("{text}");
        }
        Ok(())
    }

    /// Prints a note for the person at the terminal.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Prints an error with its causes.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        eprintln!("error: {error:#}");
    }

    /// A bar on a terminal, nothing elsewhere.
    pub(crate) fn progress(&self, what: &str, length: u64) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(length);
        let style =
            ProgressStyle::with_template("{msg:>16} [{bar:32}] {pos}/{len} {per_sec} {eta}");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

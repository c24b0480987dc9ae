//! All that is printed: results on standard output, notes, progress and errors on standard error.

use std::{
    io::{self, ErrorKind, IsTerminal, Write},
    time::Duration,
};

use bianque_lesion::Progress;
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
            print(&serde_json::to_string_pretty(document)?)
        } else {
            print(text.trim_end())
        }
    }

    /// Prints a result on one line: its JSON document or its text.
    pub(crate) fn line<T: Serialize>(&self, document: &T, text: &str) -> anyhow::Result<()> {
        if self.json { print(&serde_json::to_string(document)?) } else { print(text) }
    }

    /// Prints a note for the person at the terminal.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            tell(text);
        }
    }

    /// Prints an error with its causes.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        tell(&format!("error: {error:#}"));
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

/// Shows on a bar how far tiles are.
pub(crate) fn shown_on(bar: &ProgressBar) -> impl Fn(Progress) + Sync {
    |progress| {
        bar.set_length(progress.total as u64);
        bar.set_position(progress.done as u64);
    }
}

/// A line on standard output. A reader that has seen enough, such as `head`, stops nothing.
fn print(line: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output"))
        }
        _ => Ok(()),
    }
}

/// A line on standard error; where that is closed, nobody listens.
fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

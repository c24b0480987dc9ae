//! `cargo xtask web`: the web app, which the server puts into the program.

use std::process::Command;

use anyhow::bail;

use crate::process::{run, succeeds};

/// Installs what the app needs, as locked, and builds it.
pub(crate) fn build() -> anyhow::Result<()> {
    if !succeeds("npm", &["--version"]) {
        bail!(
            "the web app is built by npm: install Node.js 20 or later (Debian: apt-get install npm)"
        );
    }
    for words in [&["ci", "--no-audit", "--no-fund"][..], &["run", "build"]] {
        run(Command::new("npm").args(words).current_dir("web/app"))?;
    }
    Ok(())
}

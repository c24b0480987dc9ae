//! What the machine offers: checked once, said plainly.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, bail};

use crate::process::succeeds;

/// The workspace's root folder.
pub(crate) fn workspace_root() -> anyhow::Result<PathBuf> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .context("start this with `cargo xtask`, which sets CARGO_MANIFEST_DIR")?;
    let root = PathBuf::from(manifest).join("../..");
    root.canonicalize().with_context(|| format!("cannot find {}", root.display()))
}

/// Cargo itself.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Whether libjpeg-turbo can be built here: it needs a C compiler, cmake and nasm.
pub(crate) fn can_build_turbojpeg() -> bool {
    let cmake = succeeds("cmake", &["--version"]);
    let nasm = !cfg!(target_arch = "x86_64") || succeeds("nasm", &["--version"]);
    if !(cmake && nasm) {
        let missing = match (cmake, nasm) {
            (false, false) => "cmake and nasm are",
            (false, true) => "cmake is",
            _ => "nasm is",
        };
        println!(
            "note: {missing} not installed, so the pure-Rust JPEG decoder is built, which is \
             slower. For libjpeg-turbo install both (Debian: apt-get install cmake nasm)."
        );
    }
    cmake && nasm
}

/// Fails with the reason when a C compiler is missing.
pub(crate) fn require_c_compiler() -> anyhow::Result<()> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    if !succeeds(&compiler, &["--version"]) {
        bail!("no C compiler ('{compiler}'): install one (Debian: apt-get install gcc)");
    }
    Ok(())
}

/// Whether PostgreSQL's programs are installed, where Debian puts them or on the `PATH`. The tests
/// of the record start a server of their own with them.
pub(crate) fn has_postgresql() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.into_iter().any(|version| version.path().join("bin/initdb").is_file());
    debian || succeeds("initdb", &["--version"])
}

/// Whether this is a build server, where nothing may be left out.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// The folder of real slides: `BIANQUE_SLIDES`, else beside the checkout. `None` when absent.
pub(crate) fn real_slides() -> anyhow::Result<Option<PathBuf>> {
    let folder = match std::env::var_os("BIANQUE_SLIDES") {
        Some(folder) => folder.into(),
        None => workspace_root()?.join("../shared/slides"),
    };
    if folder.is_dir() {
        return Ok(Some(folder.canonicalize()?));
    }
    Ok(None)
}

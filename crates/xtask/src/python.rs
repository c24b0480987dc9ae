//! The Python of the foreign judges: a virtual environment with pinned versions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use crate::process::{run, succeeds};

const REQUIREMENTS: &str = include_str!("../python/requirements.txt");

/// The interpreter of the virtual environment; made on first use, kept by the requirements' digest
/// in the user's cache folder, so that a clean checkout finds it again.
pub(crate) fn interpreter() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("BIANQUE_PYTHON") {
        return Ok(path.into());
    }
    let digest = blake3::hash(REQUIREMENTS.as_bytes()).to_hex();
    let folder = cache_folder()?.join(format!("python-{}", &digest.as_str()[..12]));
    let interpreter = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if folder.join("complete").is_file() {
        return Ok(interpreter);
    }
    create(&folder, &interpreter)?;
    Ok(interpreter)
}

fn create(folder: &Path, interpreter: &Path) -> anyhow::Result<()> {
    if !succeeds("python3", &["-c", "import sys, venv; assert sys.version_info >= (3, 11)"]) {
        bail!(
            "the tests judge our output with foreign programs in Python: install Python 3.11 or \
             later with venv (Debian: apt-get install python3 python3-venv)"
        );
    }
    println!("making the judges' virtual environment (once; a few minutes, some gigabytes)");
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS)?;
    run(Command::new(interpreter)
        .args(["-m", "pip", "install", "--quiet", "--requirement"])
        .arg(&requirements))
    .context("the judges' packages could not be installed: is the package index reachable?")?;
    fs::write(folder.join("complete"), "")?;
    Ok(())
}

fn cache_folder() -> anyhow::Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    variable("BIANQUE_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("bianque")))
        .or_else(|| variable("LOCALAPPDATA").map(|folder| folder.join("bianque")))
        .or_else(|| variable("HOME").map(|folder| folder.join(".cache/bianque")))
        .context("no home folder: set BIANQUE_CACHE to a folder that may be written")
}

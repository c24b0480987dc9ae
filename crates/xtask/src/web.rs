//! `cargo xtask web`: the web app, which the server puts into the program, and its tests.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::bail;

use crate::{
    process::{run, succeeds},
    tools,
};

const APP: &str = "web/app";
/// What the builder needs, as `package.json` says under `engines`.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// Installs what the app needs, as locked, and builds it. Nothing is done that is done already: a
/// page built anew would have the server compiled anew.
pub(crate) fn build() -> anyhow::Result<()> {
    if let Some(why) = missing() {
        bail!("the web app cannot be built: {why}");
    }
    let app = Path::new(APP);
    let locked = newest(&app.join("package-lock.json"));
    if newest(&app.join("node_modules/.package-lock.json")) < locked {
        npm(&["ci", "--no-audit", "--no-fund"])?;
    }
    let of = ["src", "public", "index.html", "vite.config.ts", "package-lock.json"];
    let sources = of.iter().filter_map(|name| newest(&app.join(name))).max();
    if newest(&app.join("dist/index.html")) < sources {
        npm(&["run", "build"])?;
    }
    Ok(())
}

/// Builds the app, and checks its types, lints and unit tests. False where that is not possible,
/// which a build server does not put up with.
pub(crate) fn check() -> anyhow::Result<bool> {
    match missing() {
        Some(why) if tools::is_ci() => bail!("the build server must test the web app: {why}"),
        Some(why) => {
            println!("note: {why}, so the web app is not tested");
            Ok(false)
        }
        None => {
            build()?;
            npm(&["run", "check"])?;
            Ok(true)
        }
    }
}

/// A pathologist's day in a browser, before the program as it is released: unoptimized, it would
/// spend the day examining the slides.
pub(crate) fn browser_tests(turbojpeg: bool) -> anyhow::Result<()> {
    let Some(browser) = browser() else {
        if tools::is_ci() {
            bail!("the build server must test in a browser: install chromium");
        }
        println!(
            "note: no Chromium (Debian: apt-get install chromium; elsewhere: name it in CHROMIUM), \
             so nothing is tested in a browser"
        );
        return Ok(());
    };
    let mut command = tools::cargo();
    command.args(["build", "--release", "--package", "bianque-cli"]);
    if turbojpeg {
        command.args(["--features", "turbojpeg"]);
    }
    run(&mut command)?;
    // Absolute, because the tests start in the app's folder.
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let target = tools::workspace_root()?.join(target).join("release");
    let program = target.join(format!("bianque{}", std::env::consts::EXE_SUFFIX));
    run(Command::new("npm")
        .args(["run", "e2e"])
        .current_dir(APP)
        .env("BIANQUE", program)
        .env("CHROMIUM", browser))
}

/// Why the app cannot be built here, if so.
fn missing() -> Option<String> {
    let (major, minor) = OLDEST_NODE;
    let wanted = format!("Node.js {major}.{minor} or later with npm");
    if !succeeds("npm", &["--version"]) {
        return Some(format!("npm is not installed: {wanted} is needed"));
    }
    let said = Command::new("node").arg("--version").output().ok()?.stdout;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let mut parts = said.trim_start_matches('v').split('.').map_while(|part| part.parse().ok());
    let found: (u32, u32) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    (found < OLDEST_NODE).then(|| format!("node is {said}: {wanted} is needed"))
}

fn npm(words: &[&str]) -> anyhow::Result<()> {
    run(Command::new("npm").args(words).current_dir(APP))
}

/// Whether there is a browser to test in.
pub(crate) fn has_browser() -> bool {
    browser().is_some()
}

/// Whether the browser can draw Chinese: without a font every test of a Chinese page sees boxes.
pub(crate) fn has_chinese_font() -> bool {
    let list = Command::new("fc-list").arg(":lang=zh").output();
    list.is_ok_and(|list| list.status.success() && !list.stdout.is_empty())
}

fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

/// When a file, or the newest file of a folder, was last written; `None` when there is none.
fn newest(path: &Path) -> Option<SystemTime> {
    let facts = path.metadata().ok()?;
    if !facts.is_dir() {
        return facts.modified().ok();
    }
    path.read_dir().ok()?.flatten().filter_map(|entry| newest(&entry.path())).max()
}

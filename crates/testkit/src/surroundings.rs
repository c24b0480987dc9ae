//! What a test finds around it: its crate's folder, real slides, a Python with other people's
//! readers, PostgreSQL's programs.
//!
//! A machine need not have the last three. What is absent is then said and not tested; on a build
//! server (`CI` is set) it fails the test.

use std::path::PathBuf;

/// The folder of the crate under test. Read at run time, since a shared build folder keeps
/// programs that another checkout compiled.
///
/// # Panics
/// Outside `cargo test` and `cargo run`, which set `CARGO_MANIFEST_DIR`.
#[must_use]
#[allow(clippy::panic, reason = "only tests and benchmarks call this")]
pub fn crate_folder() -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => folder.into(),
        None => panic!("CARGO_MANIFEST_DIR is not set: start this by cargo"),
    }
}

/// The folder of real slides: `BIANQUE_SLIDES`, else `shared/slides` beside the checkout.
///
/// # Panics
/// When it is absent on a build server.
#[must_use]
pub fn real_slides() -> Option<PathBuf> {
    let folder = std::env::var_os("BIANQUE_SLIDES")
        .map_or_else(|| crate_folder().join("../../../shared/slides"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    absent(&format!("no real slides in {} (set BIANQUE_SLIDES)", folder.display()));
    None
}

/// The interpreter that `BIANQUE_PYTHON` names, with the packages of
/// `crates/xtask/python/requirements.txt`. `cargo xtask test` makes one and sets the variable.
///
/// # Panics
/// When it is absent on a build server.
#[must_use]
pub fn python() -> Option<PathBuf> {
    let interpreter = std::env::var_os("BIANQUE_PYTHON").map(PathBuf::from);
    if interpreter.is_none() {
        absent("BIANQUE_PYTHON names no interpreter (`cargo xtask test` makes one)");
    }
    interpreter
}

/// The folder of PostgreSQL's programs (`initdb`, `pg_ctl`): where Debian puts them, newest version
/// first, else where `PATH` finds them. `cargo xtask ci` installs them.
///
/// # Panics
/// When they are absent on a build server.
#[must_use]
pub fn postgresql() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let found = folders.into_iter().find(|folder| folder.join("initdb").is_file());
    if found.is_none() {
        absent("no PostgreSQL programs (Debian: apt-get install postgresql)");
    }
    found
}

/// A compiler of C++ that knows the sanitisers: `CXX`, else `c++`.
///
/// # Panics
/// When it is absent on a build server.
#[must_use]
pub fn cxx() -> Option<PathBuf> {
    let compiler = std::env::var_os("CXX").map_or_else(|| "c++".into(), PathBuf::from);
    let answers = std::process::Command::new(&compiler).arg("--version").output();
    if answers.is_ok_and(|answer| answer.status.success()) {
        return Some(compiler);
    }
    absent(&format!("{} compiles no C++ (set CXX)", compiler.display()));
    None
}

#[allow(clippy::panic, clippy::print_stderr, reason = "a test says what it could not do")]
fn absent(what: &str) {
    if std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false") {
        panic!("{what}: a build server must test this");
    }
    eprintln!("NOT TESTED: {what}");
}

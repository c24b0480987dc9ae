//! Holds `cargo metadata` against ARCHITECTURE.md: the crate table, every crate's one sentence, and
//! the edges between crates.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// A line of the crate table.
struct Row {
    sentence: String,
    may_use: Vec<String>,
}

/// Asked at run time: a shared build folder keeps programs that another checkout compiled.
fn root() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../..")
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap()
}

/// Rows of the form `` | `core` | sentence | `a`, `b` | ``.
fn table() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let line = line.replace("\\|", "\u{0}");
        let cells: Vec<String> = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace('\u{0}', "|"))
            .collect();
        let [name, sentence, may_use, ..] = cells.as_slice() else { panic!("short row: {line}") };
        let may_use = may_use.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (name.trim_matches('`').to_owned(), Row { sentence: sentence.clone(), may_use })
    })
    .collect()
}

fn short(package: &str) -> &str {
    package.strip_prefix("bianque-").unwrap_or(package)
}

#[test]
fn every_crate_has_a_row_and_every_row_a_crate() {
    let crates: Vec<String> =
        metadata().packages.iter().map(|package| short(&package.name).to_owned()).collect();
    let mut sorted = crates.clone();
    sorted.sort();
    assert_eq!(sorted, table().into_keys().collect::<Vec<_>>());
}

#[test]
fn a_crate_says_the_same_of_itself_everywhere() {
    let table = table();
    for package in &metadata().packages {
        let name = short(&package.name);
        let sentence = &table[name].sentence;
        assert_eq!(package.description.as_deref(), Some(sentence.as_str()), "{name}: Cargo.toml");
        let source = &package.targets.iter().find(|t| t.is_lib() || t.is_bin()).unwrap().src_path;
        let first = fs::read_to_string(source).unwrap().lines().next().unwrap().to_owned();
        assert_eq!(first, format!("//! {sentence}"), "{name}: first line of {source}");
    }
}

#[test]
fn no_crate_depends_on_one_that_it_may_not_use() {
    let table = table();
    for package in &metadata().packages {
        let name = short(&package.name);
        assert_eq!(package.manifest_path.parent().unwrap().file_name().unwrap(), name);
        for dependency in &package.dependencies {
            let Some(used) = dependency.name.strip_prefix("bianque-") else { continue };
            let development = dependency.kind == DependencyKind::Development;
            assert!(
                (development && used == "testkit") || table[name].may_use.iter().any(|u| u == used),
                "{name} depends on {used}, which ARCHITECTURE.md does not allow"
            );
        }
    }
}

#[test]
fn no_source_file_is_longer_than_600_lines() {
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let lines = fs::read_to_string(&path).unwrap().lines().count();
                assert!(lines <= 600, "{} has {lines} lines: split it", path.display());
            }
        }
    }
}

//! Hostile and broken packages: `cases/<name>/case.json` says what is wrong and what must be said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod case;
mod tar;

use std::fs;

use bianque_testkit::surroundings;

#[test]
fn every_case_ends_in_its_refusal() {
    let folder = surroundings::crate_folder().join("cases");
    let mut failures = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        count += 1;
        if let Err(what) = case::Case::load(&path).run() {
            failures.push(format!("{}: {what}", path.display()));
        }
    }
    failures.sort();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(count >= 30, "only {count} cases were found in {}", folder.display());
}

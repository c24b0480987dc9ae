//! The conformance suite on SQLite.
#![allow(clippy::unwrap_used)]

mod conformance;
mod support;

use bianque_record::database::Location;

#[test]
fn sqlite_does_what_a_record_needs() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    conformance::run(|| {
        count += 1;
        Location::Sqlite(folder.path().join(format!("{count}.db")))
    });
}

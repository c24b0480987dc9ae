//! The conformance suite on PostgreSQL, on a server that the test starts for itself.
#![cfg(feature = "postgresql")]
#![allow(clippy::unwrap_used)]

mod conformance;
mod support;

use bianque_record::database::{Row, Value};
use bianque_testkit::surroundings;
use support::cluster::Cluster;

#[test]
fn postgresql_does_what_a_record_needs() {
    let Some(cluster) = Cluster::start() else { return };
    conformance::run(|| cluster.database());
}

#[test]
fn postgresql_is_spoken_to_by_tls_where_its_authority_is_known() {
    let Some(cluster) = Cluster::start() else { return };
    let authority = surroundings::crate_folder().join("tests/certificate/authority.pem");
    let known = format!("sslmode=verify-full&sslrootcert={}", authority.display());
    let mut database = cluster.encrypted(&known).connect().unwrap();
    let sql = "SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(database.query(sql, &[]).unwrap(), [Row(vec![Value::Integer(1)])]);

    // The machine's own authorities do not know the one of the tests.
    let error = cluster.encrypted("sslmode=require").connect().err().unwrap().to_string();
    assert!(error.contains("certificate"), "{error}");
}

//! The conformance suite on PostgreSQL, on a server that the test starts for itself.
#![cfg(feature = "postgresql")]
#![allow(clippy::unwrap_used)]

mod conformance;
mod support;

use support::cluster::Cluster;

#[test]
fn postgresql_does_what_a_record_needs() {
    let Some(mut cluster) = Cluster::start() else { return };
    conformance::run(|| cluster.database());
}

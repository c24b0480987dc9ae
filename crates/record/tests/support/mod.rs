//! What the tests of the record share.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

#[cfg(feature = "postgresql")]
pub mod cluster;
pub mod deadly;
pub mod ground;
pub mod older;

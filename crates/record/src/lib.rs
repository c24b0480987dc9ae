//! Cases, proposals, what people decided about them, accounts, consent, and a hash-chained audit of all of it; SQLite, or PostgreSQL.
//!
//! Everything that a machine says goes through one door: [`Record::propose`]. A person with the
//! right role decides about it ([`Record::decide`]), signs ([`Record::sign_out`]), and only then can
//! it leave as fact ([`Record::export_released`]). Each method takes an [`Actor`], refuses what the
//! actor's role does not allow, and appends to the audit in the same transaction.
//!
//! No patient's name belongs here: a patient is a [`Pseudonym`](identity::Pseudonym).

pub mod audit;
mod canonical;
pub mod cases;
pub mod database;
pub mod decisions;
mod error;
pub mod identity;
pub mod improvement;
mod migration;
mod names;
pub mod objects;
pub mod people;
pub mod proposals;
pub mod reading;
pub mod release;
pub mod site;
mod store;

pub use error::{RecordError, Result};
pub use migration::newest_version;
pub use people::{Action, Actor, Role};
pub use store::{Connector, Record, Settings};

//! What was done, by whom: a chain of entries, each with the digest of the one before it.
//!
//! Every read of patient data, proposal, decision, export and login appends one, in the transaction
//! of the deed. Whoever can write to the database can still make a whole new chain; what is sealed
//! elsewhere ([`Head`]) shows that, and how the chain ended at that time.

mod append;
mod deeds;
mod entry;
mod event;
mod export;
mod head;
mod query;
mod read;
mod recent;
mod standing;
mod verify;

pub(crate) use append::open_chain;
pub use entry::{Entry, Outcome};
pub use event::Event;
pub(crate) use event::Object;
pub use export::{export_lines, verify_lines};
pub use head::Head;
pub use query::AuditQuery;
pub use read::{verify_database, verify_record};
pub(crate) use recent::Recent;
pub(crate) use standing::{person, shown};
pub use verify::{Fault, Report, Verifier};

//! What leaves: signed content as fact, anything else with a mark.

mod discrepancy;
mod documents;
mod export;
mod list;
mod sign_out;
mod version;

pub use discrepancy::{Discrepancy, DiscrepancyQuery};
pub use documents::KnownFile;
pub use export::{LeavingCase, Released, Unconfirmed, WorkingCopy};
pub use list::{ReleasedCase, ReleasedPage};
pub use sign_out::{SignOut, SignedVersion, Undecided};
pub(crate) use version::version_digest;
pub use version::{CaseVersion, Confirmation, Finding};

//! What happens while people read: requests that are sent twice, what was revealed and looked at,
//! what a reader sees, and how long it takes.

mod arms;
mod effort;
mod findings;
mod requests;
mod reveal;
mod unaided;
mod views;

pub use arms::CaseReading;
pub use effort::Effort;
pub use findings::ReadFinding;
pub(crate) use unaided::reading_digest;
pub use unaided::{OwnRegion, UnaidedReading};
pub use views::SlideView;

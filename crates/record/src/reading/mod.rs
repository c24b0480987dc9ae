//! What happens while people read: requests that are sent twice, what was revealed and looked at,
//! what a reader sees, and how long it takes.

mod effort;
mod findings;
mod requests;
mod reveal;
mod views;

pub use effort::Effort;
pub use findings::ReadFinding;
pub use views::SlideView;

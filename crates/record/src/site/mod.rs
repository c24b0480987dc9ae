//! What belongs to the site and to no single reader: its settings, its staff's names, what its
//! slides were examined by.

mod examination;
mod settings;
mod slides;
mod staff;

pub use examination::{Examination, ExaminationState};
pub use slides::PlacedSlide;
pub use staff::StaffMember;

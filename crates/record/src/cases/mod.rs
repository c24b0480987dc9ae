//! Patients by pseudonym, cases, specimens, blocks, slides, consent, the worklist.

mod access;
mod arrangement;
mod case;
mod consent;
mod material;
mod registration;
mod requester;
mod unattached;
mod worklist;

pub use arrangement::{Piece, SlidePlace};
pub use case::{Case, NewCase, Reading, Status, Urgency};
pub use consent::{Consent, Purpose};
pub use material::{Block, CaseMaterial, NewSlide, Slide, SlidePath, Specimen};
pub use registration::LoneSlide;
pub use unattached::UnattachedPage;
pub use worklist::{Cursor, SearchText, WorklistItem, WorklistPage, WorklistQuery};

//! What people decided, as lessons for the head that finds lesions; heads that were refitted to
//! them, how each was measured, and which one is in use. Nothing comes into use by itself.

mod activation;
mod head;
mod lesson;
mod measured;

pub use activation::Activation;
pub(crate) use activation::activation_digest;
pub(crate) use head::head_digest;
pub use head::{NewHead, RefittedHead};
pub use lesson::{Lesson, LessonsFrom, Said};
pub use measured::{Agreement, KindCount, LeftOut, Measured};

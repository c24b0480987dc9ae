//! Decisions improve the head that finds lesions: it is refitted when a person asks, measured on
//! decisions that it did not learn from, and used once a person activates it. What refits is given
//! from outside: no weight and no feature lives here.

mod work;

use std::sync::atomic::AtomicBool;

use bianque_core::Digest;
use bianque_record::{
    identity::{DecisionId, Label},
    improvement::{Lesson, Measured},
};

pub(crate) use work::Improvement;

/// What refits a head, and puts one in place.
pub trait Improver: Send + Sync {
    /// The task whose head it is.
    fn task(&self) -> Label;

    /// Why the head cannot be refitted, where its kind does not allow it.
    fn obstacle(&self) -> Option<String>;

    /// The digest of the task's own head.
    fn own_head(&self) -> Digest;

    /// The digest of the head by which slides are examined now.
    fn head_in_use(&self) -> Digest;

    /// Refits the task's own head to lessons, and measures the result beside the head in use.
    ///
    /// # Errors
    /// Why it cannot be done, without a file's name.
    fn refit(&self, lessons: &[Lesson], stop: &AtomicBool) -> Result<Refitted, ImproveError>;

    /// Refuses a head that cannot be used.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check_head(&self, head: &HeadFile) -> Result<(), ImproveError>;

    /// Slides are examined by this head from now on; by the task's own with `None`.
    ///
    /// # Errors
    /// As [`Improver::check_head`].
    fn use_head(&self, head: Option<&HeadFile>) -> Result<(), ImproveError>;
}

/// A refitted head's weights.
#[derive(Clone, Debug)]
pub struct HeadFile {
    /// The file.
    pub weights: Vec<u8>,
    /// The digest of the head to whose weights it was pulled.
    pub pulled_to: Digest,
}

/// What came of refitting.
#[derive(Clone, Debug)]
pub struct Refitted {
    /// The new head.
    pub head: HeadFile,
    /// The digest of the head that it was compared with.
    pub compared_with: Digest,
    /// What was measured.
    pub measured: Measured,
    /// The decisions that it learned from.
    pub learned: Vec<DecisionId>,
    /// The decisions that it was measured on.
    pub held_out: Vec<DecisionId>,
}

/// Why a head was not refitted or not put in place.
#[derive(Debug, thiserror::Error)]
pub enum ImproveError {
    /// The program is ending.
    #[error("it was stopped: ask again")]
    Stopped,
    /// It cannot be done. The text goes to whoever asked: it must not have a file's name.
    #[error("{0}")]
    Refused(String),
}

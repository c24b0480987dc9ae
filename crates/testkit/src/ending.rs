//! Programs that a test or a benchmark starts and that do not outlive it.

use std::{
    ops::{Deref, DerefMut},
    process::Child,
};

/// A program that is killed when this is dropped: at once, without a chance to tidy up.
pub struct Ending(pub Child);

impl Deref for Ending {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Ending {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! Float buffers that begin on a cache line, so that no vector straddles two.

use std::ops::{Deref, DerefMut};

/// Bytes in a cache line and in the longest vector.
const LINE: usize = 64;

/// Zeroed floats whose first lies on a cache line.
#[derive(Debug)]
pub(crate) struct Buffer {
    values: Vec<f32>,
    start: usize,
    length: usize,
}

impl Buffer {
    /// `length` zeros.
    pub(crate) fn zeroed(length: usize) -> Self {
        let values = vec![0.0; length + LINE / size_of::<f32>()];
        let start = values.as_ptr().align_offset(LINE);
        // An allocation that cannot be aligned is only slower.
        let start = if start < LINE / size_of::<f32>() { start } else { 0 };
        Self { values, start, length }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.start..self.start + self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..self.start + self.length]
    }
}

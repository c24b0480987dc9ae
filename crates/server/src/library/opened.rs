//! Slides that are kept open: opening costs file access, a tile does not wait for it twice.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use bianque_slide::{OpenOptions, Slide, SlideError, open};

use super::SlideId;

/// Slides kept open at once; the one that was not asked for longest is closed first.
const KEPT: usize = 16;
/// Bytes of decoded tiles that one slide keeps.
const CACHE_BYTES: usize = 32 << 20;

#[derive(Default)]
pub(super) struct OpenedSlides(Mutex<Vec<(SlideId, Arc<dyn Slide>)>>);

impl OpenedSlides {
    /// The slide, opened now or before. The lock is not held while a file is opened.
    pub(super) fn get(&self, id: SlideId, path: &Path) -> Result<Arc<dyn Slide>, SlideError> {
        if let Some(slide) = self.kept(id) {
            return Ok(slide);
        }
        let options = OpenOptions { cache_bytes: CACHE_BYTES, ..OpenOptions::default() };
        let slide: Arc<dyn Slide> = open(path, &options)?.into();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(other, _)| *other != id);
        kept.insert(0, (id, Arc::clone(&slide)));
        kept.truncate(KEPT);
        Ok(slide)
    }

    fn kept(&self, id: SlideId) -> Option<Arc<dyn Slide>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(other, _)| *other == id)?;
        kept[..=at].rotate_right(1);
        kept.first().map(|(_, slide)| Arc::clone(slide))
    }
}

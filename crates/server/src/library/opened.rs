//! Slides that are kept open: opening costs file access, a tile does not wait for it twice.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bianque_core::Digest;
use bianque_slide::{OpenOptions, Slide, SlideError, open};

use super::{Entry, SlideKey};
use crate::{answer::Refusal, dicomweb::Series};

/// Slides kept open at once; the one that was not asked for longest is closed first.
const KEPT: usize = 16;
/// Bytes of decoded tiles that one slide keeps.
const CACHE_BYTES: usize = 32 << 20;

/// A slide and what was made of it.
pub(crate) struct OpenedSlide {
    id: SlideKey,
    digest: Digest,
    slide: Box<dyn Slide>,
    series: OnceLock<Arc<Series>>,
}

impl OpenedSlide {
    pub(crate) fn slide(&self) -> &dyn Slide {
        &*self.slide
    }

    /// The slide as a DICOM series; made once.
    pub(crate) fn series(&self) -> Result<Arc<Series>, Refusal> {
        if let Some(series) = self.series.get() {
            return Ok(Arc::clone(series));
        }
        let series = Arc::new(Series::of(&*self.slide, self.digest)?);
        Ok(Arc::clone(self.series.get_or_init(|| series)))
    }
}

#[derive(Default)]
pub(super) struct OpenedSlides(Mutex<Vec<Arc<OpenedSlide>>>);

impl OpenedSlides {
    /// The slide, opened now or before. The lock is not held while a file is opened.
    pub(super) fn get(&self, entry: &Entry) -> Result<Arc<OpenedSlide>, SlideError> {
        if let Some(slide) = self.kept(entry.id) {
            return Ok(slide);
        }
        let options = OpenOptions { cache_bytes: CACHE_BYTES, ..OpenOptions::default() };
        let slide = open(&entry.path, &options)?;
        let (id, digest) = (entry.id, entry.digest);
        let opened = Arc::new(OpenedSlide { id, digest, slide, series: OnceLock::new() });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|other| other.id != id);
        kept.insert(0, Arc::clone(&opened));
        kept.truncate(KEPT);
        Ok(opened)
    }

    fn kept(&self, id: SlideKey) -> Option<Arc<OpenedSlide>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|other| other.id == id)?;
        kept[..=at].rotate_right(1);
        kept.first().map(Arc::clone)
    }
}

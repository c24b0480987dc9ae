//! What searches need of slides, kept so that a search opens each file once and not each time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{data_set::DataSet, description::listed, instance::Series};
use crate::library::{OpenedSlide, SlideKey};

/// Slides that are remembered: about fifty megabytes. Others are opened again.
const MOST: usize = 50_000;

/// A slide as searches see it.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) series: Arc<Series>,
    pub(crate) mpp: Option<(f64, f64)>,
    vendor: Option<String>,
}

impl Summary {
    /// Of an opened slide.
    ///
    /// # Errors
    /// When the slide is no DICOM series.
    pub(crate) fn of(opened: &OpenedSlide) -> Result<Self, crate::answer::Refusal> {
        let facts = opened.slide().facts();
        let mpp = facts.mpp.as_ref().map(|mpp| (mpp.x(), mpp.y()));
        Ok(Self { series: opened.series()?, mpp, vendor: facts.vendor.clone() })
    }

    /// What a search says of each level.
    pub(crate) fn images(&self, patient: Option<&str>) -> Vec<DataSet> {
        let instances = self.series.instances.iter();
        instances
            .map(|instance| listed(self.vendor.as_deref(), &self.series, instance, patient))
            .collect()
    }
}

/// Summaries by slide; nothing for a file that is no DICOM series and never will be, since a slide's
/// key is its content.
#[derive(Default)]
pub(crate) struct Summaries(Mutex<HashMap<SlideKey, Option<Arc<Summary>>>>);

impl Summaries {
    pub(crate) fn get(&self, key: SlideKey) -> Option<Option<Arc<Summary>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    pub(crate) fn keep(&self, key: SlideKey, summary: Option<Arc<Summary>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST {
            kept.insert(key, summary);
        }
    }
}

//! What a run and a check write: `report.json`, `report.html`, `quality.json`, `site.html`,
//! `evaluation.html`.

mod document;
mod page;
mod quality_document;
mod site_page;
mod slides_page;

pub(crate) use document::{
    AttentionDocument, EvidenceDocument, LabelDocument, LevelDocument, PassDocument, PlaceDocument,
    ProducerDocument, RegionDocument, Report, SecondStageDocument, SlideDocument, TaskDocument,
    TilesDocument, Timings, TissueDocument, rings,
};
pub(crate) use page::{Images, Page};
pub(crate) use quality_document::QualityDocument;
pub(crate) use site_page::site_page;
pub(crate) use slides_page::slides_page;

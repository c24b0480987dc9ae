//! What a run and a check write: `report.json`, `report.html`, `quality.json`, `site.html`,
//! `evaluation.html`, the page of the coverage table.

mod coverage_page;
mod document;
mod evaluation_page;
mod page;
mod quality_document;
mod site_page;

pub(crate) use coverage_page::coverage_page;
pub(crate) use document::{
    AttentionDocument, EvidenceDocument, LabelDocument, LevelDocument, PackageDocument,
    PassDocument, PlaceDocument, ProducerDocument, RegionDocument, Report, ScopeDocument,
    SecondStageDocument, SlideDocument, TaskDocument, TilesDocument, Timings, TissueDocument,
    rings,
};
pub(crate) use evaluation_page::{lesions_page, slides_page};
pub(crate) use page::{Images, Page};
pub(crate) use quality_document::{FindingDocument, QualityDocument};
pub(crate) use site_page::site_page;

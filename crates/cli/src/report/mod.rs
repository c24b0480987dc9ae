//! What a run writes: `report.json`, `report.html`, `regions.geojson`, `heatmap.png`.

mod document;
mod page;

pub(crate) use document::{
    EvidenceDocument, LabelDocument, LevelDocument, RegionDocument, Report, SlideDocument,
    TaskDocument, TilesDocument, Timings, TissueDocument, rings,
};
pub(crate) use page::{Images, Page};

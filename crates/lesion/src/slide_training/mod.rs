//! From features and a table of labels to heads of slides.

mod bags;
mod checkpoint;
mod cohort;
mod experiment;
#[cfg(test)]
mod experiment_tests;
mod labels;
mod mixed;
mod optimiser;
mod predictions;
mod reference;
mod settings;
mod split;
mod stream;
mod table;
mod train;
#[cfg(test)]
mod train_tests;
mod tried;

pub use bags::{Bags, FeatureFolder, FileBags, MemoryBags, choose};
pub use cohort::{Cohort, CohortSettings, SlideQuestion};
pub use experiment::{
    Experiment, ExperimentSettings, ExperimentWatch, FoldReport, TrainingEnd, run_experiment,
};
pub(crate) use experiment::{read_run_heads, refuse_other_purpose, said, slides_of_run};
pub use labels::{LabelColumns, LabelRow, LabelTable};
pub use predictions::{PredictedSlide, Predictions};
pub use reference::RunReference;
pub use settings::SlideTrainingSettings;
pub use split::SlideSplit;
pub(crate) use table::Table;
pub use train::{
    EpochRecord, SlideTrainingData, SlideTrainingWatch, TrainedSlideHead, mean_features,
    slide_order, train_slide_head,
};
pub(crate) use train::{PREDICTION_TILES, predict_all};
pub use tried::{TriedHeads, mean_of_heads, predict_with_run, run_purpose};

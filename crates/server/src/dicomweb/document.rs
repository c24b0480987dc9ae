//! Documents of a slide's study beside its pictures: what was signed of it, as a report and as
//! annotations, and annotations that other programs stored.

use bianque_core::Digest;
use bianque_record::release::KnownFile;

use super::{
    annotations, confirmed::SignedSlide, data_set::DataSet, instance::Series, json_model,
    part10::EXPLICIT_LITTLE_ENDIAN, read::ReadSet, stored::ANNOTATIONS, structured_report, tags::*,
};
use crate::{answer::Refusal, routes::findings::is_by_hand};

/// Where a document's bytes come from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Source {
    /// Made of what was signed.
    Report,
    /// Made of what was signed.
    Annotations,
    /// Kept as it came, among the objects.
    Stored(Digest),
}

/// A document.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) uid: String,
    pub(crate) series: String,
    /// What a search says of it and compares.
    pub(crate) listed: DataSet,
    /// Which of the known files it is of.
    of: usize,
    source: Source,
}

/// Every document of a study, of what the caller may see.
pub(crate) fn documents(
    known: &[KnownFile],
    series: &Series,
    mpp: Option<(f64, f64)>,
) -> Vec<Document> {
    let mut all = Vec::new();
    for (of, file) in known.iter().enumerate() {
        if let Some(signed) = signed(file, series, mpp) {
            let listed = |class: &str, modality: &str, part: &str| {
                signed
                    .header(class, modality, part)
                    .with(AVAILABLE_TRANSFER_SYNTAX_UID, [EXPLICIT_LITTLE_ENDIAN])
            };
            let report = listed(structured_report::CLASS, "SR", structured_report::PART);
            all.extend(document(report, of, Source::Report));
            if !signed.regions.is_empty() {
                let marks = listed(annotations::CLASS, "ANN", annotations::PART);
                all.extend(document(marks, of, Source::Annotations));
            }
        }
        for stored in &file.stored {
            let listed = DataSet::new()
                .with(SOP_CLASS_UID, [stored.class.as_str()])
                .with(SOP_INSTANCE_UID, [stored.uid.as_str()])
                .with(STUDY_INSTANCE_UID, [series.study.as_str()])
                .with(SERIES_INSTANCE_UID, [stored.series.as_str()])
                .with(MODALITY, [if stored.class.as_str() == ANNOTATIONS { "ANN" } else { "OT" }])
                .with(PATIENT_ID, [file.patient.as_str()])
                .with(INSTANCE_NUMBER, [1])
                .with(AVAILABLE_TRANSFER_SYNTAX_UID, [EXPLICIT_LITTLE_ENDIAN])
                .with_empty(SERIES_NUMBER);
            all.extend(document(listed, of, Source::Stored(stored.object)));
        }
    }
    all
}

fn signed<'a>(
    file: &'a KnownFile,
    series: &'a Series,
    mpp: Option<(f64, f64)>,
) -> Option<SignedSlide<'a>> {
    let released = file.signed.as_ref()?;
    Some(SignedSlide::of(released, file.slide, series, mpp, is_by_hand))
}

fn document(listed: DataSet, of: usize, source: Source) -> Option<Document> {
    let (uid, series) = (listed.text(SOP_INSTANCE_UID)?, listed.text(SERIES_INSTANCE_UID)?);
    Some(Document { uid, series, listed, of, source })
}

impl Document {
    /// Its file; `kept` gives objects.
    ///
    /// # Errors
    /// When an object is gone or a value does not fit.
    pub(crate) fn file(
        &self,
        known: &[KnownFile],
        series: &Series,
        mpp: Option<(f64, f64)>,
        kept: impl FnOnce(Digest) -> Result<Vec<u8>, Refusal>,
    ) -> Result<Vec<u8>, Refusal> {
        if let Source::Stored(digest) = self.source {
            return kept(digest);
        }
        let file = known.get(self.of).ok_or(Refusal::NotFound("instance"))?;
        let signed = signed(file, series, mpp).ok_or(Refusal::NotFound("instance"))?;
        match self.source {
            Source::Report => structured_report::file(&signed),
            _ => annotations::file(&signed),
        }
    }
}

/// A document's file as a data set.
///
/// # Errors
/// When it cannot be read: it was ours or was read when it came.
pub(crate) fn data_set(file: &[u8]) -> Result<DataSet, Refusal> {
    let set = ReadSet::of_file(file);
    Ok(json_model::of(&set.map_err(|_| Refusal::Fault("a kept document cannot be read"))?))
}

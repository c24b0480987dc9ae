//! What a person has signed of a slide, for DICOM: who, when, about which image. Nothing else can
//! be written as an SR or as annotations, since nothing else makes one of these.

use bianque_core::{Digest, Producer};
use bianque_record::{
    identity::{Moment, SlideId},
    proposals::{LesionRegion, LesionShape, ProposalContent},
    release::{CaseVersion, Released},
};

use super::{
    data_set::DataSet,
    description::code,
    instance::{SOP_CLASS, Series},
    tags::*,
    uid::Uid,
};

/// Our own scheme of labels: a site maps them to its terminology.
const SCHEME: &str = "99BIANQUE";

/// A signed region.
pub(crate) struct SignedRegion {
    /// Names the region among all.
    pub(super) id: String,
    pub(super) label: String,
    pub(super) shape: LesionShape,
    /// What proposed it: name and version.
    pub(super) producer: (String, String),
    /// The encoder whose features that judged, with digest and licence.
    pub(super) encoder: Option<String>,
    pub(super) by_person: bool,
    pub(super) corrected: bool,
}

/// What was signed of one slide.
pub(crate) struct SignedSlide<'a> {
    pub(super) series: &'a Series,
    pub(super) version: &'a CaseVersion,
    pub(super) digest: Digest,
    pub(super) regions: Vec<SignedRegion>,
    /// Microns per pixel, if the file states them.
    pub(super) mpp: Option<(f64, f64)>,
}

/// A model in one line of words.
fn described(model: &Producer) -> String {
    let digest = model.digest.map(|digest| format!(", {digest}")).unwrap_or_default();
    let licence = model.licence.as_deref().unwrap_or("licence not stated");
    format!("features of {} {}{digest}, {licence}", model.name, model.version)
}

impl<'a> SignedSlide<'a> {
    /// The signed regions of a slide.
    pub(crate) fn of(
        released: &'a Released<CaseVersion>,
        slide: SlideId,
        series: &'a Series,
        mpp: Option<(f64, f64)>,
        is_by_person: impl Fn(&str) -> bool,
    ) -> Self {
        let version = released.content();
        let regions = version.findings.iter().filter(|finding| finding.kind == LesionRegion::KIND);
        let regions = regions.filter_map(|finding| {
            let region = serde_json::from_value::<LesionRegion>(finding.content.clone()).ok()?;
            (region.slide == slide).then(|| SignedRegion {
                id: finding.proposal.to_string(),
                label: region.label.to_string(),
                shape: region.shape,
                by_person: is_by_person(&finding.producer.name),
                producer: (finding.producer.name.clone(), finding.producer.version.clone()),
                encoder: finding.encoder.as_ref().map(described),
                corrected: finding.corrected,
            })
        });
        let (digest, regions) = (released.digest(), regions.collect());
        Self { series, version, digest, regions, mpp }
    }

    /// The identifier of a part of this version's documents.
    pub(super) fn uid(&self, part: &str) -> Uid {
        Uid::of(&self.series.digest, &format!("signed {} {part}", self.digest))
    }

    /// The image that coordinates are of: the slide in full size.
    pub(super) fn image_reference(&self) -> DataSet {
        let uid = self.series.instances.first().map(|instance| instance.uid.as_str());
        DataSet::new()
            .with(REFERENCED_SOP_CLASS_UID, [SOP_CLASS])
            .with(REFERENCED_SOP_INSTANCE_UID, [uid.unwrap_or_default()])
    }

    /// Patient, study, equipment, and when: what both documents share.
    pub(super) fn header(&self, class: &str, modality: &str, part: &str) -> DataSet {
        let (date, time) = date_and_time(self.version.signed_at);
        DataSet::new()
            .with(SPECIFIC_CHARACTER_SET, ["ISO_IR 192"])
            .with(SOP_CLASS_UID, [class])
            .with(SOP_INSTANCE_UID, [self.uid(part).as_str()])
            .with(STUDY_INSTANCE_UID, [self.series.study.as_str()])
            .with(SERIES_INSTANCE_UID, [self.uid(&format!("{part} series")).as_str()])
            .with(MODALITY, [modality])
            .with(SERIES_NUMBER, [if modality == "SR" { 100 } else { 101 }])
            .with(INSTANCE_NUMBER, [self.version.version])
            .with_empty(PATIENT_NAME)
            .with(PATIENT_ID, [self.version.patient.as_str()])
            .with_empty(PATIENT_BIRTH_DATE)
            .with_empty(PATIENT_SEX)
            .with_empty(STUDY_DATE)
            .with_empty(STUDY_TIME)
            .with_empty(STUDY_ID)
            .with_empty(ACCESSION_NUMBER)
            .with_empty(REFERRING_PHYSICIAN_NAME)
            .with(CONTENT_DATE, [date])
            .with(CONTENT_TIME, [time])
            .with(MANUFACTURER, ["Bianque"])
            .with(MANUFACTURER_MODEL_NAME, ["Bianque"])
            .with(DEVICE_SERIAL_NUMBER, ["none"])
            .with(SOFTWARE_VERSIONS, [env!("CARGO_PKG_VERSION")])
    }

    /// Who signed, by account: names of staff stay in the hospital.
    pub(super) fn signer(&self) -> String {
        format!("account {}", self.version.signed_by)
    }
}

/// A label as a code; longer values than sixteen characters have an attribute of their own.
pub(super) fn label_code(label: &str) -> DataSet {
    let meaning: String = label.chars().take(64).collect();
    if label.len() <= 16 {
        return code(label, SCHEME, &meaning);
    }
    DataSet::new()
        .with(LONG_CODE_VALUE, [label])
        .with(CODING_SCHEME_DESIGNATOR, [SCHEME])
        .with(CODE_MEANING, [meaning])
}

/// `YYYYMMDD` and `HHMMSS`, UTC.
pub(super) fn date_and_time(microseconds: i64) -> (String, String) {
    let text = Moment::from_microseconds(microseconds).to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().to_owned();
    (part(0, 8), part(8, 14))
}

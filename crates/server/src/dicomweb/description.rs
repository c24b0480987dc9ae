//! What is said of an instance (PS3.3 table A.32.8-1).

use std::time::UNIX_EPOCH;

use base64::{Engine, engine::general_purpose::STANDARD};
use bianque_slide::Slide;

use super::{
    confirmed::date_and_time,
    data_set::DataSet,
    instance::{Instance, JPEG_BASELINE, SOP_CLASS, Series},
    tags::*,
};
use crate::{answer::Refusal, library::Entry};

/// The only optical path.
const OPTICAL_PATH: &str = "1";
/// Thickness of a section, in mm, where the file does not say: it must be stated, and 4 um is what
/// a microtome is usually set to.
const SECTION_MM: f64 = 0.004;

/// An instance's attributes without its pixels.
pub(crate) fn metadata(
    slide: &dyn Slide,
    entry: &Entry,
    series: &Series,
    instance: &Instance,
    patient: Option<&str>,
) -> Result<DataSet, Refusal> {
    Ok(identity(slide.facts().vendor.as_deref(), series, patient)
        .merged(image(entry, series, instance))
        .merged(place(slide, series, instance)?)
        .merged(optics(slide, series)))
}

/// Patient, study, series, equipment and specimen: what all instances share.
fn identity(vendor: Option<&str>, series: &Series, patient: Option<&str>) -> DataSet {
    let short = series.digest.short();
    let vendor = vendor.unwrap_or("unknown");
    let specimen = DataSet::new()
        .with(SPECIMEN_IDENTIFIER, [short.as_str()])
        .with(SPECIMEN_UID, [super::Uid::of(&series.digest, "specimen").as_str()])
        .with_items(ISSUER_OF_SPECIMEN_SEQUENCE, vec![])
        .with_items(SPECIMEN_PREPARATION_SEQUENCE, vec![]);
    let set = match patient {
        Some(pseudonym) => DataSet::new().with(PATIENT_ID, [pseudonym]),
        None => DataSet::new().with_empty(PATIENT_ID),
    };
    set.with_empty(PATIENT_NAME)
        .with_empty(PATIENT_BIRTH_DATE)
        .with_empty(PATIENT_SEX)
        .with(STUDY_INSTANCE_UID, [series.study.as_str()])
        .with_empty(STUDY_DATE)
        .with_empty(STUDY_TIME)
        .with_empty(STUDY_ID)
        .with_empty(ACCESSION_NUMBER)
        .with_empty(REFERRING_PHYSICIAN_NAME)
        .with(MODALITY, ["SM"])
        .with(SERIES_INSTANCE_UID, [series.series.as_str()])
        .with(SERIES_NUMBER, [1])
        .with(SERIES_DESCRIPTION, [format!("Slide {short}")])
        .with(MANUFACTURER, [vendor])
        .with(MANUFACTURER_MODEL_NAME, [vendor])
        .with(DEVICE_SERIAL_NUMBER, ["unknown"])
        .with(SOFTWARE_VERSIONS, [concat!("Bianque ", env!("CARGO_PKG_VERSION"))])
        .with(CONTAINER_IDENTIFIER, [short.as_str()])
        .with_items(ISSUER_OF_CONTAINER_SEQUENCE, vec![])
        .with_items(CONTAINER_TYPE_SEQUENCE, vec![code("433466003", "SCT", "Microscope slide")])
        .with_items(SPECIMEN_DESCRIPTION_SEQUENCE, vec![specimen])
        .with_items(ACQUISITION_CONTEXT_SEQUENCE, vec![])
}

/// What a search says of an instance and compares.
pub(super) fn listed(
    vendor: Option<&str>,
    series: &Series,
    instance: &Instance,
    patient: Option<&str>,
) -> DataSet {
    identity(vendor, series, patient)
        .with(SOP_CLASS_UID, [SOP_CLASS])
        .with(SOP_INSTANCE_UID, [instance.uid.as_str()])
        .with(INSTANCE_NUMBER, [instance.level + 1])
        .with(AVAILABLE_TRANSFER_SYNTAX_UID, [JPEG_BASELINE])
        .with(NUMBER_OF_FRAMES, [instance.frames()])
        .with(ROWS, [instance.frame_height])
        .with(COLUMNS, [instance.frame_width])
        .with(BITS_ALLOCATED, [8])
        .with(TOTAL_PIXEL_MATRIX_COLUMNS, [instance.facts.width])
        .with(TOTAL_PIXEL_MATRIX_ROWS, [instance.facts.height])
}

/// What kind of image it is and how its pixels are coded.
fn image(entry: &Entry, series: &Series, instance: &Instance) -> DataSet {
    let kind = if instance.level == 0 {
        ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    } else {
        ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]
    };
    let raw: f64 = series
        .instances
        .iter()
        .map(|instance| 3.0 * f64::from(instance.facts.width) * f64::from(instance.facts.height))
        .sum();
    let ratio = (raw / entry.bytes.max(1) as f64).max(1.0);
    // Dates must be stated and slides' files seldom do: when the file was written is no earlier than
    // the scan.
    let written = entry.modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let written = written.map_or(0, |at| i64::try_from(at.as_micros()).unwrap_or(0));
    let (date, time) = date_and_time(written);
    DataSet::new()
        .with(SOP_CLASS_UID, [SOP_CLASS])
        .with(SOP_INSTANCE_UID, [instance.uid.as_str()])
        .with(INSTANCE_NUMBER, [instance.level + 1])
        .with(AVAILABLE_TRANSFER_SYNTAX_UID, [JPEG_BASELINE])
        .with(IMAGE_TYPE, kind)
        .with(ACQUISITION_DATE_TIME, [format!("{date}{time}")])
        .with(CONTENT_DATE, [date])
        .with(CONTENT_TIME, [time])
        .with(VOLUMETRIC_PROPERTIES, ["VOLUME"])
        .with(SAMPLES_PER_PIXEL, [3])
        .with(PHOTOMETRIC_INTERPRETATION, [instance.photometric])
        .with(PLANAR_CONFIGURATION, [0])
        .with(NUMBER_OF_FRAMES, [instance.frames()])
        .with(ROWS, [instance.frame_height])
        .with(COLUMNS, [instance.frame_width])
        .with(BITS_ALLOCATED, [8])
        .with(BITS_STORED, [8])
        .with(HIGH_BIT, [7])
        .with(PIXEL_REPRESENTATION, [0])
        .with(BURNED_IN_ANNOTATION, ["NO"])
        .with(SPECIMEN_LABEL_IN_IMAGE, ["NO"])
        .with(FOCUS_METHOD, ["AUTO"])
        .with(EXTENDED_DEPTH_OF_FIELD, ["NO"])
        .with(LOSSY_IMAGE_COMPRESSION, ["01"])
        .with(LOSSY_IMAGE_COMPRESSION_RATIO, [(ratio * 100.0).round() / 100.0])
        .with(LOSSY_IMAGE_COMPRESSION_METHOD, ["ISO_10918_1"])
}

/// Where the pixels lie and how large they are.
fn place(slide: &dyn Slide, series: &Series, instance: &Instance) -> Result<DataSet, Refusal> {
    let mpp = slide.facts().mpp.as_ref();
    let mpp = mpp.ok_or(Refusal::Slide(bianque_slide::SlideError::NoMpp))?;
    let bounds = slide.facts().bounds();
    // The level covers the same glass as level 0, whatever its sizes were rounded to.
    let (width, height) =
        (f64::from(bounds.width) * mpp.x() / 1e3, f64::from(bounds.height) * mpp.y() / 1e3);
    let across = width / f64::from(instance.facts.width);
    let down = height / f64::from(instance.facts.height);
    let kind = if instance.level == 0 { "NONE" } else { "RESAMPLED" };
    let first = if instance.level == 0 { "ORIGINAL" } else { "DERIVED" };
    let measures = DataSet::new()
        .with(PIXEL_SPACING, [significant(down), significant(across)])
        .with(SLICE_THICKNESS, [SECTION_MM]);
    let frame_type = DataSet::new().with(FRAME_TYPE, [first, "PRIMARY", "VOLUME", kind]);
    let path = DataSet::new().with(OPTICAL_PATH_IDENTIFIER, [OPTICAL_PATH]);
    let shared = DataSet::new()
        .with_items(PIXEL_MEASURES_SEQUENCE, vec![measures])
        .with_items(WHOLE_SLIDE_MICROSCOPY_IMAGE_FRAME_TYPE_SEQUENCE, vec![frame_type])
        .with_items(OPTICAL_PATH_IDENTIFICATION_SEQUENCE, vec![path]);
    let organisation = super::Uid::of(&series.digest, &format!("dimensions {}", instance.level));
    let organisation = DataSet::new().with(DIMENSION_ORGANIZATION_UID, [organisation.as_str()]);
    // Where the scan lies on the glass is not known: its corner is the origin, X goes down and Y to the
    // right, so that viewers show it as it was scanned and no coordinate is negative.
    let origin = DataSet::new()
        .with(X_OFFSET_IN_SLIDE_COORDINATE_SYSTEM, [0])
        .with(Y_OFFSET_IN_SLIDE_COORDINATE_SYSTEM, [0]);
    Ok(DataSet::new()
        .with(
            FRAME_OF_REFERENCE_UID,
            [super::Uid::of(&series.digest, "frame of reference").as_str()],
        )
        .with(POSITION_REFERENCE_INDICATOR, ["SLIDE_CORNER"])
        .with(PYRAMID_UID, [super::Uid::of(&series.digest, "pyramid").as_str()])
        .with(IMAGED_VOLUME_WIDTH, [width])
        .with(IMAGED_VOLUME_HEIGHT, [height])
        .with(IMAGED_VOLUME_DEPTH, [1e3 * SECTION_MM])
        .with(TOTAL_PIXEL_MATRIX_COLUMNS, [instance.facts.width])
        .with(TOTAL_PIXEL_MATRIX_ROWS, [instance.facts.height])
        .with(TOTAL_PIXEL_MATRIX_FOCAL_PLANES, [1])
        .with_items(TOTAL_PIXEL_MATRIX_ORIGIN_SEQUENCE, vec![origin])
        .with(IMAGE_ORIENTATION_SLIDE, [0, 1, 0, 1, 0, 0])
        .with_items(DIMENSION_ORGANIZATION_SEQUENCE, vec![organisation])
        .with(DIMENSION_ORGANIZATION_TYPE, ["TILED_FULL"])
        .with_items(SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]))
}

/// The light.
fn optics(slide: &dyn Slide, _series: &Series) -> DataSet {
    let facts = slide.facts();
    let mut path = DataSet::new()
        .with(OPTICAL_PATH_IDENTIFIER, [OPTICAL_PATH])
        .with_items(
            ILLUMINATION_TYPE_CODE_SEQUENCE,
            vec![code("111744", "DCM", "Brightfield illumination")],
        )
        .with_items(
            ILLUMINATION_COLOR_CODE_SEQUENCE,
            vec![code("414298005", "SCT", "Full Spectrum")],
        );
    if let Some((power, _)) = &facts.magnification {
        path = path.with(OBJECTIVE_LENS_POWER, [power.power()]);
    }
    if let Some(profile) = &facts.icc_profile {
        path = path.with_inline(ICC_PROFILE, STANDARD.encode(profile));
    }
    DataSet::new().with(NUMBER_OF_OPTICAL_PATHS, [1]).with_items(OPTICAL_PATH_SEQUENCE, vec![path])
}

pub(super) fn code(value: &str, scheme: &str, meaning: &str) -> DataSet {
    DataSet::new()
        .with(CODE_VALUE, [value])
        .with(CODING_SCHEME_DESIGNATOR, [scheme])
        .with(CODE_MEANING, [meaning])
}

/// Ten significant digits: a decimal string has 16 characters at most (PS3.5 section 6.2).
pub(super) fn significant(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

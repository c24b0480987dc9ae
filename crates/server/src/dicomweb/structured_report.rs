//! What was signed as a Comprehensive SR after TID 1500, Measurement Report (PS3.16): each region
//! with its outline or point on the image, its label, an outline's area and what proposed it.

use bianque_core::{Level0, Point};
use bianque_record::proposals::LesionShape;
use serde_json::json;

use super::{
    confirmed::{SignedRegion, SignedSlide, date_and_time, label_code},
    data_set::DataSet,
    description::{code, significant},
    part10,
    tags::*,
};
use crate::answer::Refusal;

/// Comprehensive SR Storage.
pub(super) const CLASS: &str = "1.2.840.10008.5.1.4.1.1.88.33";
pub(super) const PART: &str = "report";
/// The most points of an outline: its numbers have a length of two bytes.
const MOST_POINTS: usize = 8000;

/// The file.
///
/// # Errors
/// When a value does not fit.
pub(crate) fn file(signed: &SignedSlide<'_>) -> Result<Vec<u8>, Refusal> {
    let (date, time) = date_and_time(signed.version.signed_at);
    let observer = DataSet::new()
        .with(VERIFYING_OBSERVER_NAME, [signed.signer()])
        .with(VERIFYING_ORGANIZATION, ["not stated"])
        .with(VERIFICATION_DATE_TIME, [format!("{date}{time}+0000")])
        .with_items(VERIFYING_OBSERVER_IDENTIFICATION_CODE_SEQUENCE, vec![]);
    let series = DataSet::new()
        .with(SERIES_INSTANCE_UID, [signed.series.series.as_str()])
        .with_items(REFERENCED_SOP_SEQUENCE, vec![signed.image_reference()]);
    let evidence = DataSet::new()
        .with(STUDY_INSTANCE_UID, [signed.series.study.as_str()])
        .with_items(REFERENCED_SERIES_SEQUENCE, vec![series]);
    let template =
        DataSet::new().with(MAPPING_RESOURCE, ["DCMR"]).with(TEMPLATE_IDENTIFIER, ["1500"]);
    let set = signed
        .header(CLASS, "SR", PART)
        .with_items(REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, vec![])
        .with_items(PERFORMED_PROCEDURE_CODE_SEQUENCE, vec![])
        .with(COMPLETION_FLAG, ["COMPLETE"])
        .with(VERIFICATION_FLAG, ["VERIFIED"])
        .with_items(VERIFYING_OBSERVER_SEQUENCE, vec![observer])
        .with_items(CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, vec![evidence])
        .with(VALUE_TYPE, ["CONTAINER"])
        .with(CONTINUITY_OF_CONTENT, ["SEPARATE"])
        .with_items(
            CONCEPT_NAME_CODE_SEQUENCE,
            vec![code("126000", "DCM", "Imaging Measurement Report")],
        )
        .with_items(CONTENT_TEMPLATE_SEQUENCE, vec![template])
        .with_items(CONTENT_SEQUENCE, content(signed));
    part10::file(CLASS, signed.uid(PART).as_str(), &set)
}

fn node(relation: &str, kind: &str, concept: DataSet) -> DataSet {
    DataSet::new()
        .with(RELATIONSHIP_TYPE, [relation])
        .with(VALUE_TYPE, [kind])
        .with_items(CONCEPT_NAME_CODE_SEQUENCE, vec![concept])
}

fn coded(relation: &str, concept: DataSet, value: DataSet) -> DataSet {
    node(relation, "CODE", concept).with_items(CONCEPT_CODE_SEQUENCE, vec![value])
}

fn words(relation: &str, concept: DataSet, value: &str) -> DataSet {
    node(relation, "TEXT", concept).with(TEXT_VALUE, [value])
}

fn container(concept: DataSet, inside: Vec<DataSet>) -> DataSet {
    node("CONTAINS", "CONTAINER", concept)
        .with(CONTINUITY_OF_CONTENT, ["SEPARATE"])
        .with_items(CONTENT_SEQUENCE, inside)
}

fn content(signed: &SignedSlide<'_>) -> Vec<DataSet> {
    let dcm = |value: &str, meaning: &str| code(value, "DCM", meaning);
    let groups = signed.regions.iter().map(|region| group(signed, region)).collect();
    vec![
        coded(
            "HAS CONCEPT MOD",
            dcm("121049", "Language of Content Item and Descendants"),
            code("en-US", "RFC5646", "English (United States)"),
        ),
        coded("HAS OBS CONTEXT", dcm("121005", "Observer Type"), dcm("121006", "Person")),
        node("HAS OBS CONTEXT", "PNAME", dcm("121008", "Person Observer Name"))
            .with(PERSON_NAME_VALUE, [signed.signer()]),
        coded(
            "HAS CONCEPT MOD",
            dcm("121058", "Procedure reported"),
            code("104157003", "SCT", "Light microscopy procedure"),
        ),
        container(dcm("126010", "Imaging Measurements"), groups),
        container(
            code("C0034375", "UMLS", "Qualitative Evaluations"),
            vec![words(
                "CONTAINS",
                dcm("121077", "Conclusion"),
                signed.version.conclusion.as_str(),
            )],
        ),
    ]
}

/// A region as a planar measurement group (TID 1410).
fn group(signed: &SignedSlide<'_>, region: &SignedRegion) -> DataSet {
    let dcm = |value: &str, meaning: &str| code(value, "DCM", meaning);
    let mut inside = vec![
        words("HAS OBS CONTEXT", dcm("112039", "Tracking Identifier"), &region.id),
        node("HAS OBS CONTEXT", "UIDREF", dcm("112040", "Tracking Unique Identifier"))
            .with(UID_VALUE, [signed.uid(&region.id).as_str()]),
        coded("CONTAINS", dcm("121071", "Finding"), label_code(&region.label)),
    ];
    let how = match (region.by_person, region.corrected) {
        (true, _) => "Drawn and confirmed by a person",
        (false, true) => "Proposed by a machine, corrected and confirmed by a person",
        (false, false) => "Proposed by a machine, confirmed by a person",
    };
    inside.push(words("CONTAINS", dcm("121106", "Comment"), how));
    if !region.by_person {
        let (name, version) = &region.producer;
        inside.push(words("HAS CONCEPT MOD", dcm("111001", "Algorithm Name"), name));
        inside.push(words("HAS CONCEPT MOD", dcm("111003", "Algorithm Version"), version));
        if let Some(encoder) = &region.encoder {
            let parameters = dcm("111002", "Algorithm Parameters");
            inside.push(words("HAS CONCEPT MOD", parameters, encoder));
        }
    }
    if let Some((kind, data)) = graphic(&region.shape) {
        let image = DataSet::new()
            .with(RELATIONSHIP_TYPE, ["SELECTED FROM"])
            .with(VALUE_TYPE, ["IMAGE"])
            .with_items(REFERENCED_SOP_SEQUENCE, vec![signed.image_reference()]);
        inside.push(
            node("CONTAINS", "SCOORD", dcm("111030", "Image Region"))
                .with(PIXEL_ORIGIN_INTERPRETATION, ["VOLUME"])
                .with(GRAPHIC_TYPE, [kind])
                .with(GRAPHIC_DATA, data)
                .with_items(CONTENT_SEQUENCE, vec![image]),
        );
    }
    if let (Some((x, y)), Some(parts)) = (signed.mpp, region.shape.outline()) {
        let pixels: f64 = parts.iter().map(bianque_core::Polygon::area).sum();
        let value =
            DataSet::new().with(NUMERIC_VALUE, [short_number(pixels * x * y / 1e6)]).with_items(
                MEASUREMENT_UNITS_CODE_SEQUENCE,
                vec![code("mm2", "UCUM", "square millimeter")],
            );
        inside.push(
            node("CONTAINS", "NUM", code("42798000", "SCT", "Area"))
                .with_items(MEASURED_VALUE_SEQUENCE, vec![value]),
        );
    }
    container(dcm("125007", "Measurement Group"), inside)
}

/// The graphic type and data of a shape. A planar group has one outline: the largest part's; each
/// part's area is in the sum.
fn graphic(shape: &LesionShape) -> Option<(&'static str, Vec<serde_json::Value>)> {
    match shape {
        LesionShape::Point(at) => Some(("POINT", vec![json!(at.x), json!(at.y)])),
        LesionShape::Outline(parts) => {
            let part = parts.iter().max_by(|a, b| a.area().total_cmp(&b.area()))?;
            Some(("POLYLINE", closed(&part.outer)))
        }
    }
}

/// A decimal string of at most sixteen characters.
fn short_number(value: f64) -> String {
    let text = significant(value).to_string();
    if text.len() <= 16 { text } else { format!("{value:.6e}") }
}

/// A closed line; where it has too many points, every so many-th.
fn closed(ring: &[Point<Level0>]) -> Vec<serde_json::Value> {
    let step = ring.len().div_ceil(MOST_POINTS).max(1);
    let points = ring.iter().step_by(step).chain(ring.first());
    points.flat_map(|point| [json!(point.x), json!(point.y)]).collect()
}

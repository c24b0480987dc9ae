//! Signed regions as Microscopy Bulk Simple Annotations (PS3.3 section A.87): their outer rings, in
//! pixels of the slide in full size. The object knows no holes.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    confirmed::{SignedRegion, SignedSlide, label_code},
    data_set::DataSet,
    description::code,
    part10,
    tags::*,
};
use crate::answer::Refusal;

pub(super) const CLASS: &str = "1.2.840.10008.5.1.4.1.1.91.1";
pub(super) const PART: &str = "annotations";

/// What one annotation group holds alike: label, whether a person drew it, and its producer.
type GroupKey = (String, bool, (String, String));

/// The file.
///
/// # Errors
/// When nothing is signed of the slide that has an outline.
pub(crate) fn file(signed: &SignedSlide<'_>) -> Result<Vec<u8>, Refusal> {
    let mut groups: BTreeMap<GroupKey, Vec<&SignedRegion>> = BTreeMap::new();
    for region in &signed.regions {
        let key = (region.label.clone(), region.by_person, region.producer.clone());
        groups.entry(key).or_default().push(region);
    }
    if groups.is_empty() {
        return Err(Refusal::Conflict("no region of this slide is signed".to_owned()));
    }
    let items = (1_u32..)
        .zip(&groups)
        .map(|(number, (key, regions))| group(signed, number, &key.0, key.1, &key.2, regions));
    let image = signed.image_reference();
    let series = DataSet::new()
        .with(SERIES_INSTANCE_UID, [signed.series.series.as_str()])
        .with_items(REFERENCED_INSTANCE_SEQUENCE, vec![image.clone()]);
    let set = signed
        .header(CLASS, "ANN", PART)
        .with(CONTENT_LABEL, ["SIGNED"])
        .with(CONTENT_DESCRIPTION, ["Signed regions; for research until a site validates it"])
        .with(CONTENT_CREATOR_NAME, [person(&signed.signer())])
        .with(ANNOTATION_COORDINATE_TYPE, ["2D"])
        .with(PIXEL_ORIGIN_INTERPRETATION, ["VOLUME"])
        .with_items(ANNOTATION_GROUP_SEQUENCE, items.collect())
        .with_items(REFERENCED_IMAGE_SEQUENCE, vec![image])
        .with_items(REFERENCED_SERIES_SEQUENCE, vec![series]);
    part10::file(CLASS, signed.uid(PART).as_str(), &set)
}

/// A name as this file's text: a person has components, an account has one.
fn person(name: &str) -> String {
    name.replace('^', " ")
}

fn group(
    signed: &SignedSlide<'_>,
    number: u32,
    label: &str,
    by_person: bool,
    (name, version): &(String, String),
    regions: &[&SignedRegion],
) -> DataSet {
    let (mut points, mut starts, mut count) = (Vec::new(), Vec::new(), 0_u32);
    for part in regions.iter().flat_map(|region| &region.outline) {
        // Where a polygon begins among the coordinates, counted in numbers from 1.
        starts.extend((2 * count + 1).to_le_bytes());
        for point in &part.outer {
            points.extend((point.x as f32).to_le_bytes());
            points.extend((point.y as f32).to_le_bytes());
            count += 1;
        }
    }
    let polygons: usize = regions.iter().map(|region| region.outline.len()).sum();
    let short = |text: &str| text.chars().take(64).collect::<String>();
    let group = DataSet::new()
        .with(ANNOTATION_GROUP_NUMBER, [number])
        .with(ANNOTATION_GROUP_UID, [signed.uid(&format!("group {number}")).as_str()])
        .with(ANNOTATION_GROUP_LABEL, [short(label)])
        .with(ANNOTATION_GROUP_DESCRIPTION, ["Confirmed and signed by a person"])
        .with(
            ANNOTATION_GROUP_GENERATION_TYPE,
            [if by_person { "MANUAL" } else { "SEMIAUTOMATIC" }],
        )
        .with_items(
            ANNOTATION_PROPERTY_CATEGORY_CODE_SEQUENCE,
            vec![code("49755003", "SCT", "Morphologically abnormal structure")],
        )
        .with_items(ANNOTATION_PROPERTY_TYPE_CODE_SEQUENCE, vec![label_code(label)])
        .with(NUMBER_OF_ANNOTATIONS, [polygons])
        .with(ANNOTATION_APPLIES_TO_ALL_OPTICAL_PATHS, ["YES"])
        .with(ANNOTATION_APPLIES_TO_ALL_Z_PLANES, ["YES"])
        .with(GRAPHIC_TYPE, ["POLYGON"])
        .with_inline(POINT_COORDINATES_DATA, STANDARD.encode(points))
        .with_inline(LONG_PRIMITIVE_POINT_INDEX_LIST, STANDARD.encode(starts));
    if by_person {
        return group;
    }
    let family = code("123110", "DCM", "Artificial Intelligence");
    let algorithm = DataSet::new()
        .with_items(ALGORITHM_FAMILY_CODE_SEQUENCE, vec![family])
        .with(ALGORITHM_NAME, [short(name)])
        .with(ALGORITHM_VERSION, [short(version)]);
    group.with_items(ANNOTATION_GROUP_ALGORITHM_IDENTIFICATION_SEQUENCE, vec![algorithm])
}

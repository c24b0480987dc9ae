//! Signed regions as Microscopy Bulk Simple Annotations (PS3.3 section A.87): their outer rings as
//! polygons and their points as points, in pixels of the slide in full size. The object knows no
//! holes.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bianque_core::{Level0, Point};
use bianque_record::proposals::LesionShape;

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

/// What one annotation group holds alike: label, whether a person drew it, its producer, and whether
/// it holds points.
type GroupKey = (String, bool, (String, String), bool);

/// The file.
///
/// # Errors
/// When no region is signed of the slide.
pub(crate) fn file(signed: &SignedSlide<'_>) -> Result<Vec<u8>, Refusal> {
    let mut groups: BTreeMap<GroupKey, Vec<&SignedRegion>> = BTreeMap::new();
    for region in &signed.regions {
        let is_point = region.shape.point().is_some();
        let key = (region.label.clone(), region.by_person, region.producer.clone(), is_point);
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

/// The coordinates of a group, which holds points alone or polygons alone.
#[derive(Default)]
struct Graphics {
    coordinates: Vec<u8>,
    /// Where each polygon begins among the coordinates, counted in numbers from 1; none of points.
    starts: Vec<u8>,
    annotations: u32,
    count: u32,
}

impl Graphics {
    fn of(regions: &[&SignedRegion]) -> Self {
        let mut drawn = Self::default();
        for region in regions {
            match &region.shape {
                LesionShape::Point(at) => drawn.add(std::slice::from_ref(at)),
                LesionShape::Outline(parts) => {
                    for part in parts {
                        drawn.starts.extend((2 * drawn.count + 1).to_le_bytes());
                        drawn.add(&part.outer);
                    }
                }
            }
        }
        drawn
    }

    fn add(&mut self, points: &[Point<Level0>]) {
        self.annotations += 1;
        for point in points {
            self.coordinates.extend((point.x as f32).to_le_bytes());
            self.coordinates.extend((point.y as f32).to_le_bytes());
            self.count += 1;
        }
    }
}

fn group(
    signed: &SignedSlide<'_>,
    number: u32,
    label: &str,
    by_person: bool,
    (name, version): &(String, String),
    regions: &[&SignedRegion],
) -> DataSet {
    let drawn = Graphics::of(regions);
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
        .with(NUMBER_OF_ANNOTATIONS, [drawn.annotations])
        .with(ANNOTATION_APPLIES_TO_ALL_OPTICAL_PATHS, ["YES"])
        .with(ANNOTATION_APPLIES_TO_ALL_Z_PLANES, ["YES"])
        .with(GRAPHIC_TYPE, [if drawn.starts.is_empty() { "POINT" } else { "POLYGON" }])
        .with_inline(POINT_COORDINATES_DATA, STANDARD.encode(&drawn.coordinates));
    let group = match drawn.starts.is_empty() {
        // Each point is an annotation: there is nothing to tell apart.
        true => group,
        false => group.with_inline(LONG_PRIMITIVE_POINT_INDEX_LIST, STANDARD.encode(&drawn.starts)),
    };
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

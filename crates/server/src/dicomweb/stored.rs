//! Microscopy Bulk Simple Annotations that a client stores, read into what can be proposed.

use bianque_core::{Level0, Point, Polygon, Producer};
use bianque_record::proposals::LesionShape;

use super::read::ReadSet;
use crate::routes::bulk::names_a_person;

/// The object's class.
pub(crate) const ANNOTATIONS: &str = "1.2.840.10008.5.1.4.1.1.91.1";
/// Polygons and points of one file.
const MOST_SHAPES: usize = 2000;

/// A stored file.
pub(crate) struct StoredAnnotations {
    pub(crate) instance: String,
    pub(crate) study: String,
    pub(crate) series: String,
    /// The image whose pixels the coordinates count.
    pub(crate) image: String,
    pub(crate) shapes: Vec<StoredShape>,
}

/// A polygon or point of a group.
pub(crate) struct StoredShape {
    /// By what it may be called, the code first.
    pub(crate) names: Vec<String>,
    pub(crate) shape: LesionShape,
    pub(crate) producer: Producer,
}

/// Why a file is not taken.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is of a class that is not stored here.
    Class(&'static str),
    /// What it says cannot be understood, or is not supported.
    Content(&'static str),
}

impl From<&'static str> for Wrong {
    fn from(why: &'static str) -> Self {
        Self::Content(why)
    }
}

/// The class and instance that a file says it is, as far as they can be read.
pub(crate) fn identity(set: &ReadSet<'_>) -> (String, String) {
    let text = |tag| set.text(tag).unwrap_or_default();
    (text(0x0008_0016), text(0x0008_0018))
}

/// Reads annotations.
///
/// # Errors
/// What is wrong, or not supported.
pub(crate) fn annotations(set: &ReadSet<'_>) -> Result<StoredAnnotations, Wrong> {
    let (class, instance) = identity(set);
    if class != ANNOTATIONS {
        return Err(Wrong::Class("only Microscopy Bulk Simple Annotations are stored"));
    }
    // What is kept is handed out again: no name may come in by it.
    let names_patient = |tag| set.text(tag).is_some_and(|text| !text.trim_matches('^').is_empty());
    if names_patient(0x0010_0010) || names_patient(0x0010_1001) {
        return Err(Wrong::Content("it names the patient: leave Patient's Name empty"));
    }
    if instance.is_empty() || instance.len() > 64 {
        return Err(Wrong::Content("it has no instance UID"));
    }
    if set.text(0x006A_0001).as_deref() != Some("2D") {
        return Err(Wrong::Content("only coordinates in pixels of the image (2D) are taken"));
    }
    if set.text(0x0048_0301).as_deref() == Some("FRAME") {
        return Err(Wrong::Content(
            "coordinates must count from the whole image, not from a frame",
        ));
    }
    let image = set.items(0x0008_1140).first().and_then(|image| image.text(0x0008_1155));
    let mut shapes = Vec::new();
    for group in set.items(0x006A_0002) {
        shapes.extend(shapes_of(group)?);
        if shapes.len() > MOST_SHAPES {
            return Err(Wrong::Content("it has too many polygons: at most 2000 are taken at once"));
        }
    }
    Ok(StoredAnnotations {
        instance,
        study: set.text(0x0020_000D).ok_or(Wrong::Content("it names no study"))?,
        series: set.text(0x0020_000E).ok_or(Wrong::Content("it names no series"))?,
        image: image.ok_or(Wrong::Content("it names no image"))?,
        shapes,
    })
}

fn shapes_of(group: &ReadSet<'_>) -> Result<Vec<StoredShape>, &'static str> {
    let shapes = match group.text(0x0070_0023).as_deref() {
        Some("POLYGON") => polygons_of(group)?,
        Some("POINT") => points(group)?.into_iter().map(LesionShape::Point).collect(),
        _ => return Err("only polygons and points are taken"),
    };
    let code = group.items(0x006A_000A).first();
    let code = code.and_then(|code| code.text(0x0008_0100).or_else(|| code.text(0x0008_0119)));
    let names: Vec<String> = code.into_iter().chain(group.text(0x006A_0005)).collect();
    let producer = producer(group);
    let named = |shape| StoredShape { names: names.clone(), shape, producer: producer.clone() };
    Ok(shapes.into_iter().map(named).collect())
}

fn polygons_of(group: &ReadSet<'_>) -> Result<Vec<LesionShape>, &'static str> {
    let points = points(group)?;
    let starts = group.bytes(0x0066_0040).ok_or("a group says not where its polygons begin")?;
    let (starts, rest) = starts.as_chunks::<4>();
    if !rest.is_empty() {
        return Err("a group says wrongly where its polygons begin");
    }
    // Starts count numbers from 1; a point has two.
    let starts = starts.iter().map(|four| (u32::from_le_bytes(*four) as usize).wrapping_sub(1) / 2);
    let starts: Vec<usize> = starts.collect();
    let ends = starts.iter().skip(1).copied().chain([points.len()]);
    let mut polygons = Vec::new();
    for (start, end) in starts.iter().zip(ends) {
        let ring = points.get(*start..end).filter(|ring| ring.len() >= 3);
        let ring = ring.ok_or("a polygon has fewer than three points")?;
        polygons.push(LesionShape::Outline(vec![Polygon::simple(ring.to_vec())]));
    }
    Ok(polygons)
}

fn points(group: &ReadSet<'_>) -> Result<Vec<Point<Level0>>, &'static str> {
    let numbers: Vec<f64> = match (group.bytes(0x0066_0016), group.bytes(0x0066_0022)) {
        (Some(bytes), _) => {
            bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four).into()).collect()
        }
        (None, Some(bytes)) => {
            bytes.as_chunks::<8>().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect()
        }
        (None, None) => return Err("a group has no coordinates"),
    };
    let points = numbers.as_chunks::<2>().0.iter().map(|[x, y]| Point::new(*x, *y));
    Ok(points.collect())
}

/// What made a group, as far as it says so.
fn producer(group: &ReadSet<'_>) -> Producer {
    let algorithm = group.items(0x006A_0008).first();
    let said = |tag| {
        let text = algorithm.and_then(|algorithm| algorithm.text(tag));
        let plain = text.map(|text| text.chars().filter(|c| !c.is_control()).take(60).collect());
        // Whoever stores annotations is no witness that a person here drew them.
        plain.filter(|text: &String| !text.is_empty() && !names_a_person(text))
    };
    Producer {
        name: said(0x0066_0036).unwrap_or_else(|| "stored annotations".to_owned()),
        version: said(0x0066_0031).unwrap_or_else(|| "not stated".to_owned()),
        digest: None,
        licence: None,
    }
}

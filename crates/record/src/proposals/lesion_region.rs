//! Where a lesion may be: an outline, or a point alone.

use bianque_core::{Level0, Point, Polygon};
use serde::{Deserialize, Serialize};

use super::{Field, ProposalContent};
use crate::identity::{Label, SlideId};

/// A place on a slide that may be a lesion.
///
/// As JSON an outline is `outline`, a list of parts, each a list of rings (the outer one, then
/// holes), each a list of `[x, y]` whose last is joined to the first; a point is `point`, one
/// `[x, y]`. A program that knows no points refuses the latter instead of taking it for an area.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct LesionRegion {
    /// The slide that it lies on.
    pub slide: SlideId,
    /// What it may be, from a controlled list.
    pub label: Label,
    /// Where it is, in level-0 pixels.
    pub shape: LesionShape,
}

/// How somebody says where a lesion is.
#[derive(Clone, Debug, PartialEq)]
pub enum LesionShape {
    /// Around it: its parts.
    Outline(Vec<Polygon<Level0>>),
    /// By a mark in it. It says nothing of its extent: a point has no area.
    Point(Point<Level0>),
}

impl LesionShape {
    /// The parts of an outline.
    #[must_use]
    pub fn outline(&self) -> Option<&[Polygon<Level0>]> {
        match self {
            Self::Outline(parts) => Some(parts),
            Self::Point(_) => None,
        }
    }

    /// The place of a point.
    #[must_use]
    pub fn point(&self) -> Option<Point<Level0>> {
        match self {
            Self::Outline(_) => None,
            Self::Point(at) => Some(*at),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Outline(parts) => check_outline(parts),
            Self::Point(at) if is_near_a_slide(at) => Ok(()),
            Self::Point(_) => Err("the point is no number, or far outside any slide".to_owned()),
        }
    }
}

type Rings = Vec<Vec<[f64; 2]>>;

/// A region as it is stored.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    slide: SlideId,
    label: Label,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outline: Option<Vec<Rings>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    point: Option<[f64; 2]>,
}

impl TryFrom<Written> for LesionRegion {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let shape = match (written.outline, written.point) {
            (Some(outline), None) => {
                let parts = outline.into_iter().map(polygon);
                LesionShape::Outline(parts.collect::<Result<_, _>>()?)
            }
            (None, Some([x, y])) => LesionShape::Point(Point::new(x, y)),
            _ => return Err("a region has either an outline or a point"),
        };
        Ok(Self { slide: written.slide, label: written.label, shape })
    }
}

impl From<LesionRegion> for Written {
    fn from(region: LesionRegion) -> Self {
        let LesionRegion { slide, label, shape } = region;
        let (outline, point) = match shape {
            LesionShape::Outline(parts) => (Some(parts.iter().map(rings).collect()), None),
            LesionShape::Point(at) => (None, Some([at.x, at.y])),
        };
        Self { slide, label, outline, point }
    }
}

fn polygon(rings: Rings) -> Result<Polygon<Level0>, &'static str> {
    let ring = |ring: Vec<[f64; 2]>| ring.iter().map(|[x, y]| Point::new(*x, *y)).collect();
    let mut rings = rings.into_iter().map(ring);
    let outer = rings.next().ok_or("a part has no ring")?;
    Ok(Polygon { outer, holes: rings.collect() })
}

fn rings(part: &Polygon<Level0>) -> Rings {
    let rings = std::iter::once(&part.outer).chain(&part.holes);
    rings.map(|ring| ring.iter().map(|point| [point.x, point.y]).collect()).collect()
}

/// 1e9 pixels is a hundred times the longest side of any slide.
fn is_near_a_slide(point: &Point<Level0>) -> bool {
    point.x.abs() <= 1e9 && point.y.abs() <= 1e9
}

fn check_outline(parts: &[Polygon<Level0>]) -> Result<(), String> {
    if parts.is_empty() {
        return Err("a region has no outline".to_owned());
    }
    let rings = || parts.iter().flat_map(|part| std::iter::once(&part.outer).chain(&part.holes));
    if rings().any(|ring| ring.len() < 3) {
        return Err("an outline has fewer than three points".to_owned());
    }
    if rings().map(Vec::len).sum::<usize>() > LesionRegion::MOST_POINTS {
        return Err(format!("the outline has more than {} points", LesionRegion::MOST_POINTS));
    }
    if rings().flatten().all(is_near_a_slide) {
        return Ok(());
    }
    Err("a point of the outline is no number, or far outside any slide".to_owned())
}

impl LesionRegion {
    /// The most points of one region.
    pub const MOST_POINTS: usize = 20_000;
}

impl ProposalContent for LesionRegion {
    const KIND: &'static str = "lesion-region";
    const VERSION: u32 = 1;
    const FIELD: Field = Field::Diagnosis;

    fn headline(&self) -> String {
        self.label.to_string()
    }

    fn check(&self) -> Result<(), String> {
        self.shape.check()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::{canonical::canonical, identity::Moment, proposals::Content};

    fn region(points: &[(f64, f64)]) -> LesionRegion {
        let ring = points.iter().map(|p| Point::new(p.0, p.1)).collect();
        shaped(LesionShape::Outline(vec![Polygon::simple(ring)]))
    }

    fn shaped(shape: LesionShape) -> LesionRegion {
        LesionRegion {
            slide: SlideId::fresh(Moment::from_microseconds(0)).unwrap(),
            label: "adenoma".parse().unwrap(),
            shape,
        }
    }

    #[test]
    fn a_shape_that_is_none_is_refused() {
        let endless = vec![(0.0, 0.0); LesionRegion::MOST_POINTS + 1];
        for bad in [
            shaped(LesionShape::Outline(Vec::new())),
            region(&[]),
            region(&[(0.0, 0.0), (1.0, 1.0)]),
            region(&[(0.0, 0.0), (1.0, f64::NAN), (2.0, 0.0)]),
            region(&[(0.0, 0.0), (1.0, 1e300), (2.0, 0.0)]),
            region(&endless),
            shaped(LesionShape::Point(Point::new(f64::NAN, 0.0))),
            shaped(LesionShape::Point(Point::new(0.0, -1e300))),
        ] {
            assert!(Content::of(&bad).is_err());
        }
        assert!(Content::of(&region(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)])).is_ok());
        assert!(Content::of(&shaped(LesionShape::Point(Point::new(3.0, 4.5)))).is_ok());
    }

    #[test]
    fn stored_json_has_exactly_one_shape() {
        let slide = shaped(LesionShape::Point(Point::new(0.0, 0.0))).slide;
        let outline = json!([[[[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]]]);
        let read = |shape: &Json| {
            let mut stored = json!({ "slide": slide, "label": "adenoma" });
            for (name, value) in shape.as_object().unwrap() {
                stored[name] = value.clone();
            }
            serde_json::from_value::<LesionRegion>(stored)
        };
        for bad in [
            json!({}),
            json!({ "outline": outline, "point": [1.0, 2.0] }),
            json!({ "outline": [[]] }),
            json!({ "point": [1.0] }),
            json!({ "point": [1.0, 2.0], "area": 0.0 }),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
        assert!(read(&json!({ "outline": outline })).unwrap().shape.point().is_none());
        assert!(read(&json!({ "point": [1.0, 2.0] })).unwrap().shape.outline().is_none());
    }

    /// Digests of the audit are of this text: what was stored before there were points keeps its own.
    #[test]
    fn an_outline_is_written_as_before_there_were_points() {
        let own = region(&[(0.0, 0.0), (1.5, 1.0), (2.0, 0.0)]);
        let stored = format!(
            r#"{{"label":"adenoma","outline":[[[[0.0,0.0],[1.5,1.0],[2.0,0.0]]]],"slide":"{}"}}"#,
            own.slide
        );
        let parsed: Json = serde_json::from_str(&stored).unwrap();
        let written = serde_json::to_value(&own).unwrap();
        assert_eq!(canonical(&written), canonical(&parsed));
        assert_eq!(written, parsed, "no field more, none less");
        assert_eq!(serde_json::from_value::<LesionRegion>(parsed).unwrap(), own);
    }

    #[test]
    fn a_point_is_read_back() {
        let point = shaped(LesionShape::Point(Point::new(12.5, 7.0)));
        let written = serde_json::to_value(&point).unwrap();
        assert_eq!(written["point"], json!([12.5, 7.0]));
        assert!(written.get("outline").is_none());
        assert_eq!(serde_json::from_value::<LesionRegion>(written).unwrap(), point);
    }
}

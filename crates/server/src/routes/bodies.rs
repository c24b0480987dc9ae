//! What requests carry, read once into valid values.

use axum::{
    Json,
    extract::{FromRequest, Request},
};
use bianque_core::{Level0, Magnification, PixelRect, Point, Polygon};
use bianque_record::{decisions::Viewed, identity::SlideId, proposals::LesionShape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::answer::Refusal;

/// A JSON body; what does not parse is refused in our own words.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let read = Json::<T>::from_request(request, state).await;
        read.map(|Json(body)| Self(body)).map_err(|error| Refusal::Request(error.body_text()))
    }
}

/// A text as a value of the record.
pub(crate) fn parsed<T>(text: &str) -> Result<T, Refusal>
where
    T: std::str::FromStr<Err = bianque_record::RecordError>,
{
    text.parse().map_err(|error: T::Err| Refusal::from(error))
}

/// A text that may be absent.
pub(crate) fn parsed_if<T>(text: Option<&str>) -> Result<Option<T>, Refusal>
where
    T: std::str::FromStr<Err = bianque_record::RecordError>,
{
    text.map(parsed).transpose()
}

/// An outline: parts, each of rings (the outer one, then holes), each of points `[x, y]`, in
/// level-0 pixels, not closed.
pub(crate) type Outline = Vec<Vec<Vec<[f64; 2]>>>;

/// An outline as polygons. What is wrong with them, the record says.
fn polygons(outline: &Outline) -> Result<Vec<Polygon<Level0>>, Refusal> {
    let points = |ring: &Vec<[f64; 2]>| ring.iter().map(|[x, y]| Point::new(*x, *y)).collect();
    outline
        .iter()
        .map(|part| {
            let mut rings = part.iter().map(points);
            let outer = rings.next();
            let outer = outer.ok_or_else(|| Refusal::Request("a part has no ring".to_owned()))?;
            Ok(Polygon { outer, holes: rings.collect() })
        })
        .collect()
}

/// The shape that a request gives, if any.
pub(crate) fn shape(
    outline: Option<&Outline>,
    point: Option<[f64; 2]>,
) -> Result<Option<LesionShape>, Refusal> {
    Ok(match (outline, point) {
        (None, None) => None,
        (Some(outline), None) => Some(LesionShape::Outline(polygons(outline)?)),
        (None, Some([x, y])) => Some(LesionShape::Point(Point::new(x, y))),
        (Some(_), Some(_)) => {
            let what = "give an outline or a point, not both";
            return Err(Refusal::Request(what.to_owned()));
        }
    })
}

/// A shape's outline; none of a point.
pub(crate) fn outline_of(shape: &LesionShape) -> Option<Outline> {
    shape.outline().map(outline)
}

/// A shape's point, `[x, y]` in level-0 pixels; none of an outline.
pub(crate) fn point_of(shape: &LesionShape) -> Option<[f64; 2]> {
    shape.point().map(|point| [point.x, point.y])
}

/// Polygons as an outline.
fn outline(polygons: &[Polygon<Level0>]) -> Outline {
    let ring =
        |points: &Vec<Point<Level0>>| points.iter().map(|point| [point.x, point.y]).collect();
    polygons
        .iter()
        .map(|part| std::iter::once(&part.outer).chain(&part.holes).map(ring).collect())
        .collect()
}

/// A rectangle in level-0 pixels.
#[derive(Copy, Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Rectangle {
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl From<PixelRect<Level0>> for Rectangle {
    fn from(rect: PixelRect<Level0>) -> Self {
        Self { x: rect.x, y: rect.y, width: rect.width, height: rect.height }
    }
}

impl From<Rectangle> for PixelRect<Level0> {
    fn from(rect: Rectangle) -> Self {
        Self::new(rect.x, rect.y, rect.width, rect.height)
    }
}

/// A part of a slide that was on the screen, at a power.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct View {
    pub(crate) slide: String,
    #[serde(flatten)]
    pub(crate) region: Rectangle,
    pub(crate) magnification: f64,
}

/// A power as a viewer states it: below a tenth the whole slide is a stamp on the screen.
pub(crate) fn magnification(power: f64) -> Result<Magnification, Refusal> {
    let wrong = || Refusal::Request(format!("{power} is no magnification"));
    if power <= 0.0 {
        return Err(wrong());
    }
    Magnification::new(power.clamp(0.1, 200.0)).ok_or_else(wrong)
}

impl View {
    pub(crate) fn viewed(&self) -> Result<Viewed, Refusal> {
        Ok(Viewed {
            slide: parsed::<SlideId>(&self.slide)?,
            region: self.region.into(),
            magnification: magnification(self.magnification)?,
        })
    }
}

/// Ids as text, for answers.
pub(crate) fn text(value: impl ToString) -> String {
    value.to_string()
}

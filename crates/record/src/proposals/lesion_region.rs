//! A lesion's outline.

use bianque_core::{Level0, Polygon};
use serde::{Deserialize, Serialize};

use super::{Field, ProposalContent};
use crate::identity::{Label, SlideId};

/// A region of a slide that may be a lesion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LesionRegion {
    /// The slide that it lies on.
    pub slide: SlideId,
    /// What it may be, from a controlled list.
    pub label: Label,
    /// Its parts, in level-0 pixels; as JSON a list of parts, each a list of rings (the outline,
    /// then holes), each a list of `[x, y]` whose last is joined to the first.
    #[serde(with = "coordinates")]
    pub outline: Vec<Polygon<Level0>>,
}

mod coordinates {
    use bianque_core::{Level0, Point, Polygon};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    type Rings = Vec<Vec<[f64; 2]>>;

    pub(super) fn serialize<S: Serializer>(
        outline: &[Polygon<Level0>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let rings = |part: &Polygon<Level0>| -> Rings {
            let rings = std::iter::once(&part.outer).chain(&part.holes);
            rings.map(|ring| ring.iter().map(|point| [point.x, point.y]).collect()).collect()
        };
        outline.iter().map(rings).collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Polygon<Level0>>, D::Error> {
        let parts = Vec::<Rings>::deserialize(deserializer)?.into_iter().map(|rings| {
            let ring = |ring: Vec<[f64; 2]>| ring.iter().map(|[x, y]| Point::new(*x, *y)).collect();
            let mut rings = rings.into_iter().map(ring);
            let outer = rings.next().ok_or_else(|| D::Error::custom("a part has no ring"))?;
            Ok(Polygon { outer, holes: rings.collect() })
        });
        parts.collect()
    }
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
        if self.outline.is_empty() {
            return Err("a region has no outline".to_owned());
        }
        let rings = || self.outline.iter().flat_map(|p| std::iter::once(&p.outer).chain(&p.holes));
        if rings().any(|ring| ring.len() < 3) {
            return Err("an outline has fewer than three points".to_owned());
        }
        if rings().map(Vec::len).sum::<usize>() > Self::MOST_POINTS {
            return Err(format!("the outline has more than {} points", Self::MOST_POINTS));
        }
        // 1e9 pixels is a hundred times the longest side of any slide.
        let sane = |value: f64| value.abs() <= 1e9;
        if rings().flatten().all(|point| sane(point.x) && sane(point.y)) {
            return Ok(());
        }
        Err("a point of the outline is no number, or far outside any slide".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use bianque_core::Point;

    use super::*;
    use crate::{identity::Moment, proposals::Content};

    fn region(points: &[(f64, f64)]) -> LesionRegion {
        LesionRegion {
            slide: SlideId::fresh(Moment::from_microseconds(0)).unwrap(),
            label: "adenoma".parse().unwrap(),
            outline: vec![Polygon::simple(points.iter().map(|p| Point::new(p.0, p.1)).collect())],
        }
    }

    #[test]
    fn an_outline_that_is_none_is_refused() {
        let none = LesionRegion { outline: Vec::new(), ..region(&[]) };
        let endless = vec![(0.0, 0.0); LesionRegion::MOST_POINTS + 1];
        for bad in [
            none,
            region(&[]),
            region(&[(0.0, 0.0), (1.0, 1.0)]),
            region(&[(0.0, 0.0), (1.0, f64::NAN), (2.0, 0.0)]),
            region(&[(0.0, 0.0), (1.0, 1e300), (2.0, 0.0)]),
            region(&endless),
        ] {
            assert!(Content::of(&bad).is_err());
        }
        assert!(Content::of(&region(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)])).is_ok());
    }
}

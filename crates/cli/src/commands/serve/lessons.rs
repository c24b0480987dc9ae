//! Decisions as regions with features, as far as features are kept and the head knows the label.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use bianque_core::{Digest, geojson::Feature};
use bianque_lesion::{
    AnnotationMap, FeatureMatrix, SlideFeatures, StatedRegion, Statement, Task, label_tiles,
};
use bianque_record::{
    identity::{CaseId, DecisionId},
    improvement::{LeftOut, Lesson, Said},
};
use bianque_server::improve::ImproveError;

use super::improver::refused;

/// A decision that can be learned from.
pub(super) struct Usable {
    pub(super) decision: DecisionId,
    pub(super) case: CaseId,
    pub(super) region: StatedRegion,
}

/// What can be learned from, and what cannot.
pub(super) struct Collected {
    pub(super) usable: Vec<Usable>,
    pub(super) left_out: LeftOut,
}

/// Looks up the tiles of every decision; a slide's features are read once.
pub(super) fn collect(
    lessons: &[Lesson],
    task: &Task,
    features_of: impl Fn(Digest) -> Option<SlideFeatures>,
    stop: &AtomicBool,
) -> Result<Collected, ImproveError> {
    let mut left_out = LeftOut::default();
    let mut by_file: BTreeMap<String, Vec<(&Lesson, Statement)>> = BTreeMap::new();
    for lesson in lessons {
        match statement(lesson, task) {
            Some(statement) => {
                by_file.entry(lesson.file.to_string()).or_default().push((lesson, statement));
            }
            None => left_out.unknown_label += 1,
        }
    }
    let mut usable = Vec::new();
    for lessons in by_file.values() {
        if stop.load(Ordering::SeqCst) {
            return Err(ImproveError::Stopped);
        }
        let features = lessons.first().and_then(|(lesson, _)| features_of(lesson.file));
        let Some(features) = features else {
            left_out.no_features += lessons.len() as u64;
            continue;
        };
        let vectors = features.matrix().map_err(refused)?;
        for (lesson, statement) in lessons {
            match region(lesson, *statement, &features, &vectors)? {
                Some(region) => {
                    usable.push(Usable { decision: lesson.decision, case: lesson.case, region });
                }
                None => left_out.no_tile += 1,
            }
        }
    }
    // In an order of their own: what comes of them does not depend on when they were made.
    usable.sort_by_key(|lesson| lesson.decision);
    Ok(Collected { usable, left_out })
}

fn statement(lesson: &Lesson, task: &Task) -> Option<Statement> {
    let name = lesson.region.label.as_str();
    let class = task.labels.iter().position(|label| label.name == name)?;
    Some(match lesson.said {
        Said::Is => Statement::Is(class),
        Said::IsNot => Statement::IsNot(class),
    })
}

const REGION: &str = "region";

/// What tiles may lie in. No tile lies in a point: what is said of it need not hold of the whole tile
/// around it.
fn outline(lesson: &Lesson) -> Option<Feature> {
    Some(Feature {
        polygons: lesson.region.shape.outline()?.to_vec(),
        class: Some(REGION.to_owned()),
        ..Feature::default()
    })
}

/// The tiles that lie in the outline by more than half.
fn region(
    lesson: &Lesson,
    statement: Statement,
    features: &SlideFeatures,
    vectors: &FeatureMatrix,
) -> Result<Option<StatedRegion>, ImproveError> {
    let Some(outline) = outline(lesson) else { return Ok(None) };
    let map = AnnotationMap { classes: vec![(REGION.to_owned(), 0)], background: None };
    let inside = label_tiles(features, &[outline], &map).map_err(refused)?.tiles;
    Ok((!inside.is_empty()).then(|| StatedRegion::of(statement, vectors, &inside)))
}

#[cfg(test)]
mod tests {
    use bianque_core::{Point, Polygon};
    use bianque_record::proposals::{LesionRegion, LesionShape};

    use super::*;

    fn lesson(shape: LesionShape) -> Lesson {
        let id = "0".repeat(32);
        Lesson {
            decision: id.parse().unwrap(),
            case: id.parse().unwrap(),
            file: Digest::of(b"slide"),
            region: LesionRegion {
                slide: id.parse().unwrap(),
                label: "adenoma".parse().unwrap(),
                shape,
            },
            said: Said::Is,
        }
    }

    #[test]
    fn a_point_is_never_taken_for_an_area() {
        let at = Point::new(40.0, 50.0);
        assert!(outline(&lesson(LesionShape::Point(at))).is_none());
        let square = [(0.0, 0.0), (90.0, 0.0), (90.0, 90.0)].map(|(x, y)| Point::new(x, y));
        let drawn = LesionShape::Outline(vec![Polygon::simple(square.to_vec())]);
        assert_eq!(outline(&lesson(drawn)).unwrap().polygons.len(), 1);
    }
}

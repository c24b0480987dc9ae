//! Training examples from annotated slides: a tile has the class of the region that it lies in.

use bianque_core::{Level0, PixelRect, Point, Rect, geojson::Feature};

use crate::{
    error::{LesionError, Result},
    slide_features::{Cell, SlideFeatures},
};

/// Sample points along a tile's edge, to measure how much of it a region covers.
const SAMPLES: u32 = 8;

/// Which annotations make which examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationMap {
    /// Class of an annotation and index of the label that its tiles have.
    pub classes: Vec<(String, usize)>,
    /// The label of tissue that no annotation touches; `None` leaves it out. Only right where
    /// everything that matters was annotated.
    pub background: Option<usize>,
}

/// Tiles of a slide that have a label.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LabelledTiles {
    /// Indices of the slide's tiles.
    pub tiles: Vec<usize>,
    /// The label of each.
    pub labels: Vec<usize>,
    /// Tiles that lie on a border and were left out.
    pub mixed: usize,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// Gives every tile of which regions of one class cover more than half that class. A tile that is
/// touched by annotations without that is mixed and left out.
///
/// # Errors
/// When no annotation has a class of the map.
pub fn label_tiles(
    features: &SlideFeatures,
    annotations: &[Feature],
    map: &AnnotationMap,
) -> Result<LabelledTiles> {
    let mut result = LabelledTiles::default();
    let regions = mapped(annotations, map, &mut result.warnings);
    if regions.is_empty() {
        let known: Vec<&str> = map.classes.iter().map(|(name, _)| name.as_str()).collect();
        return Err(LesionError::Data(format!(
            "no annotation has one of the classes {}: check names and capitals",
            known.join(", ")
        )));
    }
    for (index, cell) in features.cells().iter().enumerate() {
        match tile_class(features, *cell, &regions) {
            Coverage::Class(label) => {
                result.tiles.push(index);
                result.labels.push(label);
            }
            Coverage::None => {
                if let Some(label) = map.background {
                    result.tiles.push(index);
                    result.labels.push(label);
                }
            }
            Coverage::Mixed => result.mixed += 1,
        }
    }
    if result.tiles.is_empty() {
        result.warnings.push("no tile lies in an annotation by more than half".into());
    }
    Ok(result)
}

struct LabelledRegion<'a> {
    feature: &'a Feature,
    bounds: Rect<Level0>,
    label: usize,
}

fn mapped<'a>(
    annotations: &'a [Feature],
    map: &AnnotationMap,
    warnings: &mut Vec<String>,
) -> Vec<LabelledRegion<'a>> {
    let mut regions = Vec::new();
    let mut others = 0;
    for feature in annotations {
        let class = feature.class.as_deref();
        let label = map.classes.iter().find(|(name, _)| Some(name.as_str()) == class);
        let corners =
            feature.polygons.iter().filter_map(|p| p.bounds()).flat_map(|b| [b.min, b.max]);
        match (label, Rect::around(corners)) {
            (Some((_, label)), Some(bounds)) => {
                regions.push(LabelledRegion { feature, bounds, label: *label });
            }
            _ => others += 1,
        }
    }
    if others > 0 {
        warnings.push(format!("{others} annotations have no class of the map and were left out"));
    }
    regions
}

enum Coverage {
    Class(usize),
    Mixed,
    None,
}

fn tile_class(features: &SlideFeatures, cell: Cell, regions: &[LabelledRegion<'_>]) -> Coverage {
    let rect = features.facts.grid.tile_rect(cell);
    let near: Vec<&LabelledRegion<'_>> =
        regions.iter().filter(|region| meets(&region.bounds, rect)).collect();
    let labels = near.iter().map(|region| region.label).max().map_or(0, |most| most + 1);
    let mut counts = vec![0_u32; labels];
    for point in samples(rect) {
        // Where annotations overlap, the later drawn one counts, as in viewers.
        let over = near
            .iter()
            .rev()
            .find(|region| region.feature.polygons.iter().any(|polygon| polygon.contains(point)));
        if let Some(region) = over {
            counts[region.label] += 1;
        }
    }
    let most = (0..labels).max_by_key(|label| counts[*label]);
    match most {
        Some(label) if 2 * counts[label] > SAMPLES * SAMPLES => Coverage::Class(label),
        Some(label) if counts[label] > 0 => Coverage::Mixed,
        _ => Coverage::None,
    }
}

fn meets(bounds: &Rect<Level0>, rect: PixelRect<Level0>) -> bool {
    bounds.min.x < rect.right() as f64
        && bounds.max.x > rect.x as f64
        && bounds.min.y < rect.bottom() as f64
        && bounds.max.y > rect.y as f64
}

fn samples(rect: PixelRect<Level0>) -> impl Iterator<Item = Point<Level0>> {
    let at = |from: i64, extent: u32, index: u32| {
        from as f64 + (f64::from(index) + 0.5) * f64::from(extent) / f64::from(SAMPLES)
    };
    (0..SAMPLES).flat_map(move |row| {
        (0..SAMPLES).map(move |column| {
            Point::new(at(rect.x, rect.width, column), at(rect.y, rect.height, row))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use bianque_core::Polygon;

    use super::*;
    use crate::{
        fakes::{MeanColourEncoder, PaintedSlide},
        slide_features::{SlideRequest, TissueEverywhere, slide_features},
    };

    /// Four by two tiles of 16 level-0 px.
    fn features() -> SlideFeatures {
        let slide = PaintedSlide::new(64, 32, |_, _| [200, 100, 150]);
        let encoder = MeanColourEncoder::new(8);
        let request = SlideRequest {
            slide: &slide,
            identity: "slide",
            tissue: &TissueEverywhere,
            tissue_share: 0.25,
            steps: 1,
            encoder: &encoder,
        };
        slide_features(&request, None, &|_| (), &AtomicBool::new(false)).unwrap().features
    }

    fn region(x: f64, width: f64, class: &str) -> Feature {
        let corners = [(x, 0.0), (x + width, 0.0), (x + width, 16.0), (x, 16.0)];
        Feature {
            polygons: vec![Polygon::simple(corners.map(|(x, y)| Point::new(x, y)).to_vec())],
            class: Some(class.into()),
            ..Feature::default()
        }
    }

    fn map(background: Option<usize>) -> AnnotationMap {
        AnnotationMap { classes: vec![("Tumor".into(), 1), ("Other".into(), 2)], background }
    }

    #[test]
    fn more_than_half_decides_and_borders_are_left_out() {
        let annotations =
            [region(0.0, 22.0, "Tumor"), region(48.0, 16.0, "Other"), region(0.0, 1.0, "x")];
        let found = label_tiles(&features(), &annotations, &map(Some(0))).unwrap();
        assert_eq!(found.tiles, [0, 2, 3, 4, 5, 6, 7]);
        assert_eq!(found.labels, [1, 0, 2, 0, 0, 0, 0]);
        assert_eq!((found.mixed, found.warnings.len()), (1, 1));
        let found = label_tiles(&features(), &annotations, &map(None)).unwrap();
        assert_eq!(found.tiles, [0, 3]);
    }

    #[test]
    fn the_later_annotation_lies_on_top() {
        let annotations = [region(0.0, 64.0, "Tumor"), region(16.0, 16.0, "Other")];
        let found = label_tiles(&features(), &annotations, &map(None)).unwrap();
        assert_eq!((found.tiles, found.labels), (vec![0, 1, 2, 3], vec![1, 2, 1, 1]));
    }

    #[test]
    fn annotations_of_other_classes_are_no_training_data() {
        let annotations = [region(0.0, 64.0, "tumor")];
        assert!(label_tiles(&features(), &annotations, &map(Some(0))).is_err());
        assert!(label_tiles(&features(), &[], &map(Some(0))).is_err());
    }
}

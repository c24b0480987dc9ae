//! Found lesions against true ones: FROC, recall by size, shared area.

use bianque_core::{Level0, Point, Polygon, Rect, geojson::Feature};
use serde::{Deserialize, Serialize};

use super::{
    froc::{Detection, Froc, SlideDetections, froc},
    lesion_intervals::{LesionIntervals, SlidePart},
    raster::{Grid, Overlap, point_inside},
};
use crate::{error::Result, regions::peaks_of};

/// One slide's truth and result, as read from GeoJSON. A lesion is one feature of the truth.
#[derive(Clone, Debug)]
pub struct SlideLesions {
    /// The slide's name, for the report.
    pub name: String,
    /// The true lesions.
    pub truth: Vec<Feature>,
    /// What was found.
    pub regions: Vec<Feature>,
}

/// What is compared, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LesionSettings {
    /// Classes of the truth that count as lesions; empty: every feature.
    pub truth_classes: Vec<String>,
    /// Classes of the result that count; empty: every feature.
    pub region_classes: Vec<String>,
    /// Edge of a grid cell for areas, in level-0 pixels; made coarser for very large extents.
    pub grid: f64,
    /// Microns per level-0 pixel, to class lesions by size; without it there is one size class.
    pub mpp: Option<f64>,
    /// Sets of slides that are resampled for every interval; 0 for none.
    #[serde(default)]
    pub rounds: usize,
    /// Seed of the resampling.
    #[serde(default)]
    pub seed: u64,
}

impl Default for LesionSettings {
    fn default() -> Self {
        Self {
            truth_classes: vec![],
            region_classes: vec![],
            grid: 8.0,
            mpp: None,
            rounds: 0,
            seed: 1,
        }
    }
}

/// One true lesion and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LesionOutcome {
    /// The slide.
    pub slide: String,
    /// Its place in the slide's truth, from 0, among the features that count.
    pub lesion: usize,
    /// Area in level-0 pixels.
    pub area: f64,
    /// The highest confidence of a detection inside it; absent: not found.
    pub confidence: Option<f64>,
    /// Share of its area that regions cover.
    pub covered: f64,
}

/// The lesions of one size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SizeClass {
    /// In words.
    pub name: String,
    /// Number of lesions.
    pub lesions: usize,
    /// How many have a detection inside.
    pub found: usize,
    /// How many are covered by regions to at least a tenth.
    pub covered: usize,
    /// `found / lesions`; absent without lesions.
    pub recall: Option<f64>,
}

/// Found against true lesions on one or several slides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LesionEvaluation {
    /// What was compared, and how.
    pub settings: LesionSettings,
    /// Sensitivity against false positives; the challenge's score.
    pub froc: Froc,
    /// Number of detections.
    pub detections: usize,
    /// Detections outside every lesion.
    pub false_positives: usize,
    /// Shared area, summed over the slides.
    pub overlap: Overlap,
    /// Recall by size.
    pub by_size: Vec<SizeClass>,
    /// Intervals over slides, where they were asked for and there are slides enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<LesionIntervals>,
    /// Every lesion.
    pub lesions: Vec<LesionOutcome>,
    /// The coarsest grid that was used, in level-0 pixels.
    pub grid: f64,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// Slides below which intervals are doubtful.
const FEW: usize = 20;
/// Share of a lesion's area from which on it counts as covered.
const COVERED: f64 = 0.1;

/// Measures results against truth.
///
/// A region's detections are the peaks written in it (see [`crate::regions_to_geojson`]); a region
/// of another program has none and is detected at a point inside it with its `Score`.
///
/// # Errors
/// When the truth holds no lesion of the classes, or outlines cannot be measured.
pub fn evaluate_lesions(
    slides: &[SlideLesions],
    settings: &LesionSettings,
) -> Result<LesionEvaluation> {
    let mut measured = Vec::new();
    let mut warnings = Vec::new();
    for slide in slides {
        measured.push(measure_slide(slide, settings, &mut warnings)?);
    }
    let detections: Vec<SlideDetections> = measured.iter().map(|m| m.detections.clone()).collect();
    let froc = froc(&detections)?;
    let count = |only_misses: bool| {
        let all = detections.iter().flat_map(|slide| &slide.detections);
        all.filter(|detection| !only_misses || detection.lesion.is_none()).count()
    };
    let overlap = Overlap::sum(measured.iter().map(|measured| &measured.overlap));
    let intervals = intervals(&measured, settings, &mut warnings);
    let grid = measured.iter().map(|m| m.grid).fold(settings.grid, f64::max);
    let lesions: Vec<LesionOutcome> = measured.into_iter().flat_map(|m| m.lesions).collect();
    Ok(LesionEvaluation {
        settings: settings.clone(),
        detections: count(false),
        false_positives: count(true),
        froc,
        overlap,
        by_size: by_size(&lesions, settings.mpp),
        intervals,
        lesions,
        grid,
        warnings,
    })
}

fn intervals(
    measured: &[Measured],
    settings: &LesionSettings,
    warnings: &mut Vec<String>,
) -> Option<LesionIntervals> {
    if settings.rounds == 0 {
        return None;
    }
    match measured.len() {
        1 => warnings.push("one slide only: there are no intervals over slides".into()),
        few if few < FEW => {
            warnings.push(format!("{few} slides only: intervals are wide and not exact"));
        }
        _ => {}
    }
    let parts = measured.iter().map(|own| SlidePart {
        detections: &own.detections,
        lesions: &own.lesions,
        overlap: &own.overlap,
    });
    let parts: Vec<SlidePart<'_>> = parts.collect();
    LesionIntervals::measure(&parts, settings.mpp, (settings.rounds, settings.seed))
}

struct Measured {
    detections: SlideDetections,
    lesions: Vec<LesionOutcome>,
    overlap: Overlap,
    grid: f64,
}

fn measure_slide(
    slide: &SlideLesions,
    settings: &LesionSettings,
    warnings: &mut Vec<String>,
) -> Result<Measured> {
    let truth: Vec<&Feature> = chosen(&slide.truth, &settings.truth_classes).collect();
    let regions: Vec<&Feature> = chosen(&slide.regions, &settings.region_classes).collect();
    if truth.is_empty() {
        warnings.push(format!("{}: the truth has no lesion of the chosen classes", slide.name));
    }
    let detections = detections(&slide.name, &truth, &regions, warnings);
    let outlines = |features: &[&Feature]| -> Vec<Polygon<Level0>> {
        features.iter().flat_map(|feature| feature.polygons.iter().cloned()).collect()
    };
    let (true_outlines, found_outlines) = (outlines(&truth), outlines(&regions));
    let grid = Grid::over(true_outlines.iter().chain(&found_outlines), settings.grid)?;
    let (mut true_mask, mut found_mask) = (grid.mask(), grid.mask());
    grid.fill(&true_outlines, &mut true_mask)?;
    grid.fill(&found_outlines, &mut found_mask)?;
    let set = |mask: &[bool]| grid.area(mask.iter().filter(|set| **set).count());
    let overlap =
        Overlap::new(set(&true_mask), set(&found_mask), grid.area(both(&true_mask, &found_mask)));
    let mut lesions = Vec::new();
    for (index, lesion) in truth.iter().enumerate() {
        // Each lesion on a grid of its own: many small ones stay cheap on a large slide.
        let own = Grid::over(lesion.polygons.iter(), settings.grid)?;
        let (mut mask, mut hit) = (own.mask(), own.mask());
        own.fill(&lesion.polygons, &mut mask)?;
        own.fill(&near(&found_outlines, &lesion.polygons), &mut hit)?;
        let cells = mask.iter().filter(|set| **set).count();
        let inside = detections.detections.iter().filter(|d| d.lesion == Some(index));
        lesions.push(LesionOutcome {
            slide: slide.name.clone(),
            lesion: index,
            area: own.area(cells),
            confidence: inside.map(|d| d.confidence).max_by(f64::total_cmp),
            covered: both(&mask, &hit) as f64 / cells.max(1) as f64,
        });
    }
    Ok(Measured { detections, lesions, overlap, grid: grid.step })
}

fn chosen<'a>(features: &'a [Feature], classes: &'a [String]) -> impl Iterator<Item = &'a Feature> {
    features.iter().filter(|feature| {
        classes.is_empty() || feature.class.as_ref().is_some_and(|class| classes.contains(class))
    })
}

fn both(a: &[bool], b: &[bool]) -> usize {
    a.iter().zip(b).filter(|(a, b)| **a && **b).count()
}

/// Where the bounds of a feature's polygons lie, or nowhere.
fn bounds(polygons: &[Polygon<Level0>]) -> Option<Rect<Level0>> {
    Rect::around(polygons.iter().filter_map(Polygon::bounds).flat_map(|b| [b.min, b.max]))
}

fn near(outlines: &[Polygon<Level0>], lesion: &[Polygon<Level0>]) -> Vec<Polygon<Level0>> {
    let Some(place) = bounds(lesion) else { return Vec::new() };
    let meets = |polygon: &&Polygon<Level0>| {
        polygon.bounds().is_some_and(|b| {
            b.min.x <= place.max.x
                && b.max.x >= place.min.x
                && b.min.y <= place.max.y
                && b.max.y >= place.min.y
        })
    };
    outlines.iter().filter(meets).cloned().collect()
}

fn detections(
    slide: &str,
    truth: &[&Feature],
    regions: &[&Feature],
    warnings: &mut Vec<String>,
) -> SlideDetections {
    let places: Vec<_> = truth.iter().map(|lesion| bounds(&lesion.polygons)).collect();
    let lesion_at = |point: Point<Level0>| {
        (0..truth.len()).find(|index| {
            places[*index].is_some_and(|b| {
                (b.min.x..=b.max.x).contains(&point.x) && (b.min.y..=b.max.y).contains(&point.y)
            }) && truth[*index].polygons.iter().any(|polygon| polygon.contains(point))
        })
    };
    let mut without_score = 0;
    let mut detections = Vec::new();
    for region in regions {
        let mut peaks = peaks_of(region);
        if peaks.is_empty() {
            let score = score_of(region).unwrap_or_else(|| {
                without_score += 1;
                1.0
            });
            let largest = region.polygons.iter().max_by(|a, b| a.area().total_cmp(&b.area()));
            peaks.extend(largest.and_then(point_inside).map(|point| (point, score)));
        }
        detections.extend(
            peaks
                .into_iter()
                .map(|(point, confidence)| Detection { confidence, lesion: lesion_at(point) }),
        );
    }
    if without_score > 0 {
        warnings.push(format!(
            "{slide}: {without_score} regions state no Score and count with confidence 1: their \
             order, and so the FROC, means little"
        ));
    }
    SlideDetections { lesions: truth.len(), detections }
}

fn score_of(region: &Feature) -> Option<f64> {
    let named = region.measurements.iter().find(|(name, _)| name.eq_ignore_ascii_case("score"));
    named.map(|(_, value)| *value).filter(|value| value.is_finite())
}

/// Upper ends of the size classes in mm2; 0.2 mm2 is four tiles of 224 px at 1 um/px.
const SIZES: [(&str, f64); 4] = [
    ("below 0.05 mm2", 0.05),
    ("0.05 to 0.2 mm2", 0.2),
    ("0.2 to 1 mm2", 1.0),
    ("1 mm2 and more", f64::INFINITY),
];

pub(super) fn by_size(lesions: &[LesionOutcome], mpp: Option<f64>) -> Vec<SizeClass> {
    let summary = |name: &str, lesions: Vec<&LesionOutcome>| {
        let found = lesions.iter().filter(|lesion| lesion.confidence.is_some()).count();
        SizeClass {
            name: name.into(),
            lesions: lesions.len(),
            found,
            covered: lesions.iter().filter(|lesion| lesion.covered >= COVERED).count(),
            recall: (!lesions.is_empty()).then(|| found as f64 / lesions.len() as f64),
        }
    };
    let Some(mpp) = mpp else { return vec![summary("all sizes", lesions.iter().collect())] };
    // Rounded to the fourth digit, so that exactly four tiles do not fall below by rounding.
    let size = |lesion: &LesionOutcome| (lesion.area * mpp * mpp / 1e6 * 1e4).round() / 1e4;
    let mut from = 0.0;
    let mut classes = Vec::new();
    for (name, to) in SIZES {
        let here = lesions.iter().filter(|lesion| (from..to).contains(&size(lesion))).collect();
        classes.push(summary(name, here));
        from = to;
    }
    classes
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn square(x: f64, y: f64, edge: f64, class: &str) -> Feature {
        let corners = [(x, y), (x + edge, y), (x + edge, y + edge), (x, y + edge)];
        let ring = corners.iter().map(|(x, y)| Point::new(*x, *y)).collect();
        Feature {
            polygons: vec![Polygon::simple(ring)],
            class: Some(class.into()),
            ..Feature::default()
        }
    }

    fn scored(mut feature: Feature, score: f64) -> Feature {
        feature.measurements.push(("Score".into(), score));
        feature
    }

    fn slide(truth: Vec<Feature>, regions: Vec<Feature>) -> SlideLesions {
        SlideLesions { name: "a".into(), truth, regions }
    }

    #[test]
    fn one_found_one_missed_one_wrong() {
        let truth = vec![square(0.0, 0.0, 400.0, "Tumor"), square(2000.0, 0.0, 800.0, "Tumor")];
        let regions = vec![
            scored(square(0.0, 0.0, 200.0, "adenocarcinoma"), 0.9),
            scored(square(5000.0, 0.0, 200.0, "adenocarcinoma"), 0.4),
            scored(square(2000.0, 0.0, 800.0, "adenoma"), 0.99),
        ];
        let settings = LesionSettings {
            truth_classes: vec!["Tumor".into()],
            region_classes: vec!["adenocarcinoma".into()],
            mpp: Some(1.0),
            ..LesionSettings::default()
        };
        let result = evaluate_lesions(&[slide(truth, regions)], &settings).unwrap();
        assert_eq!((result.detections, result.false_positives), (2, 1));
        assert_eq!(result.froc.sensitivities, [0.5; 6]);
        assert_eq!(result.lesions[0].confidence, Some(0.9));
        assert!((result.lesions[0].covered - 0.25).abs() < 1e-9);
        assert_eq!(result.lesions[1].confidence, None);
        let sizes: Vec<_> = result.by_size.iter().map(|s| (s.lesions, s.found)).collect();
        assert_eq!(sizes, [(0, 0), (1, 1), (1, 0), (0, 0)]);
        // 2 * 40,000 / (160,000 + 640,000 + 80,000)
        assert!((result.overlap.dice.unwrap() - 80.0 / 880.0).abs() < 1e-9);
    }

    #[test]
    fn written_peaks_are_the_detections() {
        let truth = vec![square(0.0, 0.0, 100.0, "Tumor"), square(100.0, 0.0, 100.0, "Tumor")];
        let mut region = scored(square(0.0, 0.0, 200.0, "Tumor"), 0.9);
        region.properties = Map::from_iter([(
            "peaks".to_owned(),
            json!([[50.0, 50.0, 0.9], [150.0, 50.0, 0.8], [150.0, 150.0, 0.7]]),
        )]);
        let result =
            evaluate_lesions(&[slide(truth, vec![region])], &LesionSettings::default()).unwrap();
        assert_eq!((result.detections, result.false_positives), (3, 1));
        assert!((result.froc.score - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_region_without_a_score_is_said() {
        let truth = vec![square(0.0, 0.0, 100.0, "Tumor")];
        let result =
            evaluate_lesions(&[slide(truth.clone(), truth)], &LesionSettings::default()).unwrap();
        assert_eq!(result.warnings.len(), 1);
        assert_eq!(result.overlap.dice, Some(1.0));
    }

    #[test]
    fn a_class_filter_that_leaves_nothing_is_an_error() {
        let truth = vec![square(0.0, 0.0, 100.0, "Tumor")];
        let settings =
            LesionSettings { truth_classes: vec!["tumour".into()], ..LesionSettings::default() };
        assert!(evaluate_lesions(&[slide(truth, vec![])], &settings).is_err());
    }

    #[test]
    fn a_slide_without_lesions_counts_for_false_positives() {
        let with = slide(
            vec![square(0.0, 0.0, 100.0, "Tumor")],
            vec![scored(square(0.0, 0.0, 100.0, "Tumor"), 0.5)],
        );
        let without = slide(vec![], vec![scored(square(0.0, 0.0, 100.0, "Tumor"), 0.9)]);
        let result = evaluate_lesions(&[with, without], &LesionSettings::default()).unwrap();
        assert_eq!(result.froc.curve[0].false_positives, 0.5);
        assert_eq!(result.froc.sensitivities, [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    }

    /// Slides of two lesions, both found or both missed.
    fn slides(count: usize) -> Vec<SlideLesions> {
        let one = |index: usize| {
            let truth = vec![square(0.0, 0.0, 300.0, "Tumor"), square(2000.0, 0.0, 900.0, "Tumor")];
            let found = truth.iter().cloned().map(|lesion| scored(lesion, 0.9)).collect();
            slide(truth, if index.is_multiple_of(3) { vec![] } else { found })
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn intervals_are_over_slides() {
        let settings = LesionSettings { mpp: Some(1.0), rounds: 400, ..LesionSettings::default() };
        let result = evaluate_lesions(&slides(60), &settings).unwrap();
        let intervals = result.intervals.unwrap();
        let score = intervals.score.unwrap();
        assert!((score.value - result.froc.score).abs() < 1e-12);
        // 40 of 60 slides are right as a whole: standard error 0.061, as if lesions did not count.
        let width = score.high.unwrap() - score.low.unwrap();
        assert!((width - 4.0 * 0.061).abs() < 0.05, "{score:?}");
        assert_eq!(intervals.sensitivities.len(), 6);
        assert_eq!(intervals.dice.unwrap().value, result.overlap.dice.unwrap());
        let recalls = intervals.recall_by_size;
        assert_eq!(recalls.len(), result.by_size.len());
        for (recall, class) in recalls.iter().zip(&result.by_size) {
            assert_eq!(recall.map(|recall| recall.value), class.recall);
        }
        assert!(result.warnings.is_empty(), "{:?}", result.warnings);
        let again = evaluate_lesions(&slides(60), &settings).unwrap();
        assert_eq!(again.intervals.unwrap().score, Some(score));
    }

    #[test]
    fn too_few_slides_are_said_and_one_has_no_interval() {
        let settings = LesionSettings { rounds: 50, ..LesionSettings::default() };
        let few = evaluate_lesions(&slides(5), &settings).unwrap();
        assert!(few.warnings[0].contains("5 slides only"), "{:?}", few.warnings);
        assert_eq!(few.intervals.unwrap().recall_by_size.len(), 1);
        let one = evaluate_lesions(&slides(2)[1..], &settings).unwrap();
        assert_eq!(one.intervals, None);
        assert!(one.warnings[0].contains("one slide only"), "{:?}", one.warnings);
        let none = evaluate_lesions(&slides(5), &LesionSettings::default()).unwrap();
        assert_eq!((none.intervals, none.warnings.len()), (None, 0));
    }
}

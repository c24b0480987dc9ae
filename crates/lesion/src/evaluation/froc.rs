//! The free-response receiver operating characteristic as the CAMELYON16 challenge defines it
//! (Ehteshami Bejnordi et al., JAMA 2017; the challenge's published evaluation program).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{LesionError, Result};

/// The mean numbers of false positives a slide at which the sensitivity is read.
pub const FALSE_POSITIVES: [f64; 6] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0];

/// One detection: a point, already compared with the truth.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Detection {
    /// How sure; finite.
    pub confidence: f64,
    /// The lesion in which the point lies; outside of all it is a false positive.
    pub lesion: Option<usize>,
}

/// A slide's lesions and detections.
#[derive(Clone, Debug, PartialEq)]
pub struct SlideDetections {
    /// Number of lesions in truth; detections name them from 0.
    pub lesions: usize,
    /// What was detected.
    pub detections: Vec<Detection>,
}

/// One operating point.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrocPoint {
    /// Detections of at least this confidence count.
    pub confidence: f64,
    /// Mean number of false positives a slide.
    pub false_positives: f64,
    /// Share of all lesions that is found.
    pub sensitivity: f64,
}

/// The curve and its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Froc {
    /// Mean of `sensitivities`: the challenge's score.
    pub score: f64,
    /// Sensitivity at 1/4, 1/2, 1, 2, 4 and 8 false positives a slide.
    pub sensitivities: [f64; 6],
    /// Every operating point, from the highest confidence down.
    pub curve: Vec<FrocPoint>,
    /// Number of slides.
    pub slides: usize,
    /// Number of lesions on all slides.
    pub lesions: usize,
}

/// Measures detections on slides.
///
/// A lesion is found at the highest confidence of the detections inside it; further detections
/// there count neither for nor against. A detection outside every lesion is a false positive.
/// Between operating points the sensitivity is interpolated linearly; beyond the last it stays.
///
/// # Errors
/// When there is no slide or no lesion, a confidence is not finite, or a detection names a lesion
/// that its slide does not have.
pub fn froc(slides: &[SlideDetections]) -> Result<Froc> {
    let lesions: usize = slides.iter().map(|slide| slide.lesions).sum();
    if slides.is_empty() || lesions == 0 {
        let what = "FROC needs at least one slide and one lesion in truth: check the class filter";
        return Err(LesionError::Data(what.into()));
    }
    let (mut hits, mut misses) = (Vec::new(), Vec::new());
    for slide in slides {
        let mut found = BTreeMap::new();
        for detection in &slide.detections {
            if !detection.confidence.is_finite() {
                return Err(LesionError::Data("a detection's confidence is not finite".into()));
            }
            match detection.lesion {
                None => misses.push(detection.confidence),
                Some(lesion) if lesion < slide.lesions => {
                    let best = found.entry(lesion).or_insert(f64::NEG_INFINITY);
                    *best = detection.confidence.max(*best);
                }
                Some(lesion) => {
                    return Err(LesionError::Data(format!("a detection names lesion {lesion}")));
                }
            }
        }
        hits.extend(found.into_values());
    }
    let curve = curve(&hits, &misses, slides.len(), lesions);
    let sensitivities = FALSE_POSITIVES.map(|at| interpolate(&curve, at));
    let score = sensitivities.iter().sum::<f64>() / sensitivities.len() as f64;
    Ok(Froc { score, sensitivities, curve, slides: slides.len(), lesions })
}

/// One point for each distinct confidence, falling. The challenge's program leaves out the lowest
/// distinct value; it means the zeros that stand for lesions never detected, which are absent here.
fn curve(hits: &[f64], misses: &[f64], slides: usize, lesions: usize) -> Vec<FrocPoint> {
    let mut events: Vec<(f64, bool)> =
        hits.iter().map(|c| (*c, true)).chain(misses.iter().map(|c| (*c, false))).collect();
    events.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut found, mut wrong) = (0_usize, 0_usize);
    let mut points = Vec::new();
    for group in events.chunk_by(|a, b| a.0 == b.0) {
        found += group.iter().filter(|(_, hit)| *hit).count();
        wrong += group.iter().filter(|(_, hit)| !*hit).count();
        points.push(FrocPoint {
            confidence: group[0].0,
            false_positives: wrong as f64 / slides as f64,
            sensitivity: found as f64 / lesions as f64,
        });
    }
    points
}

/// The sensitivity at a number of false positives. Where several points have the same number, the
/// most sensitive counts.
fn interpolate(curve: &[FrocPoint], at: f64) -> f64 {
    let after = curve.partition_point(|point| point.false_positives <= at);
    // Nothing detected is an operating point as well: no false positive, nothing found.
    let (x0, y0) = after
        .checked_sub(1)
        .map_or((0.0, 0.0), |index| (curve[index].false_positives, curve[index].sensitivity));
    match curve.get(after) {
        None => y0,
        Some(next) => y0 + (next.sensitivity - y0) * (at - x0) / (next.false_positives - x0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slide(lesions: usize, detections: &[(f64, Option<usize>)]) -> SlideDetections {
        let detections = detections
            .iter()
            .map(|(confidence, lesion)| Detection { confidence: *confidence, lesion: *lesion })
            .collect();
        SlideDetections { lesions, detections }
    }

    #[test]
    fn hand_values() {
        // Two slides, four lesions. Falling confidence: hit, hit, miss, hit, miss.
        let slides = [
            slide(
                3,
                &[(0.9, Some(0)), (0.8, Some(1)), (0.7, None), (0.6, Some(2)), (0.5, Some(0))],
            ),
            slide(1, &[(0.4, None)]),
        ];
        let froc = froc(&slides).unwrap();
        // 0 FP: 2/4; 0.5 FP: 3/4 (the most sensitive of two points); 1 FP: 3/4.
        // At 1/4 between (0, 0.5) and the first point of 0.5 FP, (0.5, 0.5).
        assert_eq!(froc.sensitivities, [0.5, 0.75, 0.75, 0.75, 0.75, 0.75]);
        assert!((froc.score - 4.25 / 6.0).abs() < 1e-12);
        assert_eq!(froc.curve.len(), 5);
    }

    #[test]
    fn further_detections_in_a_found_lesion_are_no_false_positives() {
        let once = froc(&[slide(1, &[(0.9, Some(0)), (0.5, None)])]).unwrap();
        let often = froc(&[slide(1, &[(0.3, Some(0)), (0.9, Some(0)), (0.5, None)])]).unwrap();
        assert_eq!(once, often);
    }

    #[test]
    fn perfect_and_empty_results() {
        assert!((froc(&[slide(1, &[(0.1, Some(0))])]).unwrap().score - 1.0).abs() < 1e-12);
        assert!(froc(&[slide(1, &[])]).unwrap().score.abs() < 1e-12);
        // The one miss outranks the one hit: nothing is found below one false positive a slide.
        let late = froc(&[slide(1, &[(0.9, None), (0.1, Some(0))])]).unwrap();
        assert_eq!(late.sensitivities, [0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn what_cannot_be_measured_is_said() {
        assert!(froc(&[]).is_err());
        assert!(froc(&[slide(0, &[(0.5, None)])]).is_err());
        assert!(froc(&[slide(1, &[(f64::NAN, None)])]).is_err());
        assert!(froc(&[slide(1, &[(0.5, Some(1))])]).is_err());
    }

    proptest! {
        #[test]
        fn a_score_is_a_share_and_one_more_miss_never_helps(
            detections in proptest::collection::vec((0_u8..20, proptest::option::of(0_usize..3)), 0..20),
            extra in 0_u8..20,
        ) {
            let mut list: Vec<(f64, Option<usize>)> =
                detections.iter().map(|(c, l)| (f64::from(*c), *l)).collect();
            let before = froc(&[slide(3, &list)]).unwrap();
            prop_assert!((0.0..=1.0).contains(&before.score));
            list.push((f64::from(extra), None));
            prop_assert!(froc(&[slide(3, &list)]).unwrap().score <= before.score + 1e-12);
        }
    }
}

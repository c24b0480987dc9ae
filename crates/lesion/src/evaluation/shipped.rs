//! The abstention rule of a task as it ships: its own thresholds on slides that it was not made of,
//! nothing fitted on them.

use serde::{Deserialize, Serialize};

use super::{
    conformal::{AbstentionGroup, group},
    slides::members,
};
use crate::{
    slide_head::{SlidePurpose, SlideTarget},
    slide_training::TriedHeads,
    task::AbstentionRule,
};

/// What comes of a task's own rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShippedAbstention {
    /// Share of slides of a class whose true class one head excludes; heads that agree come to it.
    pub alpha: f64,
    /// Largest share that the vote of the heads may exclude, of slides like those that the rule was
    /// calibrated on.
    pub most: f64,
    /// Heads that vote.
    pub heads: usize,
    /// Slides that it was calibrated on.
    pub calibrated_on: usize,
    /// Slides unlike the training slides, of which it names no class: they are in no group. Absent
    /// where the task does not know which are.
    pub unlike: Option<usize>,
    /// The other slides: all, by class, by site, by scanner. `broken` is held against `most`.
    pub groups: Vec<AbstentionGroup>,
}

impl ShippedAbstention {
    /// Of slides whose truth is known; `beyond` says which are unlike the training slides, where
    /// the task knows. `None` of anything but a classification.
    #[must_use]
    pub fn measure(
        rule: &AbstentionRule,
        tried: &TriedHeads,
        beyond: Option<&[bool]>,
    ) -> Option<Self> {
        let predictions = &tried.predictions;
        let SlidePurpose::Classification { classes } = &predictions.purpose else { return None };
        let heads = tried.by_head.first()?.len();
        let most = rule.most_excluded(heads);
        let is_beyond =
            |slide: usize| beyond.and_then(|all| all.get(slide)).copied().unwrap_or(false);
        let possible: Vec<Vec<usize>> =
            tried.by_head.iter().map(|own| rule.possible(own)).collect();
        let truth = |slide: usize| match predictions.slides[slide].truth {
            SlideTarget::Class(class) => Some(class),
            _ => None,
        };
        let counted = |kind: &str, name: &str, slides: &[usize]| {
            let alike = slides.iter().filter(|slide| !is_beyond(**slide));
            let pairs: Vec<(usize, &[usize])> =
                alike.filter_map(|s| Some((truth(*s)?, possible[*s].as_slice()))).collect();
            group(kind, name, &pairs, most)
        };
        let all: Vec<usize> = (0..predictions.slides.len().min(possible.len())).collect();
        let mut groups: Vec<AbstentionGroup> = counted("all", "", &all).into_iter().collect();
        for (class, name) in classes.iter().enumerate() {
            let own: Vec<usize> =
                all.iter().copied().filter(|slide| truth(*slide) == Some(class)).collect();
            groups.extend(counted("class", name, &own));
        }
        for (kind, of_name) in members(predictions) {
            groups.extend(of_name.iter().filter_map(|(name, own)| counted(kind, name, own)));
        }
        Some(Self {
            alpha: rule.alpha,
            most,
            heads,
            calibrated_on: rule.slides,
            unlike: beyond.map(|all| all.iter().filter(|beyond| **beyond).count()),
            groups,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluation::ConformalThresholds,
        slide_training::{PredictedSlide, Predictions, mean_of_heads},
    };

    /// Eight slides of two sites; the heads of the last two name the wrong class.
    fn tried() -> TriedHeads {
        let by_head: Vec<Vec<Vec<f64>>> = (0..8)
            .map(|slide| {
                let right = slide % 2;
                let said = if slide < 6 { right } else { 1 - right };
                let sure = if said == 1 { vec![0.02, 0.98] } else { vec![0.98, 0.02] };
                vec![sure.clone(), sure, vec![0.5, 0.5]]
            })
            .collect();
        let slides = by_head.iter().enumerate().map(|(slide, own)| PredictedSlide {
            slide: format!("s{slide}"),
            patient: format!("p{slide}"),
            site: Some(["north", "south"][slide / 4].into()),
            scanner: None,
            fold: None,
            truth: SlideTarget::Class(slide % 2),
            said: mean_of_heads(own),
        });
        let purpose = SlidePurpose::Classification { classes: vec!["no".into(), "yes".into()] };
        let predictions = Predictions { purpose, slides: slides.collect(), encoder: None };
        TriedHeads { predictions, by_head, head_digests: Vec::new() }
    }

    fn rule() -> AbstentionRule {
        AbstentionRule::of(0.1, 40, ConformalThresholds::of(vec![0.3, 0.3]))
    }

    #[test]
    fn a_tasks_own_thresholds_are_scored_by_class_and_site() {
        let found = ShippedAbstention::measure(&rule(), &tried(), None).unwrap();
        assert_eq!((found.heads, found.calibrated_on, found.unlike), (3, 40, None));
        assert!((found.most - 0.2).abs() < 1e-12);
        let of = |name: &str| {
            let group = found.groups.iter().find(|group| group.name == name).unwrap();
            (group.slides, group.covered, group.decided, group.wrong)
        };
        assert_eq!(of(""), (8, 6, 8, 2));
        assert_eq!((of("no"), of("yes")), ((4, 3, 4, 1), (4, 3, 4, 1)));
        assert_eq!((of("north"), of("south")), ((4, 4, 4, 0), (4, 2, 4, 2)));
    }

    #[test]
    fn unlike_slides_are_counted_apart() {
        let beyond = [false, false, false, false, false, false, true, true];
        let found = ShippedAbstention::measure(&rule(), &tried(), Some(&beyond)).unwrap();
        assert_eq!((found.unlike, found.groups[0].slides, found.groups[0].wrong), (Some(2), 6, 0));
        let mut values = tried();
        values.predictions.purpose = SlidePurpose::Regression { mean: 0.0, deviation: 1.0 };
        assert_eq!(ShippedAbstention::measure(&rule(), &values, None), None);
    }
}

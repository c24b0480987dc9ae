//! When a task of whole slides names one class, and when it names none.
//!
//! Thresholds are learned of slides that were held out, each as the one head that had not seen it
//! judged it ([`ConformalThresholds`]). What is used is several heads, each of which may have seen
//! all but its own part; so the thresholds are put to each head, and a class is excluded where more
//! than half of the heads exclude it. A head excludes the true class of a share `alpha` of slides on
//! average, so more than half of them do in at most `2 alpha` (Markov's inequality; Barber and others
//! 2021 have the same factor for cross-validation). Heads that agree come to `alpha`, heads that
//! disagree stay below it and name fewer slides.

use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use super::Unlikeness;
use crate::{
    evaluation::{ConformalThresholds, SlideEvaluationSettings},
    slide_head::{SlidePurpose, SlideTarget},
    slide_training::Predictions,
};

/// When one class may be said.
#[derive(Clone, Debug, PartialEq)]
pub struct AbstentionRule {
    /// Largest share of slides, of each class, whose true class one head may exclude.
    pub alpha: f64,
    /// Slides that it was calibrated on, each as judged by a head that had not seen its patient.
    pub slides: usize,
    pub(super) thresholds: ConformalThresholds,
}

/// Why a task names no class.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Abstains {
    /// The slide is unlike those that the task was made of, so that nothing is excluded.
    UnlikeTrainingSlides,
    /// More than one class is possible.
    SeveralPossible,
    /// Every class is excluded.
    NoneFits,
}

impl fmt::Display for Abstains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnlikeTrainingSlides => "the slide is unlike the training slides",
            Self::SeveralPossible => "more than one is possible",
            Self::NoneFits => "it fits none of them",
        })
    }
}

impl AbstentionRule {
    /// From what was said of held-out slides; `None` where it could exclude no class.
    pub(super) fn learn(predictions: &Predictions) -> Option<Self> {
        let SlidePurpose::Classification { classes } = &predictions.purpose else { return None };
        let alpha = SlideEvaluationSettings::default().alpha;
        let known = predictions.slides.iter().filter_map(|slide| match slide.truth {
            SlideTarget::Class(class) => Some((slide, class)),
            _ => None,
        });
        // A slide that was held out twice counts once: its judgements are not independent.
        let mut seen = BTreeSet::new();
        let once: Vec<_> = known.filter(|(slide, _)| seen.insert(slide.slide.as_str())).collect();
        let rows: Vec<&Vec<f64>> = once.iter().map(|(slide, _)| &slide.said).collect();
        let truth: Vec<usize> = once.iter().map(|(_, class)| *class).collect();
        let thresholds = ConformalThresholds::fit(&rows, &truth, classes.len(), alpha);
        let useful = thresholds.lowest().iter().any(|least| *least > 0.0);
        useful.then_some(Self { alpha, slides: rows.len(), thresholds })
    }

    #[cfg(test)]
    pub(crate) fn of(alpha: f64, slides: usize, thresholds: ConformalThresholds) -> Self {
        Self { alpha, slides, thresholds }
    }

    /// The classes, by their place, that half of the heads at least do not exclude; a row of
    /// probabilities a head.
    #[must_use]
    pub fn possible(&self, by_head: &[Vec<f64>]) -> Vec<usize> {
        let mut votes = vec![0; self.thresholds.lowest().len()];
        for row in by_head {
            self.thresholds.possible(row).into_iter().for_each(|class| votes[class] += 1);
        }
        (0..votes.len()).filter(|class| 2 * votes[*class] >= by_head.len()).collect()
    }

    /// The largest share of slides of a class, like those that it was calibrated on, of which so
    /// many heads may exclude the true class.
    #[must_use]
    pub fn most_excluded(&self, heads: usize) -> f64 {
        if heads > 1 { 2.0 * self.alpha } else { self.alpha }
    }
}

/// The classes that are not excluded. Of a slide beyond the limit nothing is known, so that none is
/// excluded whatever the heads say.
pub(super) fn possible(
    rule: Option<&AbstentionRule>,
    purpose: &SlidePurpose,
    by_head: &[Vec<f64>],
    unlikeness: Option<&Unlikeness>,
) -> Option<Vec<usize>> {
    let SlidePurpose::Classification { classes } = purpose else { return None };
    if unlikeness.is_some_and(|unlike| unlike.beyond) {
        return Some((0..classes.len()).collect());
    }
    rule.map(|rule| rule.possible(by_head))
}

/// Why no class is named; `None` where one is, or where the task has no rule.
pub(super) fn abstains(
    possible: Option<&[usize]>,
    unlikeness: Option<&Unlikeness>,
) -> Option<Abstains> {
    match possible? {
        _ if unlikeness.is_some_and(|unlike| unlike.beyond) => Some(Abstains::UnlikeTrainingSlides),
        [] => Some(Abstains::NoneFits),
        [_] => None,
        _ => Some(Abstains::SeveralPossible),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evaluation::wilson, slide_training::PredictedSlide, tape::mixed};

    const HEADS: usize = 5;

    fn classes() -> SlidePurpose {
        SlidePurpose::Classification { classes: vec!["no".into(), "yes".into()] }
    }

    fn rule(lowest: Vec<f64>) -> AbstentionRule {
        AbstentionRule { alpha: 0.1, slides: 20, thresholds: ConformalThresholds::of(lowest) }
    }

    fn unlike(beyond: bool) -> Unlikeness {
        Unlikeness { distance: 118.6, limit: 22.0, beyond, training_slides: 20 }
    }

    /// About normal: a sum of uniform numbers.
    fn normal(seed: u64) -> f64 {
        let uniform = |n: u64| (mixed(seed * 100 + n) % 1_000_000) as f64 / 1e6 - 0.5;
        (0..12).map(uniform).sum()
    }

    /// A slide's class and what each head says of it; heads differ by `apart`.
    fn slide(seed: u64, apart: f64) -> (usize, Vec<Vec<f64>>) {
        let truth = usize::from(mixed(seed * 7 + 3) % 100 < 40);
        let shared = 1.2 * [-1.0, 1.0][truth] + normal(seed);
        let head = |head: u64| {
            let logit = shared + apart * normal(1_000_000 + seed * 10 + head);
            let yes = 1.0 / (1.0 + (-logit).exp());
            vec![1.0 - yes, yes]
        };
        (truth, (0..HEADS as u64).map(head).collect())
    }

    /// As a cross-validation has it: each slide as one head judged it.
    fn held_out(apart: f64) -> Predictions {
        let slides = (0..2000_u64).map(|seed| {
            let (truth, mut by_head) = slide(seed, apart);
            PredictedSlide {
                slide: format!("s{seed}"),
                patient: format!("p{seed}"),
                site: None,
                scanner: None,
                fold: None,
                truth: SlideTarget::Class(truth),
                said: by_head.swap_remove(seed as usize % HEADS),
            }
        });
        Predictions { purpose: classes(), slides: slides.collect(), encoder: None }
    }

    /// Covered and decided of new slides, class by class.
    fn measured(rule: &AbstentionRule, apart: f64) -> [(usize, usize, usize); 2] {
        let mut counts = [(0, 0, 0); 2];
        for seed in 50_000..54_000 {
            let (truth, by_head) = slide(seed, apart);
            let possible = rule.possible(&by_head);
            counts[truth].0 += 1;
            counts[truth].1 += usize::from(possible.contains(&truth));
            counts[truth].2 += usize::from(possible.len() == 1);
        }
        counts
    }

    #[test]
    fn what_is_claimed_of_heads_that_agree_is_what_new_slides_show() {
        let rule = AbstentionRule::learn(&held_out(0.0)).unwrap();
        for (slides, covered, decided) in measured(&rule, 0.0) {
            // The threshold itself is sampled: by some 800 slides of the smaller class.
            let (low, high) = wilson(covered, slides);
            let sampled = 2.0 * (0.09_f64 / 800.0).sqrt();
            assert!(low - sampled < 0.9 && 0.9 < high + sampled, "{covered} of {slides}");
            assert!(decided * 2 > slides, "{decided} of {slides}");
        }
    }

    #[test]
    fn the_guarantee_holds_whether_or_not_heads_agree() {
        for apart in [0.3, 1.0, 2.0] {
            let rule = AbstentionRule::learn(&held_out(apart)).unwrap();
            let least = 1.0 - rule.most_excluded(HEADS);
            for (slides, covered, _) in measured(&rule, apart) {
                assert!(wilson(covered, slides).1 > least, "{apart}: {covered} of {slides}");
            }
        }
        let alone = rule(vec![0.2, 0.2]);
        assert_eq!((alone.most_excluded(1), alone.most_excluded(2)), (0.1, 0.2));
    }

    #[test]
    fn the_vote_names_more_than_thresholds_on_the_mean_do() {
        let apart = 1.2;
        let rule = AbstentionRule::learn(&held_out(apart)).unwrap();
        let decided: usize = measured(&rule, apart).iter().map(|(_, _, decided)| decided).sum();
        let of_the_mean = (50_000..54_000).filter(|seed| {
            let (_, by_head) = slide(*seed, apart);
            let mean =
                |class: usize| by_head.iter().map(|row| row[class]).sum::<f64>() / HEADS as f64;
            rule.thresholds.possible(&[mean(0), mean(1)]).len() == 1
        });
        assert!(decided > of_the_mean.count());
    }

    #[test]
    fn half_of_the_heads_keep_a_class() {
        let rule = rule(vec![0.2, 0.05, 0.0]);
        assert_eq!(rule.possible(&[vec![0.9, 0.1, 0.0]]), [0, 1, 2]);
        assert_eq!(rule.possible(&[vec![0.19, 0.01, 0.8]]), [2]);
        let (keeps, excludes) = (vec![0.3, 0.01, 0.69], vec![0.1, 0.01, 0.89]);
        assert_eq!(rule.possible(&[keeps.clone(), excludes.clone()]), [0, 2]);
        assert_eq!(rule.possible(&[keeps, excludes.clone(), excludes]), [2]);
    }

    #[test]
    fn an_unlike_slide_gets_no_class_whatever_the_heads_say() {
        let rule = rule(vec![0.2, 0.2]);
        let sure = [vec![0.01, 0.99]];
        let judged = |rule: Option<&AbstentionRule>, unlike: Option<&Unlikeness>| {
            let possible = possible(rule, &classes(), &sure, unlike);
            (possible.clone(), abstains(possible.as_deref(), unlike))
        };
        let (far, near) = (unlike(true), unlike(false));
        assert_eq!(judged(Some(&rule), Some(&near)), (Some(vec![1]), None));
        let none = (Some(vec![0, 1]), Some(Abstains::UnlikeTrainingSlides));
        assert_eq!(judged(Some(&rule), Some(&far)), none);
        assert_eq!(judged(None, Some(&far)), none);
        assert_eq!(judged(None, Some(&near)), (None, None));
        assert_eq!(possible(Some(&rule), &SlidePurpose::Survival, &sure, Some(&far)), None);
        assert_eq!(abstains(Some(&[]), None), Some(Abstains::NoneFits));
        assert_eq!(abstains(Some(&[0, 1]), Some(&near)), Some(Abstains::SeveralPossible));
    }
}

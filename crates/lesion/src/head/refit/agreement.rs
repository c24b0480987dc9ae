//! How a head agrees with what people said of regions.

use std::collections::BTreeMap;

use super::{StatedRegion, Statement};
use crate::{error::Result, head::Head, matrix::largest};

/// A probability below this counts as this: one sure mistake must not drown everything else.
const LEAST: f64 = 1e-6;

/// What a head makes of one region.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct RegionJudgement {
    /// Whether the class that is most probable over the region's tiles is what was said, or not
    /// what was refused.
    pub agrees: bool,
    /// Minus the logarithm of the probability that the head gave to what was said.
    pub loss: f64,
}

/// How a head agrees with what was said of several regions.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct StatedAgreement {
    /// Regions on which it agrees.
    pub agrees: usize,
    /// Regions in all.
    pub of: usize,
    /// The share on which it agrees, averaged over what was said.
    pub balanced: f64,
    /// The mean loss, averaged over what was said.
    pub log_loss: f64,
}

/// Judges a region by the mean of its tiles' probabilities.
///
/// # Errors
/// When the head does not take its features, or does not know the class.
pub fn judge_region(
    head: &Head,
    temperature: f64,
    region: &StatedRegion,
) -> Result<RegionJudgement> {
    region.check(head)?;
    let probabilities = head.probabilities(&region.tiles, temperature)?;
    let mut mean = vec![0.0_f32; head.classes()];
    for row in 0..probabilities.rows() {
        mean.iter_mut().zip(probabilities.row(row)).for_each(|(sum, p)| *sum += p);
    }
    mean.iter_mut().for_each(|sum| *sum /= probabilities.rows() as f32);
    let (agrees, given) = match region.statement {
        Statement::Is(class) => (largest(&mean) == class, f64::from(mean[class])),
        Statement::IsNot(class) => (largest(&mean) != class, 1.0 - f64::from(mean[class])),
    };
    Ok(RegionJudgement { agrees, loss: given.clamp(LEAST, 1.0).recip().ln() })
}

/// Sums judgements up. What was refused is one sort, whatever it was refused as; each class that
/// was confirmed is one. Every sort counts the same. `None` without judgements.
#[must_use]
pub fn stated_agreement(judged: &[(Statement, RegionJudgement)]) -> Option<StatedAgreement> {
    let mut sorts: BTreeMap<Option<usize>, Vec<RegionJudgement>> = BTreeMap::new();
    for (statement, judgement) in judged {
        let sort = match statement {
            Statement::Is(class) => Some(*class),
            Statement::IsNot(_) => None,
        };
        sorts.entry(sort).or_default().push(*judgement);
    }
    if sorts.is_empty() {
        return None;
    }
    let mean = |value: fn(&RegionJudgement) -> f64| {
        let of_sort =
            |sort: &Vec<RegionJudgement>| sort.iter().map(value).sum::<f64>() / sort.len() as f64;
        sorts.values().map(of_sort).sum::<f64>() / sorts.len() as f64
    };
    Some(StatedAgreement {
        agrees: judged.iter().filter(|(_, judgement)| judgement.agrees).count(),
        of: judged.len(),
        balanced: mean(|judgement| f64::from(u8::from(judgement.agrees))),
        log_loss: mean(|judgement| judgement.loss),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::tests::region, *};
    use crate::head::{Layer, Network, Standardisation};

    #[test]
    fn a_region_is_judged_by_the_mean_of_its_tiles() {
        let standardisation = Standardisation { mean: vec![0.0; 2], scale: vec![1.0; 2] };
        let layer = Layer { inputs: 2, weight: vec![0.0, 0.0, 1.0, 0.0], bias: vec![0.0; 2] };
        let head = Head { standardisation, network: Network::Linear(layer) };
        let at = |statement| {
            let region = region(statement, &[[3.0, 0.0], [3.0, 0.0], [-1.0, 0.0]]);
            judge_region(&head, 1.0, &region).unwrap()
        };
        // 1 / (1 + e^-3) twice and 1 / (1 + e) once.
        let p: f64 = (2.0 * 0.952_574_127 + 0.268_941_421) / 3.0;
        let (is, is_not) = (at(Statement::Is(1)), at(Statement::IsNot(1)));
        assert!(is.agrees && !is_not.agrees);
        assert!((is.loss + p.ln()).abs() < 1e-5 && (is_not.loss + (1.0 - p).ln()).abs() < 1e-5);
    }

    #[test]
    fn every_sort_counts_the_same() {
        let judged = |agrees, loss| RegionJudgement { agrees, loss };
        let all = [
            (Statement::Is(1), judged(true, 0.1)),
            (Statement::Is(1), judged(true, 0.3)),
            (Statement::Is(1), judged(true, 0.2)),
            (Statement::IsNot(1), judged(false, 1.0)),
            (Statement::IsNot(2), judged(true, 0.4)),
        ];
        let found = stated_agreement(&all).unwrap();
        assert_eq!((found.agrees, found.of), (4, 5));
        assert!((found.balanced - 0.75).abs() < 1e-12 && (found.log_loss - 0.45).abs() < 1e-12);
        assert!(stated_agreement(&[]).is_none());
    }
}

//! Agreement of two readers beyond chance (Cohen 1960).

use std::collections::BTreeMap;

use serde::Serialize;

/// How far two readers agree.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct Kappa {
    /// How many things both read.
    pub pairs: u64,
    /// The share on which they agree.
    pub observed: f64,
    /// The share on which they would agree if each kept to his own habits and guessed.
    pub expected: f64,
    /// Cohen's kappa; there is none where chance alone would give full agreement.
    pub kappa: Option<f64>,
}

/// Cohen's kappa of pairs of labels; `None` without a pair.
#[must_use]
pub fn cohens_kappa<L: Ord + Copy>(pairs: &[(L, L)]) -> Option<Kappa> {
    if pairs.is_empty() {
        return None;
    }
    let total = pairs.len() as f64;
    let mut counts: BTreeMap<L, (u64, u64)> = BTreeMap::new();
    for (first, second) in pairs {
        counts.entry(*first).or_default().0 += 1;
        counts.entry(*second).or_default().1 += 1;
    }
    let agreed = pairs.iter().filter(|(first, second)| first == second).count() as f64;
    let by_chance: f64 = counts.values().map(|(a, b)| *a as f64 * *b as f64).sum();
    let (observed, expected) = (agreed / total, by_chance / (total * total));
    let kappa = (expected < 1.0).then(|| (observed - expected) / (1.0 - expected));
    Some(Kappa { pairs: pairs.len() as u64, observed, expected, kappa })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_textbook_table_gives_its_kappa() {
        // Two readers of 50 things: 20 yes-yes, 15 no-no, 5 yes-no, 10 no-yes; kappa is 0.4.
        let cells = [((1, 1), 20), ((0, 0), 15), ((1, 0), 5), ((0, 1), 10)];
        let pairs: Vec<(u8, u8)> =
            cells.iter().flat_map(|(pair, count)| vec![*pair; *count]).collect();
        let kappa = cohens_kappa(&pairs).unwrap();
        assert!((kappa.observed - 0.7).abs() < 1e-12);
        assert!((kappa.expected - 0.5).abs() < 1e-12);
        assert!((kappa.kappa.unwrap() - 0.4).abs() < 1e-12);
    }

    #[test]
    fn without_variation_there_is_no_kappa() {
        assert_eq!(cohens_kappa::<u8>(&[]), None);
        assert_eq!(cohens_kappa(&[(1, 1), (1, 1)]).unwrap().kappa, None);
    }
}

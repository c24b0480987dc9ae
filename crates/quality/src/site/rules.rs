//! The four rules of the Western Electric handbook.

use serde::Serialize;

use super::chart::Side;

/// Why a chart speaks.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// One slide beyond three sigma.
    OneBeyondThree,
    /// Two of three slides in a row beyond two sigma on one side.
    TwoOfThreeBeyondTwo,
    /// Four of five slides in a row beyond one sigma on one side.
    FourOfFiveBeyondOne,
    /// Eight slides in a row on one side of the centre.
    EightOnOneSide,
    /// The weighted mean of days beyond its limits.
    Ewma,
    /// Slide after slide differs from what was the same on every slide before.
    Changed,
}

/// One rule: so many of so many slides in a row beyond so many sigma.
const RULES: [(Rule, usize, usize, f64); 4] = [
    (Rule::OneBeyondThree, 1, 1, 3.0),
    (Rule::TwoOfThreeBeyondTwo, 2, 3, 2.0),
    (Rule::FourOfFiveBeyondOne, 4, 5, 1.0),
    (Rule::EightOnOneSide, 8, 8, 0.0),
];

/// The places at which a rule speaks, for values in sigmas from the centre.
///
/// Western Electric, Statistical Quality Control Handbook (1956). On independent normal values all
/// four together speak falsely once in about 92 values (Champ and Woodall, Technometrics 29, 1987):
/// they say which slides to look at, not that a scanner drifts.
pub(super) fn western_electric(sigmas: &[f64]) -> Vec<(usize, Rule, Side)> {
    let mut hits = Vec::new();
    for place in 0..sigmas.len() {
        for (rule, least, window, beyond) in RULES {
            let Some(start) = (place + 1).checked_sub(window) else { continue };
            for side in [Side::Above, Side::Below] {
                let out = |value: &&f64| **value * side.sign() > beyond;
                let here = sigmas.get(place).is_some_and(|value| out(&value));
                if here && sigmas[start..=place].iter().filter(out).count() >= least {
                    hits.push((place, rule, side));
                }
            }
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(sigmas: &[f64]) -> Vec<(usize, Rule, Side)> {
        western_electric(sigmas)
    }

    #[test]
    fn each_rule_speaks_where_the_handbook_says() {
        assert_eq!(rules(&[0.0, -3.1, 0.5]), [(1, Rule::OneBeyondThree, Side::Below)]);
        assert_eq!(rules(&[2.1, 0.0, 2.2]), [(2, Rule::TwoOfThreeBeyondTwo, Side::Above)]);
        assert_eq!(rules(&[2.1, 0.0, 0.0, 2.2]), []);
        assert_eq!(rules(&[2.1, -2.1, 0.0]), []);
        let four = rules(&[1.1, 1.2, -0.5, 1.3, 1.4]);
        assert_eq!(four, [(4, Rule::FourOfFiveBeyondOne, Side::Above)]);
        assert_eq!(rules(&[-0.1; 7]), []);
        assert_eq!(rules(&[-0.1; 8]), [(7, Rule::EightOnOneSide, Side::Below)]);
        assert_eq!(rules(&[]), []);
        assert_eq!(rules(&[3.0, f64::NAN]), []);
    }
}

//! How strong the pull must be, by cases that the fit has not seen: never by those on which the
//! result is judged in the end.

use std::collections::BTreeSet;

use super::{RefitSettings, StatedRegion, judge_region, refit_head, stated_agreement};
use crate::{error::Result, head::Head};

/// Pulls that are tried, the strongest first.
const PULLS: [f64; 4] = [1.0, 0.1, 0.01, 0.001];
/// Parts into which cases are dealt.
const PARTS: usize = 3;

/// The pull with the least loss on cases that are left out in turn; of equals the strongest. With
/// one case there is nothing to choose by, and the usual pull is taken.
///
/// # Errors
/// As [`refit_head`].
pub fn choose_pull(
    head: &Head,
    temperature: f64,
    regions: &[(&str, &StatedRegion)],
    settings: &RefitSettings,
) -> Result<f64> {
    let groups: BTreeSet<&str> = regions.iter().map(|(group, _)| *group).collect();
    let parts = PARTS.min(groups.len());
    if parts < 2 {
        return Ok(settings.pull);
    }
    let part_of =
        |group: &str| groups.iter().position(|known| *known == group).unwrap_or(0) % parts;
    let mut best = (f64::INFINITY, settings.pull);
    for pull in PULLS {
        let settings = RefitSettings { pull, ..settings.clone() };
        let mut judged = Vec::new();
        for part in 0..parts {
            let (left_out, learned): (Vec<_>, Vec<_>) =
                regions.iter().partition(|(group, _)| part_of(group) == part);
            let learned: Vec<&StatedRegion> = learned.iter().map(|(_, region)| *region).collect();
            let refitted = refit_head(head, temperature, &learned, &settings)?;
            for (_, region) in left_out {
                judged.push((region.statement, judge_region(&refitted, temperature, region)?));
            }
        }
        let loss = stated_agreement(&judged).map_or(f64::INFINITY, |found| found.log_loss);
        if loss < best.0 {
            best = (loss, pull);
        }
    }
    Ok(best.1)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Statement,
            tests::{linear, region},
        },
        *,
    };

    #[test]
    fn what_all_cases_say_is_learned_and_what_each_says_otherwise_is_not() {
        let head = linear();
        let settings = RefitSettings::default();
        let wrong = |statement| region(statement, &[[1.0, -1.5], [1.1, -1.4]]);
        let names = ["a", "b", "c", "d"];
        let alike: Vec<_> = names.iter().map(|_| wrong(Statement::IsNot(1))).collect();
        let alike: Vec<_> = names.iter().copied().zip(&alike).collect();
        assert_eq!(choose_pull(&head, 1.0, &alike, &settings).unwrap(), 0.001);
        // Two say that it is, two that it is not: nothing can be learned of it.
        let torn: Vec<_> = [0, 1, 0, 1]
            .map(|i| wrong(if i == 0 { Statement::IsNot(1) } else { Statement::Is(1) }))
            .into();
        let torn: Vec<_> = names.iter().copied().zip(&torn).collect();
        assert!(choose_pull(&head, 1.0, &torn, &settings).unwrap() >= 0.1);
        assert_eq!(choose_pull(&head, 1.0, &alike[..1], &settings).unwrap(), settings.pull);
    }
}

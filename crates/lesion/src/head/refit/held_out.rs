//! Which cases are held out: whole cases, the same ones each time.

use std::collections::{BTreeMap, BTreeSet};

use bianque_core::Digest;

use super::Statement;
use crate::error::{LesionError, Result};

/// The share of cases that is held out.
const SHARE: f64 = 0.2;

/// What was said, as far as both parts need some of it.
type Sort = Option<usize>;

/// Splits what was said by its group (a case): `true` where it is held out. A fixed fifth of groups
/// is, by the digest of their name; where a sort that two groups have would be missing from one
/// part, the group whose digest is nearest to the border moves.
///
/// # Errors
/// When fewer than two sorts (classes that were confirmed, and refusals) can be in both parts.
pub fn hold_out(stated: &[(&str, Statement)]) -> Result<Vec<bool>> {
    let mut groups: BTreeMap<&str, BTreeSet<Sort>> = BTreeMap::new();
    for (group, statement) in stated {
        groups.entry(group).or_default().insert(sort(*statement));
    }
    let mut held: BTreeSet<&str> =
        groups.keys().copied().filter(|group| drawn(group) < SHARE).collect();
    let sorts: BTreeSet<Sort> = groups.values().flatten().copied().collect();
    for sort in &sorts {
        let having: Vec<&str> = having(&groups, *sort);
        if having.len() < 2 {
            continue;
        }
        let by_draw = |a: &&&str, b: &&&str| drawn(a).total_cmp(&drawn(b));
        if having.iter().all(|group| !held.contains(group)) {
            held.extend(having.iter().min_by(by_draw));
        } else if having.iter().all(|group| held.contains(group))
            && let Some(last) = having.iter().max_by(by_draw)
        {
            held.remove(last);
        }
    }
    let in_both = |sort: &&Sort| {
        let having = having(&groups, **sort);
        let out = having.iter().filter(|group| held.contains(*group)).count();
        out > 0 && out < having.len()
    };
    if sorts.iter().filter(in_both).count() < 2 {
        return Err(LesionError::Data(format!(
            "{} decisions on {} cases are too few or too alike: at least two sorts of them (a label \
             that was confirmed, another label, a refusal) are needed, each on two cases or more, so \
             that one part can be learned from and the other judged by",
            stated.len(),
            groups.len()
        )));
    }
    Ok(stated.iter().map(|(group, _)| held.contains(group)).collect())
}

fn sort(statement: Statement) -> Sort {
    match statement {
        Statement::Is(class) => Some(class),
        Statement::IsNot(_) => None,
    }
}

fn having<'a>(groups: &BTreeMap<&'a str, BTreeSet<Sort>>, sort: Sort) -> Vec<&'a str> {
    groups.iter().filter(|(_, sorts)| sorts.contains(&sort)).map(|(group, _)| *group).collect()
}

/// A number from 0 to 1 that belongs to a group for good.
fn drawn(group: &str) -> f64 {
    let digest = Digest::of(format!("held out {group}").as_bytes()).to_string();
    let digits = digest.rsplit(':').next().and_then(|digits| digits.get(..8));
    let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0);
    f64::from(number) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_many_cases_is_held_out_and_stays_so() {
        let names: Vec<String> = (0..400).map(|i| format!("case {i}")).collect();
        let said =
            |i: usize| if i.is_multiple_of(3) { Statement::IsNot(1) } else { Statement::Is(1) };
        let stated: Vec<_> =
            names.iter().enumerate().map(|(i, name)| (name.as_str(), said(i))).collect();
        let held = hold_out(&stated).unwrap();
        let count = held.iter().filter(|held| **held).count();
        assert!((60..100).contains(&count), "{count}");
        let fewer = hold_out(&stated[..300]).unwrap();
        assert_eq!(fewer, held[..300], "others do not move when cases come");
    }

    #[test]
    fn of_few_cases_both_parts_have_each_sort_and_no_case_is_torn() {
        let mut split = 0;
        for seed in 0..50 {
            let names: Vec<String> = (0..4).map(|i| format!("{seed} {i}")).collect();
            let stated: Vec<_> = names
                .iter()
                .flat_map(|name| [(name.as_str(), Statement::Is(2)), (name, Statement::IsNot(2))])
                .collect();
            let held = hold_out(&stated).unwrap();
            for pair in held.chunks(2) {
                assert_eq!(pair[0], pair[1]);
            }
            let out = held.iter().filter(|held| **held).count();
            assert!((2..=6).contains(&out), "{out}");
            split += 1;
        }
        assert_eq!(split, 50);
    }

    #[test]
    fn too_few_or_too_alike_is_refused() {
        let alike = [("a", Statement::Is(1)), ("b", Statement::Is(1)), ("c", Statement::Is(1))];
        let one_case = [("a", Statement::Is(1)), ("a", Statement::IsNot(1))];
        for stated in [&alike[..], &one_case, &[]] {
            let error = hold_out(stated).unwrap_err().to_string();
            assert!(error.contains("two sorts"), "{error}");
        }
    }
}

//! Measures that are the same on every slide, such as a JPEG quality: no spread, so no limits.

use serde::Serialize;

use super::{
    baseline::{Baseline, Value, mean, median},
    chart::{Side, Signal},
    rules::Rule,
};

/// A measure that was the same on nearly every slide of the baseline.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct Constant {
    /// What it was.
    pub value: f64,
}

/// Share of the baseline's slides that must agree.
const AGREE: f64 = 0.95;
/// So many slides in a row that differ are a change. At one stray slide in 20 this comes by chance
/// once in three million slides.
const IN_A_ROW: usize = 5;

impl Constant {
    pub(super) fn of(values: &[Value], baseline: &Baseline) -> Option<Self> {
        let base: Vec<f64> = values.iter().filter(|v| baseline.holds(v)).map(|v| v.value).collect();
        let value = median(&base)?;
        let same = base.iter().filter(|other| alike(**other, value)).count();
        (same as f64 >= AGREE * base.len() as f64).then_some(Self { value })
    }

    /// The change that holds until today, and what the measure is since.
    pub(super) fn change(&self, values: &[Value], baseline: &Baseline) -> Option<(Signal, f64)> {
        let watched: Vec<&Value> = values.iter().filter(|v| v.day > baseline.until).collect();
        let differ = watched.iter().rev().take_while(|v| !alike(v.value, self.value)).count();
        let since = &watched[watched.len() - differ..];
        let (first, last) = (since.first()?, since.last()?);
        if since.len() < IN_A_ROW {
            return None;
        }
        let now = mean(&since.iter().map(|v| v.value).collect::<Vec<_>>())?;
        let side = if now > self.value { Side::Above } else { Side::Below };
        let (rule, from, until) = (Rule::Changed, first.day, last.day);
        Some((Signal { rule, side, from, until, times: since.len() }, now))
    }
}

fn alike(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::day::Day;

    #[test]
    fn a_setting_that_someone_changed_is_seen() {
        let first: Day = "2026-03-02".parse().unwrap();
        let slide = |n: i32, value: f64| Value { day: first.plus(n / 2), value, passed: true };
        let baseline = Baseline { from: first, until: first.plus(19) };
        let mut values: Vec<Value> = (0..60).map(|n| slide(n, 70.0)).collect();
        values[50].value = 95.0;
        let constant = Constant::of(&values, &baseline).unwrap();
        assert_eq!(constant.change(&values, &baseline), None);
        values.extend((60..64).map(|n| slide(n, 60.0)));
        assert_eq!(constant.change(&values, &baseline), None);
        values.push(slide(64, 60.0));
        let (signal, now) = constant.change(&values, &baseline).unwrap();
        assert_eq!((signal.side, signal.from, now), (Side::Below, first.plus(30), 60.0));
        values.iter_mut().enumerate().for_each(|(n, v)| v.value += n as f64);
        assert_eq!(Constant::of(&values, &baseline), None);
    }
}

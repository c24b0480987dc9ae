//! How things were while they were well: the slides that limits are taken from.

use super::{chart::ChartSettings, day::Day};

/// One slide's value of a measure.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) struct Value {
    pub(super) day: Day,
    pub(super) value: f64,
    /// Whether the slide passed: a slide that was sent back is no pattern for others.
    pub(super) passed: bool,
}

/// Which slides limits are taken from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum BaselineSpan {
    /// The first days, until there are so many slides that passed on so many days.
    First {
        /// At least so many slides.
        slides: usize,
        /// On at least so many days.
        days: usize,
    },
    /// The days that a person knows to have been good, both included.
    Between(Day, Day),
}

/// The days of a baseline.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(super) struct Baseline {
    pub(super) from: Day,
    pub(super) until: Day,
}

/// A group that has too little for a baseline: how much it has.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct TooFew {
    pub(super) slides: usize,
    pub(super) days: usize,
}

/// Fewer slides or days make no limits, whatever the settings: 20 slides are the least that
/// Montgomery takes for a preliminary chart, and a spread needs days to be seen.
const LEAST: (usize, usize) = (20, 5);

impl Baseline {
    /// The baseline of values in the order of days.
    pub(super) fn of(values: &[Value], settings: &ChartSettings) -> Result<Self, TooFew> {
        let (span, slides, days) = match settings.baseline {
            BaselineSpan::First { slides, days } => (None, slides.max(LEAST.0), days.max(LEAST.1)),
            BaselineSpan::Between(from, until) => (Some((from, until)), LEAST.0, LEAST.1),
        };
        let inside = |value: &&Value| {
            value.passed && span.is_none_or(|(from, until)| (from..=until).contains(&value.day))
        };
        let mut have = TooFew { slides: 0, days: 0 };
        let mut last = None;
        let mut complete: Option<Self> = None;
        for value in values.iter().filter(inside) {
            if complete.is_some_and(|baseline| value.day > baseline.until) {
                break;
            }
            have.slides += 1;
            have.days += usize::from(last != Some(value.day));
            last = Some(value.day);
            if have.slides >= slides && have.days >= days && complete.is_none() {
                complete = Some(match span {
                    Some((from, until)) => Self { from, until },
                    None => Self { from: values[0].day, until: value.day },
                });
            }
        }
        complete.ok_or(have)
    }

    /// Whether a value belongs to it.
    pub(super) fn holds(&self, value: &Value) -> bool {
        value.passed && (self.from..=self.until).contains(&value.day)
    }
}

/// Standard deviation from the mean moving range of two, over d2 = 1.128; nothing for fewer than
/// two values. Montgomery, Introduction to Statistical Quality Control, 6.4. Unlike the usual
/// standard deviation it hardly grows where the level moves slowly.
pub(super) fn moving_range_sigma(values: &[f64]) -> Option<f64> {
    let ranges: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    mean(&ranges).map(|range| range / 1.128)
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(days: i32, of_day: usize) -> Vec<Value> {
        let first: Day = "2026-03-02".parse().unwrap();
        (0..days)
            .flat_map(|n| {
                (0..of_day).map(move |_| Value { day: first.plus(n), value: 1.0, passed: true })
            })
            .collect()
    }

    #[test]
    fn waits_for_slides_and_for_days() {
        let settings = ChartSettings::default();
        let few = |slides, days| Err(TooFew { slides, days });
        assert_eq!(Baseline::of(&values(19, 50), &settings), few(950, 19));
        assert_eq!(Baseline::of(&[], &settings), few(0, 0));
        let ready = Baseline::of(&values(30, 2), &settings).unwrap();
        assert_eq!(ready.until.since(ready.from), 19);
        let mut failed = values(30, 2);
        failed.iter_mut().for_each(|value| value.passed = false);
        assert_eq!(Baseline::of(&failed, &settings), few(0, 0));
    }

    #[test]
    fn a_person_sets_the_days() {
        let all = values(60, 3);
        let (from, until) = (all[30].day, all[60].day);
        let span = BaselineSpan::Between(from, until);
        let settings = ChartSettings { baseline: span, ..ChartSettings::default() };
        assert_eq!(Baseline::of(&all, &settings), Ok(Baseline { from, until }));
        let span = BaselineSpan::Between(from, from);
        let settings = ChartSettings { baseline: span, ..ChartSettings::default() };
        assert_eq!(Baseline::of(&all, &settings), Err(TooFew { slides: 3, days: 1 }));
    }

    #[test]
    fn spread_of_known_values() {
        let sigma = moving_range_sigma(&[1.0, 2.128, 1.0]).unwrap();
        assert!((sigma - 1.0).abs() < 1e-9);
        assert_eq!(moving_range_sigma(&[1.0]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}

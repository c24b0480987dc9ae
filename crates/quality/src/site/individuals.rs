//! The chart of single slides: Shewhart's individuals chart.

use serde::Serialize;

use super::{
    baseline::{Baseline, Value, mean, moving_range_sigma},
    chart::{Side, Signal},
    day::Day,
    rules::western_electric,
};

/// The individuals chart of a measure: centre and limits from the baseline, every slide a point.
/// Montgomery, Introduction to Statistical Quality Control, 6.4.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Individuals {
    /// Mean of the baseline.
    pub centre: f64,
    /// Mean moving range of the baseline over 1.128.
    pub sigma: f64,
    /// Centre less three sigma.
    pub lower: f64,
    /// Centre plus three sigma.
    pub upper: f64,
    /// The latest slides, as many as the settings let through.
    pub points: Vec<SlidePoint>,
}

/// A slide on the chart.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct SlidePoint {
    /// When.
    pub day: Day,
    /// Its measure.
    pub value: f64,
    /// Whether it lies beyond three sigma.
    pub out: bool,
}

impl Individuals {
    pub(super) fn of(values: &[Value], baseline: &Baseline, most_points: usize) -> Self {
        let base: Vec<f64> = values.iter().filter(|v| baseline.holds(v)).map(|v| v.value).collect();
        let centre = mean(&base).unwrap_or(0.0);
        let sigma = moving_range_sigma(&base).unwrap_or(0.0);
        let (lower, upper) = (centre - 3.0 * sigma, centre + 3.0 * sigma);
        let latest = &values[values.len().saturating_sub(most_points)..];
        let points = latest.iter().map(|v| SlidePoint {
            day: v.day,
            value: v.value,
            out: !(lower..=upper).contains(&v.value),
        });
        Self { centre, sigma, lower, upper, points: points.collect() }
    }

    /// What the four rules say of the slides after the baseline, neighbouring hits joined.
    pub(super) fn signals(&self, values: &[Value], baseline: &Baseline) -> Vec<Signal> {
        if self.sigma <= 0.0 {
            return Vec::new();
        }
        let watched: Vec<&Value> = values.iter().filter(|v| v.day > baseline.until).collect();
        let sigmas: Vec<f64> =
            watched.iter().map(|v| (v.value - self.centre) / self.sigma).collect();
        let mut signals: Vec<(usize, Signal)> = Vec::new();
        for (place, rule, side) in western_electric(&sigmas) {
            let day = watched[place].day;
            let open = signals.iter_mut().rev().find(|(last, signal)| {
                signal.rule == rule && signal.side == side && place - last <= JOINED
            });
            match open {
                Some((last, signal)) => {
                    *last = place;
                    signal.until = day;
                    signal.times += 1;
                }
                None => {
                    signals.push((place, Signal { rule, side, from: day, until: day, times: 1 }));
                }
            }
        }
        signals.into_iter().map(|(_, signal)| signal).collect()
    }
}

/// Hits of one rule at most so many slides apart are one signal.
const JOINED: usize = 8;

impl Side {
    /// 1 above, -1 below.
    pub(super) fn sign(self) -> f64 {
        match self {
            Self::Above => 1.0,
            Self::Below => -1.0,
        }
    }
}

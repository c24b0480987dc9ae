//! The chart of days: an exponentially weighted moving average of daily means.

use serde::Serialize;

use super::{
    baseline::{Baseline, Value, mean, median, moving_range_sigma},
    chart::ChartSettings,
    day::Day,
};

/// The EWMA chart of a measure.
///
/// S. W. Roberts, Technometrics 1 (1959); Montgomery, Introduction to Statistical Quality Control,
/// 9.2. A day's mean varies by its slides and by the day itself (batches, what was cut): its
/// variance is `between^2 + within^2 / slides`, both from moving ranges of the baseline. Limits are
/// widened by how well the baseline knows its centre.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Daily {
    /// Mean of the baseline's days, weighted by how well each is known.
    pub centre: f64,
    /// Spread of slides within a day.
    pub within: f64,
    /// Spread of days beyond what their slides explain.
    pub between: f64,
    /// One point a day.
    pub points: Vec<DayPoint>,
}

/// A day on the chart.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct DayPoint {
    /// When.
    pub day: Day,
    /// How many slides.
    pub slides: usize,
    /// Their mean; a slide further than three sigma from the day's median counts as if it lay there.
    pub mean: f64,
    /// The weighted mean of this day and all before.
    pub ewma: f64,
    /// One sigma of `ewma`: limits are the settings' multiples of it.
    pub sigma: f64,
}

/// A day counts as at most so many of its sigma from the average before it: one strange day hardly
/// moves the average, while days in a row do.
const FURTHEST: f64 = 4.0;
/// With fewer neighbours within a day, the spread within days cannot be told from that of days.
const LEAST_PAIRS: usize = 10;

impl Daily {
    pub(super) fn of(values: &[Value], baseline: &Baseline, settings: &ChartSettings) -> Self {
        let days: Vec<&[Value]> = values.chunk_by(|a, b| a.day == b.day).collect();
        let within = within_days(&days, baseline);
        let means: Vec<(Day, usize, f64)> = days
            .iter()
            .filter_map(|day| Some((day.first()?.day, day.len(), steady_mean(day, within)?)))
            .collect();
        let base: Vec<(usize, f64)> = means
            .iter()
            .filter(|(day, ..)| (baseline.from..=baseline.until).contains(day))
            .map(|(_, slides, mean)| (*slides, *mean))
            .collect();
        let between = between_days(&base, within);
        let mut daily = Self { centre: 0.0, within, between, points: Vec::new() };
        let variance = |slides: usize| daily.variance(slides);
        let weigh = |slides: usize| 1.0 / variance(slides).max(f64::MIN_POSITIVE);
        let total: f64 = base.iter().map(|(slides, _)| weigh(*slides)).sum();
        let centre = if total.is_finite() && total > 0.0 {
            base.iter().map(|(slides, mean)| weigh(*slides) * mean).sum::<f64>() / total
        } else {
            mean(&base.iter().map(|(_, mean)| *mean).collect::<Vec<_>>()).unwrap_or(0.0)
        };
        let known = if total > 0.0 { 1.0 / total } else { 0.0 };
        let lambda = settings.lambda;
        let (mut ewma, mut spread) = (centre, None);
        let points = means.iter().map(|&(day, slides, mean)| {
            let furthest = FURTHEST * (variance(slides) + known).sqrt();
            let heeded = (mean - ewma).clamp(-furthest, furthest) + ewma;
            ewma = lambda * heeded + (1.0 - lambda) * ewma;
            // Starts at the spread of a chart that has long run: early limits would be narrower.
            let before = spread.unwrap_or(lambda / (2.0 - lambda) * variance(slides));
            let now = (1.0 - lambda).powi(2) * before + lambda.powi(2) * variance(slides);
            spread = Some(now);
            DayPoint { day, slides, mean, ewma, sigma: (now + known).sqrt() }
        });
        let points = points.collect();
        (daily.centre, daily.points) = (centre, points);
        daily
    }

    /// Variance of the mean of a day of so many slides.
    pub(super) fn variance(&self, slides: usize) -> f64 {
        self.between.powi(2) + self.within.powi(2) / slides.max(1) as f64
    }
}

/// Mean of a day of which no single slide can be more than three sigma from the median.
fn steady_mean(day: &[Value], within: f64) -> Option<f64> {
    let values: Vec<f64> = day.iter().map(|v| v.value).collect();
    let middle = median(&values)?;
    let (lowest, highest) = (middle - 3.0 * within, middle + 3.0 * within);
    mean(&values.iter().map(|value| value.clamp(lowest, highest)).collect::<Vec<_>>())
}

fn within_days(days: &[&[Value]], baseline: &Baseline) -> f64 {
    let ranges: Vec<f64> = days
        .iter()
        .flat_map(|day| {
            let good: Vec<f64> =
                day.iter().filter(|v| baseline.holds(v)).map(|v| v.value).collect();
            good.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect::<Vec<_>>()
        })
        .collect();
    if ranges.len() < LEAST_PAIRS {
        return 0.0;
    }
    mean(&ranges).map_or(0.0, |range| range / 1.128)
}

fn between_days(base: &[(usize, f64)], within: f64) -> f64 {
    let means: Vec<f64> = base.iter().map(|(_, mean)| *mean).collect();
    let explained: Vec<f64> =
        base.iter().map(|(slides, _)| within.powi(2) / (*slides).max(1) as f64).collect();
    let seen = moving_range_sigma(&means).unwrap_or(0.0).powi(2);
    (seen - mean(&explained).unwrap_or(0.0)).max(0.0).sqrt()
}

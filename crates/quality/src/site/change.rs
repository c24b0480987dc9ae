//! When a drift began.

use super::{
    chart::Side,
    daily::{Daily, DayPoint},
    day::Day,
};

/// The day on which a drift began that was out of its limits until `until`: of all days after the
/// baseline the one from which a step or a steady climb explains the days best (maximum likelihood;
/// Samuel, Pignatiello and Calvin, Quality Engineering 10, 1998, for the step; Perry and
/// Pignatiello, Quality Technology and Quantitative Management 3, 2006, for the climb).
pub(super) fn began(daily: &Daily, baseline: Day, until: Day, side: Side) -> Option<Day> {
    let days: Vec<&DayPoint> =
        daily.points.iter().filter(|p| p.day > baseline && p.day <= until).collect();
    let gain = |start: usize| {
        let (mut step, mut climb) = ((0.0, 0.0), (0.0, 0.0));
        for (rise, point) in (1..).map(f64::from).zip(days.iter().skip(start)) {
            let weight = 1.0 / daily.variance(point.slides).max(f64::MIN_POSITIVE);
            let away = side.sign() * (point.mean - daily.centre);
            step = (step.0 + weight * away, step.1 + weight);
            climb = (climb.0 + weight * rise * away, climb.1 + weight * rise * rise);
        }
        let explained = |(sum, weight): (f64, f64)| sum.max(0.0).powi(2) / weight;
        explained(step).max(explained(climb))
    };
    let gains = days.iter().enumerate().map(|(start, point)| (gain(start), point.day));
    gains
        .filter(|(gain, _)| gain.is_finite())
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, day)| day)
}

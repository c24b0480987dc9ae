//! A drift in plain words: which scanner or stainer, what, which way, since when.

use serde::Serialize;

use super::{
    baseline::{Value, mean},
    change,
    chart::{ChartSettings, ControlChart, Group, GroupKind, Side, Signal},
    daily::Daily,
    day::Day,
    rules::Rule,
};

/// How sure a drift is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftLevel {
    /// It was out of its limits and came back.
    Over,
    /// Out of its limits: look at it.
    Watch,
    /// Far out of its limits: act.
    Act,
}

/// A measure that has left its limits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// Which scanner or stainer.
    pub group: Group,
    /// Which measure.
    pub measure: String,
    /// Whether it rises or falls.
    pub side: Side,
    /// How sure.
    pub level: DriftLevel,
    /// The day on which it most likely began.
    pub since: Day,
    /// The day on which it was noticed.
    pub noticed: Day,
    /// The last day on which it was out of its limits.
    pub until: Day,
    /// Its centre in the baseline.
    pub baseline: f64,
    /// Its mean on the last five days.
    pub now: f64,
    /// How far the average stands from the centre, in its own sigmas, at the most.
    pub severity: f64,
    /// In a sentence.
    pub text: String,
    /// The same in Chinese.
    pub text_zh: String,
}

/// Days in a row on which the moving average is out of its limits.
pub(super) struct Run {
    pub(super) signal: Signal,
    severity: f64,
    open: bool,
}

/// A change of a setting has no spread to be measured by; it goes before every drift.
const CHANGED: f64 = 99.0;

impl Drift {
    pub(super) fn runs(daily: &Daily, baseline: Day, settings: &ChartSettings) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut previous = None;
        for (place, point) in daily.points.iter().enumerate() {
            let away = point.ewma - daily.centre;
            let side = if away > 0.0 { Side::Above } else { Side::Below };
            if point.day <= baseline {
                continue;
            }
            let last = place + 1 == daily.points.len();
            let sigmas = if point.sigma > 0.0 { away.abs() / point.sigma } else { 0.0 };
            let out = sigmas > settings.watch;
            match runs.last_mut().filter(|_| previous == Some(side)) {
                Some(run) if out => {
                    run.signal.until = point.day;
                    run.signal.times += 1;
                    run.severity = run.severity.max(sigmas);
                    run.open = last;
                }
                _ if out => {
                    let (from, until) = (point.day, point.day);
                    runs.push(Run {
                        signal: Signal { rule: Rule::Ewma, side, from, until, times: 1 },
                        severity: sigmas,
                        open: last,
                    });
                }
                _ => {}
            }
            previous = out.then_some(side);
        }
        runs
    }

    pub(super) fn run(
        chart: &ControlChart,
        run: &Run,
        values: &[Value],
        settings: &ChartSettings,
    ) -> Self {
        let level = match run.open {
            false => DriftLevel::Over,
            true if run.severity > settings.act => DriftLevel::Act,
            true => DriftLevel::Watch,
        };
        let days: Vec<&[Value]> = values.chunk_by(|a, b| a.day == b.day).collect();
        let latest = days.iter().rev().take(5).flat_map(|day| day.iter().map(|v| v.value));
        let now = mean(&latest.collect::<Vec<_>>()).unwrap_or(chart.daily.centre);
        let Signal { side, from, until, .. } = run.signal;
        let since = change::began(&chart.daily, chart.baseline.1, until, side).unwrap_or(from);
        Self::new(
            chart,
            run.signal,
            level,
            since.min(from),
            (chart.daily.centre, now),
            run.severity,
        )
    }

    pub(super) fn change(chart: &ControlChart, signal: Signal, now: f64) -> Self {
        let before = chart.constant.map_or(chart.daily.centre, |constant| constant.value);
        Self::new(chart, signal, DriftLevel::Act, signal.from, (before, now), CHANGED)
    }

    fn new(
        chart: &ControlChart,
        signal: Signal,
        level: DriftLevel,
        since: Day,
        (baseline, now): (f64, f64),
        severity: f64,
    ) -> Self {
        let mut drift = Self {
            group: chart.group.clone(),
            measure: chart.measure.clone(),
            side: signal.side,
            level,
            since,
            noticed: signal.from,
            until: signal.until,
            baseline,
            now,
            severity,
            text: String::new(),
            text_zh: String::new(),
        };
        (drift.text, drift.text_zh) = drift.sentences(signal.rule == Rule::Changed);
        drift
    }

    fn sentences(&self, changed: bool) -> (String, String) {
        let Self { measure, since, until, .. } = self;
        let named = !self.group.name.is_empty();
        let (kind, kind_zh) = match self.group.kind {
            GroupKind::Scanner => ("scanner", "扫描仪"),
            GroupKind::Stainer => ("stainer", "染色机"),
        };
        let name = if named { &self.group.name } else { "not stated" };
        let name_zh = if named { &self.group.name } else { "未注明" };
        let (baseline, now) = (figure(self.baseline), figure(self.now));
        let over = self.level == DriftLevel::Over;
        let (moves, moved, moves_zh) = match self.side {
            Side::Above => ("rises", "rose", "升高"),
            Side::Below => ("falls", "fell", "降低"),
        };
        if changed {
            return (
                format!("{kind} {name}: {measure} changed from {baseline} to {now} on {since}"),
                format!("{kind_zh} {name_zh}：{measure} 于 {since} 由 {baseline} 变为 {now}"),
            );
        }
        if over {
            return (
                format!("{kind} {name}: {measure} {moved} from {since} to {until} and came back"),
                format!(
                    "{kind_zh} {name_zh}：{measure} 自 {since} 至 {until} {moves_zh}，现已恢复"
                ),
            );
        }
        (
            format!(
                "{kind} {name}: {measure} {moves} since {since} ({baseline} before, {now} now)"
            ),
            format!(
                "{kind_zh} {name_zh}：{measure} 自 {since} 起{moves_zh}（此前 {baseline}，现在 {now}）"
            ),
        )
    }
}

/// Three significant digits.
fn figure(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let decimals = (2 - size.log10().floor() as i32).clamp(0, 6);
    format!("{value:.*}", decimals as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        for (value, text) in
            [(0.0, "0"), (1.6, "1.60"), (0.0123, "0.0123"), (-25.04, "-25.0"), (1e-9, "1.00e-9")]
        {
            assert_eq!(figure(value), text);
        }
        assert_eq!(figure(70.0), "70.0");
        assert_eq!(figure(12345.6), "12346");
    }
}

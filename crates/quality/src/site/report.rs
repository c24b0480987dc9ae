//! What a site's slides say together: verdicts by day, charts, drifts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    baseline::{TooFew, Value},
    chart::{ChartSettings, ControlChart, Group, GroupKind},
    day::Day,
    drift::{Drift, DriftLevel},
    log::{SiteLog, SiteRow},
};
use crate::{QualityError, Result, Verdict};

/// What a site's slides say together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SiteReport {
    /// First and last day; nothing for an empty memory.
    pub span: Option<(Day, Day)>,
    /// Slides in memory.
    pub slides: usize,
    /// Verdicts of every day and scanner, the earliest first.
    pub verdicts: Vec<VerdictDay>,
    /// Drifts, the worst first; what is over comes last.
    pub drifts: Vec<Drift>,
    /// Charts in the order of their drifts; those without one after them, by name.
    pub charts: Vec<ControlChart>,
    /// Scanners and stainers that have too little for a chart yet.
    pub waiting: Vec<Waiting>,
    /// Lines of the file that are no record.
    pub damaged: usize,
    /// Oldest lines that were not read.
    pub left_out: usize,
}

/// The verdicts of a scanner's day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerdictDay {
    /// When.
    pub day: Day,
    /// Which scanner; empty where none is stated.
    pub scanner: String,
    /// Slides by verdict, in the order of [`Verdict::ALL`].
    pub counts: [usize; Verdict::ALL.len()],
}

/// What has too little for a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Which scanner or stainer.
    pub group: Group,
    /// Which measure; nothing where the group as a whole has too few slides.
    pub measure: Option<String>,
    /// Slides that passed so far.
    pub slides: usize,
    /// Days on which they were scanned.
    pub days: usize,
}

impl SiteReport {
    /// Draws every chart.
    ///
    /// # Errors
    /// When a setting makes no sense.
    pub fn of(log: &SiteLog, settings: &ChartSettings) -> Result<Self> {
        let sane = settings.lambda > 0.0
            && settings.lambda <= 1.0
            && settings.watch > 0.0
            && settings.act >= settings.watch;
        if !sane {
            let what = "lambda must be above 0 and at most 1, and 0 < watch <= act".into();
            return Err(QualityError::Site { doing: "charted", what });
        }
        let rows = log.rows();
        let mut report = Self {
            span: rows.first().zip(rows.last()).map(|(first, last)| (first.day, last.day)),
            slides: rows.len(),
            verdicts: verdicts(log),
            drifts: Vec::new(),
            charts: Vec::new(),
            waiting: Vec::new(),
            damaged: log.damaged,
            left_out: log.left_out,
        };
        for (group, rows) in groups(log) {
            report.draw(log, &group, &rows, settings);
        }
        let worst = |chart: &ControlChart| chart.drift.as_ref().map(|d| (d.level, d.severity));
        report.charts.sort_by(|a, b| {
            let (a, b) = (worst(a), worst(b));
            b.partial_cmp(&a).unwrap_or(std::cmp::Ordering::Equal)
        });
        report.drifts = report.charts.iter().filter_map(|chart| chart.drift.clone()).collect();
        Ok(report)
    }

    fn draw(&mut self, log: &SiteLog, group: &Group, rows: &[&SiteRow], settings: &ChartSettings) {
        let mut waiting = Vec::new();
        let before = self.charts.len();
        for measure in log.measures() {
            let starts = |with: &[String]| with.iter().any(|start| measure.starts_with(start));
            let of_stain = starts(&settings.stainer_measures);
            if starts(&settings.of_the_case) || (group.kind == GroupKind::Stainer && !of_stain) {
                continue;
            }
            let values: Vec<Value> = log
                .values(rows, measure)
                .map(|(row, value)| Value { day: row.day, value, passed: row.verdict.passes() })
                .collect();
            match ControlChart::of(group, measure, &values, settings) {
                Ok(chart) => self.charts.push(chart),
                Err(_) if values.is_empty() => {}
                Err(TooFew { slides, days }) => waiting.push(Waiting {
                    group: group.clone(),
                    measure: Some(measure.to_owned()),
                    slides,
                    days,
                }),
            }
        }
        if self.charts.len() > before {
            self.waiting.append(&mut waiting);
        } else if let Some(most) = waiting.into_iter().max_by_key(|w| (w.days, w.slides)) {
            self.waiting.push(Waiting { measure: None, ..most });
        }
    }

    /// Drifts that someone must act on now.
    pub fn to_act_on(&self) -> impl Iterator<Item = &Drift> {
        self.drifts.iter().filter(|drift| drift.level == DriftLevel::Act)
    }
}

/// Every scanner and every stainer with its slides by day. Slides without a scanner are a group of
/// their own; a stainer is charted only where it is stated.
fn groups(log: &SiteLog) -> BTreeMap<Group, Vec<&SiteRow>> {
    let mut groups: BTreeMap<Group, Vec<&SiteRow>> = BTreeMap::new();
    for row in log.rows() {
        let scanner = Some((GroupKind::Scanner, log.scanner(row).unwrap_or_default()));
        let stainer = log.stainer(row).map(|name| (GroupKind::Stainer, name));
        for (kind, name) in [scanner, stainer].into_iter().flatten() {
            groups.entry(Group { kind, name: name.to_owned() }).or_default().push(row);
        }
    }
    groups
}

fn verdicts(log: &SiteLog) -> Vec<VerdictDay> {
    let mut days: BTreeMap<(Day, &str), [usize; Verdict::ALL.len()]> = BTreeMap::new();
    for row in log.rows() {
        let counts = days.entry((row.day, log.scanner(row).unwrap_or_default())).or_default();
        let place = Verdict::ALL.iter().position(|verdict| *verdict == row.verdict);
        if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
            *count += 1;
        }
    }
    let counted = |((day, scanner), counts): ((Day, &str), _)| VerdictDay {
        day,
        scanner: scanner.to_owned(),
        counts,
    };
    days.into_iter().map(counted).collect()
}

#[cfg(test)]
mod tests;

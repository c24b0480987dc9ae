//! The charts of one measure on one scanner or stainer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    baseline::{Baseline, BaselineSpan, TooFew, Value},
    constant::Constant,
    daily::Daily,
    day::Day,
    drift::Drift,
    individuals::Individuals,
    rules::Rule,
};

/// How charts are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartSettings {
    /// Which slides limits are taken from.
    pub baseline: BaselineSpan,
    /// Weight of the latest day in the moving average, 0 to 1.
    pub lambda: f64,
    /// A drift is watched from so many sigma of the moving average on.
    pub watch: f64,
    /// Someone must act from so many sigma on.
    pub act: f64,
    /// Stainers are charted by the measures whose name starts so; the others are a scanner's.
    pub stainer_measures: Vec<String>,
    /// Measures whose name starts so are not charted: they tell of the cases, not of a machine.
    pub of_the_case: Vec<String>,
    /// Where single slides are sent back, drawn as a line, by measure.
    pub sent_back_at: BTreeMap<String, Vec<f64>>,
    /// So many of the latest slides are kept as points of a chart.
    pub most_points: usize,
}

impl Default for ChartSettings {
    /// Limits from the first 20 days. `lambda` 0.2 with 2.962 sigma gives one false signal in 500
    /// days (Lucas and Saccucci, Technometrics 32, 1990; Montgomery, table 9.11), 4 sigma one in
    /// more than 20,000, both with limits known exactly; from 20 days they are known roughly, see
    /// the tests for what remains.
    fn default() -> Self {
        Self {
            baseline: BaselineSpan::First { slides: 20, days: 20 },
            lambda: 0.2,
            watch: 2.962,
            act: 4.0,
            stainer_measures: vec!["stain.".into()],
            of_the_case: ["slide.", "tissue.", "fields."].map(Into::into).to_vec(),
            sent_back_at: BTreeMap::new(),
            most_points: 300,
        }
    }
}

/// What a chart is of.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupKind {
    /// A scanner.
    Scanner,
    /// A staining machine or bench.
    Stainer,
}

/// A scanner or stainer; the name is empty where no slide states it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Group {
    /// Which of the two.
    pub kind: GroupKind,
    /// Its name as slides give it.
    pub name: String,
}

/// Which way.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Above the centre: it rises.
    Above,
    /// Below the centre: it falls.
    Below,
}

/// A rule that spoke.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signal {
    /// Which.
    pub rule: Rule,
    /// On which side.
    pub side: Side,
    /// From which day.
    pub from: Day,
    /// Until which day.
    pub until: Day,
    /// At how many slides or, of [`Rule::Ewma`], days.
    pub times: usize,
}

/// Both charts of a measure on a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ControlChart {
    /// Of which scanner or stainer.
    pub group: Group,
    /// Of which measure.
    pub measure: String,
    /// Slides that have it.
    pub slides: usize,
    /// First and last day of the baseline.
    pub baseline: (Day, Day),
    /// Single slides.
    pub individuals: Individuals,
    /// Days.
    pub daily: Daily,
    /// Set where the measure is the same on every slide: then only a change of it is a signal.
    pub constant: Option<Constant>,
    /// Where single slides are sent back, as far as that is known.
    pub sent_back_at: Vec<f64>,
    /// What the rules said after the baseline.
    pub signals: Vec<Signal>,
    /// The last drift, where there is or was one.
    pub drift: Option<Drift>,
}

impl ControlChart {
    pub(super) fn of(
        group: &Group,
        measure: &str,
        values: &[Value],
        settings: &ChartSettings,
    ) -> Result<Self, TooFew> {
        let baseline = Baseline::of(values, settings)?;
        let mut chart = Self {
            group: group.clone(),
            measure: measure.to_owned(),
            slides: values.len(),
            baseline: (baseline.from, baseline.until),
            individuals: Individuals::of(values, &baseline, settings.most_points),
            daily: Daily::of(values, &baseline, settings),
            constant: Constant::of(values, &baseline),
            sent_back_at: settings.sent_back_at.get(measure).cloned().unwrap_or_default(),
            signals: Vec::new(),
            drift: None,
        };
        if let Some(constant) = chart.constant {
            if let Some((signal, now)) = constant.change(values, &baseline) {
                chart.signals.push(signal);
                chart.drift = Some(Drift::change(&chart, signal, now));
            }
        } else {
            chart.signals = chart.individuals.signals(values, &baseline);
            let runs = Drift::runs(&chart.daily, baseline.until, settings);
            chart.signals.extend(runs.iter().map(|run| run.signal));
            chart.drift = runs.last().map(|run| Drift::run(&chart, run, values, settings));
        }
        Ok(chart)
    }
}

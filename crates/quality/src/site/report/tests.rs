use super::*;
use crate::site::{
    chart::Side,
    rules::Rule,
    simulated::{Department, Planted, SENT_BACK_UM, first_day},
};

fn report(department: &Department) -> SiteReport {
    let log = SiteLog::of(department.records());
    SiteReport::of(&log, &ChartSettings::default()).unwrap()
}

const FOCUS: &str = "focus.edge_width_um";

#[test]
fn a_slow_drift_is_noticed_before_any_slide_fails() {
    for seed in 1..=20 {
        let drift = Planted { scanner: 1, measure: FOCUS, from: 30, a_day: 0.03 };
        let planted = vec![drift];
        let department = Department { seed, days: 100, scanners: 3, planted, ..Default::default() };
        let records = department.records();
        let failed = |record: &&crate::site::SlideRecord| record.measures[FOCUS] >= SENT_BACK_UM;
        let first_failed = records.iter().find(failed).unwrap().day;
        let report = report(&department);
        let found = report.to_act_on().find(|d| d.measure == FOCUS).unwrap();
        assert_eq!((found.group.name.as_str(), found.side), ("S1", Side::Above), "seed {seed}");
        let lead = first_failed.since(found.noticed);
        assert!(lead >= 25, "seed {seed}: noticed {} only {lead} days before", found.noticed);
        let began = found.since.since(first_day());
        assert!((26..=42).contains(&began), "seed {seed}: said to begin on day {began}, not 30");
        let named = format!("scanner S1: {FOCUS} rises since {}", found.since);
        assert!(found.text.starts_with(&named), "{}", found.text);
        assert!(found.text_zh.contains("升高"), "{}", found.text_zh);
        let worst = &report.drifts[0];
        assert_eq!((worst.measure.as_str(), worst.group.name.as_str()), (FOCUS, "S1"));
    }
}

/// Of charts of a department where nothing changes, with limits from 20 days and 60 days watched.
/// Stated: at most 3 % ever call to act, at most 20 % are ever watched.
#[test]
fn false_alarms_are_rare() {
    let (mut charts, mut watched, mut acted) = (0, 0, 0);
    for seed in 1..=60 {
        for slides_a_day in [1, 4, 40] {
            let department = Department { seed, days: 80, slides_a_day, ..Default::default() };
            let charted = report(&department).charts.into_iter();
            for chart in charted.filter(|chart| chart.constant.is_none()) {
                charts += 1;
                let ewma = |beyond: f64| {
                    let points = chart.daily.points.iter().filter(|p| p.day > chart.baseline.1);
                    points.clone().any(|p| (p.ewma - chart.daily.centre).abs() > beyond * p.sigma)
                };
                watched += usize::from(ewma(ChartSettings::default().watch));
                acted += usize::from(ewma(ChartSettings::default().act));
            }
        }
    }
    println!("{charts} charts: {watched} watched, {acted} to act on");
    assert!(charts >= 1000);
    assert!(100 * acted <= 3 * charts, "{acted} of {charts} charts call to act");
    assert!(100 * watched <= 20 * charts, "{watched} of {charts} charts are watched");
}

#[test]
fn one_strange_day_is_no_drift() {
    let department = Department { seed: 5, ..Default::default() };
    let mut records = department.records();
    let strange = first_day().plus(40);
    for record in records.iter_mut().filter(|r| r.day == strange) {
        record.measures.insert(FOCUS.into(), 40.0);
    }
    let log = SiteLog::of(records);
    let report = SiteReport::of(&log, &ChartSettings::default()).unwrap();
    assert!(report.drifts.iter().all(|d| d.measure != FOCUS || d.level < DriftLevel::Act));
    let chart = report.charts.iter().find(|c| c.measure == FOCUS).unwrap();
    let one = chart.signals.iter().find(|s| s.rule == Rule::OneBeyondThree && s.from == strange);
    assert_eq!(one.unwrap().times, 8);
}

#[test]
fn a_changed_setting_is_named() {
    let planted =
        vec![Planted { scanner: 0, measure: "coding.jpeg_quality", from: 40, a_day: -0.5 }];
    let report = report(&Department { planted, ..Default::default() });
    let change = &report.drifts[0];
    assert_eq!((change.measure.as_str(), change.level), ("coding.jpeg_quality", DriftLevel::Act));
    assert!(change.text.contains("changed from 70.0 to"), "{}", change.text);
    assert_eq!(change.since, first_day().plus(41));
}

#[test]
fn a_drift_that_was_mended_is_over() {
    let planted = vec![
        Planted { scanner: 0, measure: FOCUS, from: 30, a_day: 0.05 },
        Planted { scanner: 0, measure: FOCUS, from: 40, a_day: -0.1 },
        Planted { scanner: 0, measure: FOCUS, from: 50, a_day: 0.05 },
    ];
    let report = report(&Department { days: 90, planted, ..Default::default() });
    let drift = report.drifts.iter().find(|d| d.measure == FOCUS).unwrap();
    assert_eq!(drift.level, DriftLevel::Over);
    assert!(drift.text.ends_with("and came back"), "{}", drift.text);
}

#[test]
fn what_has_too_few_slides_says_so() {
    let report = report(&Department { days: 12, scanners: 2, ..Default::default() });
    assert!(report.charts.is_empty() && report.drifts.is_empty());
    let said: Vec<_> =
        report.waiting.iter().map(|w| (w.group.name.as_str(), w.slides, w.days)).collect();
    assert_eq!(said, [("S0", 96, 12), ("S1", 96, 12), ("north", 192, 12)]);
    assert_eq!(report.verdicts.len(), 24);
    assert_eq!(report.verdicts[0].counts, [8, 0, 0, 0, 0, 0]);
}

#[test]
fn a_stainer_is_charted_by_its_stain_alone() {
    let report = report(&Department::default());
    let of = |kind| report.charts.iter().filter(move |chart| chart.group.kind == kind);
    assert!(of(GroupKind::Stainer).all(|chart| chart.measure == "stain.density_od"));
    assert_eq!(of(GroupKind::Stainer).count(), 1);
    assert_eq!(of(GroupKind::Scanner).count(), 6);
}

#[test]
fn an_empty_memory_and_wrong_settings() {
    let empty = SiteReport::of(&SiteLog::default(), &ChartSettings::default()).unwrap();
    assert_eq!((empty.span, empty.slides, empty.charts.len()), (None, 0, 0));
    for lambda in [0.0, -1.0, 1.5, f64::NAN] {
        let settings = ChartSettings { lambda, ..ChartSettings::default() };
        assert!(SiteReport::of(&SiteLog::default(), &settings).is_err());
    }
}

#[test]
fn wild_values_are_survived() {
    let mut records = Department::default().records();
    for (n, record) in records.iter_mut().enumerate() {
        let value = [f64::MAX, -f64::MAX, f64::NAN, 1e-308, 0.0][n % 5];
        record.measures.insert(FOCUS.into(), value);
    }
    let log = SiteLog::of(records);
    let report = SiteReport::of(&log, &ChartSettings::default()).unwrap();
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.len() > 1000);
}

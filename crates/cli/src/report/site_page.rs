//! `site.html`: the page of `web/site` with a site's verdicts, charts and drifts inside.

use anyhow::Context;
use bianque_quality::site::{
    ChartSettings, Constant, ControlChart, Day, Drift, Group, Signal, SiteReport, VerdictDay,
    Waiting,
};
use serde::Serialize;

const PAGE: &str = include_str!("../../../../web/site/site.html");
const STYLE: &str = include_str!("../../../../web/site/site.css");
const SCRIPT: &str = concat!(
    include_str!("../../../../web/site/words.js"),
    include_str!("../../../../web/site/charts.js"),
    include_str!("../../../../web/site/site.js"),
);

/// More charts than this nobody looks at; the worst come first.
const MOST_CHARTS: usize = 400;

/// What the page's script reads: a report with points as short rows.
#[derive(Serialize)]
struct Page<'a> {
    program_version: &'static str,
    settings: Settings,
    span: Option<(Day, Day)>,
    slides: usize,
    verdicts: &'a [VerdictDay],
    charts: Vec<Chart<'a>>,
    waiting: &'a [Waiting],
    damaged: usize,
    left_out: usize,
}

#[derive(Serialize)]
struct Settings {
    lambda: f64,
    watch: f64,
    act: f64,
}

#[derive(Serialize)]
struct Chart<'a> {
    group: &'a Group,
    measure: &'a str,
    slides: usize,
    baseline: (Day, Day),
    individuals: Slides,
    daily: Days,
    constant: Option<Constant>,
    sent_back_at: &'a [f64],
    signals: &'a [Signal],
    drift: Option<&'a Drift>,
}

#[derive(Serialize)]
struct Slides {
    centre: f64,
    sigma: f64,
    /// Days since the first, value, 1 beyond three sigma.
    points: Vec<(i32, f64, u8)>,
}

#[derive(Serialize)]
struct Days {
    centre: f64,
    /// Days since the first, slides, mean, moving average, its sigma.
    points: Vec<(i32, usize, f64, f64, f64)>,
}

impl<'a> Chart<'a> {
    fn of(chart: &'a ControlChart, first: Day) -> Self {
        let slides = chart.individuals.points.iter();
        let days = chart.daily.points.iter();
        Self {
            group: &chart.group,
            measure: &chart.measure,
            slides: chart.slides,
            baseline: chart.baseline,
            individuals: Slides {
                centre: short(chart.individuals.centre),
                sigma: short(chart.individuals.sigma),
                points: slides
                    .map(|p| (p.day.since(first), short(p.value), u8::from(p.out)))
                    .collect(),
            },
            daily: Days {
                centre: short(chart.daily.centre),
                points: days
                    .map(|p| {
                        let day = p.day.since(first);
                        (day, p.slides, short(p.mean), short(p.ewma), short(p.sigma))
                    })
                    .collect(),
            },
            constant: chart.constant,
            sent_back_at: &chart.sent_back_at,
            signals: &chart.signals,
            drift: chart.drift.as_ref(),
        }
    }
}

/// Five digits, as many as a chart can show; a third of the page's size.
fn short(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

/// The self-contained page.
pub(crate) fn site_page(report: &SiteReport, settings: &ChartSettings) -> anyhow::Result<String> {
    let charts = report.charts.iter().take(MOST_CHARTS);
    let page = Page {
        program_version: env!("CARGO_PKG_VERSION"),
        settings: Settings { lambda: settings.lambda, watch: settings.watch, act: settings.act },
        span: report.span,
        slides: report.slides,
        verdicts: &report.verdicts,
        charts: match report.span {
            Some((first, _)) => charts.map(|chart| Chart::of(chart, first)).collect(),
            None => Vec::new(),
        },
        waiting: &report.waiting,
        damaged: report.damaged,
        left_out: report.left_out,
    };
    // Inside a script element only `<` could end it or open a comment.
    let data = serde_json::to_string(&page)?.replace('<', "\\u003c");
    let (before, rest) = PAGE.split_once("/*{{style}}*/").context("page without style")?;
    let (between, rest) = rest.split_once("{{site}}").context("page without data")?;
    let (last, after) = rest.split_once("/*{{script}}*/").context("page without script")?;
    Ok([before, STYLE, between, &data, last, SCRIPT, after].concat())
}

#[cfg(test)]
mod tests {
    use bianque_quality::site::{SiteLog, SlideRecord};

    use super::*;

    #[test]
    fn an_empty_site_is_a_page() {
        let settings = ChartSettings::default();
        let report = SiteReport::of(&SiteLog::default(), &settings).unwrap();
        let html = site_page(&report, &settings).unwrap();
        assert!(html.contains("\"charts\":[]") && !html.contains("{{"));
        assert!(
            !html.contains("http://") || html.matches("http://www.w3.org/2000/svg").count() > 0
        );
    }

    #[test]
    fn a_name_cannot_break_out_of_the_page() {
        let record: SlideRecord = serde_json::from_value(serde_json::json!({
            "digest": bianque_core::Digest::of(b"a").to_string(),
            "scanner": "</script><script>alert(1)</script>",
            "day": "2026-03-02", "version": "1", "verdict": "pass", "measures": { "m": 1.0 },
        }))
        .unwrap();
        let settings = ChartSettings::default();
        let report = SiteReport::of(&SiteLog::of([record]), &settings).unwrap();
        let html = site_page(&report, &settings).unwrap();
        assert!(html.contains("alert(1)") && !html.contains("<script>alert"));
    }

    #[test]
    fn figures_are_short() {
        assert_eq!((short(1.234567), short(0.0), short(-1e-9)), (1.2346, 0.0, -1e-9));
    }
}

//! What was measured, for people at a terminal.

use std::fmt::Write;

use bianque_lesion::{
    AbstentionGroup, Estimate, EvaluationUnit, NoveltyGroup, RESEARCH_USE, ShippedAbstention,
    SlideComparison, SlideEvaluation,
};

use super::Document;

/// A measure and its interval for people.
pub(crate) fn figures(estimate: Option<Estimate>) -> (String, String) {
    let Some(Estimate { value, low, high }) = estimate else {
        return ("none".into(), String::new());
    };
    let interval = low.zip(high).map(|(low, high)| format!("{low:.3} to {high:.3}"));
    (format!("{value:.3}"), interval.unwrap_or_default())
}

/// The figures for people, and whose they are.
pub(crate) fn text(document: &Document<'_>) -> Result<String, std::fmt::Error> {
    Ok(format!("{}\n{}", document.model.text(), measured(document)?))
}

/// The figures for people.
pub(crate) fn measured(document: &Document<'_>) -> Result<String, std::fmt::Error> {
    let evaluation = document.evaluation;
    let mut lines = Lines::default();
    for measure in &evaluation.measures {
        lines.add(measure.name.clone(), estimate(measure.estimate));
    }
    for group in &evaluation.groups {
        if let Some(measure) = group.measures.first() {
            let items = &evaluation.unit.items;
            let what = format!("{} ({} {items})", measure.name, group.slides);
            let figures = format!("{}  {what}", estimate(measure.estimate));
            lines.add(format!("{} {}", group.group, group.name), figures);
        }
    }
    honesty(evaluation, &mut lines);
    if let Some(shipped) = document.abstention_as_shipped {
        as_shipped(shipped, &mut lines);
    }
    if let Some(shift) = &document.likeness.site_shift {
        let figures = estimate(shift.balanced_accuracy);
        lines.add(
            "site told by features".into(),
            format!("{figures}  (chance {:.3})", shift.chance),
        );
    }
    for group in &document.likeness.site_novelty {
        lines.add(format!("site {} from others", group.name), apart(group));
    }
    for group in document.likeness.novelty.iter().flat_map(|novelty| &novelty.groups) {
        lines.add(format!("{} from training", group.name), apart(group));
    }
    let mut text = counted(evaluation);
    lines.write(&mut text)?;
    if let Some(comparison) = document.comparison {
        compared(&mut text, comparison)?;
    }
    for warning in &evaluation.warnings {
        writeln!(text, "note: {warning}")?;
    }
    text.push_str(RESEARCH_USE);
    Ok(text)
}

/// What was measured, and what intervals are over.
fn counted(evaluation: &SlideEvaluation) -> String {
    let EvaluationUnit { items, groups } = &evaluation.unit;
    let count = evaluation.slides;
    match items == groups {
        true => format!("{count} {items}, intervals take each as independent\n"),
        false => format!("{count} {items} of {} {groups}\n", evaluation.patients),
    }
}

/// Calibration and abstention.
fn honesty(evaluation: &SlideEvaluation, lines: &mut Lines) {
    if let Some(calibration) = &evaluation.calibration {
        let (given, temperature) = (calibration.given.ece, calibration.temperature.ece);
        let isotonic = calibration.isotonic.ece;
        lines.add(
            "ECE".into(),
            format!(
                "{given:.3}; by temperature {temperature:.3}, isotonic {isotonic:.3} (on other {})",
                evaluation.unit.groups
            ),
        );
    }
    let groups = evaluation.abstention.iter().flat_map(|abstention| &abstention.other_patients);
    for group in groups.filter(|group| group.group != "class") {
        let name = format!("abstention {} {}", group.group, group.name);
        lines.add(name.trim_end().into(), kept(group));
    }
}

/// What came of the task's own thresholds.
fn as_shipped(shipped: &ShippedAbstention, lines: &mut Lines) {
    let ShippedAbstention { alpha, most, heads, calibrated_on, unlike, .. } = shipped;
    lines.add(
        "as shipped".into(),
        format!(
            "promised {:.3} at least, {:.3} where heads agree ({heads} heads, calibrated on \
             {calibrated_on} slides)",
            1.0 - most,
            1.0 - alpha
        ),
    );
    for group in &shipped.groups {
        let name = format!("as shipped {} {}", group.group, group.name);
        lines.add(name.trim_end().into(), kept(group));
    }
    let unlike = unlike.map_or("not known to the task".into(), |count| count.to_string());
    lines.add("as shipped, unlike slides".into(), format!("{unlike}; no class is named of them"));
}

/// What came of a promise on a group.
fn kept(group: &AbstentionGroup) -> String {
    let AbstentionGroup { coverage, decided, slides, wrong, .. } = group;
    let broken = if group.broken { "  PROMISE BROKEN" } else { "" };
    format!("{coverage:.3} covered, {decided} of {slides} decided, {wrong} wrong{broken}")
}

/// Names and figures that are written below each other.
#[derive(Default)]
struct Lines(Vec<(String, String)>);

impl Lines {
    fn add(&mut self, name: String, figures: String) {
        self.0.push((name, figures));
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let width = self.0.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        self.0.iter().try_for_each(|(name, figures)| writeln!(text, "  {name:<width$}  {figures}"))
    }
}

fn estimate(estimate: Option<Estimate>) -> String {
    let (value, interval) = figures(estimate);
    format!("{value}  {interval}").trim_end().to_owned()
}

/// How far a group's slides lie, for people.
fn apart(group: &NoveltyGroup) -> String {
    let told = group.auroc.map_or("none".into(), |auroc| format!("{auroc:.3}"));
    let NoveltyGroup { beyond, slides, .. } = group;
    format!("{beyond} of {slides} slides beyond the limit; told apart by distance: AUROC {told}")
}

fn chance(p: f64) -> String {
    if p < 0.001 { "p < 0.001".into() } else { format!("p {p:.3}") }
}

fn compared(text: &mut String, comparison: &SlideComparison) -> std::fmt::Result {
    writeln!(text, "first minus second model, on {} slides:", comparison.slides)?;
    let mut lines = Lines::default();
    for measure in &comparison.measures {
        let difference = measure.difference.map(|value| Estimate {
            value,
            low: measure.low,
            high: measure.high,
        });
        let p = measure.p.map_or(String::new(), chance);
        lines.add(measure.name.clone(), format!("{}  {p}", estimate(difference)));
    }
    for class in &comparison.delong {
        let figures = format!("{:.3}  {}", class.test.difference, chance(class.test.p));
        lines.add(format!("DeLong, {}", class.class), figures);
    }
    if let Some(test) = &comparison.mcnemar {
        let (first, second, p) = (test.only_first, test.only_second, chance(test.p));
        lines.add("McNemar".into(), format!("{first} / {second} only one right  {p}"));
    }
    lines.write(text)?;
    for warning in &comparison.warnings {
        writeln!(text, "note: {warning}")?;
    }
    Ok(())
}

//! Whether a slide is one of those that a task was made for.

use serde::Serialize;

use super::{Card, TaskStatement};

/// What is known of a slide before a task looks at it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlideOrigin {
    /// Microns per level-0 pixel.
    pub mpp: f64,
    /// The scanner's maker, where stated.
    pub maker: Option<String>,
    /// The scanner's model, where stated.
    pub model: Option<String>,
    /// The organ, where stated.
    pub organ: Option<String>,
}

/// A way in which a slide is not one of those that a task was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutOfScope {
    /// Which rule.
    pub rule: ScopeRule,
    /// In words: what is so, and what to do.
    pub text: String,
}

/// The rules of scope.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeRule {
    /// The task has no card: nothing says what it is for.
    NoCard,
    /// The task was paired with no scanner.
    NoPairedScanner,
    /// The slide does not state its scanner.
    ScannerNotStated,
    /// The scanner is not among those that the task was paired with.
    ScannerNotPaired,
    /// The slide's resolution lies outside of the card's range.
    Resolution,
    /// The organ is not stated, or is another.
    Organ,
}

/// In which ways a slide is not one of those that a task was made for; none where it is.
#[must_use]
pub fn out_of_scope(
    task: &dyn TaskStatement,
    card: Option<&Card>,
    slide: &SlideOrigin,
) -> Vec<OutOfScope> {
    let mut found = Vec::new();
    let mut say = |rule, text| found.push(OutOfScope { rule, text });
    match &slide.organ {
        None => say(
            ScopeRule::Organ,
            format!("the organ is not stated; the task is for {}", task.organ()),
        ),
        Some(organ) if !organ.eq_ignore_ascii_case(task.organ()) => {
            say(
                ScopeRule::Organ,
                format!("the slide is stated as {organ}, the task is for {}", task.organ()),
            );
        }
        Some(_) => {}
    }
    let Some(card) = card else {
        say(
            ScopeRule::NoCard,
            "the task has no card.json: nothing says what it was measured on".into(),
        );
        return found;
    };
    let range = card.mpp;
    if !(range.lowest..=range.highest).contains(&slide.mpp) {
        say(
            ScopeRule::Resolution,
            format!(
                "the slide has {:.3} um/px, the task takes {} to {}",
                slide.mpp, range.lowest, range.highest
            ),
        );
    }
    if let Some((rule, text)) = scanner(card, slide) {
        say(rule, text);
    }
    found
}

fn scanner(card: &Card, slide: &SlideOrigin) -> Option<(ScopeRule, String)> {
    let paired: Vec<String> = card
        .scanners
        .iter()
        .map(|scanner| format!("{} {}", scanner.maker, scanner.model))
        .collect();
    let paired = paired.join(", ");
    if card.scanners.is_empty() {
        let text = "the task was measured with no scanner: none is paired with it";
        return Some((ScopeRule::NoPairedScanner, text.into()));
    }
    let (Some(maker), Some(model)) = (&slide.maker, &slide.model) else {
        let text =
            format!("the slide does not state its scanner; the task is paired with {paired}");
        return Some((ScopeRule::ScannerNotStated, text));
    };
    let same = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b.trim());
    let known = card.scanners.iter().any(|s| same(&s.maker, maker) && same(&s.model, model));
    let text = || format!("the scanner is {maker} {model}, the task is paired with {paired}");
    (!known).then(|| (ScopeRule::ScannerNotPaired, text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{card::tests::card, tests::task};

    fn rules(slide: &SlideOrigin) -> Vec<ScopeRule> {
        let card = Card::from_bytes(card().to_string().as_bytes()).unwrap();
        out_of_scope(&task(), Some(&card), slide).into_iter().map(|out| out.rule).collect()
    }

    #[test]
    fn only_what_the_card_names_is_in_scope() {
        let inside = SlideOrigin {
            mpp: 0.25,
            maker: Some("aperio".into()),
            model: Some("GT 450 ".into()),
            organ: Some("Colon".into()),
        };
        assert_eq!(rules(&inside), []);
        let other =
            |model: Option<&str>| SlideOrigin { model: model.map(str::to_owned), ..inside.clone() };
        assert_eq!(rules(&other(Some("AT2"))), [ScopeRule::ScannerNotPaired]);
        assert_eq!(rules(&other(None)), [ScopeRule::ScannerNotStated]);
        assert_eq!(rules(&SlideOrigin { mpp: 2.0, ..inside.clone() }), [ScopeRule::Resolution]);
        assert_eq!(
            rules(&SlideOrigin { mpp: f64::NAN, ..inside.clone() }),
            [ScopeRule::Resolution]
        );
        assert_eq!(rules(&SlideOrigin { organ: None, ..inside.clone() }), [ScopeRule::Organ]);
        let without = out_of_scope(&task(), None, &inside);
        assert_eq!(without[0].rule, ScopeRule::NoCard);
    }
}

//! Whether a slide is one of those that the task was made for.

use bianque_core::{Digest, Mpp};
use bianque_lesion::{Card, EvidenceLevel, OutOfScope, SlideOrigin, TaskStatement, out_of_scope};
use bianque_slide::SlideFacts;
use bianque_vision::Purpose;

use super::SlideRun;
use crate::report::ScopeDocument;

/// A task, what its card says, and what its result is for.
pub(super) struct Stated<'a> {
    pub(super) task: &'a dyn TaskStatement,
    pub(super) card: Option<&'a (Card, Digest)>,
    pub(super) purpose: Purpose,
}

/// Holds a slide against the task's card. A run for patients goes no further unless it fits; any
/// other goes on and says so in everything that it writes.
pub(super) fn judge(
    request: &SlideRun<'_>,
    stated: &Stated<'_>,
    facts: &SlideFacts,
    mpp: &Mpp,
) -> anyhow::Result<ScopeDocument> {
    let scanner = facts.scanner();
    let origin = SlideOrigin {
        mpp: mpp.mean(),
        maker: scanner.maker.map(str::to_owned),
        model: scanner.model.map(str::to_owned),
        organ: request.organ.map(str::to_owned),
    };
    let card = stated.card;
    let outside = out_of_scope(stated.task, card.map(|(card, _)| card), &origin);
    if stated.purpose == Purpose::Clinical && !outside.is_empty() {
        let reasons: Vec<&str> = outside.iter().map(|out| out.text.as_str()).collect();
        anyhow::bail!(
            "a clinical run may not use the task {} on this slide: {}. Use a task that was measured on \
             such slides, or run it for research",
            stated.task.name(),
            reasons.join("; ")
        );
    }
    let name: Vec<&str> = [scanner.maker, scanner.model].into_iter().flatten().collect();
    Ok(ScopeDocument {
        card: card.map(|(_, digest)| digest.to_string()),
        evidence: card.map_or(EvidenceLevel::None, |(card, _)| card.evidence()),
        scanner: (!name.is_empty()).then(|| name.join(" ")),
        fits: outside.is_empty(),
        outside,
    })
}

/// The reasons in one line, for the terminal.
pub(super) fn line(outside: &[OutOfScope]) -> String {
    let reasons: Vec<&str> = outside.iter().map(|out| out.text.as_str()).collect();
    reasons.join("; ")
}

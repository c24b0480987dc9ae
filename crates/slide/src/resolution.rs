//! Chooses among a slide's statements of its resolution and shows their contradictions.

use bianque_core::{Confidence, Mpp, MppSource};

use crate::{
    error::{Result, SlideError},
    facts::SlideFacts,
};

/// Two statements that differ by more than this share contradict each other.
const TOLERANCE: f64 = 0.1;

/// An objective of power P shows about 10/P um/px; cameras vary by up to this factor.
const POWER_TOLERANCE: f64 = 2.1;

/// A user's value as a statement.
///
/// # Errors
/// [`SlideError::Request`] for a value that no microscope has.
pub(crate) fn stated_by_user(mpp: Option<f64>) -> Result<Option<Mpp>> {
    let Some(value) = mpp else { return Ok(None) };
    let stated = Mpp::new(value, value, MppSource::User, Confidence::High);
    stated.map(Some).ok_or_else(|| {
        let (least, most) = (Mpp::PLAUSIBLE.start(), Mpp::PLAUSIBLE.end());
        let what = format!("{value} microns per pixel is not between {least} and {most}");
        SlideError::Request(what)
    })
}

/// Sets the slide's resolution: the user's statement, else the most confident one of the file. A
/// contradiction becomes a warning, and lowers the confidence of a value that the file states.
pub(crate) fn settle(facts: &mut SlideFacts, stated: Option<Mpp>) {
    facts.mpp_statements.sort_by_key(|mpp| std::cmp::Reverse(mpp.confidence()));
    if let Some(stated) = stated {
        facts.mpp_statements.insert(0, stated);
    }
    let Some(best) = facts.mpp_statements.first().cloned() else {
        facts.mpp = None;
        return;
    };
    let mut contradicted = false;
    for other in facts.mpp_statements.iter().skip(1) {
        if differs(best.x(), other.x()) || differs(best.y(), other.y()) {
            contradicted = true;
            facts.warnings.push(format!(
                "contradictory resolutions: {:.4} um/px ({}) is used, but the file also states \
                 {:.4} um/px ({})",
                best.mean(),
                best.source(),
                other.mean(),
                other.source(),
            ));
        }
    }
    if let Some((power, field)) = &facts.magnification {
        let ratio = best.mean() * power.power() / 10.0;
        if !(1.0 / POWER_TOLERANCE..=POWER_TOLERANCE).contains(&ratio) {
            let power = power.power();
            let (mpp, source) = (best.mean(), best.source());
            facts.warnings.push(format!(
                "{mpp:.4} um/px ({source}) is unusual for an objective of {power}x ({field})"
            ));
        }
    }
    facts.mpp = if contradicted && *best.source() != MppSource::User {
        Mpp::new(best.x(), best.y(), best.source().clone(), Confidence::Low)
    } else {
        Some(best)
    };
}

fn differs(a: f64, b: f64) -> bool {
    (a / b).max(b / a) > 1.0 + TOLERANCE
}

//! From findings to what happens to the slide.

use std::{collections::BTreeMap, fmt};

use bianque_core::{Level0, PixelRect, Polygon};
use serde::Serialize;

use super::fault::{Fault, Remedy};

/// What happens to the slide; the graver, the later.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing to say.
    Pass,
    /// Good for diagnosis; some places or facts are marked.
    PassMarked,
    /// Scan the same glass again.
    Rescan,
    /// Stain again.
    Restain,
    /// Cut, mount or clean again.
    Recut,
    /// The file cannot be judged.
    Unreadable,
}

impl Verdict {
    /// Every verdict, the mildest first.
    pub const ALL: [Self; 6] =
        [Self::Pass, Self::PassMarked, Self::Rescan, Self::Restain, Self::Recut, Self::Unreadable];

    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::PassMarked => "pass-marked",
            Self::Rescan => "rescan",
            Self::Restain => "restain",
            Self::Recut => "recut",
            Self::Unreadable => "unreadable",
        }
    }

    /// Whether the slide goes on to the pathologist.
    #[must_use]
    pub fn passes(self) -> bool {
        matches!(self, Self::Pass | Self::PassMarked)
    }

    /// The gravest verdict that any finding calls for.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        findings.iter().map(Finding::verdict).max().unwrap_or(Self::Pass)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something wrong, with its measure, its threshold and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What.
    pub fault: Fault,
    /// Whether it is beyond the `fail` threshold; else only beyond `mark`.
    pub fails: bool,
    /// The measure, in [`Fault::unit`].
    pub value: f64,
    /// The threshold that it passed.
    pub threshold: f64,
    /// Where, in level-0 pixels; empty where the whole slide is meant.
    pub areas: Vec<Polygon<Level0>>,
    /// Share of the tissue that lies there, where that can be said.
    pub tissue_share: Option<f64>,
    /// What a person should look at.
    pub crop: Option<PixelRect<Level0>>,
    /// In a sentence: what was seen.
    pub note: String,
}

impl Finding {
    /// What this finding alone would call for.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.fault.remedy() {
            _ if !self.fails => Verdict::PassMarked,
            Remedy::Mark => Verdict::PassMarked,
            Remedy::Rescan => Verdict::Rescan,
            Remedy::Restain => Verdict::Restain,
            Remedy::Recut => Verdict::Recut,
            Remedy::Restore => Verdict::Unreadable,
        }
    }
}

/// Measures by name (`focus.edge_width_um`), in the unit that the name ends with.
pub type Measures = BTreeMap<&'static str, f64>;

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(fault: Fault, fails: bool) -> Finding {
        Finding {
            fault,
            fails,
            value: 1.0,
            threshold: 0.5,
            areas: Vec::new(),
            tissue_share: None,
            crop: None,
            note: String::new(),
        }
    }

    #[test]
    fn the_gravest_finding_decides() {
        assert_eq!(Verdict::of(&[]), Verdict::Pass);
        let mark = finding(Fault::Fold, false);
        assert_eq!(Verdict::of(std::slice::from_ref(&mark)), Verdict::PassMarked);
        let rescan = finding(Fault::OutOfFocus, true);
        assert_eq!(Verdict::of(&[mark, rescan.clone()]), Verdict::Rescan);
        assert_eq!(Verdict::of(&[rescan, finding(Fault::Fold, true)]), Verdict::Recut);
        assert_eq!(Verdict::of(&[finding(Fault::MacroAbsent, true)]), Verdict::PassMarked);
        assert!(Verdict::ALL.is_sorted());
    }
}

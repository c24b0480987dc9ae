//! From which value on a fault is marked, and from which the slide is sent back.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{fault::Fault, verdict::Finding};
use crate::{QualityError, Result};

/// The file that the thresholds come from.
pub const DEFAULT_THRESHOLDS: &str = include_str!("../../thresholds.toml");

/// One fault's limits.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Limits {
    /// From here on the place is marked.
    pub mark: f64,
    /// From here on the slide is sent back.
    pub fail: f64,
}

/// The limits of every fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    limits: BTreeMap<Fault, Limits>,
    /// Width of edges from which a field is out of focus, in um.
    pub edge_um: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    mark: Option<f64>,
    fail: Option<f64>,
    edge_um: Option<f64>,
}

impl Thresholds {
    /// The shipped thresholds, with what a site's file changes.
    ///
    /// # Errors
    /// When the text is no TOML, names an unknown fault or key, or a value makes no sense.
    pub fn with_overrides(text: Option<&str>) -> Result<Self> {
        let mut limits = BTreeMap::new();
        let mut edge_um = None;
        for text in [Some(DEFAULT_THRESHOLDS), text].into_iter().flatten() {
            for (fault, entry) in parse(text)? {
                edge_um = entry.edge_um.or(edge_um);
                let known: Option<Limits> = limits.get(&fault).copied();
                let mark = entry.mark.or(known.map(|known| known.mark));
                let fail = entry.fail.or(known.map(|known| known.fail));
                if let (Some(mark), Some(fail)) = (mark, fail) {
                    limits.insert(fault, Limits { mark, fail });
                }
            }
        }
        let missing = Fault::ALL.iter().find(|fault| !limits.contains_key(fault));
        if let Some(fault) = missing {
            return Err(wrong(format!("[{fault}] needs both `mark` and `fail`")));
        }
        let edge_um = edge_um.filter(|um| um.is_finite() && *um > 0.0);
        let edge_um = edge_um.ok_or_else(|| wrong("[out-of-focus] needs `edge_um`".into()))?;
        let thresholds = Self { limits, edge_um };
        thresholds.check()?;
        Ok(thresholds)
    }

    fn check(&self) -> Result<()> {
        for (fault, Limits { mark, fail }) in &self.limits {
            let ordered = if holds_below(*fault) { fail <= mark } else { mark <= fail };
            if !(mark.is_finite() && fail.is_finite() && ordered) {
                return Err(wrong(format!(
                    "[{fault}]: `fail` = {fail} must be at least as bad as `mark` = {mark}"
                )));
            }
        }
        Ok(())
    }

    /// A fault's limits.
    #[must_use]
    pub fn limits(&self, fault: Fault) -> Limits {
        self.limits
            .get(&fault)
            .copied()
            .unwrap_or(Limits { mark: f64::INFINITY, fail: f64::INFINITY })
    }

    /// A finding where a measure is beyond a limit.
    #[must_use]
    pub fn judge(&self, fault: Fault, value: f64, note: String) -> Option<Finding> {
        let limits = self.limits(fault);
        let beyond = |limit: f64| {
            if holds_below(fault) { value < limit } else { value >= limit }
        };
        let fails = beyond(limits.fail);
        (fails || beyond(limits.mark)).then(|| Finding {
            fault,
            fails,
            value,
            threshold: if fails { limits.fail } else { limits.mark },
            areas: Vec::new(),
            tissue_share: None,
            crop: None,
            note,
        })
    }
}

/// Whether a small value is the bad one.
#[must_use]
pub fn holds_below(fault: Fault) -> bool {
    matches!(fault, Fault::NoTissue | Fault::Compression | Fault::TooPale | Fault::TooSmall)
}

fn parse(text: &str) -> Result<Vec<(Fault, Entry)>> {
    let tables: BTreeMap<String, Entry> =
        toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    tables
        .into_iter()
        .map(|(name, entry)| match Fault::from_name(&name) {
            Some(fault) => Ok((fault, entry)),
            None => Err(wrong(format!(
                "[{name}] is no fault; they are {}",
                Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ")
            ))),
        })
        .collect()
}

fn wrong(what: String) -> QualityError {
    QualityError::Thresholds { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_has_every_fault() {
        let thresholds = Thresholds::with_overrides(None).unwrap();
        assert!(thresholds.edge_um > 1.0);
    }

    #[test]
    fn a_site_changes_one_value() {
        let own = Thresholds::with_overrides(Some("[fold]\nfail = 0.2\n")).unwrap();
        assert_eq!(own.limits(Fault::Fold).fail, 0.2);
        let shipped = Thresholds::with_overrides(None).unwrap();
        assert_eq!(own.limits(Fault::Fold).mark, shipped.limits(Fault::Fold).mark);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("[folds]\nmark = 1", "is no fault"),
            ("[fold]\nmarks = 1", "unknown field"),
            ("[fold]\nmark = 0.9", "at least as bad"),
            ("[fold\n", "expected"),
            ("[fold]\nmark = nan", "at least as bad"),
            ("[out-of-focus]\nedge_um = -1.0", "edge_um"),
        ] {
            let error = Thresholds::with_overrides(Some(text)).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn small_values_are_bad_where_they_are() {
        let thresholds = Thresholds::with_overrides(None).unwrap();
        let judge = |fault, value| thresholds.judge(fault, value, String::new()).map(|f| f.fails);
        assert_eq!(judge(Fault::Compression, 90.0), None);
        assert_eq!(judge(Fault::Compression, 20.0), Some(false));
        assert_eq!(judge(Fault::Compression, 5.0), Some(true));
        assert_eq!(judge(Fault::Fold, 0.0), None);
        assert_eq!(judge(Fault::Fold, 0.5), Some(true));
    }
}

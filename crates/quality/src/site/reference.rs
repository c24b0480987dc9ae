//! What is usual of a site's stain, to hold a single slide against.
//!
//! Laboratories differ by more than a slide may differ within one: a slide that is too dark for its
//! own laboratory may be what another sends out every day. The median and the spread of the latest
//! slides that passed, of the same scanner and stainer, say what is usual here.

use bianque_core::Digest;

use super::{SiteLog, SiteRow, baseline::median};
use crate::Measures;

/// The stain of a site's latest slides that passed.
#[derive(Clone, Debug, PartialEq)]
pub struct StainReference {
    /// How many slides it is taken from.
    pub slides: usize,
    usual: Vec<Usual>,
}

/// How far a slide lies from the reference in one measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Departure {
    /// Which measure.
    pub measure: &'static str,
    /// The slide's own value, and the median of the reference.
    pub value: f64,
    /// The median of the reference.
    pub usual: f64,
    /// Distance in robust standard deviations of the logarithm; negative is below.
    pub z: f64,
}

#[derive(Clone, Debug, PartialEq)]
struct Usual {
    measure: &'static str,
    /// Median of the natural logarithm, and its spread.
    centre: f64,
    spread: f64,
}

/// Why there is no reference: how many slides there are.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TooFewSlides(pub usize);

impl StainReference {
    /// The measures that are held against the reference.
    pub const MEASURES: [&'static str; 5] = [
        "stain.density_od",
        "stain.haematoxylin_od",
        "stain.eosin_od",
        "stain.nuclear_haematoxylin_od",
        "stain.nuclear_proportion_ratio",
    ];
    /// Fewer slides say nothing of a spread.
    pub const LEAST_SLIDES: usize = 20;
    /// Older slides do not count: a reference runs along.
    pub const MOST_SLIDES: usize = 400;

    /// From the latest slides of a scanner and a stainer that passed; `except` is the slide that is
    /// to be judged, which may have been checked before.
    ///
    /// # Errors
    /// When there are too few.
    pub fn of(
        log: &SiteLog,
        scanner: Option<&str>,
        stainer: Option<&str>,
        except: &Digest,
    ) -> Result<Self, TooFewSlides> {
        let is_like = |row: &&SiteRow| {
            row.verdict.passes()
                && row.digest != *except
                && log.scanner(row) == scanner
                && log.stainer(row) == stainer
        };
        let rows: Vec<&SiteRow> =
            log.rows().iter().rev().filter(is_like).take(Self::MOST_SLIDES).collect();
        if rows.len() < Self::LEAST_SLIDES {
            return Err(TooFewSlides(rows.len()));
        }
        let usual = Self::MEASURES.iter().filter_map(|measure| {
            let values: Vec<f64> = log.values(&rows, measure).map(|(_, value)| value).collect();
            Usual::of(measure, &values)
        });
        Ok(Self { slides: rows.len(), usual: usual.collect() })
    }

    /// How far a slide lies from the reference, the furthest measure first.
    #[must_use]
    pub fn departures(&self, measures: &Measures) -> Vec<Departure> {
        let mut found: Vec<Departure> = self
            .usual
            .iter()
            .filter_map(|usual| Some(usual.departure(*measures.get(usual.measure)?)))
            .collect();
        found.sort_by(|a, b| b.z.abs().total_cmp(&a.z.abs()));
        found
    }
}

/// A spread below this, as a share, is smaller than what tissue and thickness do on any day.
const LEAST_SPREAD: f64 = 0.08;
/// Less than this is no stain, and has no logarithm.
const LEAST_VALUE: f64 = 0.01;

impl Usual {
    fn of(measure: &'static str, values: &[f64]) -> Option<Self> {
        if values.len() < StainReference::LEAST_SLIDES {
            return None;
        }
        let logs: Vec<f64> = values.iter().map(|value| value.max(LEAST_VALUE).ln()).collect();
        let centre = median(&logs)?;
        let away: Vec<f64> = logs.iter().map(|log| (log - centre).abs()).collect();
        // The median absolute deviation of a normal distribution is 0.6745 deviations.
        let spread = (median(&away)? / 0.6745).max(LEAST_SPREAD);
        Some(Self { measure, centre, spread })
    }

    fn departure(&self, value: f64) -> Departure {
        let z = (value.max(LEAST_VALUE).ln() - self.centre) / self.spread;
        Departure { measure: self.measure, value, usual: self.centre.exp(), z }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Verdict, site::SlideRecord};

    fn record(at: u64, stainer: &str, verdict: Verdict, density: f64) -> SlideRecord {
        SlideRecord {
            digest: Digest::of(&at.to_le_bytes()),
            name: None,
            scanner: Some("A".into()),
            stainer: Some(stainer.into()),
            day: "2026-03-02".parse().unwrap(),
            version: "1".into(),
            verdict,
            measures: [("stain.density_od".to_owned(), density)].into(),
        }
    }

    /// Densities of 0.20 that differ by a tenth.
    fn log(slides: u64) -> SiteLog {
        let of = |at: u64| 0.2 * (1.0 + 0.1 * ((at * 7 % 11) as f64 / 5.0 - 1.0));
        SiteLog::of((0..slides).flat_map(|at| {
            [
                record(at, "bench", Verdict::Pass, of(at)),
                record(1000 + at, "other", Verdict::Pass, 0.5),
                record(2000 + at, "bench", Verdict::Restain, 0.9),
            ]
        }))
    }

    fn z(log: &SiteLog, density: f64) -> f64 {
        let none = Digest::of(b"new");
        let reference = StainReference::of(log, Some("A"), Some("bench"), &none).unwrap();
        reference.departures(&[("stain.density_od", density)].into())[0].z
    }

    #[test]
    fn a_slide_is_held_against_its_own_bench() {
        let log = log(40);
        assert!(z(&log, 0.2).abs() < 0.5);
        assert!(z(&log, 0.36) > 4.0, "{}", z(&log, 0.36));
        assert!(z(&log, 0.11) < -4.0);
        assert!(z(&log, 0.0) < -10.0, "no stain at all has a value, too");
    }

    #[test]
    fn too_few_slides_are_no_reference() {
        let none = Digest::of(b"new");
        let of = |log: &SiteLog, stainer| StainReference::of(log, Some("A"), stainer, &none);
        assert_eq!(of(&log(19), Some("bench")), Err(TooFewSlides(19)));
        assert_eq!(of(&log(40), None), Err(TooFewSlides(0)));
        // The slide that is judged is no reference for itself.
        let own = Digest::of(&0_u64.to_le_bytes());
        let reference = StainReference::of(&log(20), Some("A"), Some("bench"), &own);
        assert_eq!(reference, Err(TooFewSlides(19)));
        assert_eq!(of(&SiteLog::default(), None), Err(TooFewSlides(0)));
    }
}

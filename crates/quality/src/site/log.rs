//! All records of a site in memory: names once, measures as pairs.

use std::collections::HashMap;

use bianque_core::Digest;

use super::{day::Day, record::SlideRecord};
use crate::Verdict;

/// One slide.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteRow {
    /// The slide's bytes.
    pub digest: Digest,
    /// When.
    pub day: Day,
    /// What was decided.
    pub verdict: Verdict,
    scanner: Option<u16>,
    stainer: Option<u16>,
    /// Which measure, and its value: 8 bytes each, since a busy site keeps ten million of them.
    values: Box<[(u16, f32)]>,
}

/// All slides of a site, by day; of a slide that was checked twice, the later check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SiteLog {
    rows: Vec<SiteRow>,
    scanners: Names,
    stainers: Names,
    measures: Names,
    /// Lines that are no record: cut by a power loss, or not ours.
    pub damaged: usize,
    /// Oldest lines left out because the file holds more than is read.
    pub left_out: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Names {
    names: Vec<String>,
    index: HashMap<String, u16>,
}

impl Names {
    /// A hostile file must not fill memory with names.
    const MOST: usize = 4096;

    fn id(&mut self, name: String) -> Option<u16> {
        if let Some(id) = self.index.get(&name) {
            return Some(*id);
        }
        let id = u16::try_from(self.names.len()).ok().filter(|_| self.names.len() < Self::MOST)?;
        self.names.push(name.clone());
        self.index.insert(name, id);
        Some(id)
    }
}

impl SiteLog {
    /// The log of some records, in the order in which they were written.
    pub fn of(records: impl IntoIterator<Item = SlideRecord>) -> Self {
        let mut log = Self::default();
        let mut places = HashMap::new();
        for record in records {
            let record = record.tidied();
            let digest = record.digest;
            let row = log.row(record);
            match places.get(&digest) {
                Some(&place) => log.rows[place] = row,
                None => {
                    places.insert(digest, log.rows.len());
                    log.rows.push(row);
                }
            }
        }
        // Stable: within a day in the order in which slides were first written.
        log.rows.sort_by_key(|row| row.day);
        log
    }

    fn row(&mut self, record: SlideRecord) -> SiteRow {
        let values = record.measures.into_iter();
        let values =
            values.filter_map(|(name, value)| Some((self.measures.id(name)?, value as f32)));
        SiteRow {
            digest: record.digest,
            day: record.day,
            verdict: record.verdict,
            values: values.collect(),
            scanner: record.scanner.and_then(|name| self.scanners.id(name)),
            stainer: record.stainer.and_then(|name| self.stainers.id(name)),
        }
    }

    /// Slides, the earliest day first.
    #[must_use]
    pub fn rows(&self) -> &[SiteRow] {
        &self.rows
    }

    /// Names of all measures that any slide has, in alphabetical order.
    #[must_use]
    pub fn measures(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.measures.names.iter().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// A slide's scanner.
    #[must_use]
    pub fn scanner(&self, row: &SiteRow) -> Option<&str> {
        self.scanners.names.get(usize::from(row.scanner?)).map(String::as_str)
    }

    /// A slide's stainer.
    #[must_use]
    pub fn stainer(&self, row: &SiteRow) -> Option<&str> {
        self.stainers.names.get(usize::from(row.stainer?)).map(String::as_str)
    }

    /// Calls `take` with every slide's value of a measure, in the order of `rows`.
    pub(super) fn values<'a>(
        &'a self,
        rows: &'a [&'a SiteRow],
        measure: &str,
    ) -> impl Iterator<Item = (&'a SiteRow, f64)> + 'a {
        let id = self.measures.index.get(measure).copied();
        rows.iter().filter_map(move |row| {
            let id = id?;
            let (_, value) = row.values.iter().find(|(measure, _)| *measure == id)?;
            let value = f64::from(*value);
            value.is_finite().then_some((*row, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(slide: &str, day: &str, value: f64) -> SlideRecord {
        SlideRecord {
            digest: Digest::of(slide.as_bytes()),
            name: None,
            scanner: Some("A".into()),
            stainer: None,
            day: day.parse().unwrap(),
            version: "1".into(),
            verdict: Verdict::Pass,
            measures: [("m".to_owned(), value)].into(),
        }
    }

    #[test]
    fn the_later_check_counts() {
        let log = SiteLog::of([
            record("a", "2026-03-03", 1.0),
            record("b", "2026-03-02", 2.0),
            record("a", "2026-03-03", 3.0),
        ]);
        let rows: Vec<&SiteRow> = log.rows().iter().collect();
        let values: Vec<f64> = log.values(&rows, "m").map(|(_, value)| value).collect();
        assert_eq!(values, [2.0, 3.0]);
        assert_eq!(log.scanner(&log.rows()[0]), Some("A"));
        assert_eq!(log.stainer(&log.rows()[0]), None);
        assert_eq!(log.values(&rows, "other").count(), 0);
    }

    #[test]
    fn names_are_bounded() {
        let mut names = Names::default();
        let kept = (0..10_000).filter(|n| names.id(n.to_string()).is_some()).count();
        assert_eq!(kept, Names::MOST);
        assert_eq!(names.id("7".into()), Some(7));
    }
}

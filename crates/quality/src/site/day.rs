//! A calendar day.

use std::{
    fmt,
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A day of the Gregorian calendar from 1900 to 9999, written `2026-03-02`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// The day of a date that exists.
    #[must_use]
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        let candidate = Self(days_from_civil(year, month, day));
        ((1900..=9999).contains(&year) && candidate.date() == (year, month, day))
            .then_some(candidate)
    }

    /// The day of a moment, by universal time.
    #[must_use]
    pub fn of(moment: SystemTime) -> Self {
        let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (_, last) = Self::RANGE;
        Self(i32::try_from(seconds / 86_400).unwrap_or(last).min(last))
    }

    /// Year, month and day.
    #[must_use]
    pub fn date(self) -> (i32, u32, u32) {
        civil_from_days(self.0)
    }

    /// The day so many days later, within the calendar's range.
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        let (first, last) = Self::RANGE;
        Self(self.0.saturating_add(days).clamp(first, last))
    }

    /// Days from `earlier` to this day.
    #[must_use]
    pub fn since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    /// The day that a scanner wrote: `2026-03-02`, `2026/03/02`, `2026:03:02 10:11:12` (TIFF),
    /// `20260302` (DICOM DA and DT), `03/02/26` (Aperio: month, day, year).
    #[must_use]
    pub fn from_metadata(text: &str) -> Option<Self> {
        let mut numbers = text.trim().split(|c: char| !c.is_ascii_digit());
        let first = numbers.next()?;
        let number = |text: &str| text.parse::<i32>().ok();
        let small = |text: &str| text.parse::<u32>().ok();
        match first.len() {
            8.. => Self::new(number(&first[..4])?, small(&first[4..6])?, small(&first[6..8])?),
            4 => Self::new(number(first)?, small(numbers.next()?)?, small(numbers.next()?)?),
            1 | 2 => {
                let day = small(numbers.next()?)?;
                let year = numbers.next()?;
                let century = if year.len() == 2 { 2000 } else { 0 };
                Self::new(century + number(year)?, small(first)?, day)
            }
            _ => None,
        }
    }

    /// 1900-01-01 and 9999-12-31 as days since 1970-01-01.
    const RANGE: (i32, i32) = (-25_567, 2_932_896);
}

/// Days since 1970-01-01 of a date; for a date that does not exist, of some other date.
/// H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let (month, day) = (month.min(99) as i32, day.min(99) as i32);
    let year = year.clamp(0, 99_999) - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i32) -> (i32, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + i32::from(month <= 2), month as u32, day as u32)
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A text that is no day.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no day: expected YYYY-MM-DD")]
pub struct ParseDayError(String);

impl FromStr for Day {
    type Err = ParseDayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes.iter().enumerate().all(|(n, byte)| match n {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let day = if shaped { Self::from_metadata(text) } else { None };
        day.ok_or_else(|| ParseDayError(text.chars().take(40).collect()))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn known_days() {
        assert_eq!(Day::of(UNIX_EPOCH), day("1970-01-01"));
        assert_eq!(Day::of(UNIX_EPOCH + Duration::from_secs(951_782_400)), day("2000-02-29"));
        assert_eq!(day("2026-03-02").since(day("2026-02-27")), 3);
        assert_eq!(day("1900-01-01").plus(-5), day("1900-01-01"));
        assert_eq!(day("9999-12-31").plus(i32::MAX), day("9999-12-31"));
        assert_eq!((day("1900-01-01").0, day("9999-12-31").0), Day::RANGE);
    }

    #[test]
    fn scanners_write_days_in_many_ways() {
        for text in ["2026-03-02", "2026/3/2 08:00", "2026:03:02 10:11:12", "20260302101112.5"] {
            assert_eq!(Day::from_metadata(text), Some(day("2026-03-02")), "{text}");
        }
        assert_eq!(Day::from_metadata("03/02/26"), Some(day("2026-03-02")));
        assert_eq!(Day::from_metadata("12/29/2009"), Some(day("2009-12-29")));
        for text in ["", "31/12/2020", "0", "2026", "2026-02-30", "99999999", "4294967296/1/2000"] {
            assert_eq!(Day::from_metadata(text), None, "{text}");
        }
        for text in ["2026-3-2", "2025-02-29", "20260302", "2026-03-02 ", "２026-03-02", ""] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_back(days in -25_567..=2_932_896) {
            let day = Day(days);
            prop_assert_eq!(day.to_string().parse(), Ok(day));
            let (year, month, of_month) = day.date();
            prop_assert_eq!(Day::new(year, month, of_month), Some(day));
            prop_assert!(day.plus(1) > day || days == 2_932_896);
        }

        #[test]
        fn any_text_is_survived(text in ".{0,24}") {
            let _ = Day::from_metadata(&text);
            let _ = text.parse::<Day>();
        }
    }
}

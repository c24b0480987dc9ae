//! Points in time.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};

use crate::RecordError;

/// Microseconds since 1970-01-01 00:00 UTC, leap seconds not counted.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

/// Tells the time; tests turn it by hand.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// The machine's own clock.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    })
}

impl Moment {
    /// A moment by its microseconds.
    #[must_use]
    pub const fn from_microseconds(microseconds: i64) -> Self {
        Self(microseconds)
    }

    /// Microseconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub const fn microseconds(self) -> i64 {
        self.0
    }

    /// So much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(microseconds))
    }
}

impl Moment {
    /// The end of a day, `2027-05-31`, in UTC. Dates to days after Hinnant's `days_from_civil`.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] when there is no such day.
    pub fn end_of_day(date: &str) -> Result<Self, RecordError> {
        let wrong = || RecordError::invalid("date", "it is a day of the calendar, YYYY-MM-DD");
        let number =
            |range| -> Option<i64> { date.get::<std::ops::Range<usize>>(range)?.parse().ok() };
        let parts = number(0..4).zip(number(5..7)).zip(number(8..10));
        let ((year, month), day) = parts.filter(|_| date.len() == 10).ok_or_else(wrong)?;
        let from_march = year - i64::from(month <= 2);
        let era = from_march.div_euclid(400);
        let year_of_era = from_march.rem_euclid(400);
        let month_from_march = (month + 9).rem_euclid(12);
        let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let end = Self((days + 1) * 86_400_000_000 - 1);
        // What does not come back was no day: the 31st of April, the 13th month.
        if end.to_string().get(..10) == Some(date) { Ok(end) } else { Err(wrong()) }
    }
}

impl fmt::Display for Moment {
    /// As in RFC 3339, to the microsecond. Days to dates after Hinnant's `civil_from_days`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0.div_euclid(1_000_000), self.0.rem_euclid(1_000_000));
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Moment> for crate::database::Value {
    fn from(moment: Moment) -> Self {
        Self::Integer(moment.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.000000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(Moment(seconds * 1_000_000).to_string(), text);
        }
    }

    #[test]
    fn a_day_ends_before_the_next_and_no_other_day_is_one() {
        let end = Moment::end_of_day("2028-02-29").unwrap();
        assert_eq!(end.to_string(), "2028-02-29T23:59:59.999999Z");
        assert_eq!(Moment::end_of_day("1970-01-01").unwrap().microseconds(), 86_400_000_000 - 1);
        for no in [
            "2027-02-29",
            "2027-04-31",
            "2027-13-01",
            "2027-00-10",
            "27-01-01",
            "",
            "2027-1-001",
            "2027-01-01T",
            "+027-01-01",
            "2027年1月1",
        ] {
            assert!(Moment::end_of_day(no).is_err(), "{no}");
        }
    }
}

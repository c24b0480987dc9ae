//! How well a share is known from few trials.

use std::fmt;

use serde::Serialize;

/// An interval that holds the share 95 times of 100 (E. B. Wilson, JASA 22, 1927).
#[derive(Copy, Clone, Debug, Serialize)]
pub(crate) struct Interval {
    low: f64,
    high: f64,
}

/// The normal deviate of 95 %.
const Z: f64 = 1.959_964;

impl Interval {
    pub(crate) fn of(found: usize, trials: usize) -> Self {
        if trials == 0 {
            return Self { low: 0.0, high: 1.0 };
        }
        let (n, share) = (trials as f64, found as f64 / trials as f64);
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let of = |value: f64| (value / (1.0 + Z * Z / n)).clamp(0.0, 1.0);
        Self { low: of(middle - half), high: of(middle + half) }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} to {:.2}", self.low, self.high)
    }
}

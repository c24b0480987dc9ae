//! Units as types: coordinate frames, microns per pixel with their source, areas.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A coordinate frame. Values of two frames have different types and cannot be mixed.
pub trait Frame: Copy + Clone + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The unit of one step in this frame, for messages.
    const UNIT: &'static str;
}

/// Pixels of the slide's full-resolution level, origin at the top left: the frame in which
/// everything that leaves the program is stated.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Level0;

/// Pixels of one pyramid level in that level's own grid. The level index travels beside it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct AtLevel;

/// Millimetres on the glass, origin at the top left of level 0.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Millimetre;

impl Frame for Level0 {
    const UNIT: &'static str = "level-0 px";
}
impl Frame for AtLevel {
    const UNIT: &'static str = "level px";
}
impl Frame for Millimetre {
    const UNIT: &'static str = "mm";
}

/// Where a micron-per-pixel value was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "field")]
pub enum MppSource {
    /// Stated by the person who ran the program.
    User,
    /// A vendor's own field that states microns per pixel (the field's name).
    VendorField(String),
    /// A physical resolution of the container, such as TIFF's `XResolution` (the field's name).
    Resolution(String),
    /// Derived from a nominal objective power, at 10 um divided by the power.
    Magnification(String),
}

impl fmt::Display for MppSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("stated by the user"),
            Self::VendorField(name) => write!(f, "{name}"),
            Self::Resolution(name) => write!(f, "resolution in {name}"),
            Self::Magnification(name) => write!(f, "derived from the power in {name}"),
        }
    }
}

/// How far a micron-per-pixel value can be trusted.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Derived or contradicted by another field.
    Low,
    /// A generic resolution tag without a contradiction.
    Medium,
    /// A field made for this purpose, or a person's statement.
    High,
}

/// Microns per level-0 pixel, with its source and confidence. Always finite and positive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mpp {
    x: f64,
    y: f64,
    source: MppSource,
    confidence: Confidence,
}

impl Mpp {
    /// The smallest and largest value that is believed for a light-microscope slide, in um/px.
    /// Overview levels of DICOM series reach tens of microns.
    pub const PLAUSIBLE: std::ops::RangeInclusive<f64> = 0.02..=500.0;

    /// A value in um/px, or `None` where it is not finite or outside [`Mpp::PLAUSIBLE`].
    #[must_use]
    pub fn new(x: f64, y: f64, source: MppSource, confidence: Confidence) -> Option<Self> {
        (Self::PLAUSIBLE.contains(&x) && Self::PLAUSIBLE.contains(&y)).then_some(Self {
            x,
            y,
            source,
            confidence,
        })
    }

    /// Microns per pixel along x.
    #[must_use]
    pub fn x(&self) -> f64 {
        self.x
    }

    /// Microns per pixel along y.
    #[must_use]
    pub fn y(&self) -> f64 {
        self.y
    }

    /// The geometric mean of both axes.
    #[must_use]
    pub fn mean(&self) -> f64 {
        (self.x * self.y).sqrt()
    }

    /// Where the value was found.
    #[must_use]
    pub fn source(&self) -> &MppSource {
        &self.source
    }

    /// How far it can be trusted.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        self.confidence
    }

    /// The area on the glass of a number of level-0 pixels.
    #[must_use]
    pub fn area(&self, level0_pixels: f64) -> SquareMillimetres {
        SquareMillimetres(level0_pixels * self.x * self.y / 1e6)
    }
}

/// An objective's nominal power, such as 20 or 40. Always finite and positive.
#[derive(Copy, Clone, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Magnification(f64);

impl Magnification {
    /// A power between 0.1 and 200, else `None`.
    #[must_use]
    pub fn new(power: f64) -> Option<Self> {
        (0.1..=200.0).contains(&power).then_some(Self(power))
    }

    /// The nominal power.
    #[must_use]
    pub fn power(self) -> f64 {
        self.0
    }
}

/// An area on the glass.
#[derive(Copy, Clone, Debug, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SquareMillimetres(pub f64);

impl std::ops::Add for SquareMillimetres {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::iter::Sum for SquareMillimetres {
    fn sum<I: Iterator<Item = Self>>(areas: I) -> Self {
        areas.fold(Self(0.0), std::ops::Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_implausible_mpp_does_not_exist() {
        for value in [0.0, -0.25, f64::NAN, f64::INFINITY, 1e-9, 1e6] {
            assert_eq!(Mpp::new(value, 0.25, MppSource::User, Confidence::High), None, "{value}");
        }
    }

    #[test]
    fn area_follows_both_axes() {
        let mpp = Mpp::new(0.5, 0.25, MppSource::User, Confidence::High).unwrap();
        assert!((mpp.area(8_000_000.0).0 - 1.0).abs() < 1e-12);
    }
}

//! Points and axis-parallel rectangles.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::units::{Frame, Level0, Millimetre, Mpp};

/// A point in a frame.
#[derive(Copy, Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Point<F: Frame> {
    /// Rightwards.
    pub x: f64,
    /// Downwards.
    pub y: f64,
    #[serde(skip)]
    frame: PhantomData<F>,
}

impl<F: Frame> Point<F> {
    /// A point at `x`, `y`.
    #[must_use]
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y, frame: PhantomData }
    }
}

impl Point<Level0> {
    /// The same place on the glass.
    #[must_use]
    pub fn to_millimetres(self, mpp: &Mpp) -> Point<Millimetre> {
        Point::new(self.x * mpp.x() / 1e3, self.y * mpp.y() / 1e3)
    }
}

/// A rectangle of whole pixels in a frame. Its origin may be negative: reading outside a slide is
/// legal and gives background.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PixelRect<F: Frame> {
    /// Left edge.
    pub x: i64,
    /// Top edge.
    pub y: i64,
    /// Width, exclusive right edge at `x + width`.
    pub width: u32,
    /// Height, exclusive bottom edge at `y + height`.
    pub height: u32,
    #[serde(skip)]
    frame: PhantomData<F>,
}

impl<F: Frame> PixelRect<F> {
    /// A rectangle from its left top corner and size.
    #[must_use]
    pub const fn new(x: i64, y: i64, width: u32, height: u32) -> Self {
        Self { x, y, width, height, frame: PhantomData }
    }

    /// Exclusive right edge.
    #[must_use]
    pub fn right(&self) -> i64 {
        self.x.saturating_add(i64::from(self.width))
    }

    /// Exclusive bottom edge.
    #[must_use]
    pub fn bottom(&self) -> i64 {
        self.y.saturating_add(i64::from(self.height))
    }

    /// Number of pixels.
    #[must_use]
    pub fn area(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// What both cover, if anything.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let width = u32::try_from(self.right().min(other.right()).saturating_sub(x)).ok()?;
        let height = u32::try_from(self.bottom().min(other.bottom()).saturating_sub(y)).ok()?;
        (width > 0 && height > 0).then_some(Self::new(x, y, width, height))
    }

    /// The centre.
    #[must_use]
    pub fn centre(&self) -> Point<F> {
        Point::new(
            self.x as f64 + f64::from(self.width) / 2.0,
            self.y as f64 + f64::from(self.height) / 2.0,
        )
    }
}

/// A rectangle of real-valued extent in a frame.
#[derive(Copy, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rect<F: Frame> {
    /// Left top corner.
    pub min: Point<F>,
    /// Right bottom corner.
    pub max: Point<F>,
}

impl<F: Frame> Rect<F> {
    /// The smallest rectangle around some points, if there are any.
    #[must_use]
    pub fn around(points: impl IntoIterator<Item = Point<F>>) -> Option<Self> {
        points.into_iter().fold(None, |bounds: Option<Self>, point| {
            let (min, max) = bounds.map_or((point, point), |b| (b.min, b.max));
            Some(Self {
                min: Point::new(min.x.min(point.x), min.y.min(point.y)),
                max: Point::new(max.x.max(point.x), max.y.max(point.y)),
            })
        })
    }

    /// Width.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.max.x - self.min.x
    }

    /// Height.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.max.y - self.min.y
    }
}

impl<F: Frame> From<PixelRect<F>> for Rect<F> {
    fn from(rect: PixelRect<F>) -> Self {
        Self {
            min: Point::new(rect.x as f64, rect.y as f64),
            max: Point::new(rect.right() as f64, rect.bottom() as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_intersect_or_not() {
        let a = PixelRect::<Level0>::new(-5, 0, 10, 10);
        assert_eq!(a.intersection(&PixelRect::new(0, 5, 10, 10)), Some(PixelRect::new(0, 5, 5, 5)));
        assert_eq!(a.intersection(&PixelRect::new(5, 0, 10, 10)), None);
        assert_eq!(a.intersection(&PixelRect::new(i64::MAX, 0, u32::MAX, 1)), None);
    }
}

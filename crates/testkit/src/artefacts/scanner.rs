//! What a scanner does wrong between its scan lines: steps in brightness, and offsets.

use bianque_core::{Level0, PixelRect, Point, Polygon, Rect, RgbImage};

use super::{Artefact, Reader, View, shape::band, view::mix};
use crate::histology::noise::{hash, unit};

/// Half the width of the rectangle that the truth gives around a line, in level-0 pixels.
const BESIDE: f64 = 16.0;

/// The axis along which scan lines follow one another.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Lines are upright; brightness changes along x.
    X,
    /// Lines lie flat; brightness changes along y.
    Y,
}

impl Axis {
    fn of(self, place: Point<Level0>) -> f64 {
        match self {
            Self::X => place.x,
            Self::Y => place.y,
        }
    }
}

/// Brightness that steps from one scan line to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Stripes {
    /// Across which axis.
    pub axis: Axis,
    /// Width of a scan line in level-0 pixels.
    pub period: f64,
    /// Size of a step in grey levels of 255 on white; darker pixels step by less, in proportion.
    pub step: f32,
    /// The part of the slide that was scanned so.
    pub extent: PixelRect<Level0>,
    /// Varies the steps by a quarter.
    pub seed: u32,
}

impl Stripes {
    fn start(&self) -> f64 {
        match self.axis {
            Axis::X => self.extent.x as f64,
            Axis::Y => self.extent.y as f64,
        }
    }

    /// The mean gain over `from..to` along the axis.
    fn gain(&self, from: f64, to: f64) -> f32 {
        let gain = |line: f64| {
            let line = line as i32;
            let size = self.step / 255.0 * (0.75 + 0.5 * unit(hash(self.seed, line, 2)));
            if line % 2 == 0 { 1.0 } else { 1.0 - size }
        };
        let (first, last) = (
            ((from - self.start()) / self.period).floor(),
            ((to - self.start()) / self.period).floor(),
        );
        if first == last {
            return gain(first);
        }
        // A pixel on a line, or a coarse one over many: the lines' shares of it.
        let (mut sum, mut line) = (0.0, first);
        while line <= last {
            let (low, high) =
                (self.start() + line * self.period, self.start() + (line + 1.0) * self.period);
            sum += gain(line) * ((high.min(to) - low.max(from)) / (to - from)) as f32;
            line += 1.0;
        }
        sum
    }
}

impl Artefact for Stripes {
    fn bounds(&self) -> Option<Rect<Level0>> {
        Some(self.extent.into())
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        let length = match self.axis {
            Axis::X => self.extent.width,
            Axis::Y => self.extent.height,
        };
        let count = (f64::from(length) / self.period).ceil() as u32;
        (1..count)
            .map(|line| self.start() + f64::from(line) * self.period)
            .map(|at| beside(self.axis, at, self.extent))
            .collect()
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let mut image = read(view);
        view.paint(&mut image, |place, pixel| {
            let share = extent_share(self.extent, place, view.step);
            let at = self.axis.of(place);
            let gain = self.gain(at - view.step / 2.0, at + view.step / 2.0);
            mix(pixel, pixel.map(|value| value * gain), share)
        });
        image
    }
}

/// A field or scan line that lies beside its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Stitching {
    /// The axis across the seams at the extent's near and far edge.
    pub axis: Axis,
    /// How far the content is displaced, in level-0 pixels along x and y.
    pub shift: (f64, f64),
    /// The field that is displaced.
    pub extent: PixelRect<Level0>,
}

impl Artefact for Stitching {
    fn bounds(&self) -> Option<Rect<Level0>> {
        Some(self.extent.into())
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        let extent = self.extent;
        let ends = match self.axis {
            Axis::X => [extent.x, extent.right()],
            Axis::Y => [extent.y, extent.bottom()],
        };
        ends.map(|at| beside(self.axis, at as f64, extent)).to_vec()
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let mut image = read(view);
        let displaced = read(&view.moved(-self.shift.0, -self.shift.1));
        let width = view.width;
        for (at, (pixel, moved)) in (0..)
            .zip(image.pixels_mut().chunks_exact_mut(3).zip(displaced.pixels().chunks_exact(3)))
        {
            let share = extent_share(self.extent, view.place(at % width, at / width), view.step);
            for (value, moved) in pixel.iter_mut().zip(moved) {
                let (old, new) = (f32::from(*value), f32::from(*moved));
                *value = (old + (new - old) * share).round() as u8;
            }
        }
        image
    }
}

/// The share of a pixel that lies in a rectangle.
fn extent_share(extent: PixelRect<Level0>, place: Point<Level0>, step: f64) -> f32 {
    band(place.x, extent.x as f64, extent.right() as f64, step)
        * band(place.y, extent.y as f64, extent.bottom() as f64, step)
}

/// The rectangle beside a line at `at` through an extent.
fn beside(axis: Axis, at: f64, extent: PixelRect<Level0>) -> Polygon<Level0> {
    let (near, far) = (at - BESIDE, at + BESIDE);
    let (left, right, top, bottom) = match axis {
        Axis::X => (near, far, extent.y as f64, extent.bottom() as f64),
        Axis::Y => (extent.x as f64, extent.right() as f64, near, far),
    };
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
    Polygon::simple(corners.map(|(x, y)| Point::new(x, y)).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: View =
        View { origin: Point::new(0.0, 0.0), step: 1.0, width: 100, height: 60, mpp: 0.5 };

    #[test]
    fn neighbouring_lines_differ_by_the_step() {
        let extent = PixelRect::new(0, 0, 100, 60);
        let stripes = Stripes { axis: Axis::Y, period: 20.0, step: 8.0, extent, seed: 1 };
        let white = |view: &View| RgbImage::filled(view.width, view.height, [255; 3]);
        let image = stripes.render(&VIEW, &white);
        let values = [10, 30, 50].map(|y| i32::from(image.pixel(50, y)[0]));
        assert_eq!((values[0], values[2]), (255, 255));
        assert!((5..=11).contains(&(values[0] - values[1])), "{values:?}");
        assert_eq!(stripes.truth().len(), 2);
    }

    #[test]
    fn a_field_shows_what_lies_beside() {
        let extent = PixelRect::new(40, 0, 60, 60);
        let stitching = Stitching { axis: Axis::X, shift: (0.0, 9.0), extent };
        let tissue = super::super::fakes::tissue;
        let (before, after) = (tissue(&VIEW), stitching.render(&VIEW, &tissue));
        assert_eq!(after.pixel(70, 30), before.pixel(70, 21));
        assert_eq!(after.pixel(30, 30), before.pixel(30, 30));
    }
}

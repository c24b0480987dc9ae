//! A piece of a slide at some scale.

use bianque_core::{AtLevel, Level0, PixelRect, Point, Rect, RgbImage};

/// A piece of a slide at some scale.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct View {
    /// Left top corner.
    pub origin: Point<Level0>,
    /// Level-0 pixels per image pixel.
    pub step: f64,
    /// Width in image pixels.
    pub width: u32,
    /// Height in image pixels.
    pub height: u32,
    /// Microns per level-0 pixel.
    pub mpp: f64,
}

impl View {
    /// Microns per image pixel.
    #[must_use]
    pub fn pixel_um(&self) -> f64 {
        self.step * self.mpp
    }

    /// Where an image pixel's centre lies.
    #[must_use]
    pub fn place(&self, x: u32, y: u32) -> Point<Level0> {
        Point::new(
            self.origin.x + (f64::from(x) + 0.5) * self.step,
            self.origin.y + (f64::from(y) + 0.5) * self.step,
        )
    }

    /// The same view with `margin` image pixels more on each side.
    #[must_use]
    pub fn grown(&self, margin: u32) -> Self {
        let far = f64::from(margin) * self.step;
        Self {
            origin: Point::new(self.origin.x - far, self.origin.y - far),
            width: self.width + 2 * margin,
            height: self.height + 2 * margin,
            ..*self
        }
    }

    /// A view of the same size elsewhere, `dx` and `dy` in level-0 pixels.
    #[must_use]
    pub fn moved(&self, dx: f64, dy: f64) -> Self {
        Self { origin: Point::new(self.origin.x + dx, self.origin.y + dy), ..*self }
    }

    /// A part of the view, in its image pixels.
    #[must_use]
    pub fn part(&self, rect: PixelRect<AtLevel>) -> Self {
        let (x, y) = (rect.x as f64 * self.step, rect.y as f64 * self.step);
        Self { width: rect.width, height: rect.height, ..self.moved(x, y) }
    }

    /// The image pixels that an area touches, if any.
    #[must_use]
    pub fn pixels_of(&self, area: Rect<Level0>) -> Option<PixelRect<AtLevel>> {
        let low = |at: f64, origin: f64| ((at - origin) / self.step).floor().max(0.0);
        let high =
            |at: f64, origin: f64, end: u32| ((at - origin) / self.step).ceil().min(f64::from(end));
        let (left, top) = (low(area.min.x, self.origin.x), low(area.min.y, self.origin.y));
        let right = high(area.max.x, self.origin.x, self.width);
        let bottom = high(area.max.y, self.origin.y, self.height);
        (left < right && top < bottom).then(|| {
            PixelRect::new(left as i64, top as i64, (right - left) as u32, (bottom - top) as u32)
        })
    }

    /// Changes every pixel of an image of this view by its place and its value of 0 to 255.
    pub(super) fn paint(
        &self,
        image: &mut RgbImage,
        change: impl Fn(Point<Level0>, [f32; 3]) -> [f32; 3],
    ) {
        let width = image.width();
        for (at, pixel) in (0_u32..).zip(image.pixels_mut().chunks_exact_mut(3)) {
            let place = self.place(at % width, at / width);
            let changed = change(place, [0, 1, 2].map(|channel| f32::from(pixel[channel])));
            for (value, new) in pixel.iter_mut().zip(changed) {
                *value = new.round().clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// From `a` to `b` by `t`, in every channel.
pub(super) fn mix(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    std::array::from_fn(|channel| a[channel] + (b[channel] - a[channel]) * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_margins_keep_the_grid() {
        let view =
            View { origin: Point::new(10.0, 20.0), step: 4.0, width: 50, height: 40, mpp: 0.25 };
        let part = view.part(PixelRect::new(3, 5, 10, 10));
        assert_eq!(part.place(0, 0), view.place(3, 5));
        assert_eq!(view.grown(2).place(2, 2), view.place(0, 0));
        let rect = |a: f64, b: f64| Rect { min: Point::new(a, a), max: Point::new(b, b) };
        assert_eq!(view.pixels_of(rect(31.0, 37.0)), Some(PixelRect::new(5, 2, 2, 3)));
        assert_eq!(view.pixels_of(rect(-50.0, 10.0)), None);
    }
}

//! Pen on the cover slip.

use bianque_core::{Level0, Polygon, Rect, RgbImage};

use super::{
    Artefact, Reader, View,
    shape::{Stroke, around},
    view::mix,
};
use crate::histology::{InkColour, noise::value_noise};

/// Strokes of a pen over and beside tissue.
#[derive(Clone, Debug, PartialEq)]
pub struct Pen {
    /// The strokes.
    pub strokes: Vec<Stroke>,
    /// The ink.
    pub colour: InkColour,
    /// Optical density where the ink takes most: 0.3 is a dry felt pen, 1.5 is opaque.
    pub density: f32,
}

impl Pen {
    /// Strokes of an ink.
    #[must_use]
    pub fn new(strokes: Vec<Stroke>, colour: InkColour, density: f32) -> Self {
        Self { strokes, colour, density }
    }
}

/// Absorption of an ink in red, green and blue; the largest is 1. Our own values.
fn absorption(colour: InkColour) -> [f32; 3] {
    match colour {
        InkColour::Green => [1.0, 0.35, 0.7],
        InkColour::Blue => [1.0, 0.7, 0.2],
        InkColour::Red => [0.1, 1.0, 0.85],
        InkColour::Black => [1.0, 0.98, 0.94],
    }
}

impl Artefact for Pen {
    fn bounds(&self) -> Option<Rect<Level0>> {
        around(self.strokes.iter().map(|stroke| stroke.bounds(0.0)))
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        self.strokes.iter().map(Stroke::outline).collect()
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let mut image = read(view);
        let absorption = absorption(self.colour);
        view.paint(&mut image, |place, pixel| {
            let shares = self.strokes.iter().map(|stroke| stroke.share(place, view.step));
            let share = shares.fold(0.0, f32::max);
            if share == 0.0 {
                return pixel;
            }
            // Ink dries unevenly, over about 80 um.
            let at = [place.x, place.y].map(|at| (at * view.mpp / 80.0) as f32);
            let density = self.density * (0.8 + 0.4 * value_noise(77, at[0], at[1]));
            let inked = std::array::from_fn(|channel| {
                pixel[channel] * 10_f32.powf(-density * absorption[channel])
            });
            mix(pixel, inked, share)
        });
        image
    }
}

#[cfg(test)]
mod tests {
    use bianque_core::Point;

    use super::*;

    #[test]
    fn every_ink_has_its_colour() {
        let view =
            View { origin: Point::new(0.0, 0.0), step: 2.0, width: 60, height: 60, mpp: 0.5 };
        let white = |view: &View| RgbImage::filled(view.width, view.height, [243; 3]);
        let stroke = Stroke::wavy(Point::new(0.0, 60.0), Point::new(120.0, 60.0), 60.0, 0.0, 1);
        let ink = |colour, density| {
            Pen::new(vec![stroke.clone()], colour, density).render(&view, &white).pixel(30, 30)
        };
        let [r, g, b] = ink(InkColour::Green, 0.8);
        assert!(g > r && g > b);
        let [r, g, b] = ink(InkColour::Blue, 0.8);
        assert!(b > r && b > g);
        let [r, g, b] = ink(InkColour::Red, 0.8);
        assert!(r > g && r > b);
        assert!(ink(InkColour::Black, 1.5).iter().all(|value| *value < 20));
    }
}

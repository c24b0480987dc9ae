//! What goes wrong with the section: folds and tears.

use bianque_core::{Level0, Polygon, Rect, RgbImage};

use super::{Artefact, Blur, Reader, View, shape::Stroke, view::mix};

/// Light through clear glass, of 255.
const GLASS: [f32; 3] = [243.0, 242.0, 244.0];

/// Tissue lying double along a line: its optical density and that of a displaced copy add up.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// The band that lies double.
    pub stroke: Stroke,
    /// How much of the second layer's optical density is added: 1 for a full layer, 2 for three.
    pub layers: f32,
    /// Where the second layer comes from, in level-0 pixels.
    pub displacement: (f64, f64),
    /// How far the upper layer lies out of focus, in microns.
    pub z_um: f64,
}

impl Fold {
    /// A fold whose second layer comes from about 300 level-0 pixels away and lies 3 um higher.
    #[must_use]
    pub fn new(stroke: Stroke, layers: f32) -> Self {
        Self { stroke, layers, displacement: (230.0, -190.0), z_um: 3.0 }
    }
}

impl Artefact for Fold {
    fn bounds(&self) -> Option<Rect<Level0>> {
        self.stroke.bounds(0.0)
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        vec![self.stroke.outline()]
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let blur = Blur::Lens { na: 0.75, wavelength_um: 0.55, z_um: self.z_um };
        let lower = blur.apply(view, read);
        let upper = blur.apply(&view.moved(self.displacement.0, self.displacement.1), read);
        let mut image = read(view);
        let at = |image: &RgbImage, index: usize| {
            [0, 1, 2].map(|channel| f32::from(image.pixels()[index * 3 + channel]))
        };
        for index in 0..image.pixels().len() / 3 {
            let place = view.place(index as u32 % view.width, index as u32 / view.width);
            let (distance, half) = self.stroke.nearest(place);
            let share = super::shape::band(distance, -half, half, view.step);
            if share == 0.0 {
                continue;
            }
            // Where the section turns over it stands upright: the rims are the darkest.
            let rim = ((distance.abs() / half.max(1e-9) - 0.75) * 4.0).clamp(0.0, 1.0) as f32;
            let layers = self.layers * (1.0 + 0.5 * rim);
            let (low, high) = (at(&lower, index), at(&upper, index));
            let double = std::array::from_fn(|channel| {
                let through = (high[channel].max(1.0) / GLASS[channel]).min(1.0);
                low[channel] * through.powf(layers)
            });
            let new = mix(at(&image, index), double, share);
            let new = new.map(|value| value.round().clamp(0.0, 255.0) as u8);
            image.pixels_mut()[index * 3..index * 3 + 3].copy_from_slice(&new);
        }
        image
    }
}

/// A gap in the section through which glass shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Tear {
    /// The gap; taper it for a tear, leave it even for the score of a knife.
    pub stroke: Stroke,
    /// Light through clear glass in red, green and blue, of 255.
    pub glass: [f32; 3],
}

impl Tear {
    /// A tear on usual glass.
    #[must_use]
    pub fn new(stroke: Stroke) -> Self {
        Self { stroke, glass: GLASS }
    }
}

impl Artefact for Tear {
    fn bounds(&self) -> Option<Rect<Level0>> {
        self.stroke.bounds(2.0)
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        vec![self.stroke.outline()]
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let mut image = read(view);
        view.paint(&mut image, |place, pixel| {
            mix(pixel, self.glass, self.stroke.share(place, view.step))
        });
        image
    }
}

#[cfg(test)]
mod tests {
    use bianque_core::Point;

    use super::*;

    #[test]
    fn a_fold_doubles_the_density() {
        let stroke = Stroke::wavy(Point::new(0.0, 50.0), Point::new(100.0, 50.0), 40.0, 0.0, 1);
        let view =
            View { origin: Point::new(0.0, 0.0), step: 1.0, width: 100, height: 100, mpp: 0.5 };
        let even = |view: &View| RgbImage::filled(view.width, view.height, [200, 100, 160]);
        let image = Fold::new(stroke.clone(), 1.0).render(&view, &even);
        for (channel, glass) in GLASS.into_iter().enumerate() {
            let density = |value: u8| (glass / f32::from(value)).ln();
            let (single, double) = (image.pixel(50, 10)[channel], image.pixel(50, 50)[channel]);
            assert!((density(double) / density(single) - 2.0).abs() < 0.1);
        }
        assert!(image.pixel(50, 67)[1] < image.pixel(50, 50)[1], "the rim is darker");
        let torn = Tear::new(stroke).render(&view, &even);
        assert_eq!(torn.pixel(50, 50), [243, 242, 244]);
    }
}

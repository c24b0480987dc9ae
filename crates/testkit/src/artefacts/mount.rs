//! What goes wrong in mounting: air bubbles, the cover slip's edge, dirt.

use std::f64::consts::TAU;

use bianque_core::{Level0, Point, Polygon, Rect, RgbImage};

use super::{
    Artefact, Blur, Reader, View,
    shape::{Region, Stroke, around, band},
    view::mix,
};
use crate::histology::noise::Random;

/// Air under the cover slip: a dark refracting rim with a bright line inside; the tissue within is
/// brighter and out of focus.
#[derive(Clone, Debug, PartialEq)]
pub struct Bubble {
    /// The bubble up to the outside of its rim.
    pub region: Region,
    /// Width of the dark rim in microns.
    pub rim_um: f64,
    /// 0 to 1: the rim's darkness, and how much of [`Bubble::lift`] and blur is felt.
    pub strength: f32,
    /// Light added within, as a share of what the tissue takes away.
    pub lift: f32,
}

impl Bubble {
    /// A bubble with a rim of 12 um.
    #[must_use]
    pub fn new(region: Region, strength: f32) -> Self {
        Self { region, rim_um: 12.0, strength, lift: 0.25 }
    }
}

impl Artefact for Bubble {
    fn bounds(&self) -> Option<Rect<Level0>> {
        self.region.bounds(0.0)
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        vec![self.region.outline()]
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let z_um = 8.0 * f64::from(self.strength);
        let blurred = Blur::Lens { na: 0.75, wavelength_um: 0.55, z_um }.apply(view, read);
        let mut image = read(view);
        let rim = self.rim_um / view.mpp;
        let mut inside = blurred;
        view.paint(&mut inside, |place, pixel| {
            let depth = -self.region.distance(place);
            let lifted = mix(pixel, [250.0; 3], self.lift * self.strength);
            // Dark outside, bright where the rim's lens gathers light, then the flat interior.
            let dark = band(depth, 0.0, rim, view.step) * 0.75 * self.strength;
            let bright = band(depth, rim, 1.5 * rim, view.step) * 0.5 * self.strength;
            let rimmed = mix(lifted, [45.0, 42.0, 45.0], dark);
            mix(rimmed, [252.0; 3], bright)
        });
        blend(view, &mut image, &inside, |place| self.region.share(place, view.step));
        image
    }
}

/// The cover slip's edge: a dark line with a bright one beside it; what lies beyond (to the right of
/// the line's way) is a little darker.
#[derive(Clone, Debug, PartialEq)]
pub struct CoverSlipEdge {
    /// The edge.
    pub stroke: Stroke,
    /// 0 to 1: how dark and bright the lines are.
    pub strength: f32,
}

impl CoverSlipEdge {
    /// An edge.
    #[must_use]
    pub fn new(stroke: Stroke, strength: f32) -> Self {
        Self { stroke, strength }
    }
}

impl Artefact for CoverSlipEdge {
    fn bounds(&self) -> Option<Rect<Level0>> {
        self.stroke.bounds(0.0)
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        vec![self.stroke.outline()]
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let mut image = read(view);
        view.paint(&mut image, |place, pixel| {
            let (distance, half) = self.stroke.nearest(place);
            let dark = band(distance, -half, half * 0.3, view.step) * 0.8 * self.strength;
            let bright = band(distance, half * 0.3, half, view.step) * 0.6 * self.strength;
            mix(mix(pixel, [60.0, 58.0, 62.0], dark), [253.0; 3], bright)
        });
        image
    }
}

/// Dark neutral specks and fibres on the glass.
#[derive(Clone, Debug, PartialEq)]
pub struct Dirt {
    /// Specks, and fibres beside them.
    pub specks: Vec<Region>,
    /// Hairs and fibres.
    pub fibres: Vec<Stroke>,
    /// 0 to 1: how little light passes.
    pub strength: f32,
}

impl Dirt {
    /// `count` specks of about `radius` level-0 pixels within a region, every fifth a fibre.
    #[must_use]
    pub fn scattered(region: &Region, count: u32, radius: f64, strength: f32, seed: u32) -> Self {
        let mut dirt = Self { specks: Vec::new(), fibres: Vec::new(), strength };
        for number in 0..count {
            let mut random = Random::new(seed, number as i32, 31);
            let (angle, far) = (f64::from(random.angle()), f64::from(random.unit()).sqrt() * 0.8);
            let place = |reach: f64| {
                Point::new(
                    region.centre.x + angle.cos() * (far * region.radii.0 + reach),
                    region.centre.y + angle.sin() * (far * region.radii.1 + reach),
                )
            };
            let size = radius * f64::from(random.range(0.6, 1.5));
            if number % 5 == 4 {
                let (start, way) = (place(0.0), f64::from(random.angle()) % TAU);
                let end = Point::new(
                    start.x + way.cos() * size * 12.0,
                    start.y + way.sin() * size * 12.0,
                );
                let fibre = Stroke::wavy(start, end, size * 0.5, 0.15, seed ^ number);
                dirt.fibres.push(fibre);
            } else {
                let flat = size * f64::from(random.range(0.6, 1.0));
                dirt.specks.push(Region::blob(place(0.0), size, flat, 0.4, seed ^ (number * 7)));
            }
        }
        dirt
    }
}

impl Artefact for Dirt {
    fn bounds(&self) -> Option<Rect<Level0>> {
        let specks = self.specks.iter().map(|speck| speck.bounds(0.0));
        around(specks.chain(self.fibres.iter().map(|fibre| fibre.bounds(0.0))))
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        let specks = self.specks.iter().map(Region::outline);
        specks.chain(self.fibres.iter().map(Stroke::outline)).collect()
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let mut image = read(view);
        // Only what touches this view is asked for at every pixel.
        let near =
            |bounds: Option<Rect<Level0>>| bounds.is_some_and(|b| view.pixels_of(b).is_some());
        let specks: Vec<&Region> = self.specks.iter().filter(|s| near(s.bounds(0.0))).collect();
        let fibres: Vec<&Stroke> = self.fibres.iter().filter(|f| near(f.bounds(0.0))).collect();
        view.paint(&mut image, |place, pixel| {
            let shares = specks.iter().map(|speck| speck.share(place, view.step));
            let share = shares.chain(fibres.iter().map(|fibre| fibre.share(place, view.step)));
            mix(pixel, [38.0, 36.0, 35.0], share.fold(0.0, f32::max) * self.strength)
        });
        image
    }
}

/// Lays `over` into an image of the same view by a share at every place.
fn blend(view: &View, image: &mut RgbImage, over: &RgbImage, share: impl Fn(Point<Level0>) -> f32) {
    let source = over.pixels().chunks_exact(3);
    for (at, (pixel, over)) in (0_u32..).zip(image.pixels_mut().chunks_exact_mut(3).zip(source)) {
        let share = share(view.place(at % view.width, at / view.width));
        for (value, over) in pixel.iter_mut().zip(over) {
            let (old, new) = (f32::from(*value), f32::from(*over));
            *value = (old + (new - old) * share).round() as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: View =
        View { origin: Point::new(0.0, 0.0), step: 1.0, width: 200, height: 200, mpp: 0.5 };

    fn even(view: &View) -> RgbImage {
        RgbImage::filled(view.width, view.height, [200, 120, 170])
    }

    #[test]
    fn a_bubble_has_a_dark_rim_and_a_bright_inside() {
        let region = Region::ellipse(Point::new(100.0, 100.0), 80.0, 80.0);
        let image = Bubble::new(region, 1.0).render(&VIEW, &even);
        let green = |x| image.pixel(x, 100)[1];
        assert!(green(32) < 90, "rim {}", green(32));
        assert!(green(100) > 130, "inside {}", green(100));
        assert_eq!(green(10), 120);
    }

    #[test]
    fn dirt_is_dark_and_neutral_and_the_same_again() {
        let region = Region::ellipse(Point::new(100.0, 100.0), 90.0, 90.0);
        let dirt = Dirt::scattered(&region, 10, 6.0, 1.0, 3);
        assert_eq!(dirt, Dirt::scattered(&region, 10, 6.0, 1.0, 3));
        assert_eq!((dirt.specks.len(), dirt.fibres.len()), (8, 2));
        let image = dirt.render(&VIEW, &even);
        let dark = image.pixels().chunks_exact(3).filter(|p| p[0] < 50 && p[0].abs_diff(p[1]) < 9);
        let (dark, area) = (dark.count() as f64, dirt.area());
        assert!((0.4..1.2).contains(&(dark / area)), "{dark} of {area}");
    }
}

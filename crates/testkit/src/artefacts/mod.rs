//! Artefacts of bench and scanner in known strength and place, planted into anybody's pixels.
//!
//! An artefact is described in level-0 pixels and microns and renders a [`View`] of a slide at any
//! scale: it asks for the pixels that it needs (with a margin, or displaced) and gives the changed
//! ones back. Rendering is deterministic and a pixel does not depend on the view that it is in,
//! but for rounding. Artefacts stack: [`render_all`].

mod defocus;
mod fourier;
mod light;
mod mount;
mod pen;
mod scanner;
mod section;
mod shape;
mod stain;
mod view;

use bianque_core::{Level0, Polygon, Rect, RgbImage};

pub use defocus::{Blur, Defocus};
pub use light::{Exposure, WhiteBalance};
pub use mount::{Bubble, CoverSlipEdge, Dirt};
pub use pen::Pen;
pub use scanner::{Axis, Stitching, Stripes};
pub use section::{Fold, Tear};
pub use shape::{Region, Stroke};
pub use stain::StainShift;
pub use view::View;

/// Gives the pixels of a view as they are without the artefact.
pub type Reader<'a> = dyn Fn(&View) -> RgbImage + 'a;

/// Something wrong with a slide, in known strength and place.
pub trait Artefact: Send + Sync {
    /// What it changes lies in here; `None` where it changes the whole slide.
    fn bounds(&self) -> Option<Rect<Level0>>;

    /// Where it is, in level-0 pixels; empty where it is everywhere.
    fn truth(&self) -> Vec<Polygon<Level0>>;

    /// The pixels of a view, all of which may be changed. Call [`Artefact::render`] instead.
    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage;

    /// The pixels of a view with the artefact in them.
    fn render(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let Some(bounds) = self.bounds() else { return self.paint(view, read) };
        let Some(part) = view.pixels_of(bounds) else { return read(view) };
        let painted = self.paint(&view.part(part), read);
        if (part.width, part.height) == (view.width, view.height) {
            return painted;
        }
        let mut image = read(view);
        let (width, left) = (view.width as usize * 3, part.x as usize * 3);
        for y in 0..part.height {
            let start = (part.y as usize + y as usize) * width + left;
            image.pixels_mut()[start..start + part.width as usize * 3]
                .copy_from_slice(painted.row(y));
        }
        image
    }

    /// Its area in level-0 pixels; 0 where it is everywhere.
    fn area(&self) -> f64 {
        self.truth().iter().map(Polygon::area).sum()
    }
}

/// The pixels of a view with all artefacts in them, the first one nearest to the slide.
#[must_use]
pub fn render_all(artefacts: &[Box<dyn Artefact>], view: &View, read: &Reader<'_>) -> RgbImage {
    match artefacts.split_last() {
        None => read(view),
        Some((top, below)) => top.render(view, &|view| render_all(below, view, read)),
    }
}

#[cfg(test)]
mod fakes {
    use super::*;

    /// A slide without end: cells of 6 um on a pink ground, left of x = 0 glass.
    pub(super) fn tissue(view: &View) -> RgbImage {
        let mut image = RgbImage::filled(view.width, view.height, [243, 242, 244]);
        for y in 0..view.height {
            for x in 0..view.width {
                let place = view.place(x, y);
                if place.x < 0.0 {
                    continue;
                }
                let (u, v) = (place.x * view.mpp / 6.0, place.y * view.mpp / 6.0);
                let cell = (u.sin() * v.cos() * 4.0).clamp(-1.0, 1.0) * 0.5 + 0.5;
                let shade = |low: f64, high: f64| (low + (high - low) * cell) as u8;
                image.set_pixel(
                    x,
                    y,
                    [shade(90.0, 225.0), shade(50.0, 160.0), shade(140.0, 205.0)],
                );
            }
        }
        image
    }
}

#[cfg(test)]
mod tests {
    use bianque_core::Point;

    use super::*;

    fn every() -> Vec<Box<dyn Artefact>> {
        let region = Region::blob(Point::new(300.0, 260.0), 120.0, 80.0, 0.2, 5);
        let across =
            |width| Stroke::wavy(Point::new(100.0, 90.0), Point::new(400.0, 420.0), width, 0.1, 3);
        vec![
            Box::new(Defocus { region: Some(region.clone()), ..Defocus::lens(5.0) }),
            Box::new(Bubble::new(region.clone(), 0.8)),
            Box::new(Fold::new(across(40.0), 1.0)),
            Box::new(Tear::new(across(30.0).tapered(0.3))),
            Box::new(Dirt::scattered(&region, 9, 12.0, 1.0, 4)),
            Box::new(Pen::new(vec![across(60.0)], crate::histology::InkColour::Green, 0.6)),
            Box::new(CoverSlipEdge::new(across(10.0), 0.8)),
            Box::new(Stripes {
                axis: Axis::X,
                period: 70.0,
                step: 9.0,
                extent: bianque_core::PixelRect::new(20, 10, 400, 380),
                seed: 8,
            }),
            Box::new(Stitching {
                axis: Axis::Y,
                shift: (7.0, 0.0),
                extent: bianque_core::PixelRect::new(0, 200, 500, 90),
            }),
            Box::new(Exposure { gain: 1.2 }),
            Box::new(WhiteBalance { gains: [1.0, 0.95, 0.8] }),
            Box::new(StainShift { haematoxylin: 0.5, eosin: 1.5, glass: [243.0; 3] }),
        ]
    }

    fn difference(a: &RgbImage, b: &RgbImage) -> u8 {
        a.pixels().iter().zip(b.pixels()).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
    }

    const VIEW: View =
        View { origin: Point::new(-20.0, 0.0), step: 1.0, width: 480, height: 440, mpp: 0.5 };

    #[test]
    fn a_part_of_a_view_is_the_same_as_the_whole() {
        for (number, artefact) in every().iter().enumerate() {
            let whole = artefact.render(&VIEW, &fakes::tissue);
            let rect = bianque_core::PixelRect::new(150, 170, 170, 140);
            let part = artefact.render(&VIEW.part(rect), &fakes::tissue);
            let cut = crate::tiff_writer::crop(&whole, rect).unwrap();
            assert!(difference(&part, &cut) <= 2, "{number}: {}", difference(&part, &cut));
        }
    }

    #[test]
    fn it_changes_its_place_and_nothing_else() {
        for (number, artefact) in every().iter().enumerate() {
            let (before, after) = (fakes::tissue(&VIEW), artefact.render(&VIEW, &fakes::tissue));
            assert!(difference(&before, &after) > 3, "{number} changes nothing");
            let Some(bounds) = artefact.bounds() else { continue };
            assert!(!artefact.truth().is_empty() && artefact.area() > 0.0);
            for y in 0..VIEW.height {
                for x in 0..VIEW.width {
                    let p = VIEW.place(x, y);
                    let inside = (bounds.min.x - 1.0..=bounds.max.x + 1.0).contains(&p.x)
                        && (bounds.min.y - 1.0..=bounds.max.y + 1.0).contains(&p.y);
                    assert!(inside || before.pixel(x, y) == after.pixel(x, y), "{number} {p:?}");
                }
            }
        }
    }

    #[test]
    fn a_coarse_view_shows_the_mean_of_the_fine_one() {
        let coarse = View { step: 4.0, width: 120, height: 110, ..VIEW };
        // Painted at the fine step, then averaged, as a pyramid is made.
        let read = |view: &View| {
            let fine = View {
                step: view.step / 4.0,
                width: view.width * 4,
                height: view.height * 4,
                ..*view
            };
            averaged(&fakes::tissue(&fine))
        };
        for (number, artefact) in every().iter().enumerate() {
            let expected = averaged(&artefact.render(&VIEW, &fakes::tissue));
            let actual = artefact.render(&coarse, &read);
            let sum: u64 = expected
                .pixels()
                .iter()
                .zip(actual.pixels())
                .map(|(a, b)| u64::from(a.abs_diff(*b)))
                .sum();
            let mean = sum as f64 / expected.pixels().len() as f64;
            assert!(mean < 2.0, "{number}: {mean}");
        }
    }

    fn averaged(image: &RgbImage) -> RgbImage {
        let mut out = RgbImage::filled(image.width() / 4, image.height() / 4, [0; 3]);
        for y in 0..out.height() {
            for x in 0..out.width() {
                let at = |i: u32| image.pixel(x * 4 + i % 4, y * 4 + i / 4);
                let mean = std::array::from_fn(|c| {
                    ((0..16).map(|i| u32::from(at(i)[c])).sum::<u32>() / 16) as u8
                });
                out.set_pixel(x, y, mean);
            }
        }
        out
    }

    #[test]
    fn artefacts_stack_in_their_order() {
        let stack: Vec<Box<dyn Artefact>> =
            vec![Box::new(Exposure { gain: 0.5 }), Box::new(Exposure { gain: 2.0 })];
        let both = render_all(&stack, &VIEW, &fakes::tissue);
        assert!(difference(&both, &fakes::tissue(&VIEW)) <= 2);
        assert_eq!(render_all(&[], &VIEW, &fakes::tissue), fakes::tissue(&VIEW));
    }
}

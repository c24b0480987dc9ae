//! From amounts of stain to what the camera sees.

use bianque_core::{Level0, PixelRect, RgbImage};

use super::{Painter, canvas::Canvas};
use crate::histology::{
    noise::{hash, smoothstep, unit, value_noise},
    plane::Vec2,
    recipe::{InkColour, Stain},
};

/// Absorption of red blood cells.
const BLOOD: [f32; 3] = [0.13, 0.92, 0.78];
/// Absorption of a pen's ink in red, green and blue.
fn ink_absorption(colour: InkColour) -> [f32; 3] {
    match colour {
        InkColour::Green => [1.7, 0.6, 1.1],
        InkColour::Blue => [1.8, 1.1, 0.35],
        InkColour::Red => [0.2, 1.6, 1.3],
        InkColour::Black => [2.2, 2.2, 2.1],
    }
}

/// Steps of the exponential's table per unit of optical density, and its end.
const STEPS: f32 = 1024.0;
const DARKEST: f32 = 4.0;

/// Transmitted light by optical density.
pub(super) struct Transmission(Vec<f32>);

impl Transmission {
    pub(super) fn new() -> Self {
        Self((0..=(STEPS * DARKEST) as usize).map(|at| (-(at as f32) / STEPS).exp()).collect())
    }

    fn at(&self, density: f32) -> f32 {
        self.0[(density.clamp(0.0, DARKEST) * STEPS) as usize]
    }
}

/// Blurs as a lens does: a small kernel along both axes. Leaves out one pixel on every side.
pub(super) fn blur(canvas: &Canvas) -> Vec<[f32; 3]> {
    let (width, height) = (canvas.rect.width as usize, canvas.rect.height as usize);
    let side = (0.09 / canvas.mpp).min(0.22);
    let middle = 1.0 - 2.0 * side;
    let sum = |a: [f32; 3], b: [f32; 3], c: [f32; 3]| -> [f32; 3] {
        std::array::from_fn(|at| side * (a[at] + c[at]) + middle * b[at])
    };
    let mut rows = Vec::with_capacity((width - 2) * height);
    for row in canvas.amounts.chunks_exact(width) {
        rows.extend(row.windows(3).map(|three| sum(three[0], three[1], three[2])));
    }
    let width = width - 2;
    let mut out = Vec::with_capacity(width * (height - 2));
    for y in 0..height - 2 {
        let at = |row: usize| &rows[row * width..(row + 1) * width];
        let (above, here, below) = (at(y), at(y + 1), at(y + 2));
        out.extend((0..width).map(|x| sum(above[x], here[x], below[x])));
    }
    out
}

impl Painter<'_> {
    /// The picture of `rect` from blurred amounts.
    pub(super) fn expose(&self, rect: PixelRect<Level0>, amounts: &[[f32; 3]]) -> RgbImage {
        let mut image = RgbImage::filled(rect.width, rect.height, [0; 3]);
        let width = rect.width as usize;
        let stain = self.stain;
        let rows = image.pixels_mut().chunks_exact_mut(3 * width).zip(amounts.chunks_exact(width));
        for (y, (pixels, amounts)) in (rect.y..).zip(rows) {
            let mut thickness = 1.0;
            let mut shading = 1.0;
            for ((x, pixel), amounts) in (rect.x..).zip(pixels.chunks_exact_mut(3)).zip(amounts) {
                // Both change so slowly that steps of 16 px are below one grey level.
                if x == rect.x || x % 16 == 0 {
                    let at = [(x.div_euclid(16) * 16) as f32, y as f32].map(|v| v * self.mpp);
                    thickness = self.thickness(at);
                    shading =
                        1.0 - 0.012 * value_noise(self.seed ^ 0x11, at[0] / 900.0, at[1] / 700.0);
                }
                let mut density = mix_stains(stain, *amounts, thickness);
                self.add_ink([x, y].map(|at| (at as f32 + 0.5) * self.mpp), &mut density);
                let noise = hash(self.seed ^ 0x01, x as i32, y as i32);
                for (channel, value) in pixel.iter_mut().enumerate() {
                    let grain = ((noise >> (8 * channel)) & 255) as f32 / 255.0 - 0.5;
                    let light =
                        stain.glass[channel] * shading * self.transmission.at(density[channel]);
                    *value = (light + 4.5 * grain + 0.5).clamp(0.0, 255.0) as u8;
                }
            }
        }
        image
    }

    /// Adds what pen strokes over a place absorb: streaky, with an edge out of focus.
    fn add_ink(&self, place: Vec2, density: &mut [f32; 3]) {
        for stroke in &self.strokes {
            let edge = 0.08 * stroke.width;
            let cover = smoothstep(-edge, edge, stroke.inside(place));
            if cover > 0.0 {
                let streaks = value_noise(self.seed ^ 0x1215, place[0] / 90.0, place[1] / 25.0);
                let colour = ink_absorption(stroke.colour);
                let amount = cover * (0.75 + 0.5 * streaks);
                density.iter_mut().zip(colour).for_each(|(sum, ink)| *sum += amount * ink);
            }
        }
    }

    /// How thick the section is at a place, around 1.
    fn thickness(&self, place: Vec2) -> f32 {
        0.88 + 0.24 * value_noise(self.seed ^ 0x12, place[0] / 600.0, place[1] / 600.0)
    }

    /// Specks of dust, in grey, out of focus.
    pub(super) fn paint_dust(&self, canvas: &mut Canvas) {
        let bounds = canvas.bounds().grown(40.0);
        let mut specks = Vec::new();
        self.lattice(bounds, 520.0, 0xD057, |random, place| {
            if random.chance(0.16) {
                specks.push((
                    place,
                    random.range(2.0, 9.0),
                    random.range(0.1, 0.45),
                    random.bits(),
                ));
            }
        });
        for (centre, radius, density, seed) in specks {
            let turn = unit(seed) * 6.0;
            let ellipse = super::canvas::Ellipse {
                centre,
                half: [radius * 1.6, radius],
                axis: crate::histology::plane::heading(turn),
                edge: 1.5,
            };
            canvas.ellipse(&ellipse, |place, out| {
                let fluff = self.grain.at(place[0] / 3.0, place[1] / 3.0);
                let soft = (1.0 - out).max(0.0) * density * (0.5 + fluff);
                ([1.0, 0.35, 0.25], soft)
            });
        }
    }
}

fn mix_stains(stain: &Stain, amounts: [f32; 3], thickness: f32) -> [f32; 3] {
    let haematoxylin = amounts[0] * stain.haematoxylin_strength * thickness;
    let eosin = amounts[1] * stain.eosin_strength * thickness;
    std::array::from_fn(|channel| {
        haematoxylin * stain.haematoxylin[channel]
            + eosin * stain.eosin[channel]
            + amounts[2] * BLOOD[channel]
    })
}

//! Low-power slides painted with known truth: 8 um per pixel, H&E by its two stain vectors
//! (Ruifrok and Johnston 2001) on glass of a given colour.

use bianque_core::{Confidence, Mpp, MppSource, RgbImage};
use bianque_quality::{InkColour, Overview};

/// Width of every scene.
pub(crate) const WIDTH: u32 = 1000;
/// Height of every scene.
pub(crate) const HEIGHT: u32 = 750;

const HAEMATOXYLIN: [f64; 3] = [0.65, 0.70, 0.29];
const EOSIN: [f64; 3] = [0.07, 0.99, 0.11];

/// A painted slide and what is where.
pub(crate) struct Scene {
    /// What it shows.
    pub(crate) name: &'static str,
    /// The pixels.
    pub(crate) image: RgbImage,
    /// True where there is tissue that no ink covers.
    pub(crate) tissue: Vec<bool>,
    /// True where there is ink.
    pub(crate) ink: Vec<bool>,
}

impl Scene {
    /// The scene as a slide of 8 um per pixel.
    pub(crate) fn overview(&self) -> Overview {
        let mpp = Mpp::new(8.0, 8.0, MppSource::User, Confidence::High);
        Overview::from_image(self.image.clone(), mpp)
    }
}

/// The kinds of tissue that are painted.
#[derive(Copy, Clone)]
enum Kind {
    Solid,
    PaleMucin,
    Fat,
}

/// Optical densities that are painted on, and turned into pixels at the end.
struct Canvas {
    od: Vec<[f64; 3]>,
    tissue: Vec<bool>,
    ink: Vec<bool>,
    seed: u64,
}

impl Canvas {
    fn new(seed: u64) -> Self {
        let count = (WIDTH * HEIGHT) as usize;
        Self {
            od: vec![[0.0; 3]; count],
            tissue: vec![false; count],
            ink: vec![false; count],
            seed,
        }
    }

    fn each(&mut self, mut paint: impl FnMut(f64, f64, &mut [f64; 3], &mut bool, &mut bool)) {
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let i = (y * WIDTH + x) as usize;
                paint(
                    f64::from(x),
                    f64::from(y),
                    &mut self.od[i],
                    &mut self.tissue[i],
                    &mut self.ink[i],
                );
            }
        }
    }

    /// An ellipse with a ragged edge.
    fn tissue(mut self, centre: (f64, f64), radius: (f64, f64), kind: Kind) -> Self {
        let seed = self.seed + centre.0 as u64;
        self.each(|x, y, od, tissue, _| {
            let d = ((x - centre.0) / radius.0).hypot((y - centre.1) / radius.1);
            // The ragged edge moves by at most 0.175: no noise is needed far outside.
            if d > 1.2 || d + 0.35 * (clouds(x / 40.0, y / 40.0, seed) - 0.5) > 1.0 {
                return;
            }
            *tissue = true;
            let fine = clouds(x / 4.0, y / 4.0, seed + 1);
            let coarse = clouds(x / 30.0, y / 30.0, seed + 2);
            let (h, e) = match kind {
                Kind::Solid => (0.10 + 0.35 * coarse * fine, 0.10 + 0.25 * fine),
                Kind::PaleMucin => (0.020 + 0.05 * fine, 0.012 + 0.03 * coarse),
                Kind::Fat => (0.0, 0.16 * fat_wall(x, y, seed)),
            };
            for c in 0..3 {
                od[c] = h * HAEMATOXYLIN[c] + e * EOSIN[c];
            }
        });
        self
    }

    /// A pen stroke from one point to another.
    fn ink(mut self, from: (f64, f64), to: (f64, f64), width: f64, colour: InkColour) -> Self {
        let full = match colour {
            InkColour::Green => [0.95, 0.30, 0.62],
            InkColour::Blue => [0.95, 0.55, 0.15],
            InkColour::Black => [1.05, 1.08, 1.02],
            InkColour::Red => [0.10, 0.95, 0.85],
        };
        let seed = self.seed + 77;
        self.each(|x, y, od, _, ink| {
            let off = distance(x, y, from, to);
            if off > width {
                return;
            }
            let off = off + 6.0 * (clouds(x / 12.0, y / 12.0, seed) - 0.5);
            let cover = ((width / 2.0 - off) / 2.0).clamp(0.0, 1.0);
            let depth = cover * (0.75 + 0.3 * clouds(x / 25.0, y / 25.0, seed + 1));
            for c in 0..3 {
                od[c] += depth * full[c];
            }
            *ink |= cover > 0.3;
        });
        self
    }

    /// Grey blurred spots and a hair.
    fn dust(mut self) -> Self {
        let spots: Vec<(f64, f64, f64, f64)> = (0..30)
            .map(|i| {
                let at = |k: u64| hash(i, k, self.seed);
                (at(1) * 1000.0, at(2) * 750.0, 1.5 + 7.0 * at(3), 0.05 + 0.25 * at(4))
            })
            .collect();
        self.each(|x, y, od, _, _| {
            let mut grey = 0.0;
            for (u, v, radius, depth) in &spots {
                let d = (x - u).hypot(y - v) / radius;
                if d < 2.0 {
                    grey += depth * (1.0 - d / 2.0);
                }
            }
            let curve = 600.0 + 60.0 * (x / 90.0).sin();
            if (40.0..400.0).contains(&x) && (y - curve).abs() < 1.0 {
                grey += 0.35;
            }
            od.iter_mut().for_each(|v| *v += grey);
        });
        self
    }

    /// Black outside the scan on two sides, and a cover slip's edge as a thin line.
    fn black_border(mut self) -> Self {
        self.each(|x, y, od, tissue, _| {
            if x < 30.0 || y > 720.0 {
                *od = [2.2; 3];
                *tissue = false;
            } else if (y - 42.0 - 0.01 * x).abs() < 1.6 {
                od.iter_mut().for_each(|v| *v += 0.5);
            }
        });
        self
    }

    fn develop(mut self, name: &'static str, glass: [f64; 3], shading: f64) -> Scene {
        let mut image = RgbImage::filled(WIDTH, HEIGHT, [255; 3]);
        let seed = self.seed;
        let od = std::mem::take(&mut self.od);
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let i = (y * WIDTH + x) as usize;
                let (u, v) = (f64::from(x) / 500.0 - 1.0, f64::from(y) / 375.0 - 1.0);
                let light = 1.0 - shading * 0.5 * (u * u + v * v) - shading * 0.3 * u;
                let noise = (hash(i as u64, 9, seed) - 0.5) * 3.0;
                let pixel = std::array::from_fn(|c| {
                    (glass[c] * light * 10.0_f64.powf(-od[i][c]) + noise).round().clamp(0.0, 255.0)
                        as u8
                });
                image.set_pixel(x, y, pixel);
            }
        }
        let tissue = self.tissue.iter().zip(&self.ink).map(|(t, ink)| *t && !*ink).collect();
        Scene { name, image, tissue, ink: self.ink }
    }
}

const GLASS: [f64; 3] = [242.0, 241.0, 243.0];

fn two_pieces(seed: u64) -> Canvas {
    Canvas::new(seed).tissue((330.0, 350.0), (200.0, 170.0), Kind::Solid).tissue(
        (720.0, 400.0),
        (130.0, 190.0),
        Kind::Solid,
    )
}

fn solid_and_pale(seed: u64) -> Canvas {
    Canvas::new(seed).tissue((330.0, 350.0), (200.0, 170.0), Kind::Solid).tissue(
        (720.0, 400.0),
        (150.0, 190.0),
        Kind::PaleMucin,
    )
}

/// Strokes beside the tissue, along it and over it.
fn inked(seed: u64, colour: InkColour) -> Canvas {
    two_pieces(seed)
        .ink((60.0, 120.0), (600.0, 90.0), 34.0, colour)
        .ink((880.0, 100.0), (900.0, 650.0), 26.0, colour)
        .ink((120.0, 480.0), (330.0, 600.0), 22.0, colour)
}

/// Two pieces of stained tissue on clean glass.
pub(crate) fn plain() -> Scene {
    two_pieces(1).develop("plain H&E", GLASS, 0.0)
}

/// Green pen beside and over tissue.
pub(crate) fn green_ink() -> Scene {
    inked(5, InkColour::Green).develop("green ink", GLASS, 0.0)
}

/// Everything at once.
pub(crate) fn all_of_it() -> Scene {
    solid_and_pale(12)
        .ink((60.0, 120.0), (600.0, 90.0), 34.0, InkColour::Green)
        .dust()
        .black_border()
        .develop("all of it", [240.0, 236.0, 230.0], 0.06)
}

/// Every scene of the comparison.
pub(crate) fn all() -> Vec<Scene> {
    vec![
        plain(),
        solid_and_pale(2).develop("pale mucin beside stained tissue", GLASS, 0.0),
        Canvas::new(3).tissue((480.0, 380.0), (260.0, 200.0), Kind::PaleMucin).develop(
            "pale tissue alone",
            GLASS,
            0.0,
        ),
        Canvas::new(4)
            .tissue((480.0, 380.0), (330.0, 260.0), Kind::Fat)
            .tissue((330.0, 350.0), (120.0, 90.0), Kind::Solid)
            .develop("fat around stained tissue", GLASS, 0.0),
        green_ink(),
        inked(6, InkColour::Blue).develop("blue ink", GLASS, 0.0),
        inked(7, InkColour::Black).develop("black ink", GLASS, 0.0),
        inked(8, InkColour::Red).develop("red ink", GLASS, 0.0),
        two_pieces(9).dust().develop("dust and a hair", GLASS, 0.0),
        two_pieces(10).black_border().develop("black border, cover slip", GLASS, 0.0),
        two_pieces(11).develop("warm glass, shading 15 %", [246.0, 238.0, 214.0], 0.15),
        all_of_it(),
        Canvas::new(13).dust().develop("glass and dust only", GLASS, 0.0),
    ]
}

fn distance(x: f64, y: f64, a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let t = (((x - a.0) * dx + (y - a.1) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (x - a.0 - t * dx).hypot(y - a.1 - t * dy)
}

/// 1 on the walls between cells about 9 pixels (72 um) wide, 0 inside them.
fn fat_wall(x: f64, y: f64, seed: u64) -> f64 {
    let (u, v) = (x / 9.0, y / 9.0);
    let mut nearest = [9.0_f64; 2];
    for row in -1..=1 {
        for column in -1..=1 {
            let (cx, cy) = (u.floor() + f64::from(column), v.floor() + f64::from(row));
            let jitter = |k| hash((cx + 500.0) as u64, (cy + 500.0) as u64 * 7 + k, seed);
            let d = (u - cx - jitter(1)).hypot(v - cy - jitter(2));
            if d < nearest[0] {
                nearest = [d, nearest[0]];
            } else if d < nearest[1] {
                nearest[1] = d;
            }
        }
    }
    (1.0 - (nearest[1] - nearest[0]) * 7.0).clamp(0.0, 1.0)
}

/// Smooth noise of three octaves, 0 to 1.
fn clouds(x: f64, y: f64, seed: u64) -> f64 {
    let octave = |scale: f64, seed| smooth(x * scale, y * scale, seed);
    (octave(1.0, seed) + octave(2.0, seed + 31) / 2.0 + octave(4.0, seed + 62) / 4.0) / 1.75
}

fn smooth(x: f64, y: f64, seed: u64) -> f64 {
    let (x0, y0) = (x.floor(), y.floor());
    let ease = |t: f64| t * t * (3.0 - 2.0 * t);
    let (u, v) = (ease(x - x0), ease(y - y0));
    let at = |dx: f64, dy: f64| hash((x0 + dx + 999.0) as u64, (y0 + dy + 999.0) as u64, seed);
    let top = at(0.0, 0.0) * (1.0 - u) + at(1.0, 0.0) * u;
    let bottom = at(0.0, 1.0) * (1.0 - u) + at(1.0, 1.0) * u;
    top * (1.0 - v) + bottom * v
}

/// A number from 0 to 1 that only depends on its arguments (SplitMix64's mixing).
fn hash(a: u64, b: u64, seed: u64) -> f64 {
    let mut z = a
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(b.wrapping_mul(0xC2B2_AE3D_27D4_EB4F))
        .wrapping_add(seed.wrapping_mul(0x1656_67B1_9E37_79F9));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Intersection over union of two masks; 1 where both are empty.
pub(crate) fn overlap(found: &[bool], truth: &[bool]) -> f64 {
    let both = found.iter().zip(truth).filter(|(a, b)| **a && **b).count();
    let either = found.iter().zip(truth).filter(|(a, b)| **a || **b).count();
    if either == 0 { 1.0 } else { both as f64 / either as f64 }
}

//! Amounts of stain per pixel, and the shapes that are painted into them.

use bianque_core::{Level0, PixelRect};

use crate::histology::{
    plane::{Bounds, Vec2, perpendicular},
    scene::crossings,
};

/// Haematoxylin, eosin and blood in one place, as optical density.
pub(crate) type Amounts = [f32; 3];

/// A rectangle of pixels under the brush. What is painted at a pixel depends on the pixel's place
/// on the slide only, never on the rectangle: that makes tiles independent.
pub(crate) struct Canvas {
    pub(crate) rect: PixelRect<Level0>,
    pub(crate) mpp: f32,
    pub(crate) amounts: Vec<Amounts>,
}

impl Canvas {
    pub(crate) fn new(rect: PixelRect<Level0>, mpp: f32) -> Self {
        Self { rect, mpp, amounts: vec![[0.0; 3]; rect.width as usize * rect.height as usize] }
    }

    /// What it covers in microns.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            min: [self.rect.x as f32 * self.mpp, self.rect.y as f32 * self.mpp],
            max: [self.rect.right() as f32 * self.mpp, self.rect.bottom() as f32 * self.mpp],
        }
    }

    /// The place of a column's or row's pixel centre in microns.
    pub(crate) fn micron(&self, pixel: i64) -> f32 {
        (pixel as f32 + 0.5) * self.mpp
    }

    fn pixels(&self, from: f32, to: f32, start: i64, end: i64) -> std::ops::Range<i64> {
        let first = ((from / self.mpp - 0.5).ceil() as i64).max(start);
        let last = ((to / self.mpp - 0.5).floor() as i64 + 1).min(end);
        first..last
    }

    fn columns(&self, from: f32, to: f32) -> std::ops::Range<i64> {
        self.pixels(from, to, self.rect.x, self.rect.right())
    }

    fn rows(&self, from: f32, to: f32) -> std::ops::Range<i64> {
        self.pixels(from, to, self.rect.y, self.rect.bottom())
    }

    fn index(&self, x: i64, y: i64) -> usize {
        (y - self.rect.y) as usize * self.rect.width as usize + (x - self.rect.x) as usize
    }

    /// Paints every pixel inside a closed outline; `shade` gives the new amounts and how far they
    /// cover the old ones.
    pub(crate) fn fill(&mut self, outline: &[Vec2], mut shade: impl FnMut(Vec2) -> (Amounts, f32)) {
        let bounds = Bounds::around(outline);
        if !bounds.touches(&self.bounds()) {
            return;
        }
        for y in self.rows(bounds.min[1], bounds.max[1]) {
            let py = self.micron(y);
            for span in crossings(outline, py).chunks_exact(2) {
                for x in self.columns(span[0], span[1]) {
                    let (amounts, cover) = shade([self.micron(x), py]);
                    let at = self.index(x, y);
                    cover_with(&mut self.amounts[at], amounts, cover);
                }
            }
        }
    }

    /// Paints an ellipse with a soft edge; `shade` gets the place and how far out it is (0 in the
    /// middle, 1 at the edge).
    pub(crate) fn ellipse(
        &mut self,
        ellipse: &Ellipse,
        mut shade: impl FnMut(Vec2, f32) -> (Amounts, f32),
    ) {
        let Ellipse { centre, half, axis, edge } = *ellipse;
        let [a, b] = half;
        let reach = |component: usize| {
            let across = perpendicular(axis)[component] * b;
            (axis[component] * axis[component] * a * a + across * across).sqrt() + edge
        };
        let (rx, ry) = (reach(0), reach(1));
        let rows = self.rows(centre[1] - ry, centre[1] + ry);
        let columns = self.columns(centre[0] - rx, centre[0] + rx);
        let softness = b.min(a) / edge;
        for y in rows {
            let dy = self.micron(y) - centre[1];
            for x in columns.clone() {
                let dx = self.micron(x) - centre[0];
                let u = (dx * axis[0] + dy * axis[1]) / a;
                let v = (dy * axis[0] - dx * axis[1]) / b;
                let out = (u * u + v * v).sqrt();
                let soft = ((1.0 - out) * softness + 0.5).min(1.0);
                if soft > 0.0 {
                    let (amounts, cover) = shade([self.micron(x), self.micron(y)], out);
                    let at = self.index(x, y);
                    cover_with(&mut self.amounts[at], amounts, cover * soft);
                }
            }
        }
    }
}

/// An ellipse with a soft edge.
#[derive(Copy, Clone)]
pub(crate) struct Ellipse {
    pub(crate) centre: Vec2,
    /// Half its length along `axis` and across, in microns.
    pub(crate) half: [f32; 2],
    /// Unit vector.
    pub(crate) axis: Vec2,
    /// Width of the edge in microns.
    pub(crate) edge: f32,
}

fn cover_with(under: &mut Amounts, over: Amounts, cover: f32) {
    for (under, over) in under.iter_mut().zip(over) {
        *under += (over - *under) * cover;
    }
}

//! What a scanner's lamp and camera do wrong everywhere: exposure and white balance.

use bianque_core::{Level0, Polygon, Rect, RgbImage};

use super::{Artefact, Reader, View};

/// Too much or too little light: values times a gain, cut at 255.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Exposure {
    /// The gain: 1.4 burns tissue out, 0.2 drowns it.
    pub gain: f32,
}

impl Artefact for Exposure {
    fn bounds(&self) -> Option<Rect<Level0>> {
        None
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        Vec::new()
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        gained(read(view), [self.gain; 3])
    }
}

/// A colour cast: values times a gain per channel, cut at 255.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct WhiteBalance {
    /// The gains of red, green and blue.
    pub gains: [f32; 3],
}

impl Artefact for WhiteBalance {
    fn bounds(&self) -> Option<Rect<Level0>> {
        None
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        Vec::new()
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        gained(read(view), self.gains)
    }
}

fn gained(mut image: RgbImage, gains: [f32; 3]) -> RgbImage {
    for pixel in image.pixels_mut().chunks_exact_mut(3) {
        for (value, gain) in pixel.iter_mut().zip(gains) {
            *value = (f32::from(*value) * gain).round().clamp(0.0, 255.0) as u8;
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use bianque_core::Point;

    use super::*;

    #[test]
    fn light_is_cut_at_white() {
        let view = View { origin: Point::new(0.0, 0.0), step: 1.0, width: 1, height: 1, mpp: 0.5 };
        let grey = |view: &View| RgbImage::filled(view.width, view.height, [100, 150, 200]);
        assert_eq!(Exposure { gain: 1.5 }.render(&view, &grey).pixel(0, 0), [150, 225, 255]);
        let cast = WhiteBalance { gains: [1.0, 1.0, 0.5] };
        assert_eq!(cast.render(&view, &grey).pixel(0, 0), [100, 150, 100]);
    }
}

//! The camera's picture of the whole glass, as Aperio scanners keep it.
//!
//! Scale and place are measured on a real file (CMU-1 of the OpenSlide test data): the picture has
//! about 15.5 px per mm and shows more than the glass of 25 x 75 mm. In the properties of level 0,
//! `Left` is the scan's left edge in mm from the picture's left edge; `Top` is the scan's upper edge
//! in mm from the picture's *lower* edge, counted upwards. The scanner draws the scan's frame in
//! pure green.

use bianque_core::RgbImage;

use super::resized;

/// Scale of the macro image.
pub const MACRO_PIXELS_PER_MM: f64 = 15.5;

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 431;
/// The glass in the picture, in mm: left, top, width, height.
const GLASS: [f64; 4] = [3.5, 1.4, 75.0, 25.0];
/// Length of the label's end of the glass in mm; it is black, so that no name can be read.
const LABEL: f64 = 15.0;
const CLEAR: [u8; 3] = [240, 240, 238];
const BESIDE_GLASS: [u8; 3] = [6, 6, 8];
const FRAME: [u8; 3] = [0, 255, 0];
/// Space between two pieces of tissue in mm.
const GAP: f64 = 3.0;

/// A piece of tissue on the glass.
#[derive(Clone, Debug)]
pub struct Piece {
    /// What it looks like; its bright parts are glass.
    pub image: RgbImage,
    /// Left and upper edge in mm from the picture's left and upper edge.
    pub place_mm: (f64, f64),
    /// Microns per pixel of `image`.
    pub mpp: f64,
}

/// A picture of the glass.
#[derive(Clone, Debug)]
pub struct MacroImage {
    /// What lies on the glass; the first piece is the scan.
    pub pieces: Vec<Piece>,
    /// Whether the scanner drew the scan's frame in green.
    pub frame: bool,
}

impl MacroImage {
    /// The glass that a scan shows, and nothing else on it.
    #[must_use]
    pub fn of_scan(scan: &RgbImage, mpp: f64) -> Self {
        let height = f64::from(scan.height()) * mpp / 1000.0;
        let top = GLASS[1] + ((GLASS[3] - height) / 2.0).max(0.0);
        let piece = Piece { image: scan.clone(), place_mm: (GLASS[0] + LABEL + 8.0, top), mpp };
        Self { pieces: vec![piece], frame: true }
    }

    /// The same glass with another piece of tissue, at the same scale, to the right of all others.
    #[must_use]
    pub fn with_piece_beside(mut self, image: RgbImage) -> Self {
        let right =
            |piece: &Piece| piece.place_mm.0 + f64::from(piece.image.width()) * piece.mpp / 1000.0;
        let left = self.pieces.iter().map(right).fold(0.0, f64::max) + GAP;
        let first = &self.pieces[0];
        let piece = Piece { image, place_mm: (left, first.place_mm.1), mpp: first.mpp };
        self.pieces.push(piece);
        self
    }

    /// `|Left = ...|Top = ...` for level 0's description.
    pub(super) fn place_properties(&self) -> String {
        let (left, top) = self.pieces[0].place_mm;
        let top = f64::from(HEIGHT) / MACRO_PIXELS_PER_MM - top;
        format!("|Left = {left:.6}|Top = {top:.6}")
    }

    /// The picture: 1280 x 431 px.
    #[must_use]
    pub fn render(&self) -> RgbImage {
        let mut image = RgbImage::filled(WIDTH, HEIGHT, BESIDE_GLASS);
        let [left, top, width, height] = GLASS;
        fill(&mut image, (left + LABEL, top), (width - LABEL, height), CLEAR);
        for piece in &self.pieces {
            let pixel_um = 1000.0 / MACRO_PIXELS_PER_MM;
            let small = resized(&piece.image, (pixel_um / piece.mpp).max(1.0));
            let origin = pixels(piece.place_mm);
            for y in 0..small.height() {
                for x in 0..small.width() {
                    let (at_x, at_y) = (origin.0 + x, origin.1 + y);
                    if at_x < WIDTH && at_y < HEIGHT {
                        // Under the camera's lamp: glass of the scan becomes glass of the picture.
                        let lit = small.pixel(x, y).map(|value| value.min(CLEAR[0]));
                        image.set_pixel(at_x, at_y, lit);
                    }
                }
            }
        }
        if self.frame {
            self.draw_frame(&mut image);
        }
        image
    }

    /// Lines of 3 px, as real ones are.
    fn draw_frame(&self, image: &mut RgbImage) {
        let scan = &self.pieces[0];
        let size = |length: u32| f64::from(length) * scan.mpp / 1000.0;
        let (width, height) = (size(scan.image.width()), size(scan.image.height()));
        let (left, top) = scan.place_mm;
        let line = 3.0 / MACRO_PIXELS_PER_MM;
        for (x, y, w, h) in [
            (left - line, top - line, width + 2.0 * line, line),
            (left - line, top + height, width + 2.0 * line, line),
            (left - line, top - line, line, height + 2.0 * line),
            (left + width, top - line, line, height + 2.0 * line),
        ] {
            fill(image, (x, y), (w, h), FRAME);
        }
    }
}

fn pixels((x, y): (f64, f64)) -> (u32, u32) {
    let pixel = |mm: f64| (mm * MACRO_PIXELS_PER_MM).round().max(0.0) as u32;
    (pixel(x), pixel(y))
}

fn fill(image: &mut RgbImage, place: (f64, f64), size: (f64, f64), colour: [u8; 3]) {
    let (left, top) = pixels(place);
    let (right, bottom) = pixels((place.0 + size.0, place.1 + size.1));
    for y in top..bottom.min(image.height()) {
        for x in left..right.min(image.width()) {
            image.set_pixel(x, y, colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_drawn_where_the_properties_say() {
        let scan = RgbImage::filled(1000, 800, [210, 120, 170]);
        let glass = MacroImage::of_scan(&scan, 8.0).with_piece_beside(RgbImage::filled(
            500,
            500,
            [200, 90, 150],
        ));
        let image = glass.render();
        let text = glass.place_properties();
        let value = |name: &str| -> f64 {
            let start = text.find(name).unwrap() + name.len() + 3;
            text[start..].split('|').next().unwrap().parse().unwrap()
        };
        let x = (value("Left") * MACRO_PIXELS_PER_MM).round() as u32;
        let y = HEIGHT - (value("Top") * MACRO_PIXELS_PER_MM).round() as u32;
        assert_eq!(image.pixel(x - 2, y + 20), FRAME);
        assert_eq!(image.pixel(x + 20, y - 2), FRAME);
        assert_eq!(image.pixel(x + 10, y + 10), [210, 120, 170]);
        // 8 mm of scan and the gap, then the piece that was not scanned.
        let beside = ((value("Left") + 8.0 + GAP + 1.0) * MACRO_PIXELS_PER_MM) as u32;
        assert_eq!(image.pixel(beside, y + 10), [200, 90, 150]);
        assert_eq!(image.pixel(2, 200), BESIDE_GLASS);
    }
}

//! Rectangles, pictures and lines on pictures.

use bianque_core::RgbImage;

/// Lays a picture onto another; what reaches beyond is left out.
pub(super) fn paste(sheet: &mut RgbImage, image: &RgbImage, left: u32, top: u32) {
    let width = image.width().min(sheet.width().saturating_sub(left));
    for y in 0..image.height().min(sheet.height().saturating_sub(top)) {
        let at = ((top + y) as usize * sheet.width() as usize + left as usize) * 3;
        let row = &image.row(y)[..width as usize * 3];
        sheet.pixels_mut()[at..at + row.len()].copy_from_slice(row);
    }
}

pub(super) fn fill(image: &mut RgbImage, x: u32, y: u32, width: u32, height: u32, color: [u8; 3]) {
    for row in y..(y + height).min(image.height()) {
        for column in x..(x + width).min(image.width()) {
            image.set_pixel(column, row, color);
        }
    }
}

/// A line two pixels wide.
pub(super) fn line(image: &mut RgbImage, from: (f64, f64), to: (f64, f64), color: [u8; 3]) {
    let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).ceil().clamp(1.0, 20_000.0);
    for step in 0..=steps as u32 {
        let share = f64::from(step) / steps;
        let (x, y) = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
        if x >= 0.0 && y >= 0.0 {
            fill(image, x as u32, y as u32, 2, 2, color);
        }
    }
}

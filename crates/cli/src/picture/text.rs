//! Text on pictures.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use bianque_core::RgbImage;

/// Draws a line of text whose box starts at `x`, `y`; gives its width in pixels.
pub(crate) fn draw(
    image: &mut RgbImage,
    x: f32,
    y: f32,
    height: f32,
    color: [u8; 3],
    text: &str,
) -> anyhow::Result<f32> {
    let font = FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT)?;
    let scaled = font.as_scaled(PxScale::from(height));
    let mut at = x;
    for character in text.chars() {
        let glyph = scaled.scaled_glyph(character);
        let advance = scaled.h_advance(glyph.id);
        let mut glyph = glyph;
        glyph.position = point(at, y + scaled.ascent());
        if let Some(outline) = font.outline_glyph(glyph) {
            let bounds = outline.px_bounds();
            outline.draw(|dx, dy, coverage| {
                blend(image, bounds.min.x + dx as f32, bounds.min.y + dy as f32, color, coverage);
            });
        }
        at += advance;
    }
    Ok(at - x)
}

/// As much of a text as fits into `width` pixels, with an ellipsis where it was cut.
pub(crate) fn fitted(text: &str, height: f32, width: f32) -> anyhow::Result<String> {
    let font = FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT)?;
    let scaled = font.as_scaled(PxScale::from(height));
    let advance = |character| scaled.h_advance(scaled.glyph_id(character));
    if text.chars().map(advance).sum::<f32>() <= width {
        return Ok(text.to_owned());
    }
    let mut left = width - advance('…');
    let fits = |character: &char| {
        left -= advance(*character);
        left >= 0.0
    };
    let kept: String = text.chars().take_while(fits).collect();
    Ok(format!("{}…", kept.trim_end()))
}

fn blend(image: &mut RgbImage, x: f32, y: f32, color: [u8; 3], share: f32) {
    let inside = x >= 0.0 && y >= 0.0 && x < image.width() as f32 && y < image.height() as f32;
    if inside {
        let (x, y) = (x as u32, y as u32);
        let under = image.pixel(x, y);
        // Glyphs of a light face are drawn slightly stronger, to read well on tissue.
        let share = (share * 1.25).min(1.0);
        let mixed = std::array::from_fn(|channel| {
            (f32::from(under[channel]) * (1.0 - share) + f32::from(color[channel]) * share) as u8
        });
        image.set_pixel(x, y, mixed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_to_its_width() {
        assert_eq!(fitted("short", 20.0, 300.0).unwrap(), "short");
        let long = fitted("tissue runs out of the scan along most of it", 20.0, 200.0).unwrap();
        assert!(long.ends_with('…') && long.starts_with("tissue runs"), "{long}");
        let mut image = RgbImage::filled(400, 40, [255; 3]);
        assert!(draw(&mut image, 0.0, 0.0, 20.0, [0; 3], &long).unwrap() <= 200.0);
    }
}

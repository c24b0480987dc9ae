//! IIIF Image API 3.0 (iiif.io/api/image/3.0), level 2 without bitonal pictures: what an address
//! asks for, as a piece of a slide.

use bianque_core::{Level0, PixelRect, Point, RgbImage};
use bianque_slide::Slide;
use serde_json::{Value, json};

use super::{ImageFormat, Picture, Piece, encode, tile_edge};
use crate::answer::Refusal;

/// Longest side of an answer.
pub(crate) const LONGEST: u32 = 4096;

/// A request's four parts, checked against the slide.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Request {
    region: PixelRect<Level0>,
    width: u32,
    height: u32,
    quarter_turns: u8,
    mirrored: bool,
    grey: bool,
    format: ImageFormat,
}

impl Request {
    /// Parses the four parts of an address behind the image's name.
    ///
    /// # Errors
    /// With the parameter that is wrong, and what it may be.
    pub(crate) fn parse(slide: &dyn Slide, parts: [&str; 4]) -> Result<Self, Refusal> {
        let [region, size, rotation, end] = parts;
        let region = region_of(region, slide.facts().bounds()).ok_or_else(|| {
            wrong("region", "full, square, x,y,w,h or pct:x,y,w,h inside the slide")
        })?;
        let (width, height) = size_of(size, &region).ok_or_else(|| {
            wrong("size", "max, w,, ,h, w,h, !w,h or pct:n, not enlarged unless ^ begins it")
        })?;
        let (mirrored, quarter_turns) = rotation_of(rotation)
            .ok_or_else(|| wrong("rotation", "0, 90, 180 or 270, ! before it"))?;
        let (grey, format) = ending_of(end)
            .ok_or_else(|| wrong("quality", "default, color or gray, .jpg or .png"))?;
        Ok(Self { region, width, height, quarter_turns, mirrored, grey, format })
    }

    /// The picture: a tile of the file as it lies there where that is what was asked for.
    pub(crate) fn picture(&self, slide: &dyn Slide) -> Result<Picture, Refusal> {
        let plain = self.quarter_turns == 0 && !self.mirrored && !self.grey;
        let (across, down) = (
            f64::from(self.region.width) / f64::from(self.width),
            f64::from(self.region.height) / f64::from(self.height),
        );
        let origin = Point::new(self.region.x as f64, self.region.y as f64);
        let piece = Piece { origin, step: across, width: self.width, height: self.height };
        let square = (across / down - 1.0).abs() * f64::from(self.width.max(self.height)) < 1.0;
        if plain && square && self.format == ImageFormat::Jpeg {
            return piece.jpeg(slide);
        }
        let image = if square {
            slide.read_scaled(origin, across, self.width, self.height)?
        } else {
            self.stretched(slide, across.min(down))?
        };
        encode::picture(&self.turned(&image), self.format)
    }

    /// Both sides scaled on their own: read at the finer step, then the nearest pixel.
    fn stretched(&self, slide: &dyn Slide, step: f64) -> Result<RgbImage, Refusal> {
        let step =
            step.max(f64::from(self.region.width.max(self.region.height)) / f64::from(LONGEST));
        let length = |level0: u32| ((f64::from(level0) / step).round() as u32).max(1);
        let (width, height) = (length(self.region.width), length(self.region.height));
        let origin = Point::new(self.region.x as f64, self.region.y as f64);
        let image = slide.read_scaled(origin, step, width, height)?;
        let mut out = RgbImage::filled(self.width, self.height, [255; 3]);
        for y in 0..self.height {
            for x in 0..self.width {
                let from = |at: u32, to: u32, of: u32| {
                    (u64::from(at) * u64::from(of) / u64::from(to)) as u32
                };
                out.set_pixel(
                    x,
                    y,
                    image.pixel(from(x, self.width, width), from(y, self.height, height)),
                );
            }
        }
        Ok(out)
    }

    fn turned(&self, image: &RgbImage) -> RgbImage {
        let (w, h) = (image.width(), image.height());
        let (width, height) = if self.quarter_turns % 2 == 1 { (h, w) } else { (w, h) };
        let mut out = RgbImage::filled(width, height, [255; 3]);
        for y in 0..h {
            for x in 0..w {
                let [r, g, b] = image.pixel(x, y);
                let x = if self.mirrored { w - 1 - x } else { x };
                let (to_x, to_y) = match self.quarter_turns {
                    0 => (x, y),
                    1 => (h - 1 - y, x),
                    2 => (w - 1 - x, h - 1 - y),
                    _ => (y, w - 1 - x),
                };
                // Luma of ITU-R BT.601, as JPEG uses it.
                let luma =
                    (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000;
                out.set_pixel(to_x, to_y, if self.grey { [luma as u8; 3] } else { [r, g, b] });
            }
        }
        out
    }
}

/// `info.json` of a slide under its own address.
pub(crate) fn information(slide: &dyn Slide, address: &str) -> Value {
    let bounds = slide.facts().bounds();
    let edge = tile_edge(slide);
    let longest = bounds.width.max(bounds.height);
    let factors: Vec<u32> = (0..31)
        .map(|power| 1 << power)
        .take_while(|factor| longest / factor >= edge / 2 || *factor == 1)
        .collect();
    json!({
        "@context": "http://iiif.io/api/image/3/context.json",
        "id": address,
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level2",
        "width": bounds.width,
        "height": bounds.height,
        "maxWidth": LONGEST,
        "maxHeight": LONGEST,
        "tiles": [{ "width": edge, "scaleFactors": factors }],
        "extraQualities": ["color", "gray"],
        "extraFormats": ["png"],
        "extraFeatures": ["mirroring", "regionSquare", "sizeUpscaling"],
    })
}

fn wrong(parameter: &str, allowed: &str) -> Refusal {
    Refusal::Request(format!(
        "{parameter} must be {allowed}; an answer has at most {LONGEST} pixels a side"
    ))
}

/// Numbers between commas: exactly `N`, all finite and not negative.
fn numbers<const N: usize>(text: &str) -> Option<[f64; N]> {
    let mut values = [0.0; N];
    let mut parts = text.split(',');
    for value in &mut values {
        let part = parts.next()?;
        let plain =
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        *value = plain.then(|| part.parse().ok()).flatten()?;
    }
    (parts.next().is_none() && values.iter().all(|value: &f64| value.is_finite())).then_some(values)
}

fn region_of(text: &str, bounds: PixelRect<Level0>) -> Option<PixelRect<Level0>> {
    let (width, height) = (bounds.width, bounds.height);
    let wanted = match text {
        "full" => return Some(bounds),
        "square" => {
            let side = width.min(height);
            let (x, y) = ((width - side) / 2, (height - side) / 2);
            return Some(PixelRect::new(i64::from(x), i64::from(y), side, side));
        }
        _ => match text.strip_prefix("pct:") {
            Some(text) => {
                let [x, y, w, h] = numbers(text)?.map(|value| value / 100.0);
                let (across, down) = (f64::from(width), f64::from(height));
                [x * across, y * down, w * across, h * down].map(f64::round)
            }
            None if text.contains('.') => return None,
            None => numbers(text)?,
        },
    };
    let [x, y, w, h] = wanted;
    let limit = f64::from(u32::MAX);
    if wanted.iter().any(|value| *value > limit) || w < 1.0 || h < 1.0 {
        return None;
    }
    PixelRect::new(x as i64, y as i64, w as u32, h as u32).intersection(&bounds)
}

/// Numbers of which none is zero: there is no picture without pixels.
fn lengths<const N: usize>(text: &str) -> Option<[f64; N]> {
    numbers(text).filter(|values| values.iter().all(|value| *value > 0.0))
}

fn size_of(text: &str, region: &PixelRect<Level0>) -> Option<(u32, u32)> {
    let (enlarges, text) = match text.strip_prefix('^') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (w, h) = (f64::from(region.width), f64::from(region.height));
    let fitted = |scale: f64| ((w * scale).round(), (h * scale).round());
    let largest = f64::from(LONGEST) / w.max(h);
    let (width, height) = if text == "max" {
        fitted(if enlarges { largest } else { largest.min(1.0) })
    } else if let Some(text) = text.strip_prefix("pct:") {
        let [percent] = lengths(text)?;
        fitted(percent / 100.0)
    } else if let Some(text) = text.strip_prefix('!') {
        let [width, height] = lengths(text)?;
        let scale = (width / w).min(height / h);
        fitted(if enlarges { scale } else { scale.min(1.0) })
    } else if let Some(text) = text.strip_prefix(',') {
        let [height] = lengths(text)?;
        ((w * height / h).round(), height)
    } else if let Some(text) = text.strip_suffix(',') {
        let [width] = lengths(text)?;
        (width, (h * width / w).round())
    } else {
        let [width, height] = lengths(text)?;
        (width, height)
    };
    let whole = width.fract() == 0.0 && height.fract() == 0.0;
    let (width, height) = (width.max(1.0), height.max(1.0));
    let small_enough = width <= f64::from(LONGEST) && height <= f64::from(LONGEST);
    // Rounding may make a side one pixel longer than the region.
    let enlarged = width > w + 1.0 || height > h + 1.0;
    (small_enough && whole && (enlarges || !enlarged)).then_some((width as u32, height as u32))
}

fn rotation_of(text: &str) -> Option<(bool, u8)> {
    let (mirrored, text) = match text.strip_prefix('!') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let turns = match text {
        "0" => 0,
        "90" => 1,
        "180" => 2,
        "270" => 3,
        _ => return None,
    };
    Some((mirrored, turns))
}

fn ending_of(text: &str) -> Option<(bool, ImageFormat)> {
    let (quality, format) = text.split_once('.')?;
    let grey = match quality {
        "default" | "color" => false,
        "gray" => true,
        _ => return None,
    };
    let format = match format {
        "jpg" => ImageFormat::Jpeg,
        "png" => ImageFormat::Png,
        _ => return None,
    };
    Some((grey, format))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: PixelRect<Level0> = PixelRect::new(0, 0, 6000, 4000);

    fn region(text: &str) -> Option<(i64, i64, u32, u32)> {
        region_of(text, BOUNDS).map(|r| (r.x, r.y, r.width, r.height))
    }

    #[test]
    fn regions_are_cut_at_the_slides_border() {
        assert_eq!(region("full"), Some((0, 0, 6000, 4000)));
        assert_eq!(region("square"), Some((1000, 0, 4000, 4000)));
        assert_eq!(region("5900,3900,256,256"), Some((5900, 3900, 100, 100)));
        assert_eq!(region("pct:50,50,25,10"), Some((3000, 2000, 1500, 400)));
        for bad in [
            "",
            "6000,0,10,10",
            "0,0,0,10",
            "-1,0,5,5",
            "0,0,5",
            "0,0,5,5,5",
            "1e3,0,5,5",
            "0.5,0,5,5",
            "NaN,0,1,1",
            "pct:0,0,0,0",
        ] {
            assert_eq!(region(bad), None, "{bad}");
        }
    }

    #[test]
    fn sizes_follow_the_specification() {
        let whole = &BOUNDS;
        assert_eq!(size_of("max", whole), Some((4096, 2731)));
        assert_eq!(size_of("600,", whole), Some((600, 400)));
        assert_eq!(size_of(",400", whole), Some((600, 400)));
        assert_eq!(size_of("300,300", whole), Some((300, 300)));
        assert_eq!(size_of("!500,500", whole), Some((500, 333)));
        assert_eq!(size_of("pct:10", whole), Some((600, 400)));
        let small = &PixelRect::new(0, 0, 100, 50);
        assert_eq!(size_of("200,", small), None);
        assert_eq!(size_of("^200,", small), Some((200, 100)));
        assert_eq!(size_of("!200,200", small), Some((100, 50)));
        for bad in [
            "",
            ",",
            "9000,",
            "full",
            "0.5,3",
            "pct:-5",
            "^",
            "^9000,9000",
            "1,2,3",
            "0,",
            ",0",
            "0,0",
            "5,0",
            "!0,5",
            "^0,",
            "pct:0",
        ] {
            assert_eq!(size_of(bad, small), None, "{bad}");
        }
    }
}

//! An instance as one picture for people, no larger than a window (PS3.18 section 8.3.5.1.3).

use bianque_core::Point;
use bianque_slide::Slide;

use super::instance::Instance;
use crate::{
    answer::Refusal,
    tiles::{ImageFormat, Picture, encode},
};

/// Longest side of a picture.
const LONGEST: f64 = 4096.0;
/// The window where none is named.
const USUAL: f64 = 1024.0;
/// The window of a thumbnail.
const THUMBNAIL: f64 = 256.0;

/// A window, and the part of the picture that is to fill it, in the instance's pixels.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) struct Viewport {
    width: f64,
    height: f64,
    part: Option<[f64; 4]>,
}

impl Viewport {
    /// The parameter `viewport`: `width,height` or `width,height,x,y,width,height`.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = text else { return Ok(Self::square(USUAL)) };
        let numbers: Option<Vec<f64>> = text
            .split(',')
            .map(|part| {
                part.trim().parse().ok().filter(|number: &f64| *number >= 0.0 && *number < 1e9)
            })
            .collect();
        match numbers.as_deref() {
            Some(&[width, height]) if width >= 1.0 && height >= 1.0 => {
                Ok(Self { width, height, part: None })
            }
            Some(&[width, height, x, y, w, h])
                if width >= 1.0 && height >= 1.0 && w >= 1.0 && h >= 1.0 =>
            {
                Ok(Self { width, height, part: Some([x, y, w, h]) })
            }
            _ => Err(Refusal::Request(
                "viewport is `width,height` or `width,height,x,y,width,height`, in pixels"
                    .to_owned(),
            )),
        }
    }

    /// That of a thumbnail, unless another is named.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn of_thumbnail(text: Option<&str>) -> Result<Self, Refusal> {
        match text {
            None => Ok(Self::square(THUMBNAIL)),
            text => Self::parse(text),
        }
    }

    fn square(side: f64) -> Self {
        Self { width: side, height: side, part: None }
    }

    /// Where the picture begins and ends in the instance, and how many of its pixels become one.
    fn placed(&self, instance: &Instance) -> Result<([f64; 4], f64), Refusal> {
        let (across, down) = (f64::from(instance.facts.width), f64::from(instance.facts.height));
        let [x, y, w, h] = self.part.unwrap_or([0.0, 0.0, across, down]);
        let (w, h) = (w.min(across - x), h.min(down - y));
        if w < 1.0 || h < 1.0 {
            return Err(Refusal::Request("the viewport lies outside the image".to_owned()));
        }
        let (width, height) = (self.width.min(LONGEST), self.height.min(LONGEST));
        // As large as the window holds, but never larger than it is.
        Ok(([x, y, w, h], (w / width).max(h / height).max(1.0)))
    }
}

/// The picture.
///
/// # Errors
/// When the window lies outside, or the slide cannot be read.
pub(crate) fn picture(
    slide: &dyn Slide,
    instance: &Instance,
    viewport: Viewport,
    format: ImageFormat,
) -> Result<Picture, Refusal> {
    let ([x, y, w, h], step) = viewport.placed(instance)?;
    let scale = instance.facts.downsample;
    let length = |pixels: f64| ((pixels / step).round() as u32).max(1);
    let origin = Point::new(x * scale, y * scale);
    let image = slide.read_scaled(origin, step * scale, length(w), length(h))?;
    encode::picture(&image, format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_parsed_and_bounded() {
        assert_eq!(Viewport::parse(Some("300,200")).unwrap().part, None);
        let part = Viewport::parse(Some("300,200,10,20,30,40")).unwrap().part;
        assert_eq!(part, Some([10.0, 20.0, 30.0, 40.0]));
        for bad in ["", "300", "0,10", "a,b", "1,2,3", "1,2,3,4,0,6", "NaN,1", "1e12,1", "-1,5"] {
            assert!(Viewport::parse(Some(bad)).is_err(), "{bad}");
        }
    }
}

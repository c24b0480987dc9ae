//! How much grey density lies on the scene, as seen past its stain: what refraction, dirt and edges
//! add, and nuclei do not.

use super::{coarse::Coarse, unmixing};
use crate::plane::{Plane, box_mean};

/// Structure within this many pixels is what a line or rim is told from.
const REACH: usize = 3;
/// Noise of camera and coding, in thousandths.
const NOISE: f64 = 3.0;

/// Grey density in thousandths; the slide's own structure gives as little as can be.
pub(super) fn grey(view: &Coarse) -> Plane<f32> {
    let around: [Plane<u16>; 3] =
        std::array::from_fn(|c| box_mean(&view.rgb.map(|rgb| rgb[c]), REACH));
    let mut moments = unmixing::Moments::default();
    for (at, rgb) in view.rgb.data.iter().enumerate() {
        if view.tissue.data[at] != 0 {
            let local = |c: usize| f64::from(rgb[c]) - f64::from(around[c].data[at]);
            moments.add(std::array::from_fn(local));
        }
    }
    view.projected(moments.weights(unmixing::GREY, NOISE))
}

/// The value between four pixels, `None` outside.
pub(super) fn between(plane: &Plane<f32>, x: f32, y: f32) -> Option<f32> {
    if x < 0.0 || y < 0.0 {
        return None;
    }
    let (left, top) = (x as usize, y as usize);
    if left + 1 >= plane.width || top + 1 >= plane.height {
        return None;
    }
    let (right, down) = (x - left as f32, y - top as f32);
    let at = top * plane.width + left;
    let (above, below) = (&plane.data[at..at + 2], &plane.data[at + plane.width..][..2]);
    let mix = |pair: &[f32]| pair[0] + (pair[1] - pair[0]) * right;
    Some(mix(above) + (mix(below) - mix(above)) * down)
}

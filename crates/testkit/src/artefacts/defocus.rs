//! Out of focus as a microscope makes it, and the Gaussian that is usually taken instead.

use bianque_core::{Level0, Point, Polygon, Rect, RgbImage};

use super::{Artefact, Reader, View, fourier::filtered, shape::Region, view::mix};
use crate::histology::noise::{hash, unit};

/// How sharp edges are lost.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Blur {
    /// A lens in air, `z_um` microns out of focus.
    Lens {
        /// Numerical aperture: 0.75 for the usual 20x and 40x scanning lens.
        na: f64,
        /// Wavelength in microns: 0.55 for the eye's green.
        wavelength_um: f64,
        /// Distance from the plane of focus in microns.
        z_um: f64,
    },
    /// A Gaussian: what most tests plant, and what no lens does.
    Gaussian {
        /// Standard deviation in microns.
        sigma_um: f64,
    },
}

impl Blur {
    /// The share of contrast that is left at `frequency` cycles per micron.
    ///
    /// For a lens it is the defocused over the focused transfer function by Stokseth (J. Opt. Soc.
    /// Am. 59, 1314, 1969): a geometric disk of radius `NA z` whose rim diffraction softens. The
    /// focused image already holds the diffraction of focus, so that at `z = 0` nothing changes.
    /// The negative lobes are real: a defocused lens reverses the contrast of fine structure.
    #[must_use]
    pub fn transfer(&self, frequency: f64) -> f64 {
        match *self {
            Self::Lens { na, wavelength_um, z_um } => {
                let path = z_um.abs() * na * na / 2.0;
                let reduced = frequency * wavelength_um / na;
                // At the cut-off the ratio is 0 / 0: the floor keeps noise there from passing.
                let kept = (1.0 - reduced / 2.0).max(0.1);
                let argument = 2.0 * std::f64::consts::TAU * path / wavelength_um * reduced * kept;
                if argument < 1e-6 { 1.0 } else { 2.0 * bessel_j1(argument) / argument }
            }
            Self::Gaussian { sigma_um } => {
                (-0.5 * (std::f64::consts::TAU * frequency * sigma_um).powi(2)).exp()
            }
        }
    }

    /// How far light is spread, in microns.
    #[must_use]
    pub fn reach_um(&self) -> f64 {
        match *self {
            Self::Lens { na, wavelength_um, z_um } => {
                na * z_um.abs() + if z_um == 0.0 { 0.0 } else { 2.0 * wavelength_um / na }
            }
            Self::Gaussian { sigma_um } => 3.5 * sigma_um,
        }
    }

    /// An image of a view under this blur.
    pub(super) fn apply(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let reach = self.reach_um() / view.pixel_um();
        if reach < 0.3 {
            return read(view);
        }
        let margin = reach.ceil() as u32 + 8;
        let wide = read(&view.grown(margin));
        let blurred = filtered(&wide, |f| self.transfer(f / view.pixel_um()));
        let mut out = RgbImage::filled(view.width, view.height, [0; 3]);
        let length = view.width as usize * 3;
        for y in 0..view.height {
            let row = &blurred.row(y + margin)[margin as usize * 3..][..length];
            out.pixels_mut()[y as usize * length..][..length].copy_from_slice(row);
        }
        out
    }
}

/// Part of the slide, or all of it, out of focus.
#[derive(Clone, Debug, PartialEq)]
pub struct Defocus {
    /// Where; `None` is everywhere.
    pub region: Option<Region>,
    /// How.
    pub blur: Blur,
    /// Standard deviation of the camera's noise in grey levels per level-0 pixel, which a real
    /// blurred image has and a filtered one lacks.
    pub noise: f32,
}

impl Defocus {
    /// A lens of NA 0.75 in green light, `z_um` out of focus everywhere, with a camera's noise.
    #[must_use]
    pub fn lens(z_um: f64) -> Self {
        let blur = Blur::Lens { na: 0.75, wavelength_um: 0.55, z_um };
        Self { region: None, blur, noise: 1.0 }
    }

    /// A Gaussian of `sigma_um` everywhere, without noise, as usually planted.
    #[must_use]
    pub fn gaussian(sigma_um: f64) -> Self {
        Self { region: None, blur: Blur::Gaussian { sigma_um }, noise: 0.0 }
    }

    /// The same in a region only.
    #[must_use]
    pub fn within(self, region: Region) -> Self {
        Self { region: Some(region), ..self }
    }
}

impl Artefact for Defocus {
    fn bounds(&self) -> Option<Rect<Level0>> {
        self.region.as_ref().and_then(|region| region.bounds(0.0))
    }

    fn truth(&self) -> Vec<Polygon<Level0>> {
        self.region.iter().map(Region::outline).collect()
    }

    fn paint(&self, view: &View, read: &Reader<'_>) -> RgbImage {
        let mut image = read(view);
        let blurred = self.blur.apply(view, read);
        let mut source = blurred.pixels().chunks_exact(3);
        let noise = self.noise / view.step.max(1.0) as f32;
        for (at, pixel) in (0_u32..).zip(image.pixels_mut().chunks_exact_mut(3)) {
            let place = view.place(at % view.width, at / view.width);
            let share = self.region.as_ref().map_or(1.0, |region| region.share(place, view.step));
            let Some(soft) = source.next() else { continue };
            if share == 0.0 {
                continue;
            }
            let soft =
                [0, 1, 2].map(|channel| f32::from(soft[channel]) + noise * grain(place, channel));
            let new = mix([0, 1, 2].map(|channel| f32::from(pixel[channel])), soft, share);
            pixel.copy_from_slice(&new.map(|value| value.round().clamp(0.0, 255.0) as u8));
        }
        image
    }
}

/// Nearly normal noise of standard deviation 1 by place (sum of four uniform numbers).
fn grain(place: Point<Level0>, channel: usize) -> f32 {
    let (x, y) = (place.x.floor() as i32, place.y.floor() as i32);
    let part = |part: u32| unit(hash(0xD1F0 + part + 16 * channel as u32, x, y));
    ((0..4).map(part).sum::<f32>() - 2.0) * 1.732
}

/// The Bessel function of the first kind and order 1 (Abramowitz and Stegun 9.4.4 and 9.4.6).
fn bessel_j1(x: f64) -> f64 {
    let polynomial = |t: f64, terms: &[f64]| terms.iter().rev().fold(0.0, |sum, a| sum * t + a);
    if x < 3.0 {
        let t = (x / 3.0).powi(2);
        let terms = [
            0.5,
            -0.562_499_85,
            0.210_935_73,
            -0.039_542_89,
            0.004_433_19,
            -0.000_317_61,
            0.000_011_09,
        ];
        return x * polynomial(t, &terms);
    }
    let t = 3.0 / x;
    let size = [
        0.797_884_56,
        0.000_001_56,
        0.016_596_67,
        0.000_171_05,
        -0.002_495_11,
        0.001_136_53,
        -0.000_200_33,
    ];
    let phase = [
        -2.356_194_49,
        0.124_996_12,
        0.000_056_5,
        -0.006_378_79,
        0.000_743_48,
        0.000_798_24,
        -0.000_291_66,
    ];
    polynomial(t, &size) * (x + polynomial(t, &phase)).cos() / x.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bessel_function_has_its_values() {
        for (x, value) in
            [(0.5, 0.242_268_5), (2.0, 0.576_724_8), (3.831_706, 0.0), (10.0, 0.043_472_7)]
        {
            assert!((bessel_j1(x) - value).abs() < 1e-6, "{x}");
        }
    }

    #[test]
    fn a_lens_blurs_like_a_disk_and_reverses_contrast() {
        let blur = |z_um| Blur::Lens { na: 0.75, wavelength_um: 0.55, z_um };
        assert_eq!(blur(0.0).transfer(1.0), 1.0);
        // At low frequency the transfer of a disk of radius NA z: 1 - (pi r f)^2 / 2.
        let (z, f) = (8.0, 0.01);
        let disk = 1.0 - (std::f64::consts::PI * 0.75 * z * f).powi(2) / 2.0;
        assert!((blur(z).transfer(f) - disk).abs() < 1e-3);
        assert!((0..200).any(|f| blur(6.0).transfer(f64::from(f) * 0.01) < -0.05));
        // Half a depth of field (wavelength / NA^2, 1 um) leaves most of the contrast.
        assert!(blur(0.5).transfer(0.7) > 0.8);
    }

    #[test]
    fn the_whole_slide_can_be_out_of_focus() {
        let defocus = Defocus::lens(10.0);
        assert!(defocus.bounds().is_none() && defocus.truth().is_empty());
        let view =
            View { origin: Point::new(0.0, 0.0), step: 1.0, width: 90, height: 70, mpp: 0.5 };
        let spread = |image: &RgbImage| {
            let values = image.pixels().chunks_exact(3).map(|p| f64::from(p[1]));
            let mean = values.clone().sum::<f64>() / 6300.0;
            values.map(|v| (v - mean).powi(2)).sum::<f64>() / 6300.0
        };
        let sharp = super::super::fakes::tissue(&view);
        let soft = defocus.render(&view, &super::super::fakes::tissue);
        assert!(spread(&soft) < spread(&sharp) * 0.8);
    }
}

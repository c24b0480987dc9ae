//! Microns per pixel and the objective's power, from every place where a TIFF can state them.
//!
//! | place | believed | confidence |
//! |---|---|---|
//! | `MPP` in an Aperio description | a plausible number | high |
//! | `PhysicalSizeX`/`Y` in an OME description | unit um, nm, mm or absent (um) | high |
//! | `XResolution`/`YResolution` with `ResolutionUnit` centimetre or inch | at most 20 um/px | medium |
//! | the same without the tag `ResolutionUnit` (inch by TIFF 6.0) | at most 20 um/px | low |
//! | the same with unit none, where an ImageJ description says `unit=micron` | at most 20 um/px | medium |
//!
//! Writers that know no resolution state 1/1, 72, 96, 150, 300, 600 or 1200 pixels per inch (the
//! last is 21 um/px); microscopes and slide scanners are finer than 20 um/px, so coarser values of
//! the generic tags are no statement. A power alone is no resolution: cameras and their adapters
//! differ by a factor of two at the same objective.

use std::collections::BTreeMap;

use bianque_core::{Confidence, Magnification, Mpp, MppSource};

use super::{
    directory::{Directory, TiffReader},
    tag,
};
use crate::error::Result;

/// The coarsest resolution that a generic tag is believed to state, in um/px.
const COARSEST: f64 = 20.0;

/// Every statement of a resolution, best first.
///
/// # Errors
/// [`crate::SlideError::Broken`] where a tag's value lies outside the file.
pub(super) fn statements(
    reader: &mut TiffReader<'_>,
    first: &Directory,
    description: &str,
    properties: &BTreeMap<String, String>,
) -> Result<Vec<Mpp>> {
    let tags = from_tags(reader, first, description)?;
    let aperio = properties.get("aperio.MPP").and_then(|text| {
        let value = text.parse().ok()?;
        Mpp::new(value, value, MppSource::VendorField("aperio.MPP".into()), Confidence::High)
    });
    Ok([aperio, from_ome(description), tags].into_iter().flatten().collect())
}

/// The objective's power with the field that states it.
pub(super) fn magnification(
    description: &str,
    properties: &BTreeMap<String, String>,
) -> Option<(Magnification, String)> {
    let aperio = properties.get("aperio.AppMag").map(|text| (text.as_str(), "aperio.AppMag"));
    let ome = ome(description)
        .and_then(|text| attribute(text, "NominalMagnification"))
        .map(|text| (text, "OME NominalMagnification"));
    let (text, field) = aperio.or(ome)?;
    Some((Magnification::new(text.trim().parse().ok()?)?, field.to_owned()))
}

fn from_tags(
    reader: &mut TiffReader<'_>,
    first: &Directory,
    description: &str,
) -> Result<Option<Mpp>> {
    let x = reader.real(first, tag::X_RESOLUTION)?;
    let y = reader.real(first, tag::Y_RESOLUTION)?;
    let (Some(x), Some(y)) = (x, y) else { return Ok(None) };
    let in_microns = description.starts_with("ImageJ=")
        && description.lines().any(|line| matches!(line, "unit=micron" | "unit=um" | "unit=µm"));
    let (unit, confidence, field) = match reader.number(first, tag::RESOLUTION_UNIT)? {
        Some(3) => (10_000.0, Confidence::Medium, "tiff.XResolution"),
        Some(2) => (25_400.0, Confidence::Medium, "tiff.XResolution"),
        Some(1) if in_microns => (1.0, Confidence::Medium, "tiff.XResolution, unit by ImageJ"),
        None => (25_400.0, Confidence::Low, "tiff.XResolution, unit not stated"),
        _ => return Ok(None),
    };
    let (x, y) = (unit / x, unit / y);
    if x > COARSEST || y > COARSEST {
        return Ok(None);
    }
    Ok(Mpp::new(x, y, MppSource::Resolution(field.into()), confidence))
}

/// The part of an OME-XML description that concerns the first image.
fn ome(description: &str) -> Option<&str> {
    let start = description.find("<OME")?;
    description.get(start..)
}

/// OME model 2016-06, element Pixels.
fn from_ome(description: &str) -> Option<Mpp> {
    let text = ome(description)?;
    let pixels = text.split_once("<Pixels")?.1.split('>').next()?;
    let side = |name: &str| {
        let value: f64 = attribute(pixels, name)?.parse().ok()?;
        let microns = match attribute(pixels, &format!("{name}Unit")).unwrap_or("µm") {
            "µm" | "um" | "&#181;m" | "&#xB5;m" => 1.0,
            "nm" => 1e-3,
            "mm" => 1e3,
            _ => return None,
        };
        Some(value * microns)
    };
    let source = MppSource::VendorField("OME PhysicalSizeX".into());
    Mpp::new(side("PhysicalSizeX")?, side("PhysicalSizeY")?, source, Confidence::High)
}

/// The value of the first XML attribute of a name.
fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let after = text.split_once(&format!(" {name}=\""))?.1;
    after.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ome_states_a_size_with_a_unit() {
        let text = |unit: &str| {
            format!("<OME><Pixels PhysicalSizeX=\"250\" {unit} PhysicalSizeY=\"250\"/>")
        };
        assert_eq!(from_ome(&text("")).unwrap().x(), 250.0);
        let nanometres = text("PhysicalSizeXUnit=\"nm\" PhysicalSizeYUnit=\"nm\"");
        assert_eq!(from_ome(&nanometres).unwrap().x(), 0.25);
        assert_eq!(from_ome(&text("PhysicalSizeXUnit=\"pixel\"")), None);
        assert_eq!(from_ome("<Pixels PhysicalSizeX=\"1\""), None);
    }

    #[test]
    fn a_power_that_is_no_number_is_absent() {
        let of = |text: &str| {
            magnification("", &BTreeMap::from([("aperio.AppMag".into(), text.to_owned())]))
        };
        assert_eq!(of("40").unwrap().0.power(), 40.0);
        for text in ["", "forty", "-1", "NaN", "1e9"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}

//! Physical resolution, magnification and properties from a level-0 header.

use std::collections::BTreeMap;

use bianque_core::{Confidence, Magnification, Mpp, MppSource};

use super::{
    data_set::{DataSet, Value},
    dictionary::{
        self, IMAGED_VOLUME_HEIGHT, IMAGED_VOLUME_WIDTH, OBJECTIVE_LENS_POWER, OPTICAL_PATH,
        PIXEL_MEASURES, PIXEL_SPACING, SHARED_FUNCTIONAL_GROUPS, SPECIFIC_CHARACTER_SET,
    },
    instance::Instance,
};

/// No scanner's pixels are farther from square.
const MOST_OBLONG: f64 = 1.1;

/// Every resolution that the header states, best first. The objective's power gives none: it stays
/// the same on every level and in every resampled copy.
pub(super) fn mpp_statements(level: &Instance, warnings: &mut Vec<String>) -> Vec<Mpp> {
    let mut statements = Vec::new();
    if let Some((x, y, field)) = spacing(level) {
        let source = MppSource::VendorField(field.into());
        statements.extend(Mpp::new(x, y, source, Confidence::High));
    }
    if let Some((x, y)) = imaged_volume(level) {
        if (x / y).max(y / x) > MOST_OBLONG {
            warnings.push(format!(
                "ImagedVolumeWidth and -Height give {x:.4} x {y:.4} um per pixel, which no scanner \
                 has: not used"
            ));
        } else {
            let source = MppSource::Resolution("ImagedVolumeWidth, ImagedVolumeHeight".into());
            statements.extend(Mpp::new(x, y, source, Confidence::Medium));
        }
    }
    statements
}

/// Microns per pixel along x and y by `PixelSpacing`, which states millimetres between rows, then
/// between columns (PS3.3, 10.7.1.1).
fn spacing(level: &Instance) -> Option<(f64, f64, &'static str)> {
    let shared = level.data_set.items(SHARED_FUNCTIONAL_GROUPS).first();
    let measures = |groups: &DataSet| groups.items(PIXEL_MEASURES).first().cloned();
    let places = [
        (shared.and_then(measures), "PixelMeasuresSequence.PixelSpacing"),
        (level.first_frame.as_ref().and_then(measures), "PixelMeasuresSequence.PixelSpacing"),
        (Some(level.data_set.clone()), "PixelSpacing"),
    ];
    places.into_iter().find_map(|(data_set, field)| {
        match data_set?.decimals(PIXEL_SPACING).as_slice() {
            [rows, columns] if *rows > 0.0 && *columns > 0.0 => {
                Some((columns * 1000.0, rows * 1000.0, field))
            }
            _ => None,
        }
    })
}

fn imaged_volume(level: &Instance) -> Option<(f64, f64)> {
    let mpp = |tag, pixels: u32| {
        let millimetres = level.data_set.number(tag)?;
        (millimetres.is_finite() && millimetres > 0.0)
            .then(|| millimetres * 1000.0 / f64::from(pixels))
    };
    Some((
        mpp(IMAGED_VOLUME_WIDTH, level.grid.width)?,
        mpp(IMAGED_VOLUME_HEIGHT, level.grid.height)?,
    ))
}

/// The objective's nominal power and where it stands.
pub(super) fn magnification(data_set: &DataSet) -> Option<(Magnification, String)> {
    let path = data_set.items(OPTICAL_PATH).first()?;
    let power = path.decimals(OBJECTIVE_LENS_POWER).first().copied()?;
    Some((Magnification::new(power)?, "OpticalPathSequence.ObjectiveLensPower".into()))
}

/// The optical path's ICC profile.
pub(super) fn icc_profile(data_set: &DataSet) -> Option<Vec<u8>> {
    let profile = data_set.items(OPTICAL_PATH).first()?.bytes(dictionary::ICC_PROFILE)?;
    (!profile.is_empty()).then(|| profile.to_vec())
}

/// Every kept value by `dicom.` and its keyword; items as `Keyword[0].Keyword`.
pub(super) fn properties(
    data_set: &DataSet,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let charset = data_set.text(SPECIFIC_CHARACTER_SET).unwrap_or_default();
    let mut gathered = Properties { charset, ..Properties::default() };
    gathered.add("dicom.", data_set);
    if gathered.undecoded > 0 {
        let shown: String =
            gathered.charset.chars().filter(char::is_ascii_graphic).take(32).collect();
        warnings.push(format!(
            "{} texts in character set {shown} are left out of the properties",
            gathered.undecoded
        ));
    }
    gathered.values
}

#[derive(Default)]
struct Properties {
    charset: String,
    values: BTreeMap<String, String>,
    undecoded: usize,
}

impl Properties {
    fn add(&mut self, prefix: &str, data_set: &DataSet) {
        for (tag, value) in data_set.values() {
            let Some(entry) = dictionary::lookup(tag) else { continue };
            let name = format!("{prefix}{}", entry.keyword);
            match value {
                Value::Text(bytes) => match decoded(bytes, &self.charset) {
                    Some(text) if text.is_empty() => {}
                    Some(text) => drop(self.values.insert(name, text)),
                    None => self.undecoded += 1,
                },
                Value::Numbers(numbers) => {
                    let numbers: Vec<_> = numbers.iter().map(f64::to_string).collect();
                    self.values.insert(name, numbers.join("\\"));
                }
                Value::Items(items) => {
                    for (index, item) in items.iter().enumerate() {
                        self.add(&format!("{name}[{index}]."), item);
                    }
                }
                Value::Bytes(_) | Value::Place { .. } => {}
            }
        }
    }
}

/// Text in ASCII, UTF-8 or Latin-1 (PS3.3, C.12.1.1.2); `None` in any other character set.
fn decoded(bytes: &[u8], charset: &str) -> Option<String> {
    let text = match charset {
        _ if bytes.is_ascii() => String::from_utf8_lossy(bytes).into_owned(),
        "ISO_IR 192" => String::from_utf8(bytes.to_vec()).ok()?,
        "ISO_IR 100" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => return None,
    };
    Some(text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_by_its_character_set_or_left_out() {
        assert_eq!(decoded(b"Leica \0", "GB18030").unwrap(), "Leica");
        assert_eq!(decoded(b"M\xFCnchen", "ISO_IR 100").unwrap(), "M\u{fc}nchen");
        assert_eq!(
            decoded("\u{6249}\u{9e4a}".as_bytes(), "ISO_IR 192").unwrap(),
            "\u{6249}\u{9e4a}"
        );
        assert_eq!(decoded(b"\xB1\xE2", "GB18030"), None);
        assert_eq!(decoded(b"\xFF", "ISO_IR 192"), None);
    }
}

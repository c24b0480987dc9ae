//! The tags that name things, as `tiff.*` properties.

use std::collections::BTreeMap;

use super::{
    directory::{Directory, TiffReader},
    tag,
};
use crate::error::Result;

const TEXTS: [u16; 8] = [
    tag::DOCUMENT_NAME,
    tag::MAKE,
    tag::MODEL,
    tag::SOFTWARE,
    tag::DATE_TIME,
    tag::ARTIST,
    tag::HOST_COMPUTER,
    tag::COPYRIGHT,
];

/// The first directory's properties; an absent tag has none.
///
/// # Errors
/// [`crate::SlideError::Broken`] where a tag's value lies outside the file.
pub(super) fn tiff(
    reader: &mut TiffReader<'_>,
    first: &Directory,
    description: &str,
) -> Result<BTreeMap<String, String>> {
    let mut properties = BTreeMap::new();
    let mut add = |tag: u16, value: Option<String>| {
        if let Some(value) = value {
            properties.insert(format!("tiff.{}", tag::name(tag)), value);
        }
    };
    let described = (!description.is_empty()).then(|| description.to_owned());
    add(tag::IMAGE_DESCRIPTION, described);
    for tag in TEXTS {
        add(tag, reader.text(first, tag)?);
    }
    for tag in [tag::X_RESOLUTION, tag::Y_RESOLUTION] {
        add(tag, reader.real(first, tag)?.map(|value| value.to_string()));
    }
    let unit = reader.number(first, tag::RESOLUTION_UNIT)?.map(|unit| match unit {
        1 => "none".to_owned(),
        2 => "inch".to_owned(),
        3 => "centimeter".to_owned(),
        other => other.to_string(),
    });
    add(tag::RESOLUTION_UNIT, unit);
    Ok(properties)
}

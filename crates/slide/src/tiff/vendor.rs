//! Refuses makers' formats that are TIFF on the outside but mean something else: read as generic
//! TIFF they would give wrong pixels or wrong places.

use super::{
    directory::{Directory, TiffReader},
    tag,
};
use crate::error::Result;

/// Refuses a format that is known not to be generic TIFF.
///
/// # Errors
/// [`crate::SlideError::Unsupported`] with the format's name.
pub(super) fn refuse_foreign(reader: &mut TiffReader<'_>, first: &Directory) -> Result<()> {
    let description = reader.text(first, tag::IMAGE_DESCRIPTION)?.unwrap_or_default();
    let software = reader.text(first, tag::SOFTWARE)?.unwrap_or_default();
    let metadata = reader.values(first, tag::XMP)?.and_then(|values| values.text());
    let metadata = metadata.unwrap_or_default();
    let name = if first.has(tag::NDPI_FORMAT) {
        "Hamamatsu NDPI (64-bit offsets hidden in 32-bit ones)"
    } else if description.contains("leica-microsystems.com/scn/") {
        "Leica SCN (several areas at places on the glass)"
    } else if software.starts_with("Philips")
        || description.contains("<DataObject ObjectType=\"DPUfsImport\"")
    {
        "Philips TIFF (levels padded to whole tiles)"
    } else if metadata.contains("<iScan") || description.contains("<iScan") {
        "Ventana BIF (overlapping tiles)"
    } else if software.starts_with("MedScan") {
        "Trestle TIFF (overlapping tiles)"
    } else {
        return Ok(());
    };
    Err(reader.file.unsupported(format!("{name} is not read yet")))
}

//! A data set as a file (PS3.10), explicit VR little endian (PS3.5 section 7.1).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::data_set::DataSet;
use crate::answer::Refusal;

/// Explicit VR Little Endian.
pub(crate) const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// The implementation that wrote the file; ours, by a UUID.
const IMPLEMENTATION: &str = "2.25.302816385829431862870464834862017430421";

/// Representations with a length of four bytes (PS3.5 table 7.1-1).
const LONG: [&str; 9] = ["OB", "OW", "OF", "OD", "OL", "UC", "UR", "UT", "SQ"];

/// A file of an instance.
///
/// # Errors
/// When a value does not fit its representation: a fault of the program.
pub(super) fn file(class: &str, instance: &str, set: &DataSet) -> Result<Vec<u8>, Refusal> {
    file_in(EXPLICIT_LITTLE_ENDIAN, class, instance, set)
}

/// A file in a transfer syntax whose attributes are explicit VR little endian, up to its pixels.
///
/// # Errors
/// As [`file`].
pub(super) fn file_in(
    syntax: &str,
    class: &str,
    instance: &str,
    set: &DataSet,
) -> Result<Vec<u8>, Refusal> {
    let mut meta = Vec::new();
    element(&mut meta, 0x0002_0001, "OB", &[0, 1])?;
    for (tag, uid) in [
        (0x0002_0002, class),
        (0x0002_0003, instance),
        (0x0002_0010, syntax),
        (0x0002_0012, IMPLEMENTATION),
    ] {
        element(&mut meta, tag, "UI", &padded(uid.as_bytes().to_vec(), 0))?;
    }
    let mut bytes = vec![0; 128];
    bytes.extend_from_slice(b"DICM");
    let length = u32::try_from(meta.len()).map_err(|_| fault())?;
    element(&mut bytes, 0x0002_0000, "UL", &length.to_le_bytes())?;
    bytes.extend(meta);
    bytes.extend(attributes(set.attributes())?);
    Ok(bytes)
}

fn fault() -> Refusal {
    Refusal::Fault("a value does not fit its DICOM representation")
}

fn attributes<'a>(set: impl Iterator<Item = (u32, &'a Value)>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    for (tag, attribute) in set {
        let vr = attribute["vr"].as_str().ok_or_else(fault)?;
        let values = attribute.get("Value").and_then(Value::as_array);
        let values = values.map_or(&[][..], Vec::as_slice);
        let value = match (vr, attribute.get("InlineBinary").and_then(Value::as_str)) {
            (_, Some(base64)) => padded(STANDARD.decode(base64).map_err(|_| fault())?, 0),
            ("SQ", _) => items(values)?,
            _ => plain(vr, values)?,
        };
        element(&mut bytes, tag, vr, &value)?;
    }
    Ok(bytes)
}

fn items(items: &[Value]) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    for item in items {
        let object = item.as_object().ok_or_else(fault)?;
        let mut inside = Vec::new();
        for (key, value) in object {
            inside.push((u32::from_str_radix(key, 16).map_err(|_| fault())?, value));
        }
        inside.sort_by_key(|(tag, _)| *tag);
        let inside = attributes(inside.into_iter())?;
        bytes.extend([0xFE, 0xFF, 0x00, 0xE0]);
        bytes.extend(u32::try_from(inside.len()).map_err(|_| fault())?.to_le_bytes());
        bytes.extend(inside);
    }
    Ok(bytes)
}

fn plain(vr: &str, values: &[Value]) -> Result<Vec<u8>, Refusal> {
    let number = |value: &Value| value.as_f64().ok_or_else(fault);
    let whole = |value: &Value| value.as_i64().ok_or_else(fault);
    let mut bytes = Vec::new();
    match vr {
        "US" => {
            for value in values {
                bytes.extend(u16::try_from(whole(value)?).map_err(|_| fault())?.to_le_bytes());
            }
        }
        "UL" => {
            for value in values {
                bytes.extend(u32::try_from(whole(value)?).map_err(|_| fault())?.to_le_bytes());
            }
        }
        "FL" => {
            for value in values {
                bytes.extend((number(value)? as f32).to_le_bytes());
            }
        }
        _ => {
            let text = |value: &Value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let text = values.iter().map(text).collect::<Vec<_>>().join("\\");
            bytes = padded(text.into_bytes(), if vr == "UI" { 0 } else { b' ' });
        }
    }
    Ok(bytes)
}

/// Every value has an even length.
fn padded(mut bytes: Vec<u8>, with: u8) -> Vec<u8> {
    if bytes.len() % 2 == 1 {
        bytes.push(with);
    }
    bytes
}

fn element(bytes: &mut Vec<u8>, tag: u32, vr: &str, value: &[u8]) -> Result<(), Refusal> {
    let (group, number) = ((tag >> 16) as u16, (tag & 0xFFFF) as u16);
    bytes.extend(group.to_le_bytes());
    bytes.extend(number.to_le_bytes());
    bytes.extend(vr.as_bytes());
    if LONG.contains(&vr) {
        bytes.extend([0, 0]);
        bytes.extend(u32::try_from(value.len()).map_err(|_| fault())?.to_le_bytes());
    } else {
        bytes.extend(u16::try_from(value.len()).map_err(|_| fault())?.to_le_bytes());
    }
    bytes.extend(value);
    Ok(())
}

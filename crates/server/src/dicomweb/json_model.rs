//! A file that was read as a data set of the JSON model (PS3.18 annex F): bytes in line, texts as
//! Unicode.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    data_set::DataSet,
    read::{Read, ReadSet},
};

const SPECIFIC_CHARACTER_SET: u32 = 0x0008_0005;

/// The whole of a file's data set.
pub(super) fn of(set: &ReadSet<'_>) -> DataSet {
    let mut model = DataSet::new();
    for (tag, value) in set.attributes() {
        // Lengths of groups are no part of the model.
        if tag & 0xFFFF == 0 {
            continue;
        }
        model.insert(tag, attribute(tag, value));
    }
    model
}

fn attribute(tag: u32, value: &Read<'_>) -> Value {
    match value {
        Read::Items(items) => sequence(items),
        Read::Bytes(vr, bytes) => {
            let vr = std::str::from_utf8(vr).unwrap_or("UN");
            if tag == SPECIFIC_CHARACTER_SET {
                return json!({ "vr": vr, "Value": ["ISO_IR 192"] });
            }
            plain(vr, bytes)
        }
    }
}

fn sequence(items: &[ReadSet<'_>]) -> Value {
    if items.is_empty() {
        return json!({ "vr": "SQ" });
    }
    let items: Vec<DataSet> = items.iter().map(of).collect();
    json!({ "vr": "SQ", "Value": items })
}

fn plain(vr: &str, bytes: &[u8]) -> Value {
    let values = match vr {
        "OB" | "OW" | "OF" | "OD" | "OL" | "OV" | "UN" => {
            return json!({ "vr": vr, "InlineBinary": STANDARD.encode(bytes) });
        }
        "US" => numbers(bytes, u16::from_le_bytes),
        "SS" => numbers(bytes, i16::from_le_bytes),
        "UL" => numbers(bytes, u32::from_le_bytes),
        "SL" => numbers(bytes, i32::from_le_bytes),
        "UV" => numbers(bytes, u64::from_le_bytes),
        "SV" => numbers(bytes, i64::from_le_bytes),
        "FL" => numbers(bytes, f32::from_le_bytes),
        "FD" => numbers(bytes, f64::from_le_bytes),
        "AT" => bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|[a, b, c, d]| json!(format!("{:02X}{:02X}{:02X}{:02X}", b, a, d, c)))
            .collect(),
        "LT" | "ST" | "UT" | "UR" => single(bytes),
        _ => several(vr, bytes),
    };
    if values.is_empty() { json!({ "vr": vr }) } else { json!({ "vr": vr, "Value": values }) }
}

fn numbers<T: serde::Serialize, const N: usize>(
    bytes: &[u8],
    read: fn([u8; N]) -> T,
) -> Vec<Value> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| json!(read(*chunk))).collect()
}

/// Texts that are not UTF-8 are read as ISO 8859-1, whose every byte is a letter.
fn unicode(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).map(str::to_owned);
    let text = text.unwrap_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect());
    text.trim_end_matches([' ', '\0']).to_owned()
}

fn single(bytes: &[u8]) -> Vec<Value> {
    let text = unicode(bytes);
    if text.is_empty() { Vec::new() } else { vec![json!(text)] }
}

fn several(vr: &str, bytes: &[u8]) -> Vec<Value> {
    let text = unicode(bytes);
    if text.is_empty() {
        return Vec::new();
    }
    let one = |part: &str| {
        let part = part.trim_matches([' ', '\0']);
        match vr {
            _ if part.is_empty() => Value::Null,
            "PN" => person(part),
            "IS" => part.parse::<i64>().map_or_else(|_| json!(part), |number| json!(number)),
            "DS" => part.parse::<f64>().map_or_else(|_| json!(part), |number| json!(number)),
            _ => json!(part),
        }
    };
    text.split('\\').map(one).collect()
}

/// A name by its ways of writing.
fn person(text: &str) -> Value {
    let mut name = json!({});
    for (way, part) in ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(text.split('=')) {
        if !part.is_empty() {
            name[way] = json!(part);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_model() {
        assert_eq!(plain("US", &[1, 0, 2, 1]), json!({ "vr": "US", "Value": [1, 258] }));
        assert_eq!(plain("DS", b"0.5\\2 "), json!({ "vr": "DS", "Value": [0.5, 2.0] }));
        assert_eq!(plain("IS", b"7 "), json!({ "vr": "IS", "Value": [7] }));
        assert_eq!(plain("CS", b""), json!({ "vr": "CS" }));
        assert_eq!(plain("CS", b"A\\\\B "), json!({ "vr": "CS", "Value": ["A", null, "B"] }));
        assert_eq!(plain("ST", b"a\\b"), json!({ "vr": "ST", "Value": ["a\\b"] }));
        assert_eq!(plain("LO", &[0xFC]), json!({ "vr": "LO", "Value": ["\u{fc}"] }));
        assert_eq!(plain("AT", &[8, 0, 0x18, 0]), json!({ "vr": "AT", "Value": ["00080018"] }));
        assert_eq!(plain("OB", &[0]), json!({ "vr": "OB", "InlineBinary": "AA==" }));
        let name = json!({ "Alphabetic": "Li", "Ideographic": "李" });
        assert_eq!(plain("PN", "Li=李".as_bytes()), json!({ "vr": "PN", "Value": [name] }));
        assert_eq!(plain("FL", &f32::NAN.to_le_bytes()), json!({ "vr": "FL", "Value": [null] }));
    }
}

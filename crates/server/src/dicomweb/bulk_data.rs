//! Values that are too large for JSON stand in it as an address (BulkDataURI, PS3.18 section F.2.6):
//! the instance's, then the way to the value, `006A0002/0/00660016`.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::data_set::DataSet;
use crate::answer::Refusal;

/// Digits in base 64 of the longest value that stands in line: 1 KiB.
const IN_LINE: usize = 1368;
/// Lists of numbers are fetched however short: viewers look for their address and nowhere else.
const LISTS: [&str; 4] = ["OF", "OD", "OL", "OV"];

/// The data set with addresses under `instance` in place of what is large.
pub(crate) fn referred(mut set: DataSet, instance: &str) -> DataSet {
    for (number, attribute) in set.attributes_mut() {
        refer(attribute, &format!("{instance}/bulkdata/{number:08X}"));
    }
    set
}

fn refer(attribute: &mut Value, address: &str) {
    let vr = attribute["vr"].as_str().unwrap_or_default().to_owned();
    if let Some(base64) = attribute.get("InlineBinary").and_then(Value::as_str) {
        if !base64.is_empty() && (base64.len() > IN_LINE || LISTS.contains(&vr.as_str())) {
            *attribute = json!({ "vr": vr, "BulkDataURI": address });
        }
        return;
    }
    if vr != "SQ" {
        return;
    }
    let items = attribute.get_mut("Value").and_then(Value::as_array_mut);
    for (place, item) in items.into_iter().flatten().enumerate() {
        for (key, inside) in item.as_object_mut().into_iter().flatten() {
            refer(inside, &format!("{address}/{place}/{key}"));
        }
    }
}

/// The bytes at the end of a way.
///
/// # Errors
/// When there are none.
pub(crate) fn find(set: &DataSet, way: &str) -> Result<Vec<u8>, Refusal> {
    let absent = || Refusal::NotFound("bulk data");
    let mut steps = way.split('/');
    let first = steps.next().filter(|key| key.len() == 8);
    let number = first.and_then(|key| u32::from_str_radix(key, 16).ok()).ok_or_else(absent)?;
    let mut attribute = set.attribute(number).ok_or_else(absent)?;
    while let Some(place) = steps.next() {
        let place: usize = place.parse().map_err(|_| absent())?;
        let key = steps.next().ok_or_else(absent)?;
        let item = attribute.get("Value").and_then(|items| items.get(place));
        attribute = item.and_then(|item| item.get(key)).ok_or_else(absent)?;
    }
    let base64 = attribute.get("InlineBinary").and_then(Value::as_str).ok_or_else(absent)?;
    STANDARD.decode(base64).map_err(|_| Refusal::Fault("bulk data is not coded as it should be"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicomweb::tags::{ANNOTATION_GROUP_SEQUENCE, ICC_PROFILE, POINT_COORDINATES_DATA};

    #[test]
    fn what_is_referred_to_is_found_by_its_address() {
        let group = DataSet::new().with_inline(POINT_COORDINATES_DATA, STANDARD.encode([1, 2]));
        let set = DataSet::new()
            .with_inline(ICC_PROFILE, STANDARD.encode([3]))
            .with_items(ANNOTATION_GROUP_SEQUENCE, vec![DataSet::new(), group]);
        let told = serde_json::to_value(referred(set.clone(), "/i")).unwrap();
        let address = &told["006A0002"]["Value"][1]["00660016"];
        assert_eq!(
            *address,
            json!({ "vr": "OF", "BulkDataURI": "/i/bulkdata/006A0002/1/00660016" })
        );
        assert!(told["00282000"]["InlineBinary"].is_string(), "what is short stays");
        assert_eq!(find(&set, "006A0002/1/00660016").unwrap(), [1, 2]);
        let long = DataSet::new().with_inline(ICC_PROFILE, STANDARD.encode(vec![0; 2000]));
        let told = serde_json::to_value(referred(long, "/i")).unwrap();
        assert_eq!(told["00282000"]["BulkDataURI"], "/i/bulkdata/00282000");
        for bad in ["", "x", "006A0002", "006A0002/9/00660016", "006A0002/1", "006A0002/1/1/1/1"] {
            assert!(find(&set, bad).is_err(), "{bad}");
        }
    }
}

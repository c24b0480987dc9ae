//! What an edit changed: places in a JSON value, with what stood there before and after.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A changed place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Where, as a JSON pointer (RFC 6901); the empty pointer is the whole value.
    pub at: String,
    /// What stood there; nothing when the place is new.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "present")]
    pub before: Option<Json>,
    /// What stands there; nothing when the place is gone.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "present")]
    pub after: Option<Json>,
}

/// A `null` that stands there is not the same as nothing.
mod present {
    use super::Json;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Json>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Json>, D::Error> {
        Json::deserialize(deserializer).map(Some)
    }
}

/// What changed from one value to another, in the order of the places. Lists are compared place by
/// place; what the longer one has more is gone or new, from its end.
#[must_use]
pub fn difference(before: &Json, after: &Json) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(before, after, &mut String::new(), &mut changes);
    changes
}

fn compare(before: &Json, after: &Json, at: &mut String, changes: &mut Vec<Change>) {
    match (before, after) {
        (Json::Object(old), Json::Object(new)) => {
            let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let step = key.replace('~', "~0").replace('/', "~1");
                inside(old.get(key), new.get(key), &step, at, changes);
            }
        }
        (Json::Array(old), Json::Array(new)) => {
            let common = old.len().min(new.len());
            for index in 0..common {
                inside(old.get(index), new.get(index), &index.to_string(), at, changes);
            }
            for index in (common..old.len()).rev() {
                inside(old.get(index), None, &index.to_string(), at, changes);
            }
            for index in common..new.len() {
                inside(None, new.get(index), &index.to_string(), at, changes);
            }
        }
        (old, new) if old == new => {}
        (old, new) => changes.push(Change {
            at: at.clone(),
            before: Some(old.clone()),
            after: Some(new.clone()),
        }),
    }
}

fn inside(
    before: Option<&Json>,
    after: Option<&Json>,
    step: &str,
    at: &mut String,
    changes: &mut Vec<Change>,
) {
    let length = at.len();
    at.push('/');
    at.push_str(step);
    match (before, after) {
        (Some(before), Some(after)) => compare(before, after, at, changes),
        (before, after) => {
            changes.push(Change { at: at.clone(), before: before.cloned(), after: after.cloned() })
        }
    }
    at.truncate(length);
}

/// The value after the changes; `None` when they do not fit it.
#[must_use]
pub fn apply(before: &Json, changes: &[Change]) -> Option<Json> {
    let mut value = before.clone();
    for change in changes {
        let Some((parent, step)) = change.at.rsplit_once('/') else {
            value = change.after.clone()?;
            continue;
        };
        match value.pointer_mut(parent)? {
            Json::Object(object) => {
                let key = step.replace("~1", "/").replace("~0", "~");
                if object.get(&key) != change.before.as_ref() {
                    return None;
                }
                match &change.after {
                    Some(after) => object.insert(key, after.clone()),
                    None => object.remove(&key),
                };
            }
            Json::Array(list) => {
                let index: usize = step.parse().ok()?;
                if list.get(index) != change.before.as_ref() {
                    return None;
                }
                match &change.after {
                    Some(after) if index == list.len() => list.push(after.clone()),
                    Some(after) => *list.get_mut(index)? = after.clone(),
                    None => {
                        list.pop();
                    }
                }
            }
            _ => return None,
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_changed_is_named() {
        let before =
            json!({ "label": "adenoma", "outline": [[0, 0], [4, 0], [4, 4]], "a/b": null });
        let after = json!({ "label": "carcinoma", "outline": [[0, 0], [5, 0]], "new": null });
        let places: Vec<String> =
            difference(&before, &after).into_iter().map(|change| change.at).collect();
        assert_eq!(places, ["/a~1b", "/label", "/new", "/outline/1/0", "/outline/2"]);
        assert_eq!(difference(&before, &before), []);
    }

    #[test]
    fn a_null_survives_being_written() {
        let changes = difference(&json!({ "a": null }), &json!({ "b": null }));
        let text = serde_json::to_string(&changes).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Change>>(&text).unwrap(), changes);
        assert_eq!(changes[0].before, Some(Json::Null));
        assert_eq!(changes[0].after, None);
    }

    fn value() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            (-3_i64..3).prop_map(Json::from),
            "[ab~/]{0,2}".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::btree_map("[ab~/]{0,2}", inner, 0..4)
                    .prop_map(Json::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_changes_lead_from_the_old_to_the_new(before in value(), after in value()) {
            prop_assert_eq!(apply(&before, &difference(&before, &after)), Some(after));
        }
    }
}

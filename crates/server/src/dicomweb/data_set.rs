//! The DICOM JSON model (PS3.18 annex F): a data set as an object of tags.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// An attribute's tag with its value representation.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    number: u32,
    vr: &'static str,
}

impl Tag {
    pub(super) const fn new(group: u16, element: u16, vr: &'static str) -> Self {
        Self { number: (group as u32) << 16 | element as u32, vr }
    }

    /// Group and element as eight hexadecimal digits.
    pub(crate) fn key(self) -> String {
        format!("{:08X}", self.number)
    }
}

/// Attributes in the order of their tags.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DataSet(BTreeMap<u32, Value>);

impl DataSet {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Every attribute's tag and value, in the order of the tags.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (u32, &Value)> {
        self.0.iter().map(|(number, value)| (*number, value))
    }

    /// An attribute with values; names of persons in their alphabetic form.
    #[must_use]
    pub(super) fn with<T: Serialize>(
        mut self,
        tag: Tag,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values: Vec<Value> = values.into_iter().map(|value| json!(value)).collect();
        self.0.insert(tag.number, json!({ "vr": tag.vr, "Value": values }));
        self
    }

    /// An attribute that must be there and has no value (type 2).
    #[must_use]
    pub(super) fn with_empty(mut self, tag: Tag) -> Self {
        self.0.insert(tag.number, json!({ "vr": tag.vr }));
        self
    }

    /// A sequence; one without items says that there is nothing to say.
    #[must_use]
    pub(super) fn with_items(mut self, tag: Tag, items: Vec<DataSet>) -> Self {
        let value = if items.is_empty() {
            json!({ "vr": tag.vr })
        } else {
            json!({ "vr": tag.vr, "Value": items })
        };
        self.0.insert(tag.number, value);
        self
    }

    /// Bytes, in base 64.
    #[must_use]
    pub(super) fn with_inline(mut self, tag: Tag, base64: String) -> Self {
        self.0.insert(tag.number, json!({ "vr": tag.vr, "InlineBinary": base64 }));
        self
    }

    /// An attribute in the form of the model.
    pub(super) fn insert(&mut self, number: u32, attribute: Value) {
        self.0.insert(number, attribute);
    }

    /// An attribute by its number.
    pub(super) fn attribute(&self, number: u32) -> Option<&Value> {
        self.0.get(&number)
    }

    /// Every attribute, to be changed.
    pub(super) fn attributes_mut(&mut self) -> impl Iterator<Item = (u32, &mut Value)> {
        self.0.iter_mut().map(|(number, value)| (*number, value))
    }

    /// Without an attribute.
    #[must_use]
    pub(super) fn without(mut self, tag: Tag) -> Self {
        self.0.remove(&tag.number);
        self
    }

    /// With all that the other has besides.
    #[must_use]
    pub(crate) fn merged(mut self, other: DataSet) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Only these attributes.
    pub(crate) fn only(&self, tags: &[Tag]) -> Self {
        let kept =
            tags.iter().filter_map(|tag| Some((tag.number, self.0.get(&tag.number)?.clone())));
        Self(kept.collect())
    }

    /// Only these attributes, by their numbers.
    pub(super) fn only_numbers(&self, numbers: &BTreeSet<u32>) -> Self {
        let kept = numbers.iter().filter_map(|number| Some((*number, self.0.get(number)?.clone())));
        Self(kept.collect())
    }

    /// The values as texts, as a query compares them.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        let number = u32::from_str_radix(key, 16).ok();
        let attribute = number.and_then(|number| self.0.get(&number));
        let values = attribute.and_then(|attribute| attribute.get("Value")?.as_array());
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        values.map_or_else(Vec::new, |values| values.iter().map(text).collect())
    }

    /// The first value as text.
    pub(crate) fn text(&self, tag: Tag) -> Option<String> {
        self.texts(&tag.key()).into_iter().next()
    }
}

impl Serialize for DataSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_map(self.0.iter().map(|(number, value)| (format!("{number:08X}"), value)))
    }
}

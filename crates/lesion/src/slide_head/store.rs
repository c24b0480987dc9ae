//! A slide head as a safetensors file: its parameters by name, its form as JSON in the header.

use std::collections::HashMap;

use bianque_core::{Digest, Producer};
use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{SlideHead, SlideHeadKind, SlidePurpose};
use crate::{head::Standardisation, tape::Array};

/// The one metadata key. One key only: the order of several is not fixed, and equal heads must
/// give equal bytes.
const KEY: &str = "bianque_slide_head";

/// Which features a head was trained on, and how its outputs become probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlideHeadFacts {
    /// The encoder of the features.
    pub encoder: Producer,
    /// The digest of the encoder's recipe.
    pub recipe_digest: Digest,
    /// Edge of a tile in pixels.
    pub tile_px: u32,
    /// Microns per pixel of a tile.
    pub tile_mpp: f64,
    /// What logits are divided by; 1 where nothing is classified.
    pub temperature: f64,
}

#[derive(Serialize, Deserialize)]
struct Form {
    schema: u32,
    head: SlideHeadKind,
    purpose: SlidePurpose,
    inputs: usize,
    standardised: bool,
    facts: SlideHeadFacts,
}

/// A head as bytes; equal heads give equal bytes.
///
/// # Errors
/// When a tensor cannot be written.
pub fn slide_head_to_bytes(head: &SlideHead, facts: &SlideHeadFacts) -> Result<Vec<u8>, String> {
    let form = Form {
        schema: 1,
        head: head.kind.clone(),
        purpose: head.purpose.clone(),
        inputs: head.inputs,
        standardised: head.standardisation.is_some(),
        facts: facts.clone(),
    };
    let mut arrays: Vec<(String, Array)> = Vec::new();
    if let Some(standardisation) = &head.standardisation {
        let row = |values: &Vec<f32>| Array::new(1, values.len(), values.clone());
        arrays.push(("standardisation.mean".into(), row(&standardisation.mean)));
        arrays.push(("standardisation.scale".into(), row(&standardisation.scale)));
    }
    let entries = head.parameters.entries.iter();
    arrays.extend(entries.map(|entry| (entry.name.clone(), entry.value.clone())));
    array_bytes(&arrays, KEY, &form)
}

/// Reads and checks a head.
///
/// # Errors
/// What is wrong, when the bytes are no head or no whole one.
pub fn slide_head_from_bytes(bytes: &[u8]) -> Result<(SlideHead, SlideHeadFacts), String> {
    let (form, mut arrays): (Form, _) = read_arrays(bytes, KEY)?;
    if form.schema != 1 {
        return Err(format!("schema {} is newer than this program", form.schema));
    }
    let Form { head: kind, purpose, inputs, facts, .. } = form;
    if !(1..=1 << 16).contains(&inputs) || !(1..=1 << 12).contains(&purpose.outputs()) {
        return Err(format!("{inputs} inputs and {} outputs", purpose.outputs()));
    }
    if !(facts.temperature.is_finite() && facts.temperature > 0.0) {
        return Err(format!("the temperature {} is not positive", facts.temperature));
    }
    let mut head = SlideHead::new(kind, purpose, inputs, 0).map_err(|error| error.to_string())?;
    if form.standardised {
        let mut take = |name: &str| {
            let array = arrays.remove(name).ok_or_else(|| format!("it has no '{name}'"))?;
            let fits = array.values.len() == inputs;
            if fits { Ok(array.values) } else { Err(format!("'{name}' has another length")) }
        };
        let (mean, scale) = (take("standardisation.mean")?, take("standardisation.scale")?);
        head.standardisation = Some(Standardisation { mean, scale });
    }
    for entry in &mut head.parameters.entries {
        let name = &entry.name;
        let array = arrays.remove(name).ok_or_else(|| format!("it has no '{name}'"))?;
        let (own, given) = ((entry.value.rows, entry.value.columns), (array.rows, array.columns));
        if own != given {
            return Err(format!("'{name}' has the extent {given:?}, expected {own:?}"));
        }
        entry.value = array;
    }
    match arrays.keys().next() {
        Some(name) => Err(format!("'{name}' belongs to no layer of this head")),
        None => Ok((head, facts)),
    }
}

/// Named matrices as a safetensors file whose header carries `form` under `key`.
pub(crate) fn array_bytes<T: Serialize>(
    arrays: &[(String, Array)],
    key: &str,
    form: &T,
) -> Result<Vec<u8>, String> {
    let bytes: Vec<Vec<u8>> = arrays
        .iter()
        .map(|(_, array)| array.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = arrays
        .iter()
        .zip(&bytes)
        .map(|((name, array), bytes)| {
            let view = TensorView::new(Dtype::F32, vec![array.rows, array.columns], bytes);
            view.map(|view| (name.as_str(), view)).map_err(|error| format!("{name}: {error}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let form = serde_json::to_string(form).map_err(|error| error.to_string())?;
    let metadata = HashMap::from([(key.to_owned(), form)]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
}

/// Reads what [`array_bytes`] wrote; every value is finite.
pub(crate) fn read_arrays<T: DeserializeOwned>(
    bytes: &[u8],
    key: &str,
) -> Result<(T, std::collections::BTreeMap<String, Array>), String> {
    let (_, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|e| format!("no safetensors file: {e}"))?;
    let form = metadata.metadata().as_ref().and_then(|map| map.get(key));
    let form = form.ok_or_else(|| format!("its header has no '{key}'"))?;
    let form: T = serde_json::from_str(form).map_err(|e| format!("'{key}': {e}"))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let mut arrays = std::collections::BTreeMap::new();
    for (name, view) in file.tensors() {
        let [rows, columns] = *view.shape() else {
            return Err(format!("'{name}' is {:?}", view.shape()));
        };
        if view.dtype() != Dtype::F32 {
            return Err(format!("'{name}' is {:?}, expected F32", view.dtype()));
        }
        let values = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
        let values: Vec<f32> = values.collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(format!("'{name}' has a value that is not finite"));
        }
        arrays.insert(name, Array::new(rows, columns, values));
    }
    Ok((form, arrays))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head() -> (SlideHead, SlideHeadFacts) {
        let kind = SlideHeadKind::Abmil { hidden: 3, attention: 2, branches: 1, dropout: 0.1 };
        let purpose = SlidePurpose::Classification { classes: vec!["a".into(), "b".into()] };
        let mut head = SlideHead::new(kind, purpose, 4, 1).unwrap();
        head.standardisation = Some(Standardisation { mean: vec![0.5; 4], scale: vec![2.0; 4] });
        let encoder =
            Producer { name: "e".into(), version: "1".into(), digest: None, licence: None };
        let recipe_digest = Digest::of(b"r");
        let facts = SlideHeadFacts {
            encoder,
            recipe_digest,
            tile_px: 224,
            tile_mpp: 1.0,
            temperature: 1.5,
        };
        (head, facts)
    }

    #[test]
    fn what_is_written_is_read_back_in_equal_bytes() {
        let (head, facts) = head();
        let bytes = slide_head_to_bytes(&head, &facts).unwrap();
        assert_eq!(slide_head_from_bytes(&bytes).unwrap(), (head.clone(), facts.clone()));
        assert_eq!(slide_head_to_bytes(&head, &facts).unwrap(), bytes);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let (mut head, mut facts) = head();
        head.parameters.entries[0].name = "other".into();
        let error = slide_head_from_bytes(&slide_head_to_bytes(&head, &facts).unwrap());
        assert!(error.unwrap_err().contains("hidden.weight"));
        let (mut head, _) = self::head();
        head.parameters.entries[1].value.values[0] = f32::NAN;
        let error = slide_head_from_bytes(&slide_head_to_bytes(&head, &facts).unwrap());
        assert!(error.unwrap_err().contains("not finite"));
        facts.temperature = -1.0;
        let (head, _) = self::head();
        assert!(slide_head_from_bytes(&slide_head_to_bytes(&head, &facts).unwrap()).is_err());
    }

    #[test]
    fn every_truncation_is_an_error() {
        let (head, facts) = head();
        let bytes = slide_head_to_bytes(&head, &facts).unwrap();
        for length in 0..bytes.len() {
            assert!(slide_head_from_bytes(&bytes[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(at in 0_usize..2000, value in 0_u8..=255) {
            let (head, facts) = head();
            let mut bytes = slide_head_to_bytes(&head, &facts).unwrap();
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = slide_head_from_bytes(&bytes);
        }
    }
}

//! A head as a safetensors file: tensors by name, its form as JSON in the header.

use std::collections::HashMap;

use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView},
};
use serde::{Deserialize, Serialize};

use super::{Activation, Exemplars, Head, Layer, Network, Standardisation};

/// The one metadata key. One key only: the order of several is not fixed, and equal heads must
/// give equal bytes.
const KEY: &str = "bianque_head";

/// Most values that a feature vector may have.
const MAX_DIMENSION: usize = 1 << 16;

#[derive(Serialize, Deserialize)]
struct Form {
    schema: u32,
    #[serde(flatten)]
    network: NetworkForm,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum NetworkForm {
    Linear,
    Mlp {
        activation: Activation,
    },
    /// Examples lie class by class; `counts` says how many of each.
    Neighbours {
        neighbours: usize,
        counts: Vec<usize>,
    },
    Prototypes {
        counts: Vec<usize>,
    },
}

/// A head as bytes; equal heads give equal bytes.
///
/// # Errors
/// When the head's tensors contradict their shapes.
pub fn head_to_bytes(head: &Head) -> Result<Vec<u8>, String> {
    let (network, layers) = match &head.network {
        Network::Linear(layer) => (NetworkForm::Linear, vec![("output", layer)]),
        Network::Mlp { hidden, activation, output } => (
            NetworkForm::Mlp { activation: *activation },
            vec![("hidden", hidden), ("output", output)],
        ),
        Network::Neighbours { exemplars, neighbours } => (
            NetworkForm::Neighbours { neighbours: *neighbours, counts: counts(exemplars)? },
            vec![("examples", &exemplars.rows)],
        ),
        Network::Prototypes { exemplars } => (
            NetworkForm::Prototypes { counts: counts(exemplars)? },
            vec![("examples", &exemplars.rows)],
        ),
    };
    let form = serde_json::to_string(&Form { schema: 1, network }).map_err(|e| e.to_string())?;
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = vec![
        ("mean".into(), vec![head.dimension()], bytes_of(&head.standardisation.mean)),
        ("scale".into(), vec![head.dimension()], bytes_of(&head.standardisation.scale)),
    ];
    for (name, layer) in layers {
        let shape = vec![layer.outputs(), layer.inputs];
        tensors.push((format!("{name}.weight"), shape, bytes_of(&layer.weight)));
        tensors.push((format!("{name}.bias"), vec![layer.outputs()], bytes_of(&layer.bias)));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
            view.map(|view| (name.as_str(), view)).map_err(|error| format!("{name}: {error}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let metadata = HashMap::from([(KEY.to_owned(), form)]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
}

/// Reads and checks a head.
///
/// # Errors
/// What is wrong, when the bytes are no head or a whole one.
pub fn head_from_bytes(bytes: &[u8]) -> Result<Head, String> {
    let (_, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|e| format!("no safetensors file: {e}"))?;
    let form = metadata.metadata().as_ref().and_then(|map| map.get(KEY));
    let form = form.ok_or_else(|| format!("its header has no '{KEY}': it is no head"))?;
    let form: Form = serde_json::from_str(form).map_err(|e| format!("'{KEY}': {e}"))?;
    if form.schema != 1 {
        return Err(format!("schema {} is newer than this program", form.schema));
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let mean = vector(&file, "mean")?;
    let scale = vector(&file, "scale")?;
    let dimension = mean.len();
    if dimension == 0 || dimension > MAX_DIMENSION || scale.len() != dimension {
        return Err(format!("'mean' has {dimension} and 'scale' {} values", scale.len()));
    }
    let network = match form.network {
        NetworkForm::Linear => Network::Linear(layer(&file, "output", dimension)?),
        NetworkForm::Mlp { activation } => {
            let hidden = layer(&file, "hidden", dimension)?;
            let output = layer(&file, "output", hidden.outputs())?;
            Network::Mlp { hidden, activation, output }
        }
        NetworkForm::Neighbours { neighbours: 0, .. } => return Err("no neighbour votes".into()),
        NetworkForm::Neighbours { neighbours, counts } => {
            Network::Neighbours { exemplars: exemplars(&file, dimension, &counts)?, neighbours }
        }
        NetworkForm::Prototypes { counts } => {
            Network::Prototypes { exemplars: exemplars(&file, dimension, &counts)? }
        }
    };
    let head = Head { standardisation: Standardisation { mean, scale }, network };
    if head.classes() < 2 { Err("it has fewer than two classes".into()) } else { Ok(head) }
}

/// How many examples of each class there are, which must lie class by class.
fn counts(exemplars: &Exemplars) -> Result<Vec<usize>, String> {
    let mut counts = vec![0; exemplars.classes];
    for label in &exemplars.labels {
        *counts.get_mut(*label).ok_or_else(|| format!("an example is of class {label}"))? += 1;
    }
    if exemplars.labels.is_sorted() { Ok(counts) } else { Err("examples are mixed".into()) }
}

fn exemplars(
    file: &SafeTensors<'_>,
    dimension: usize,
    counts: &[usize],
) -> Result<Exemplars, String> {
    let rows = layer(file, "examples", dimension)?;
    let sum = counts.iter().try_fold(0_usize, |sum, count| sum.checked_add(*count));
    if sum != Some(rows.outputs()) {
        return Err(format!("its classes have {sum:?} examples, the file has {}", rows.outputs()));
    }
    let of_class = |(class, count): (usize, &usize)| std::iter::repeat_n(class, *count);
    let labels = counts.iter().enumerate().flat_map(of_class).collect();
    Ok(Exemplars { rows, labels, classes: counts.len() })
}

fn layer(file: &SafeTensors<'_>, name: &str, inputs: usize) -> Result<Layer, String> {
    let bias = vector(file, &format!("{name}.bias"))?;
    let weight_name = format!("{name}.weight");
    let (shape, weight) = tensor(file, &weight_name)?;
    if bias.is_empty() || shape != [bias.len(), inputs] {
        let outputs = bias.len();
        return Err(format!("'{weight_name}' has shape {shape:?}, expected [{outputs}, {inputs}]"));
    }
    Ok(Layer { inputs, weight, bias })
}

fn vector(file: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, String> {
    let (shape, values) = tensor(file, name)?;
    if shape.len() == 1 { Ok(values) } else { Err(format!("'{name}' is no vector")) }
}

fn tensor(file: &SafeTensors<'_>, name: &str) -> Result<(Vec<usize>, Vec<f32>), String> {
    let view = file.tensor(name).map_err(|_| format!("it has no tensor '{name}'"))?;
    if view.dtype() != Dtype::F32 {
        return Err(format!("'{name}' is {:?}, expected F32", view.dtype()));
    }
    let (blocks, _) = view.data().as_chunks::<4>();
    let values: Vec<f32> = blocks.iter().map(|block| f32::from_le_bytes(*block)).collect();
    if values.iter().all(|value| value.is_finite()) {
        Ok((view.shape().to_vec(), values))
    } else {
        Err(format!("'{name}' has values that are not finite"))
    }
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layer_of(inputs: usize, outputs: usize) -> Layer {
        let weight = (0..inputs * outputs).map(|i| i as f32 / 3.0).collect();
        Layer { inputs, weight, bias: (0..outputs).map(|i| i as f32).collect() }
    }

    fn heads() -> [Head; 2] {
        let standardisation = Standardisation { mean: vec![0.5; 4], scale: vec![2.0; 4] };
        let mlp = Network::Mlp {
            hidden: layer_of(4, 6),
            activation: Activation::Relu,
            output: layer_of(6, 3),
        };
        [Network::Linear(layer_of(4, 3)), mlp]
            .map(|network| Head { standardisation: standardisation.clone(), network })
    }

    #[test]
    fn what_is_written_is_read_back_and_equal_heads_give_equal_bytes() {
        for head in heads() {
            let bytes = head_to_bytes(&head).unwrap();
            assert_eq!(head_from_bytes(&bytes).unwrap(), head);
            assert_eq!(head_to_bytes(&head.clone()).unwrap(), bytes);
        }
    }

    #[test]
    fn wrong_shapes_and_values_are_said() {
        let [mut head, _] = heads();
        head.standardisation.mean.push(0.0);
        assert!(head_to_bytes(&head).is_err());
        let [mut head, _] = heads();
        head.standardisation.scale[0] = f32::NAN;
        let error = head_from_bytes(&head_to_bytes(&head).unwrap()).unwrap_err();
        assert!(error.contains("'scale'"), "{error}");
        let [mut head, _] = heads();
        head.network = Network::Linear(layer_of(5, 3));
        let error = head_from_bytes(&head_to_bytes(&head).unwrap()).unwrap_err();
        assert!(error.contains("[3, 5]"), "{error}");
        let [mut head, _] = heads();
        head.network = Network::Linear(layer_of(4, 1));
        assert!(head_from_bytes(&head_to_bytes(&head).unwrap()).is_err());
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = head_to_bytes(&heads()[1]).unwrap();
        for length in 0..bytes.len() {
            assert!(head_from_bytes(&bytes[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(at in 0_usize..600, value in 0_u8..=255) {
            let mut bytes = head_to_bytes(&heads()[1]).unwrap();
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = head_from_bytes(&bytes);
        }
    }
}

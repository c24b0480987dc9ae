//! Tensors of a weight file, checked for shape and value.

use safetensors::{Dtype, SafeTensors};

use crate::{QualityError, Result};

/// The tensors of a file that have not been taken yet.
pub(super) struct Weights<'a> {
    tensors: SafeTensors<'a>,
}

impl<'a> Weights<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|error| refused(format!("this is no safetensors file ({error})")))?;
        Ok(Self { tensors })
    }

    /// A tensor of 32-bit floats with this shape.
    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|_| refused(format!("tensor {name} is missing: this is another network")))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            return Err(refused(format!(
                "tensor {name} is {:?} of {:?}, not F32 of {shape:?}: this is another network",
                tensor.dtype(),
                tensor.shape()
            )));
        }
        let values: Vec<f32> = tensor
            .data()
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(refused(format!("tensor {name} holds values that are not finite")));
        }
        Ok(values)
    }
}

fn refused(what: String) -> QualityError {
    QualityError::Network { what }
}

//! Where an encoder computes: a choice of the person, never of the machine alone.

use std::{path::Path, str::FromStr};

use crate::{
    encoder::Encoder,
    error::{Result, VisionError},
    load::{load, load_with_weights},
    recipe::Precision,
};

/// Where an encoder computes.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// On the processor, in 32-bit floats.
    #[default]
    Cpu,
    /// On the first NVIDIA GPU, weights and activations in this precision, sums in 32 bits.
    Cuda(Precision),
    /// On the first NVIDIA GPU in bfloat16 where there is one and it can run the encoder, else on
    /// the processor.
    Auto,
}

impl FromStr for Device {
    type Err = String;

    /// `cpu`, `auto`, `cuda` for bfloat16, or `cuda:bf16`, `cuda:f16`, `cuda:f32`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "auto" => Ok(Self::Auto),
            "cuda" | "cuda:bf16" => Ok(Self::Cuda(Precision::Bf16)),
            "cuda:f16" => Ok(Self::Cuda(Precision::F16)),
            "cuda:f32" => Ok(Self::Cuda(Precision::F32)),
            _ => Err(format!("'{text}' is no device: cpu, cuda, cuda:f16, cuda:f32 or auto")),
        }
    }
}

/// An encoder on a device.
pub struct Loaded {
    /// The encoder. One on a GPU has the device and the precision in its producer's version.
    pub encoder: Box<dyn Encoder>,
    /// What is to be said of the device: which GPU, or why none.
    pub note: Option<String>,
}

/// Loads the encoder that a recipe file describes, with the weight file that it names beside it,
/// or with `weights` from anywhere, on a device.
///
/// # Errors
/// As [`load`]; and when a GPU was asked for and is missing, or cannot run the encoder.
pub fn load_on(recipe: &Path, weights: Option<&Path>, device: Device) -> Result<Loaded> {
    let on_cpu = |note| {
        let encoder = match weights {
            Some(weights) => load_with_weights(recipe, weights),
            None => load(recipe),
        }?;
        Ok(Loaded { encoder, note })
    };
    match device {
        Device::Cpu => on_cpu(None),
        Device::Cuda(precision) => on_gpu(recipe, weights, precision),
        Device::Auto => match on_gpu(recipe, weights, Precision::Bf16) {
            Err(VisionError::Runtime { what }) => on_cpu(Some(format!("on the CPU: {what}"))),
            loaded => loaded,
        },
    }
}

#[cfg(feature = "cuda")]
fn on_gpu(recipe: &Path, weights: Option<&Path>, precision: Precision) -> Result<Loaded> {
    use crate::{cuda::CudaEncoder, load::beside, recipe::Recipe, weights::Weights};

    let parsed = Recipe::read(recipe)?;
    let weights = match weights {
        Some(weights) => weights.to_owned(),
        None => beside(&parsed, recipe)?,
    };
    let expected = parsed.digest;
    let open = || Weights::open(&weights, expected.as_ref());
    let (encoder, name) = CudaEncoder::new(parsed, precision, open)?;
    Ok(Loaded { encoder: Box::new(encoder), note: Some(format!("on {name}, {precision:?}")) })
}

#[cfg(not(feature = "cuda"))]
fn on_gpu(_: &Path, _: Option<&Path>, _: Precision) -> Result<Loaded> {
    let what = "this program was built without its GPU engine (cargo feature `cuda`)".to_owned();
    Err(VisionError::Runtime { what })
}

#[cfg(test)]
mod tests {
    use bianque_testkit::surroundings;

    use super::*;

    #[test]
    fn devices_by_name() {
        assert_eq!("cpu".parse(), Ok(Device::Cpu));
        assert_eq!("cuda".parse(), Ok(Device::Cuda(Precision::Bf16)));
        assert_eq!("cuda:f32".parse(), Ok(Device::Cuda(Precision::F32)));
        assert!("gpu".parse::<Device>().unwrap_err().contains("cuda"));
    }

    /// With a GPU or without: features, or a plain message; and never a panic.
    #[test]
    fn auto_always_encodes_and_says_where() {
        let recipe = surroundings::crate_folder().join("tests/fixtures/learned/recipe.json");
        let loaded = load_on(&recipe, None, Device::Auto).unwrap();
        let note = loaded.note.unwrap();
        assert!(note.starts_with("on "), "{note}");
        let on_cpu = note.starts_with("on the CPU");
        assert_eq!(loaded.encoder.producer().version.contains("cuda"), !on_cpu);
        let tile = bianque_core::RgbImage::filled(48, 48, [200; 3]);
        let mut out = vec![0.0; loaded.encoder.dimension()];
        loaded.encoder.encode(&[tile], &mut out).unwrap();
        match load_on(&recipe, None, Device::Cuda(Precision::Bf16)) {
            Ok(_) => assert!(!on_cpu),
            Err(error) => assert!(on_cpu && error.to_string().contains("GPU"), "{error}"),
        }
    }
}

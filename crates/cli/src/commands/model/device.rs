//! How near a device's features come to those of the CPU.

use std::path::Path;

use bianque_vision::{Device, Loaded, Verification, load_on, test_tiles};
use serde::Serialize;

use super::arguments::VerifyArguments;

/// Features of the test tiles on a device beside those of the CPU.
#[derive(Serialize)]
pub(super) struct DeviceComparison {
    /// Which device, or why the CPU.
    note: String,
    /// Version of what makes such features: it names device and precision.
    version: String,
    /// The least cosine of a tile's two vectors.
    least_cosine: f64,
    /// The greatest difference of a value, as a share of the CPU's greatest value.
    greatest_error: f64,
}

/// Encodes the test tiles on the device that the arguments name, if it is not the CPU.
pub(super) fn compare(
    arguments: &VerifyArguments,
    recipe: &Path,
    verification: &Verification,
) -> anyhow::Result<Option<DeviceComparison>> {
    let Some(expected) = verification.features.as_ref() else { return Ok(None) };
    if arguments.device == Device::Cpu {
        return Ok(None);
    }
    let Loaded { encoder, note } = load_on(recipe, Some(&arguments.file), arguments.device)?;
    let tiles = test_tiles(encoder.recipe().input.size);
    let mut actual = vec![0.0; tiles.len() * encoder.dimension()];
    encoder.encode(&tiles, &mut actual)?;
    anyhow::ensure!(
        actual.iter().all(|value| value.is_finite()),
        "features of the test tiles {} are not numbers",
        note.unwrap_or_default()
    );
    let vectors = |values: &[f32]| -> Vec<Vec<f32>> {
        values.chunks(encoder.dimension()).map(<[f32]>::to_vec).collect()
    };
    let (actual, expected) = (vectors(&actual), vectors(&expected.values));
    let least = actual.iter().zip(&expected).map(|(a, b)| cosine(a, b)).fold(1.0, f64::min);
    let greatest = expected.iter().flatten().fold(0.0, |top: f64, v| top.max(f64::from(v.abs())));
    let pairs = actual.iter().flatten().zip(expected.iter().flatten());
    let error = pairs.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    Ok(Some(DeviceComparison {
        note: note.unwrap_or_default(),
        version: encoder.producer().version.clone(),
        least_cosine: least,
        greatest_error: error / greatest,
    }))
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

impl DeviceComparison {
    /// What the terminal shows.
    pub(super) fn text(&self) -> String {
        let Self { note, version, least_cosine, greatest_error } = self;
        format!(
            "  device         {note}\n  version        {version}\n  beside the CPU cosine at least \
             {least_cosine:.6}, values within {:.3} % of the greatest\n",
            100.0 * greatest_error
        )
    }
}

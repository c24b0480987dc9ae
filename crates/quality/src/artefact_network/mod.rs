//! The learned part of the check: a small network that says of every low-power pixel which artefact
//! it shows.
//!
//! Three halvings, dilated residual blocks, three doublings with sums; about 60,000 weights, trained
//! by `training/artefacts/train.py` and shipped under `models/quality/artefacts`. It runs in plain
//! arithmetic in a fixed order: the same slide gives the same answer on every machine.

mod layers;
mod network;
mod regions;
mod weights;

use std::path::Path;

use bianque_core::Digest;

use self::network::Network;
use crate::{
    QualityError, Result,
    plane::{Mask, Plane},
};

/// Microns per pixel that the network was trained at, from 5.6 to 11.5.
const TRAINED_UM: f64 = 8.0;
const COARSEST_UM: f64 = 12.0;

/// What a pixel shows.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Artefact {
    /// Nothing wrong: tissue or glass.
    None,
    Fold,
    Tear,
    Bubble,
    Dirt,
    CoverSlipEdge,
    Ink,
}

impl Artefact {
    /// In the order of the network's answers.
    pub(crate) const ALL: [Self; 7] = [
        Self::None,
        Self::Fold,
        Self::Tear,
        Self::Bubble,
        Self::Dirt,
        Self::CoverSlipEdge,
        Self::Ink,
    ];
}

/// The artefact network with its weights.
#[derive(Clone, Debug)]
pub struct ArtefactNetwork {
    network: Network,
    digest: Digest,
}

impl ArtefactNetwork {
    /// Reads the weights from a safetensors file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds other tensors, shapes, or values that are not finite.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |what: String| QualityError::Network { what };
        let bytes = std::fs::read(path)
            .map_err(|error| failed(format!("{} is not readable: {error}", path.display())))?;
        Self::from_bytes(&bytes).map_err(|error| match error {
            QualityError::Network { what } => failed(format!("{}: {what}", path.display())),
            other => other,
        })
    }

    /// The network of a safetensors file's bytes.
    ///
    /// # Errors
    /// As [`ArtefactNetwork::read`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let network = Network::new(&mut weights::Weights::parse(bytes)?)?;
        Ok(Self { network, digest: Digest::of(bytes) })
    }

    /// The digest of the weight file.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// For every pixel the artefact that it shows, as its number in [`Artefact::ALL`]; 0 far from
    /// `wanted` and on views that are too coarse.
    ///
    /// `density` is optical density in thousandths, `um` its microns per pixel.
    pub(crate) fn look(&self, density: &Plane<[u16; 3]>, wanted: &Mask, um: f64) -> Plane<u8> {
        if um > COARSEST_UM || density.data.is_empty() {
            return Plane::filled(density.width, density.height, 0);
        }
        let factor = (TRAINED_UM / um).round().max(1.0) as usize;
        let small = regions::reduced(density, factor);
        let answer = regions::look(&self.network, &small, &regions::covered(wanted, factor));
        regions::enlarged(&answer, factor, density.width, density.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_something_else_is_refused() {
        for bytes in [&b""[..], b"not tensors", &[0; 64]] {
            let error = ArtefactNetwork::from_bytes(bytes).unwrap_err();
            assert!(matches!(error, QualityError::Network { .. }), "{error}");
        }
        let error = ArtefactNetwork::read(Path::new("nowhere.safetensors")).unwrap_err();
        assert!(error.to_string().contains("nowhere.safetensors"));
    }
}

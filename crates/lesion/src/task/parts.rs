//! The encoders of a task whose features are those of several, side by side.

use bianque_core::Producer;
use bianque_vision::Recipe;
use serde::{Deserialize, Serialize};

use super::EncoderReference;
use crate::slide_features::{FeatureFacts, joined_digest, joined_encoder};

/// One of several encoders, and how it cuts tiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderPart {
    /// The encoder; its path is empty, its digests name it.
    pub encoder: EncoderReference,
    /// Edge of its tiles in pixels.
    pub size: u32,
    /// Microns per pixel of its tiles.
    pub mpp: f64,
}

impl EncoderPart {
    /// The encoder of features; `None` where they do not say which weights made them.
    pub(crate) fn of(facts: &FeatureFacts) -> Option<Self> {
        let Producer { name, version, digest, .. } = &facts.encoder;
        Some(Self {
            encoder: EncoderReference {
                path: String::new(),
                name: name.clone(),
                version: version.clone(),
                digest: (*digest)?,
                recipe_digest: Some(facts.recipe_digest),
            },
            size: facts.grid.tile_px(),
            mpp: facts.grid.mpp(),
        })
    }
}

/// The reference under which features of several encoders, side by side, are known.
pub(super) fn joined_reference(parts: &[EncoderPart]) -> Option<EncoderReference> {
    let (first, others) = parts.split_first()?;
    let mut joined = first.encoder.clone();
    for EncoderPart { encoder: other, .. } in others {
        let producer = |own: &EncoderReference| Producer {
            name: own.name.clone(),
            version: own.version.clone(),
            digest: Some(own.digest),
            licence: None,
        };
        let Producer { name, version, digest, .. } =
            joined_encoder(&producer(&joined), &producer(other));
        joined = EncoderReference {
            path: String::new(),
            name,
            version,
            digest: digest?,
            recipe_digest: Some(joined_digest(joined.recipe_digest?, other.recipe_digest?)),
        };
    }
    Some(joined)
}

/// Names the recipes that a task takes by their digests now, as features do.
pub(super) fn name_recipes(
    joined: &mut EncoderReference,
    parts: &mut [EncoderPart],
    recipes: &[&Recipe],
) {
    if parts.is_empty() {
        recipes.iter().for_each(|recipe| joined.name_recipe(recipe));
        return;
    }
    for (part, recipe) in parts.iter_mut().zip(recipes) {
        part.encoder.name_recipe(recipe);
    }
    if let Some(now) = joined_reference(parts) {
        *joined = now;
    }
}

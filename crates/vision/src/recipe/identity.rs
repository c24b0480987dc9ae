//! What of a recipe decides the numbers that come out, as digests.
//!
//! A head fits features that were made in one way. What a recipe says beside that, its name, where
//! the weights come from and what their licence allows, may be written anew at any time.

use bianque_core::Digest;
use serde::Serialize;

use super::{Architecture, Input, Recipe};

/// The form of what is digested; another form would be another name here.
const FORM: &str = "bianque recipe numbers 1";

/// What decides features, in the order in which it is digested. Weights have a digest of their own.
#[derive(Serialize)]
struct Numbers<'a> {
    form: &'static str,
    /// Which of several networks in a file is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'a str>,
    input: &'a Input,
    architecture: &'a Architecture,
}

impl Recipe {
    /// The digest of how tiles are cut and normalised and of what the network computes: equal for
    /// recipes that give equal features of equal weights. Name, version, licence, terms, source,
    /// the weight file's name and what is known of its publication do not enter it.
    #[must_use]
    pub fn numbers_digest(&self) -> Digest {
        let published = self.published.as_ref();
        let numbers = Numbers {
            form: FORM,
            network: published.and_then(|published| published.prefix.as_deref()),
            input: &self.input,
            architecture: &self.architecture,
        };
        of_json(&numbers)
    }

    /// Whether a digest names this recipe: [`Recipe::numbers_digest`], or the digest of the whole
    /// recipe, which stood in its place before.
    #[must_use]
    pub fn is_named_by(&self, digest: Digest) -> bool {
        digest == self.numbers_digest() || digest == of_json(self)
    }

    /// The digest that features of this recipe's weights carry, on a processor: that of the weight
    /// file, or, where weights are rounded, one of both. Absent where the recipe names no file.
    #[must_use]
    pub fn features_digest(&self) -> Option<Digest> {
        match &self.architecture {
            Architecture::Vit(vit) => self.digest.map(|weights| vit.arithmetic.digest(weights)),
            Architecture::ConvNet(_) | Architecture::Onnx(_) => self.digest,
        }
    }
}

fn of_json(value: &impl Serialize) -> Digest {
    // A recipe is plain data; where it could not be written it would not have been read.
    Digest::of(&serde_json::to_vec(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Arithmetic, Filter, Normalise, Pooling, Terms};

    fn uni() -> Recipe {
        serde_json::from_str(include_str!("../../../../models/recipes/uni.json")).unwrap()
    }

    #[test]
    fn words_and_licences_do_not_make_another_recipe() {
        let changes: [fn(&mut Recipe); 8] = [
            |r| r.name = "uni-of-our-site".into(),
            |r| r.version = "1.0".into(),
            |r| r.licence = "LicenseRef-agreement".into(),
            |r| r.source = "a disk".into(),
            |r| r.terms = Some(Terms { clinical: Some(true), ..Terms::default() }),
            |r| r.weights = "weights.safetensors".into(),
            |r| r.digest = Some(Digest::of(b"weights")),
            |r| r.published = None,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut changed = uni();
            change(&mut changed);
            assert_eq!(changed.numbers_digest(), uni().numbers_digest(), "{index}");
        }
    }

    fn vit(recipe: &mut Recipe) -> &mut crate::recipe::Vit {
        let Architecture::Vit(vit) = &mut recipe.architecture else { panic!("no transformer") };
        vit
    }

    #[test]
    fn what_changes_features_makes_another_recipe() {
        let changes: [fn(&mut Recipe); 8] = [
            |r| r.input.mpp = 0.25,
            |r| r.input.size = 256,
            |r| r.input.filter = Filter::Bicubic,
            |r| r.input.normalise = Normalise::PerTile { floor: 0.05 },
            |r| vit(r).pooling = Pooling::Mean,
            |r| vit(r).norm_eps = 1e-5,
            |r| vit(r).arithmetic = Arithmetic::Int8,
            |r| r.published.as_mut().unwrap().prefix = Some("student.".into()),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut changed = uni();
            change(&mut changed);
            assert_ne!(changed.numbers_digest(), uni().numbers_digest(), "{index}");
            assert!(!changed.is_named_by(uni().numbers_digest()), "{index}");
        }
    }

    /// Tasks and features out there carry these digests: a change of this file's form must not
    /// change them.
    #[test]
    fn digests_stay_what_they_are() {
        let stated = "blake3:e4e17bd2076e4c3372f128145bdc8d7fc43ccf91f929c725299088ea43e806b3";
        assert_eq!(uni().numbers_digest().to_string(), stated);
    }

    #[test]
    fn the_former_digest_names_the_recipe_as_long_as_it_is_the_same() {
        let former = Digest::of(&serde_json::to_vec(&uni()).unwrap());
        assert!(uni().is_named_by(former) && uni().is_named_by(uni().numbers_digest()));
        let mut changed = uni();
        changed.licence = "LicenseRef-agreement".into();
        assert!(!changed.is_named_by(former));
    }

    #[test]
    fn rounded_weights_have_a_digest_of_their_own() {
        let mut recipe = uni();
        assert_eq!(recipe.features_digest(), None);
        let weights = Digest::of(b"weights");
        recipe.digest = Some(weights);
        assert_eq!(recipe.features_digest(), Some(weights));
        let rounded = recipe.with_arithmetic(Arithmetic::Int8).unwrap().features_digest();
        assert!(rounded.is_some_and(|digest| digest != weights));
    }
}

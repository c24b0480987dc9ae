//! A task: a head with everything that is needed to use it on a slide, as a folder.

mod abstention;
mod card;
mod draft;
mod file;
mod parts;
mod scope;
mod seen;
mod slide;
mod slide_limits;
mod statement;

pub use abstention::{Abstains, AbstentionRule};
pub use card::{
    CARD_FILE, Card, CoveredCancer, EvidenceLevel, Measure, MppRange, PairedScanner, SiteMetrics,
    TrainingMaterial, Unit,
};
pub use draft::CardWords;
pub use parts::EncoderPart;
pub use scope::{OutOfScope, ScopeRule, SlideOrigin, out_of_scope};
pub use seen::SeenTiles;
pub(crate) use slide::is_slide_task;
pub use slide::{SlideJudgement, SlideTask, SlideTaskWords};
pub use slide_limits::{SlideLimits, Unlikeness};
pub use statement::{AnyTask, TaskStatement};

use std::path::{Path, PathBuf};

use bianque_core::{Digest, Mpp, Producer};
use bianque_vision::Recipe;
use serde::{Deserialize, Serialize};

use crate::{
    error::{LesionError, Result},
    head::Head,
    regions::RegionSettings,
};

/// What every task and every result of one says.
pub const RESEARCH_USE: &str =
    "For research use until a site validates it. A person decides; the program proposes.";

/// The name of the description in a task's folder.
pub const TASK_FILE: &str = "task.json";
/// The name of the weights in a task's folder.
pub const HEAD_FILE: &str = "head.safetensors";

/// A class that the head tells apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Stable name, such as `adenocarcinoma`.
    pub name: String,
    /// For people.
    pub title: String,
    /// The same in Chinese, where somebody has written it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_zh: Option<String>,
    /// Whether regions of this class are outlined.
    pub lesion: bool,
    /// Colour in viewers.
    pub color: [u8; 3],
}

/// The encoder whose features the head takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderReference {
    /// Its folder or recipe, relative to the task's folder.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of its weights; features of other weights are refused.
    pub digest: Digest,
    /// The digest of how it cuts and normalises tiles and of what its network computes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe_digest: Option<Digest>,
}

impl EncoderReference {
    /// Whether the head takes features that were made by a recipe, by its digest now or by the one
    /// of the whole recipe that stood here before.
    #[must_use]
    pub fn takes_recipe(&self, recipe: &Recipe) -> bool {
        self.recipe_digest.is_none_or(|own| recipe.is_named_by(own))
    }

    /// Names a recipe that it takes by its digest now, as features do.
    pub fn name_recipe(&mut self, recipe: &Recipe) {
        if self.recipe_digest.is_some_and(|own| recipe.is_named_by(own)) {
            self.recipe_digest = Some(recipe_digest(recipe));
        }
    }
}

/// What a person does about a recipe that is not the one that a head was made with.
pub(crate) const OTHER_RECIPE: &str = "how tiles are cut or what the network computes is not what \
    the head was made with. Put `input` and `architecture` of recipe.json back as they were, or \
    train the head again (one from before recipes were compared by what decides features needs the \
    recipe's every word as it was)";

/// How tiles are laid over the slide. Their size and resolution are in the encoder's recipe; they
/// stand here so that a contradiction is seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TileSettings {
    /// Edge in pixels.
    pub size: u32,
    /// Microns per pixel.
    pub mpp: f64,
    /// Positions along a tile's edge: 1 tiles meet, 2 they overlap by half.
    pub steps: u32,
    /// Smallest share of tissue in a tile that is judged.
    pub tissue: f64,
}

impl TileSettings {
    /// What makes the settings impossible, if anything does.
    pub(crate) fn fault(&self) -> Option<String> {
        let sound = self.size > 0
            && Mpp::PLAUSIBLE.contains(&self.mpp)
            && (1..=16).contains(&self.steps)
            && (0.0..=1.0).contains(&self.tissue);
        let what =
            "'tiles' needs a size and a plausible mpp, 1 to 16 steps, a tissue share of 0 to 1";
        (!sound).then(|| what.to_owned())
    }
}

/// A head with everything that is needed to use it on a slide.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Stable name, such as `colon`.
    pub name: String,
    /// Version of the head.
    pub version: String,
    /// For people.
    pub title: String,
    /// The same in Chinese, where somebody has written it.
    pub title_zh: Option<String>,
    /// The organ it is for.
    pub organ: String,
    /// The encoder whose features it takes.
    pub encoder: EncoderReference,
    /// How tiles are laid over the slide.
    pub tiles: TileSettings,
    /// Its classes, from harmless to grave, in the head's order.
    pub labels: Vec<Label>,
    /// How its probabilities become regions.
    pub regions: RegionSettings,
    /// What logits are divided by (temperature scaling).
    pub temperature: f64,
    /// What it is meant for, and what not.
    pub intended_use: String,
    /// Licence of the head, as an SPDX expression.
    pub licence: String,
    /// What it was trained on.
    pub trained_on: String,
    /// What was measured when it was made, as the training's report.
    pub measured: serde_json::Value,
    /// The tiles that it was trained and calibrated on, so that nobody measures it on them; absent
    /// where they were cut from slides, or the task is older than this.
    pub training_tiles: Option<SeenTiles>,
    /// The head.
    pub head: Head,
    /// The digest of the head's file.
    pub head_digest: Digest,
}

impl Task {
    /// Reads and checks a task's folder.
    ///
    /// # Errors
    /// When a file cannot be read, is malformed, contradicts another, or the head is not the one
    /// that the description names.
    pub fn load(folder: &Path) -> Result<Self> {
        file::load(folder)
    }

    /// Writes the task's folder, making it if needed. Equal tasks give equal bytes.
    ///
    /// # Errors
    /// When the task contradicts itself or cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        file::save(self, folder)
    }

    /// Where the encoder lies, given the task's folder.
    #[must_use]
    pub fn encoder_path(&self, folder: &Path) -> PathBuf {
        folder.join(&self.encoder.path)
    }

    /// Whether each label is a lesion.
    #[must_use]
    pub fn lesions(&self) -> Vec<bool> {
        self.labels.iter().map(|label| label.lesion).collect()
    }

    /// The labels' names.
    #[must_use]
    pub fn class_names(&self) -> Vec<String> {
        self.labels.iter().map(|label| label.name.clone()).collect()
    }

    /// Name, version, digest and licence, for every output that rests on it.
    #[must_use]
    pub fn producer(&self) -> Producer {
        Producer {
            name: self.name.clone(),
            version: self.version.clone(),
            digest: Some(self.head_digest),
            licence: Some(self.licence.clone()),
        }
    }

    /// Refuses an encoder whose features the head does not know.
    ///
    /// # Errors
    /// When weights, recipe, dimension, tile size or resolution are others than the task names.
    pub fn check_encoder(&self, encoder: &dyn bianque_vision::Encoder) -> Result<()> {
        let wrong = |what: String| {
            Err(LesionError::Setting(format!("task '{}' and its encoder: {what}", self.name)))
        };
        let (producer, input) = (encoder.producer(), &encoder.recipe().input);
        if producer.digest != Some(self.encoder.digest) {
            let has = producer.digest.map_or("none".to_owned(), |digest| digest.to_string());
            let EncoderReference { name, version, digest: wants, .. } = &self.encoder;
            return wrong(format!(
                "the head was trained on weights {wants}, these are {has}. Give it {name} \
                 {version} (`bianque model list` shows what is installed, `bianque model add FILE \
                 --recipe {name}` installs a file), or train the head again on this encoder"
            ));
        }
        if !self.encoder.takes_recipe(encoder.recipe()) {
            return wrong(OTHER_RECIPE.into());
        }
        if input.size != self.tiles.size || (input.mpp - self.tiles.mpp).abs() > 1e-9 {
            return wrong(format!(
                "the task cuts {} px at {} um/px, the encoder takes {} px at {} um/px",
                self.tiles.size, self.tiles.mpp, input.size, input.mpp
            ));
        }
        if encoder.dimension() == self.head.dimension() {
            Ok(())
        } else {
            let (expected, actual) = (self.head.dimension(), encoder.dimension());
            Err(LesionError::Dimension { expected, actual })
        }
    }
}

/// The digest of what a recipe decides of features: how tiles are cut and normalised, and what the
/// network computes. Names and licences are not part of it.
#[must_use]
pub fn recipe_digest(recipe: &Recipe) -> Digest {
    recipe.numbers_digest()
}

#[cfg(test)]
pub(crate) use card::tests::card as tests_card;

#[cfg(test)]
pub(crate) mod tests {
    use bianque_vision::{Encoder as _, Normalise, Terms};

    use super::*;
    use crate::fakes::MeanColourEncoder;
    use crate::head::{Examples, LogisticSettings, head_to_bytes, train_logistic};
    use crate::matrix::FeatureMatrix;

    pub(crate) fn task() -> Task {
        let features = FeatureMatrix::new(2, vec![0.0, 0.0, 1.0, 1.0]).unwrap();
        let examples = Examples::new(features, vec![0, 1], 2).unwrap();
        let (head, _) = train_logistic(&examples, &LogisticSettings::default()).unwrap();
        let label = |name: &str, title: &str, lesion, color| Label {
            name: name.into(),
            title: title.into(),
            title_zh: None,
            lesion,
            color,
        };
        Task {
            name: "colon".into(),
            version: "0.1.0".into(),
            title: "Colon".into(),
            title_zh: Some("结肠".into()),
            organ: "colon".into(),
            encoder: EncoderReference {
                path: "../encoder".into(),
                name: "fake".into(),
                version: "1".into(),
                digest: Digest::of(b"weights"),
                recipe_digest: None,
            },
            tiles: TileSettings { size: 32, mpp: 1.0, steps: 2, tissue: 0.25 },
            labels: vec![
                label("healthy", "Healthy", false, [0, 120, 0]),
                label("carcinoma", "Carcinoma", true, [200, 0, 0]),
            ],
            regions: RegionSettings::for_tile(32.0),
            temperature: 1.5,
            intended_use: "tests".into(),
            licence: "Apache-2.0".into(),
            trained_on: "two points".into(),
            measured: serde_json::json!({ "examples": 2 }),
            training_tiles: None,
            head_digest: Digest::of(&head_to_bytes(&head).unwrap()),
            head,
        }
    }

    fn encoder_with(change: fn(&mut Recipe)) -> MeanColourEncoder {
        let mut encoder = MeanColourEncoder::new(32);
        change(encoder.recipe_mut());
        encoder
    }

    #[test]
    fn an_encoder_under_another_name_and_licence_is_the_same() {
        let mut own = task();
        let encoder = encoder_with(|_| ());
        let features = FeatureMatrix::new(6, [[0.0; 6], [1.0; 6]].concat()).unwrap();
        let examples = Examples::new(features, vec![0, 1], 2).unwrap();
        let (head, _) = train_logistic(&examples, &LogisticSettings::default()).unwrap();
        own.head_digest = Digest::of(&head_to_bytes(&head).unwrap());
        own.head = head;
        own.encoder.digest = encoder.producer().digest.unwrap();
        let former = Digest::of(&serde_json::to_vec(encoder.recipe()).unwrap());
        let renamed = encoder_with(|recipe| {
            recipe.name = "our-encoder".into();
            recipe.licence = "LicenseRef-agreement".into();
            recipe.terms = Some(Terms { clinical: Some(true), ..Terms::default() });
        });
        let recut =
            encoder_with(|recipe| recipe.input.normalise = Normalise::PerTile { floor: 0.1 });
        own.encoder.recipe_digest = Some(recipe_digest(encoder.recipe()));
        own.check_encoder(&encoder).unwrap();
        own.check_encoder(&renamed).unwrap();
        let refused = own.check_encoder(&recut).unwrap_err().to_string();
        assert!(refused.contains("train the head again"), "{refused}");

        // Tasks that were made before name the whole recipe.
        own.encoder.recipe_digest = Some(former);
        own.check_encoder(&encoder).unwrap();
        assert!(own.check_encoder(&renamed).is_err());
        own.encoder.name_recipe(encoder.recipe());
        own.check_encoder(&renamed).unwrap();
    }

    #[test]
    fn other_weights_are_refused_with_what_to_do() {
        let refused = task().check_encoder(&MeanColourEncoder::new(32)).unwrap_err().to_string();
        for part in ["was trained on weights", "model add FILE --recipe fake", "train the head"] {
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn shipped_tasks_name_the_shipped_encoder() {
        let models = bianque_testkit::surroundings::crate_folder().join("../../models");
        let recipe = Recipe::read(&models.join("encoders/bianque-lite/recipe.json")).unwrap();
        for name in ["colon", "sample"] {
            let task = Task::load(&models.join("tasks").join(name)).unwrap();
            assert_eq!(task.encoder.recipe_digest, Some(recipe_digest(&recipe)), "{name}");
        }
    }
}

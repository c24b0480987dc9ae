//! A task of whole slides: the heads of a training run with everything that is needed to use them,
//! as a folder that can be packed.

use std::{collections::BTreeSet, fs, path::Path, sync::atomic::AtomicBool};

use bianque_core::Digest;
use bianque_vision::Recipe;
use serde::{Deserialize, Serialize};

use super::{
    Abstains, EncoderPart, EncoderReference, RESEARCH_USE, TASK_FILE, TileSettings, abstention,
    parts::{joined_reference, name_recipes},
    slide_limits::{LIMITS_FILE, SlideLimits, Unlikeness},
};
use crate::{
    error::{LesionError, Result},
    files::{at, read_bounded, write_whole},
    slide_features::SlideFeatures,
    slide_head::{
        SlideHead, SlideHeadFacts, SlidePurpose, slide_head_from_bytes, slide_head_to_bytes,
    },
    slide_training::{
        Bags, MemoryBags, PREDICTION_TILES, mean_features, mean_of_heads, predict_all,
        read_run_heads, refuse_other_purpose, said, slides_of_run,
    },
};

const SCHEMA: &str = "bianque.slide-task/1";
/// Room for the digests of some fifty thousand slides.
const MAX_DESCRIPTION: u64 = 4 << 20;
const MAX_HEAD: u64 = 1 << 30;
const MOST_HEADS: usize = 64;
/// Seed of the sample of tiles of a slide with very many; the same as when a run is tried elsewhere.
const SEED: u64 = 1;

/// The heads of a training run with everything that is needed to use them. What it says of a slide
/// is the mean over its heads.
#[derive(Clone, Debug, PartialEq)]
pub struct SlideTask {
    /// Stable name.
    pub name: String,
    /// Version of the heads.
    pub version: String,
    /// For people.
    pub title: String,
    /// The organ it is for.
    pub organ: String,
    /// What it is meant for, and what not.
    pub intended_use: String,
    /// Licence of the heads, as an SPDX expression.
    pub licence: String,
    /// What it was trained on.
    pub trained_on: String,
    /// The encoder whose features it takes; its path is empty, its digests name it. Of several whose
    /// values stand side by side, names and digests are joined.
    pub encoder: EncoderReference,
    /// These several, in the values' order; none where there is one encoder.
    pub parts: Vec<EncoderPart>,
    /// How tiles are laid over the slide; of several encoders, as the first one cuts them.
    pub tiles: TileSettings,
    /// The heads, each with the temperature of its own calibration.
    pub heads: Vec<(SlideHead, SlideHeadFacts)>,
    /// When it names no class, and which slides are unlike those that it was made of.
    pub limits: SlideLimits,
    /// What names the content of the slides that it was made of, so that nobody measures it on them.
    pub training_slides: BTreeSet<String>,
}

/// What a task says of a slide.
#[derive(Clone, Debug, PartialEq)]
pub struct SlideJudgement {
    /// Probabilities by class, the value, or the risk; the mean over the heads.
    pub said: Vec<f64>,
    /// The classes that are not excluded, by their place: all of them where the slide is unlike the
    /// training slides; else `None` where the task knows no rule.
    pub possible: Option<Vec<usize>>,
    /// Why it names no class; `None` where it names one, or knows no rule.
    pub abstains: Option<Abstains>,
    /// How far the slide is from the training slides; `None` where the task does not know them.
    pub unlikeness: Option<Unlikeness>,
}

/// What a person says of a run that becomes a task.
#[derive(Clone, Debug)]
pub struct SlideTaskWords {
    /// Stable name.
    pub name: String,
    /// Version of the heads.
    pub version: String,
    /// For people.
    pub title: String,
    /// The organ it is for.
    pub organ: String,
    /// What it is meant for, and what not.
    pub intended_use: String,
    /// Licence of the heads, as an SPDX expression.
    pub licence: String,
    /// What it was trained on.
    pub trained_on: String,
    /// The encoders whose values stand side by side; none where there is one alone.
    pub parts: Vec<EncoderPart>,
    /// Positions along a tile's edge, as the features have them.
    pub steps: u32,
    /// Smallest share of tissue in a tile, as the features have it.
    pub tissue: f64,
}

/// `task.json`, field by field.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    schema: String,
    name: String,
    version: String,
    title: String,
    organ: String,
    notice: String,
    intended_use: String,
    licence: String,
    trained_on: String,
    encoder: EncoderReference,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<EncoderPart>,
    tiles: TileSettings,
    /// What the first head says; a regression's mean and deviation are each head's own.
    question: SlidePurpose,
    heads: Vec<HeadReference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limits: Option<HeadReference>,
    training_slides: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadReference {
    file: String,
    digest: Digest,
}

/// The name of the head at a place.
pub(super) fn head_file(place: usize) -> String {
    format!("head-{}.safetensors", place + 1)
}

/// Whether the task in a folder judges whole slides.
///
/// # Errors
/// When its description cannot be read.
pub(crate) fn is_slide_task(folder: &Path) -> Result<bool> {
    #[derive(Deserialize)]
    struct Version {
        schema: serde_json::Value,
    }
    let bytes = read_bounded(&folder.join(TASK_FILE), MAX_DESCRIPTION)?;
    let version = serde_json::from_slice::<Version>(&bytes);
    Ok(version.is_ok_and(|version| version.schema == SCHEMA))
}

impl SlideTask {
    /// The task of a finished run, and what it could not learn of its limits.
    ///
    /// # Errors
    /// When the folder holds no run, a head is broken, or the features' weights are not known.
    pub fn of_run(run: &Path, words: SlideTaskWords) -> Result<(Self, Vec<String>)> {
        let heads = read_run_heads(run)?;
        let heads: Vec<_> = heads.into_iter().map(|(_, head, facts)| (head, facts)).collect();
        let facts = &heads[0].1;
        let digest = facts.encoder.digest.ok_or_else(|| {
            LesionError::Data(format!(
                "the features of {} {} do not say which weights made them: no task can be made \
                 that would find its encoder again",
                facts.encoder.name, facts.encoder.version
            ))
        })?;
        let (limits, unknown) = SlideLimits::of_run(run)?;
        let task = Self {
            limits,
            encoder: EncoderReference {
                path: String::new(),
                name: facts.encoder.name.clone(),
                version: facts.encoder.version.clone(),
                digest,
                recipe_digest: Some(facts.recipe_digest),
            },
            parts: words.parts,
            tiles: TileSettings {
                size: facts.tile_px,
                mpp: facts.tile_mpp,
                steps: words.steps,
                tissue: words.tissue,
            },
            training_slides: slides_of_run(run)?,
            name: words.name,
            version: words.version,
            title: words.title,
            organ: words.organ,
            intended_use: words.intended_use,
            licence: words.licence,
            trained_on: words.trained_on,
            heads,
        };
        task.check(&run.join(TASK_FILE))?;
        Ok((task, unknown))
    }

    /// Writes the task's folder, making it if needed. Equal tasks give equal bytes.
    ///
    /// # Errors
    /// When the task contradicts itself or cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(TASK_FILE);
        self.check(&path)?;
        fs::create_dir_all(folder).map_err(at(folder))?;
        let mut heads = Vec::new();
        for (place, (head, facts)) in self.heads.iter().enumerate() {
            let file = head_file(place);
            let own = folder.join(&file);
            let bytes = slide_head_to_bytes(head, facts)
                .map_err(|what| LesionError::Head { path: own.clone(), what })?;
            write_whole(&own, &bytes)?;
            heads.push(HeadReference { file, digest: Digest::of(&bytes) });
        }
        let limits = self.limits.save(folder)?;
        let description = Description {
            schema: SCHEMA.into(),
            name: self.name.clone(),
            version: self.version.clone(),
            title: self.title.clone(),
            organ: self.organ.clone(),
            notice: RESEARCH_USE.into(),
            intended_use: self.intended_use.clone(),
            licence: self.licence.clone(),
            trained_on: self.trained_on.clone(),
            encoder: self.encoder.clone(),
            parts: self.parts.clone(),
            tiles: self.tiles.clone(),
            question: self.purpose().clone(),
            heads,
            limits: limits.map(|digest| HeadReference { file: LIMITS_FILE.into(), digest }),
            training_slides: self.training_slides.clone(),
        };
        let mut text = serde_json::to_string_pretty(&description)
            .map_err(|e| LesionError::Task { path: path.clone(), what: e.to_string() })?;
        text.push('\n');
        write_whole(&path, text.as_bytes())
    }

    /// Reads and checks a task's folder.
    ///
    /// # Errors
    /// When a file cannot be read, is malformed, contradicts another, or a head is not the one that
    /// the description names.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(TASK_FILE);
        let wrong = |what: String| LesionError::Task { path: path.clone(), what };
        let bytes = read_bounded(&path, MAX_DESCRIPTION)?;
        if !is_slide_task(folder)? {
            return Err(wrong(format!("it is no task of whole slides ('{SCHEMA}')")));
        }
        let own: Description =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if own.heads.is_empty() || own.heads.len() > MOST_HEADS {
            return Err(wrong(format!("{} heads; 1 to {MOST_HEADS} are read", own.heads.len())));
        }
        let mut heads = Vec::new();
        for (place, reference) in own.heads.iter().enumerate() {
            heads.push(read_head(folder, place, reference)?);
        }
        let limits = match &own.limits {
            None => SlideLimits::default(),
            Some(own) if own.file == LIMITS_FILE => SlideLimits::load(folder, own.digest)?,
            Some(own) => {
                return Err(wrong(format!("its limits are in '{}', not {LIMITS_FILE}", own.file)));
            }
        };
        let task = Self {
            limits,
            name: own.name,
            version: own.version,
            title: own.title,
            organ: own.organ,
            intended_use: own.intended_use,
            licence: own.licence,
            trained_on: own.trained_on,
            encoder: own.encoder,
            parts: own.parts,
            tiles: own.tiles,
            heads,
            training_slides: own.training_slides,
        };
        task.check(&path)?;
        refuse_other_purpose(&path, &task.heads[0].0, &own.question)?;
        Ok(task)
    }

    /// What it says of a slide.
    #[must_use]
    pub fn purpose(&self) -> &SlidePurpose {
        self.heads[0].0.purpose()
    }

    /// Every encoder that it needs, in the order of their values, and how each cuts tiles.
    #[must_use]
    pub fn encoders(&self) -> Vec<EncoderPart> {
        let alone = || EncoderPart {
            encoder: self.encoder.clone(),
            size: self.tiles.size,
            mpp: self.tiles.mpp,
        };
        if self.parts.is_empty() { vec![alone()] } else { self.parts.clone() }
    }

    /// Names the recipes that it takes by their digests now, as features do: one an encoder, in
    /// their order.
    pub fn name_recipes(&mut self, recipes: &[&Recipe]) {
        name_recipes(&mut self.encoder, &mut self.parts, recipes);
    }

    /// The files beside its description and card.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let limits = (self.limits != SlideLimits::default()).then(|| LIMITS_FILE.to_owned());
        (0..self.heads.len()).map(head_file).chain(limits).collect()
    }

    /// What it says of a slide, and whether it should be believed; of several encoders the features
    /// must be [side by side](SlideFeatures::side_by_side).
    ///
    /// # Errors
    /// When the features are of another encoder, the slide has no tile, or it was stopped.
    pub fn judge(&self, features: &SlideFeatures, stop: &AtomicBool) -> Result<SlideJudgement> {
        let EncoderReference { name, version, digest, recipe_digest, .. } = &self.encoder;
        features.facts.refuse_unless_of(
            &format!("the task {}", self.name),
            &format!("{name} {version}"),
            Some(*digest),
            *recipe_digest,
        )?;
        let bags = MemoryBags::new(vec![features.matrix()?])?;
        if bags.tiles(0) == 0 {
            return Err(LesionError::Data(format!(
                "no tile of the slide has tissue at {} um/px: the task {} says nothing of it",
                self.tiles.mpp, self.name
            )));
        }
        let by_head = self.by_head(&bags, stop)?;
        let unlikeness = match &self.limits.familiarity {
            None => None,
            Some(_) => self.limits.unlikeness(mean_features(&bags, stop)?.row(0)),
        };
        let (rule, unlike) = (self.limits.abstention.as_ref(), unlikeness.as_ref());
        let possible = abstention::possible(rule, self.purpose(), &by_head, unlike);
        let abstains = abstention::abstains(possible.as_deref(), unlike);
        Ok(SlideJudgement { said: mean_of_heads(&by_head), possible, abstains, unlikeness })
    }

    /// What each head says of the one slide.
    fn by_head(&self, bags: &MemoryBags, stop: &AtomicBool) -> Result<Vec<Vec<f64>>> {
        let mut all = Vec::new();
        for (head, facts) in &self.heads {
            let outputs = predict_all(head, bags, &[0], PREDICTION_TILES, SEED, stop)?;
            all.extend(outputs.into_iter().map(|output| said(head, output, facts.temperature)));
        }
        Ok(all)
    }

    fn check(&self, path: &Path) -> Result<()> {
        let wrong = |what: String| LesionError::Task { path: path.to_owned(), what };
        let texts = [
            ("name", &self.name),
            ("version", &self.version),
            ("title", &self.title),
            ("organ", &self.organ),
            ("intended_use", &self.intended_use),
            ("licence", &self.licence),
            ("trained_on", &self.trained_on),
        ];
        if let Some((field, _)) = texts.iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(wrong(format!("'{field}' is empty: say it")));
        }
        if let Some(what) = self.tiles.fault() {
            return Err(wrong(what));
        }
        if let Some(first) = self.parts.first() {
            let alike = joined_reference(&self.parts).is_some_and(|own| own == self.encoder)
                && (first.size, first.mpp) == (self.tiles.size, self.tiles.mpp);
            if self.parts.len() < 2 || !alike {
                return Err(wrong(
                    "its several encoders are not those that 'encoder' joins".into(),
                ));
            }
        }
        for (head, facts) in &self.heads {
            if let Some(what) = self.limits.fault(self.purpose(), head.inputs()) {
                return Err(wrong(what));
            }
            refuse_other_purpose(path, head, self.purpose())?;
            let same = facts.encoder.digest == Some(self.encoder.digest)
                && Some(facts.recipe_digest) == self.encoder.recipe_digest
                && facts.tile_px == self.tiles.size
                && facts.tile_mpp.total_cmp(&self.tiles.mpp).is_eq();
            if !same {
                return Err(wrong("a head takes other features than the task names".into()));
            }
        }
        Ok(())
    }
}

fn read_head(
    folder: &Path,
    place: usize,
    reference: &HeadReference,
) -> Result<(SlideHead, SlideHeadFacts)> {
    let name = head_file(place);
    let path = folder.join(&name);
    let wrong = |what: String| LesionError::Head { path: path.clone(), what };
    if reference.file != name {
        return Err(wrong(format!("the task names '{}' here", reference.file)));
    }
    let bytes = read_bounded(&path, MAX_HEAD)?;
    let digest = Digest::of(&bytes);
    if digest != reference.digest {
        let what = format!("its digest is {digest}, the task names {}", reference.digest);
        return Err(wrong(what));
    }
    slide_head_from_bytes(&bytes).map_err(wrong)
}

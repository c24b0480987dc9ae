//! What a run does with every slide: tasks and encoders, loaded once.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bianque_lesion::{SecondBudget, SlideExtraction, SlideFeatures};
use bianque_vision::{Device, Encoder, Loaded, Purpose};

use super::{
    LoadedTask, attention::AttentionSource, load_encoder, loaded::licence_note,
    slide_tasks::PlannedSlideTask,
};
use crate::{
    arguments::Outlines,
    models::{Models, TaskPlace},
};

/// Tile positions along a tile's edge for an encoder that no task asks for: tiles meet.
const STEPS: u32 = 1;
/// Smallest share of tissue in a tile for such an encoder.
const TISSUE_SHARE: f64 = 0.35;

/// What a run does with every slide.
pub(crate) struct RunPlan {
    pub(super) tasks: Vec<PlannedTask>,
    pub(super) slide_tasks: Vec<PlannedSlideTask>,
    pub(super) lanes: Vec<Lane>,
    pub(super) second: Option<SecondStage>,
    pub(super) attention: Option<AttentionSource>,
    pub(super) outlines: Outlines,
    pub(super) purpose: Purpose,
}

/// A task and the lane whose features it takes.
pub(super) struct PlannedTask {
    pub(super) loaded: LoadedTask,
    pub(super) lane: usize,
    /// Whether its outlines follow the tokens of its encoder.
    pub(super) by_tokens: bool,
    /// Why they do not, where that was asked for.
    pub(super) outline_note: Option<String>,
}

/// One encoder's way over the slide; several tasks may share it.
pub(super) struct Lane {
    pub(super) encoder: Arc<dyn Encoder>,
    pub(super) steps: u32,
    pub(super) tissue_share: f64,
    /// Name of the features file in the output folder.
    pub(super) file: String,
}

/// The task whose encoder judges again where the first task's is least sure.
pub(super) struct SecondStage {
    pub(super) loaded: LoadedTask,
    /// How much it may see of a slide.
    pub(super) budget: SecondBudget,
}

/// Encoders by the place of their files: each is loaded once, onto one device.
#[derive(Default)]
pub(crate) struct Shelf {
    encoders: Vec<(PathBuf, Arc<dyn Encoder>)>,
    device: Device,
    /// What is to be said of the device.
    notes: Vec<String>,
}

impl Shelf {
    /// An empty shelf of encoders on a device.
    pub(super) fn on(device: Device) -> Self {
        Self { device, ..Self::default() }
    }

    /// What is to be said of the device.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn encoder(&mut self, path: &Path) -> anyhow::Result<Arc<dyn Encoder>> {
        let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Some((_, encoder)) = self.encoders.iter().find(|(known, _)| *known == place) {
            return Ok(Arc::clone(encoder));
        }
        let Loaded { encoder, note } = load_encoder(path, self.device)?;
        let encoder: Arc<dyn Encoder> = encoder.into();
        self.encoders.push((place, Arc::clone(&encoder)));
        if let Some(note) = note.filter(|note| !self.notes.contains(note)) {
            self.notes.push(note);
        }
        Ok(encoder)
    }
}

impl RunPlan {
    /// A run of one task, as the demo has it.
    pub(crate) fn of_task(loaded: LoadedTask) -> Self {
        let purpose = loaded.purpose;
        let mut plan = Self::empty(purpose);
        plan.add_task(loaded);
        plan
    }

    fn empty(purpose: Purpose) -> Self {
        Self {
            tasks: Vec::new(),
            slide_tasks: Vec::new(),
            lanes: Vec::new(),
            second: None,
            attention: None,
            outlines: Outlines::default(),
            purpose,
        }
    }

    /// Loads what was named on the command line; gives notes on licences too.
    pub(super) fn load(
        models: &Models,
        wanted: &Wanted<'_>,
        purpose: Purpose,
    ) -> anyhow::Result<(Self, Vec<String>)> {
        let mut shelf = Shelf::on(wanted.device);
        let mut notes = Vec::new();
        let load = |place: &TaskPlace,
                    shelf: &mut Shelf,
                    notes: &mut Vec<String>|
         -> anyhow::Result<LoadedTask> {
            let loaded = LoadedTask::load_from(models, place, shelf)?;
            let (loaded, note) = loaded.with_purpose(purpose)?;
            say(notes, note);
            Ok(loaded)
        };
        let mut plan = Self::empty(purpose);
        plan.attention = wanted.attention.map(AttentionSource::load).transpose()?;
        plan.outlines = wanted.outlines;
        for place in wanted.tasks {
            let loaded = load(place, &mut shelf, &mut notes)?;
            anyhow::ensure!(
                plan.tasks.iter().all(|task| task.loaded.task.name != loaded.task.name),
                "the task {} is named twice",
                loaded.task.name
            );
            plan.add_task(loaded);
        }
        notes.extend(plan.tasks.iter().filter_map(|task| task.outline_note.clone()));
        if let Some((name, budget)) = wanted.second {
            let loaded = load(&models.task(name)?, &mut shelf, &mut notes)?;
            plan.check_second(&loaded)?;
            plan.second = Some(SecondStage { loaded, budget });
        }
        for place in wanted.slide_tasks {
            let (mut task, encoders) = PlannedSlideTask::load(models, place, &mut shelf, purpose)?;
            for encoder in &encoders {
                say(&mut notes, licence_note(encoder.as_ref(), purpose)?);
            }
            anyhow::ensure!(
                plan.slide_tasks.iter().all(|other| other.task.name != task.task.name),
                "the task {} is named twice",
                task.task.name
            );
            let (tiles, name) = (&task.task.tiles, &task.task.name);
            let lanes = encoders
                .iter()
                .map(|encoder| plan.lane_for(encoder, tiles.steps, tiles.tissue, name));
            task.lanes = lanes.collect();
            plan.slide_tasks.push(task);
        }
        for name in wanted.encoders {
            let encoder = shelf.encoder(&models.encoder(name)?)?;
            say(&mut notes, licence_note(encoder.as_ref(), purpose)?);
            let has = |lane: &Lane| Arc::ptr_eq(&lane.encoder, &encoder);
            if !plan.lanes.iter().any(has) {
                plan.add_lane(encoder, STEPS, TISSUE_SHARE, None);
            }
        }
        notes.append(&mut shelf.notes);
        plan.check_attention()?;
        Ok((plan, notes))
    }

    fn add_task(&mut self, loaded: LoadedTask) {
        let (tiles, name) = (&loaded.task.tiles, &loaded.task.name);
        let lane = self.lane_for(&loaded.encoder, tiles.steps, tiles.tissue, name);
        let why = no_tokens(loaded.encoder.as_ref(), loaded.task.head.is_linear());
        let by_tokens = why.is_none() && self.outlines != Outlines::Interpolated;
        let why = why.filter(|_| self.outlines == Outlines::Tokens);
        let outline_note = why.map(|why| {
            format!("{name}: outlines are interpolated between tiles, not by tokens: {why}")
        });
        self.tasks.push(PlannedTask { loaded, lane, by_tokens, outline_note });
    }

    /// The logits of tokens that belong to a task, among its lane's.
    pub(super) fn tokens_of<'e>(
        &self,
        task: &PlannedTask,
        extraction: &'e SlideExtraction,
    ) -> Option<&'e SlideFeatures> {
        let shares = |other: &&PlannedTask| other.lane == task.lane && other.by_tokens;
        let own = |other: &PlannedTask| std::ptr::eq(other, task);
        let place = self.tasks.iter().filter(shares).position(own)?;
        extraction.tokens.get(place)
    }

    /// Refuses attention that cannot be drawn, before anything is computed. Where no task judges,
    /// one of the encoders must have it.
    fn check_attention(&self) -> anyhow::Result<()> {
        let Some(source) = &self.attention else { return Ok(()) };
        let tiles = self.tasks.iter().map(|task| task.lane);
        let lanes: Vec<usize> = tiles
            .chain(self.slide_tasks.iter().filter_map(|task| task.lanes.first().copied()))
            .collect();
        let refusals = |lanes: &[Lane]| -> Vec<Option<String>> {
            lanes.iter().map(|lane| source.refusal(lane)).collect()
        };
        let all = refusals(&self.lanes);
        let why = match lanes.is_empty() {
            true if all.iter().any(Option::is_none) => None,
            true => all.into_iter().flatten().next(),
            false => lanes.into_iter().find_map(|lane| all[lane].clone()),
        };
        why.map_or(Ok(()), |why| anyhow::bail!("--attention: {why}"))
    }

    /// The lane with tiles of an encoder that lie so, made where there is none.
    fn lane_for(
        &mut self,
        encoder: &Arc<dyn Encoder>,
        steps: u32,
        tissue_share: f64,
        task: &str,
    ) -> usize {
        let same = |lane: &Lane| {
            Arc::ptr_eq(&lane.encoder, encoder)
                && lane.steps == steps
                && lane.tissue_share.total_cmp(&tissue_share).is_eq()
        };
        let there = self.lanes.iter().position(same);
        there.unwrap_or_else(|| self.add_lane(Arc::clone(encoder), steps, tissue_share, Some(task)))
    }

    fn add_lane(
        &mut self,
        encoder: Arc<dyn Encoder>,
        steps: u32,
        tissue_share: f64,
        task: Option<&str>,
    ) -> usize {
        let name = &encoder.recipe().name;
        let mut file = match self.lanes.is_empty() {
            true => "features.safetensors".to_owned(),
            false => format!("features-{name}.safetensors"),
        };
        if self.lanes.iter().any(|lane| lane.file == file) {
            let number = self.lanes.len() + 1;
            file = match task {
                Some(task) => format!("features-{name}-{task}.safetensors"),
                None => format!("features-{name}-{number}.safetensors"),
            };
        }
        self.lanes.push(Lane { encoder, steps, tissue_share, file });
        self.lanes.len() - 1
    }

    /// The second stage answers the first task's question, so both must name the same labels.
    fn check_second(&self, second: &LoadedTask) -> anyhow::Result<()> {
        let first = self.tasks.first().map(|task| task.loaded.task.class_names());
        let (first, second_labels) = (first.unwrap_or_default(), second.task.class_names());
        anyhow::ensure!(
            first == second_labels,
            "the second task {} has the labels {}, the first one {}: they must be the same, in \
             the same order",
            second.task.name,
            second_labels.join(", "),
            first.join(", ")
        );
        Ok(())
    }
}

/// Why a head cannot say something of the parts of an encoder's tiles, if it cannot.
fn no_tokens(encoder: &dyn Encoder, linear: bool) -> Option<String> {
    let name = &encoder.recipe().name;
    match encoder.tokens() {
        _ if encoder.on_gpu() => Some(format!(
            "{name} is on a GPU, where only whole tiles are encoded; --device cpu gives their parts"
        )),
        None => Some(format!("{name} gives vectors of whole tiles only")),
        // Only there a head of tiles says something of a tile's parts.
        Some(tokens) if !tokens.averages => Some(format!(
            "the vector that {name} gives of a tile is not the mean of its parts' (its class token, \
             or a query's answer), so a head of tiles says nothing of a part"
        )),
        Some(_) if !linear => {
            Some("the head is not linear, so it says nothing of a tile's part".to_owned())
        }
        Some(_) => None,
    }
}

/// Takes up a note that was not said before.
fn say(notes: &mut Vec<String>, note: Option<String>) {
    notes.extend(note.filter(|note| !notes.contains(note)));
}

/// What was named on the command line.
pub(super) struct Wanted<'a> {
    pub(super) tasks: &'a [TaskPlace],
    pub(super) slide_tasks: &'a [TaskPlace],
    pub(super) encoders: &'a [String],
    pub(super) second: Option<(&'a str, SecondBudget)>,
    /// Whether attention is drawn, and of which slide head if not the encoder's.
    pub(super) attention: Option<Option<&'a Path>>,
    pub(super) outlines: Outlines,
    /// Where encoders compute.
    pub(super) device: Device,
}

#[cfg(test)]
mod tests {
    use bianque_core::{Producer, RgbImage};
    use bianque_testkit::surroundings;
    use bianque_vision::{Recipe, TokenGrid, VisionError};

    use super::*;

    /// An encoder that is asked what it can do and encodes nothing.
    struct Asked {
        recipe: Recipe,
        producer: Producer,
        gpu: bool,
        tokens: Option<TokenGrid>,
    }

    impl Asked {
        fn new(gpu: bool, tokens: Option<TokenGrid>) -> Self {
            let fixture = "../vision/tests/fixtures/learned/recipe.json";
            let recipe = Recipe::read(&surroundings::crate_folder().join(fixture)).unwrap();
            let producer =
                Producer { name: "asked".into(), version: "1".into(), digest: None, licence: None };
            Self { recipe, producer, gpu, tokens }
        }
    }

    impl Encoder for Asked {
        fn recipe(&self) -> &Recipe {
            &self.recipe
        }

        fn producer(&self) -> &Producer {
            &self.producer
        }

        fn dimension(&self) -> usize {
            1
        }

        fn encode(&self, _: &[RgbImage], _: &mut [f32]) -> Result<(), VisionError> {
            Ok(())
        }

        fn on_gpu(&self) -> bool {
            self.gpu
        }

        fn tokens(&self) -> Option<TokenGrid> {
            self.tokens
        }
    }

    #[test]
    fn why_outlines_do_not_follow_tokens_is_said() {
        let grid = |averages| Some(TokenGrid { edge: 6, dimension: 48, averages });
        for (gpu, tokens, linear, said) in [
            (true, None, true, Some("--device cpu")),
            (false, None, true, Some("whole tiles only")),
            (false, grid(false), true, Some("class token")),
            (false, grid(true), false, Some("not linear")),
            (false, grid(true), true, None),
        ] {
            let why = no_tokens(&Asked::new(gpu, tokens), linear);
            assert_eq!(why.is_some(), said.is_some(), "{why:?}");
            assert!(why.unwrap_or_default().contains(said.unwrap_or_default()));
        }
    }

    #[test]
    fn attention_that_no_encoder_has_is_refused_before_anything_is_computed() {
        let plan = |gpu| {
            let mut plan = RunPlan::empty(Purpose::Research);
            plan.attention = Some(AttentionSource::Encoder);
            plan.add_lane(Arc::new(Asked::new(gpu, None)), STEPS, TISSUE_SHARE, None);
            plan.check_attention().unwrap_err().to_string()
        };
        assert!(plan(true).contains("on the CPU only") && plan(true).contains("--device cpu"));
        assert!(plan(false).contains("no attention") && plan(false).contains("--attention-head"));
    }
}

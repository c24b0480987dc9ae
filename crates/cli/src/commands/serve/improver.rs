//! Refits the task's head to decisions, on the features that examinations have kept.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bianque_core::Digest;
use bianque_lesion::{
    Head, RefitSettings, SlideFeatures, Task, choose_pull, head_to_bytes, hold_out, recipe_digest,
    refit_head,
};
use bianque_record::{identity::Label, improvement::Lesson};
use bianque_server::improve::{HeadFile, ImproveError, Improver, Refitted};

use super::{
    lessons::{Collected, Usable, collect},
    measures::{Changes, measured},
    task_in_use::TaskInUse,
};

/// The name under which an examination keeps the features of its first encoder.
const FEATURES: &str = "features.safetensors";

/// Refits the head of the task that examines slides.
pub(super) struct TaskImprover {
    task: Arc<TaskInUse>,
    name: Label,
    /// Where features are kept: a folder a slide, named by its digest.
    features: PathBuf,
}

impl TaskImprover {
    pub(super) fn new(task: Arc<TaskInUse>, features: PathBuf) -> anyhow::Result<Self> {
        let name = task.own().name.parse()?;
        Ok(Self { task, name, features })
    }

    /// The kept features of a slide, where the task's encoder made them. What cannot be read is
    /// made again by the next examination; here it is as if it were not there.
    fn features_of(&self, file: Digest) -> Option<SlideFeatures> {
        let found = self.read(&self.features.join(file.short()))?;
        (found.facts.slide == file.to_string()).then_some(found)
    }

    fn read(&self, folder: &Path) -> Option<SlideFeatures> {
        let found = SlideFeatures::read(&folder.join(FEATURES)).ok()?;
        let encoder = self.task.encoder();
        let ours = found.facts.encoder.digest == encoder.producer().digest
            && found.facts.recipe_digest == recipe_digest(encoder.recipe());
        ours.then_some(found)
    }

    /// Counts the tiles of all kept slides, and those that another head calls something else.
    fn changes(
        &self,
        before: &Head,
        after: &Head,
        stop: &AtomicBool,
    ) -> Result<Changes, ImproveError> {
        let mut changes = Changes::default();
        let entries = std::fs::read_dir(&self.features);
        let folders = entries.into_iter().flatten().flatten().map(|entry| entry.path());
        let mut folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
        folders.sort();
        for features in folders.iter().filter_map(|folder| self.read(folder)) {
            if stop.load(Ordering::SeqCst) {
                return Err(ImproveError::Stopped);
            }
            changes.add(&features, before, after).map_err(refused)?;
        }
        Ok(changes)
    }
}

impl Improver for TaskImprover {
    fn task(&self) -> Label {
        self.name.clone()
    }

    fn obstacle(&self) -> Option<String> {
        let own = self.task.own();
        (!own.head.can_be_refitted()).then(|| {
            format!(
                "the head of the task {} is made of kept examples: it has no weights that could be \
                 refitted. Train it anew with more examples, or use a task with a linear head",
                own.name
            )
        })
    }

    fn own_head(&self) -> Digest {
        self.task.own().head_digest
    }

    fn head_in_use(&self) -> Digest {
        self.task.now().task.head_digest
    }

    fn refit(&self, lessons: &[Lesson], stop: &AtomicBool) -> Result<Refitted, ImproveError> {
        let (own, now) = (self.task.own(), self.task.now());
        let collected = collect(lessons, own, |file| self.features_of(file), stop)?;
        let Collected { usable, left_out } = &collected;
        let cases: Vec<String> = usable.iter().map(|lesson| lesson.case.to_string()).collect();
        let stated: Vec<_> = cases
            .iter()
            .zip(usable)
            .map(|(case, lesson)| (case.as_str(), lesson.region.statement))
            .collect();
        let held = hold_out(&stated).map_err(|error| match left_out.total() {
            0 => refused(error),
            missing => ImproveError::Refused(format!("{error} ({missing} more cannot be used)")),
        })?;
        let part = |wanted: bool| -> Vec<&Usable> {
            let chosen = usable.iter().zip(&held).filter(|(_, held)| **held == wanted);
            chosen.map(|(lesson, _)| lesson).collect()
        };
        let (learned, held_out) = (part(false), part(true));
        let (head, pull) = refitted(own, &learned)?;
        says_something_new(&head, own, &now.task)?;
        if stop.load(Ordering::SeqCst) {
            return Err(ImproveError::Stopped);
        }
        let changes = self.changes(&now.task.head, &head, stop)?;
        let heads = [&now.task.head, &head];
        let measured = measured(own, heads, pull, &learned, &held_out, *left_out, changes)?;
        let weights = head_to_bytes(&head).map_err(ImproveError::Refused)?;
        Ok(Refitted {
            head: HeadFile { weights, pulled_to: own.head_digest },
            compared_with: now.task.head_digest,
            measured,
            learned: learned.iter().map(|lesson| lesson.decision).collect(),
            held_out: held_out.iter().map(|lesson| lesson.decision).collect(),
        })
    }

    fn check_head(&self, head: &HeadFile) -> Result<(), ImproveError> {
        self.task.with_head(head).map(drop).map_err(ImproveError::Refused)
    }

    fn use_head(&self, head: Option<&HeadFile>) -> Result<(), ImproveError> {
        let task = match head {
            Some(head) => self.task.with_head(head).map_err(ImproveError::Refused)?,
            None => self.task.own().clone(),
        };
        self.task.put_in_place(task);
        Ok(())
    }
}

/// The task's own head, refitted as strongly as cases among the learned ones bear out.
fn refitted(own: &Task, learned: &[&Usable]) -> Result<(Head, f64), ImproveError> {
    let cases: Vec<String> = learned.iter().map(|lesson| lesson.case.to_string()).collect();
    let names = cases.iter().map(String::as_str);
    let grouped: Vec<_> = names.zip(learned.iter().map(|lesson| &lesson.region)).collect();
    let settings = RefitSettings::default();
    let pull = choose_pull(&own.head, own.temperature, &grouped, &settings).map_err(refused)?;
    let regions: Vec<_> = learned.iter().map(|lesson| &lesson.region).collect();
    let settings = RefitSettings { pull, ..settings };
    let head = refit_head(&own.head, own.temperature, &regions, &settings).map_err(refused)?;
    Ok((head, pull))
}

/// Refuses a head that moved nowhere: what was decided is what the task's own head says anyway.
fn says_something_new(head: &Head, own: &Task, now: &Task) -> Result<(), ImproveError> {
    if *head != own.head {
        return Ok(());
    }
    let agrees =
        "the decisions are what the task's own head says already: refitting changes nothing";
    Err(ImproveError::Refused(if now.head_digest == own.head_digest {
        agrees.to_owned()
    } else {
        format!("{agrees}; to have it back, take the task's own head into use again")
    }))
}

/// Where a path would stand in the text, it is that of kept features: a digest, never a name.
pub(super) fn refused(error: bianque_lesion::LesionError) -> ImproveError {
    ImproveError::Refused(error.to_string())
}

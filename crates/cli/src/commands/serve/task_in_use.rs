//! The task that examines slides, with its own head or with one that was refitted at the site.

use std::sync::{Arc, PoisonError, RwLock};

use bianque_core::Digest;
use bianque_lesion::{Card, Task, head_from_bytes};
use bianque_server::improve::HeadFile;
use bianque_vision::{Encoder, Purpose};

use crate::{
    arguments::UseArguments,
    commands::run::{LoadedTask, RunPlan},
    models::Models,
    task_package::TaskPackage,
    terminal::Terminal,
};

/// A task, loaded once, and the plan by which slides are examined now.
pub(super) struct TaskInUse {
    own: Task,
    encoder: Arc<dyn Encoder>,
    card: Option<(Card, Digest)>,
    package: TaskPackage,
    purpose: Purpose,
    now: RwLock<Arc<InUse>>,
}

/// What slides are examined by.
pub(super) struct InUse {
    pub(super) task: Task,
    pub(super) plan: RunPlan,
}

impl TaskInUse {
    pub(super) fn load(
        models: &Models,
        name: &str,
        used: &UseArguments,
        terminal: &Terminal,
    ) -> anyhow::Result<Self> {
        let loaded = LoadedTask::load(models, name, used, terminal)?;
        let LoadedTask { task, encoder, card, package, purpose } = &loaded;
        let (own, encoder) = (task.clone(), Arc::clone(encoder));
        let (card, package, purpose) = (card.clone(), package.clone(), *purpose);
        let now = InUse { task: own.clone(), plan: RunPlan::of_task(loaded) };
        Ok(Self { own, encoder, card, package, purpose, now: RwLock::new(Arc::new(now)) })
    }

    /// The task as it was installed.
    pub(super) fn own(&self) -> &Task {
        &self.own
    }

    pub(super) fn encoder(&self) -> &dyn Encoder {
        self.encoder.as_ref()
    }

    /// What slides are examined by now; an examination keeps it until its end.
    pub(super) fn now(&self) -> Arc<InUse> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The task with a refitted head.
    ///
    /// # Errors
    /// When it is no head of this task.
    pub(super) fn with_head(&self, file: &HeadFile) -> Result<Task, String> {
        if file.pulled_to != self.own.head_digest {
            return Err(format!(
                "the head was refitted from another head than the one of the task {} that is \
                 installed now: have it refitted again, or go back to the task's own head",
                self.own.name
            ));
        }
        let head = head_from_bytes(&file.weights)?;
        let (dimension, classes) = (self.own.head.dimension(), self.own.head.classes());
        if (head.dimension(), head.classes()) != (dimension, classes) {
            return Err(format!(
                "the head takes {} values and tells {} classes apart, the task's own {dimension} and \
                 {classes}",
                head.dimension(),
                head.classes()
            ));
        }
        Ok(Task {
            head,
            head_digest: Digest::of(&file.weights),
            version: format!("{}+refitted", self.own.version),
            ..self.own.clone()
        })
    }

    /// Has slides examined by this task from now on.
    pub(super) fn put_in_place(&self, task: Task) {
        let loaded = LoadedTask {
            task: task.clone(),
            encoder: Arc::clone(&self.encoder),
            card: self.card.clone(),
            package: self.package.clone(),
            purpose: self.purpose,
        };
        let new = Arc::new(InUse { task, plan: RunPlan::of_task(loaded) });
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = new;
    }
}

//! What every task says of itself, whether it judges tiles or whole slides.

use std::path::Path;

use super::{EncoderReference, SlideTask, Task, slide::is_slide_task};
use crate::error::Result;

/// What every task says of itself.
pub trait TaskStatement {
    /// Stable name.
    fn name(&self) -> &str;
    /// Version of the head or heads.
    fn version(&self) -> &str;
    /// For people.
    fn title(&self) -> &str;
    /// The organ it is for.
    fn organ(&self) -> &str;
    /// What it is meant for, and what not.
    fn intended_use(&self) -> &str;
    /// Licence of the heads, as an SPDX expression.
    fn licence(&self) -> &str;
    /// The encoder whose features it takes; of several side by side, all of them as one.
    fn encoder(&self) -> &EncoderReference;
    /// Every encoder that it needs.
    fn encoders(&self) -> Vec<&EncoderReference>;
}

impl Task {
    fn encoder_references(&self) -> Vec<&EncoderReference> {
        vec![&self.encoder]
    }
}

impl SlideTask {
    fn encoder_references(&self) -> Vec<&EncoderReference> {
        let parts = self.parts.iter().map(|part| &part.encoder);
        if self.parts.is_empty() { vec![&self.encoder] } else { parts.collect() }
    }
}

macro_rules! stated {
    ($task:ty) => {
        impl TaskStatement for $task {
            fn name(&self) -> &str {
                &self.name
            }

            fn version(&self) -> &str {
                &self.version
            }

            fn title(&self) -> &str {
                &self.title
            }

            fn organ(&self) -> &str {
                &self.organ
            }

            fn intended_use(&self) -> &str {
                &self.intended_use
            }

            fn licence(&self) -> &str {
                &self.licence
            }

            fn encoder(&self) -> &EncoderReference {
                &self.encoder
            }

            fn encoders(&self) -> Vec<&EncoderReference> {
                self.encoder_references()
            }
        }
    };
}

stated!(Task);
stated!(SlideTask);

/// A task of either kind.
#[derive(Clone, Debug)]
pub enum AnyTask {
    /// It judges tiles and outlines lesions.
    Tiles(Box<Task>),
    /// It judges whole slides.
    Slides(Box<SlideTask>),
}

impl AnyTask {
    /// Reads and checks a task's folder.
    ///
    /// # Errors
    /// As [`Task::load`] and [`SlideTask::load`].
    pub fn load(folder: &Path) -> Result<Self> {
        if is_slide_task(folder)? {
            return Ok(Self::Slides(Box::new(SlideTask::load(folder)?)));
        }
        Ok(Self::Tiles(Box::new(Task::load(folder)?)))
    }

    /// What it says of itself.
    #[must_use]
    pub fn statement(&self) -> &dyn TaskStatement {
        match self {
            Self::Tiles(task) => task.as_ref(),
            Self::Slides(task) => task.as_ref(),
        }
    }

    /// What it judges, as in JSON: `tiles` or `slides`.
    #[must_use]
    pub fn judges(&self) -> &'static str {
        match self {
            Self::Tiles(_) => "tiles",
            Self::Slides(_) => "slides",
        }
    }

    /// The files beside its description and card.
    #[must_use]
    pub fn head_files(&self) -> Vec<String> {
        match self {
            Self::Tiles(_) => vec![super::HEAD_FILE.to_owned()],
            Self::Slides(task) => task.files(),
        }
    }
}

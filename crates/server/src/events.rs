//! What changes, told to whoever listens. No name and no content: ids, states and counts.

use bianque_record::identity::{CaseId, SlideId};
use serde::Serialize;
use tokio::sync::broadcast;

/// Events that a slow listener may be behind before it misses some.
const BEHIND: usize = 256;

/// Something that changed.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Event {
    /// How far a slide's examination is.
    Examination {
        case: CaseId,
        slide: SlideId,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        done: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// Something of a case changed.
    Case { case: CaseId },
    /// A case came or moved.
    Worklist {},
    /// A head is being refitted, was refitted or came into use.
    Improvement {},
}

impl Event {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Examination { .. } => "examination",
            Self::Case { .. } => "case",
            Self::Worklist {} => "worklist",
            Self::Improvement {} => "improvement",
        }
    }
}

/// Where events are told.
pub(crate) struct Events(broadcast::Sender<Event>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }
}

impl Events {
    /// Tells everybody; nobody may be there.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.0.send(event);
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}

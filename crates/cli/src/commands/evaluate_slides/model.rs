//! Whose answers are measured: every evaluation names encoder, digest and licence.

use std::path::Path;

use bianque_core::{Digest, Producer};
use bianque_lesion::{AnyTask, FeatureFacts, Predictions, TriedHeads};
use serde::Serialize;

use crate::report::ProducerDocument;

/// The model that is measured. What a table of another program does not say is absent.
#[derive(Serialize)]
pub(crate) struct ModelDocument {
    /// The task with its version, the run's folder, or the table of predictions.
    pub(crate) name: String,
    /// `task`, `run` or `predictions`.
    pub(crate) kind: &'static str,
    /// Licence of the heads, where known.
    pub(crate) licence: Option<String>,
    /// Digests of the heads.
    pub(crate) heads: Vec<String>,
    /// Whose features it takes; of several side by side, joined as the features name them.
    pub(crate) encoder: Option<ProducerDocument>,
}

impl ModelDocument {
    /// Predictions of any model.
    pub(crate) fn of_predictions(path: &Path, predictions: &Predictions) -> Self {
        Self {
            name: path.display().to_string(),
            kind: "predictions",
            licence: None,
            heads: Vec::new(),
            encoder: predictions.encoder.as_ref().map(Into::into),
        }
    }

    /// A run of `train slide` by its folder and the digests of its heads.
    pub(crate) fn of_run(
        folder: &Path,
        heads: impl Iterator<Item = Digest>,
        licence: Option<&str>,
        facts: &FeatureFacts,
    ) -> Self {
        Self {
            name: folder.display().to_string(),
            kind: "run",
            licence: licence.map(str::to_owned),
            heads: heads.map(|digest| digest.to_string()).collect(),
            encoder: Some((&facts.encoder).into()),
        }
    }

    /// A task of slides or a run, tried on features.
    pub(crate) fn tried(folder: &Path, tried: &TriedHeads, facts: &FeatureFacts) -> Self {
        let heads = tried.head_digests.iter().copied();
        let run = Self::of_run(folder, heads, None, facts);
        match AnyTask::load(folder) {
            Ok(AnyTask::Slides(task)) => Self {
                name: format!("{} {}", task.name, task.version),
                kind: "task",
                licence: Some(task.licence.clone()),
                ..run
            },
            _ => run,
        }
    }

    /// A task of tiles.
    pub(crate) fn of_tiles(head: &Producer, encoder: &Producer) -> Self {
        Self {
            name: format!("{} {}", head.name, head.version),
            kind: "task",
            licence: head.licence.clone(),
            heads: head.digest.iter().map(ToString::to_string).collect(),
            encoder: Some(encoder.into()),
        }
    }

    /// For a person.
    pub(crate) fn text(&self) -> String {
        let licence = self.licence.as_deref().unwrap_or("not stated");
        let encoder = self.encoder.as_ref().map_or("not stated".to_owned(), ToString::to_string);
        format!("{} {}, licence {licence}; encoder {encoder}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_table_does_not_say_is_said_to_be_unknown() {
        let producer = |name: &str| Producer {
            name: name.into(),
            version: "1".into(),
            digest: Some(Digest::of(name.as_bytes())),
            licence: Some("CC-BY-4.0".into()),
        };
        let model = ModelDocument::of_tiles(&producer("colon"), &producer("lite"));
        let text = model.text();
        assert!(text.starts_with("task colon 1, licence CC-BY-4.0; encoder lite 1"), "{text}");
        assert!(text.contains(&Digest::of(b"lite").to_string()), "{text}");
        let unknown = ModelDocument { licence: None, encoder: None, ..model };
        assert!(unknown.text().ends_with("licence not stated; encoder not stated"));
    }
}

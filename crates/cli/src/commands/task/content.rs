//! What a task's package must hold.

use std::path::Path;

use anyhow::{Context, ensure};
use bianque_lesion::{AnyTask, CARD_FILE, Card, EncoderReference, TASK_FILE, TaskStatement};
use bianque_package::{
    Entry, EntryName, Kind, Manifest, PackageError, PackageName, Requirement, Result,
};

/// Files that are packed where they are there.
const PROSE: &str = "CARD.md";
const LICENCE_TEXT: &str = "LICENSE.md";

/// A task's folder, read and checked.
pub(super) struct Content {
    pub(super) task: AnyTask,
    pub(super) card: Card,
}

impl Content {
    /// Reads a folder that is to become a package, or became of one.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let task = AnyTask::load(folder)?;
        let card = Card::load(folder, task.statement())?;
        let (card, _) = card.with_context(|| {
            format!(
                "{} has no {CARD_FILE}: say in it what the task is for and what was measured; \
                 models/tasks/colon/{CARD_FILE} is an example",
                folder.display()
            )
        })?;
        Ok(Self { task, card })
    }

    /// What the task says of itself.
    pub(super) fn statement(&self) -> &dyn TaskStatement {
        self.task.statement()
    }

    /// The files to pack.
    pub(super) fn files(&self, folder: &Path) -> anyhow::Result<Vec<EntryName>> {
        let described = [TASK_FILE, CARD_FILE].into_iter().map(str::to_owned);
        let prose = [PROSE, LICENCE_TEXT].into_iter().filter(|name| folder.join(name).is_file());
        let names = described.chain(self.task.head_files()).chain(prose.map(str::to_owned));
        names.map(|name| EntryName::new(name).map_err(anyhow::Error::msg)).collect()
    }

    /// The manifest of the task's package.
    pub(super) fn manifest(&self, entries: Vec<Entry>) -> Result<Manifest> {
        let name = |text: &str| EntryName::new(text).map_err(PackageError::Content);
        let licence_text = entries.iter().find(|entry| entry.name.as_str() == LICENCE_TEXT);
        let licence_text = licence_text.map(|entry| entry.name.clone());
        Manifest::new(
            Kind::Task,
            PackageName::new(self.statement().name()).map_err(PackageError::Content)?,
            self.statement().version().to_owned(),
            self.statement().licence().to_owned(),
            name(CARD_FILE)?,
            licence_text,
            self.requirements(),
            entries,
        )
    }

    fn requirements(&self) -> Vec<Requirement> {
        self.statement().encoders().into_iter().map(requirement).collect()
    }

    /// Compares an unpacked folder with its manifest: what the manifest says of the task is so.
    pub(super) fn fits(&self, manifest: &Manifest) -> anyhow::Result<()> {
        let stated = [
            ("name", manifest.name.as_str(), self.statement().name()),
            ("version", &manifest.version, self.statement().version()),
            ("licence", &manifest.licence, self.statement().licence()),
            ("card", manifest.card.as_str(), CARD_FILE),
        ];
        for (field, manifest, task) in stated {
            ensure!(
                manifest == task,
                "the manifest states the {field} '{manifest}', the task in it '{task}': ask its \
                 maker for a sound package"
            );
        }
        ensure!(
            manifest.requires == self.requirements(),
            "the manifest needs other encoders than the task in it: ask its maker for a sound package"
        );
        Ok(())
    }
}

fn requirement(encoder: &EncoderReference) -> Requirement {
    Requirement {
        kind: Kind::Model,
        name: encoder.name.clone(),
        version: encoder.version.clone(),
        digest: encoder.digest,
        recipe: encoder.recipe_digest,
    }
}

/// Refuses a package that is no task's.
pub(super) fn is_task(manifest: &Manifest) -> anyhow::Result<()> {
    ensure!(
        manifest.kind == Kind::Task,
        "this is a package of the kind {}, not of a task",
        manifest.kind.name()
    );
    Ok(())
}

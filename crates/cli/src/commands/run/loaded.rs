//! Tasks and encoders as a run holds them, and what licences and signers allow.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use bianque_core::Digest;
use bianque_lesion::{Card, EncoderPart, SlideTask, Task, TaskStatement};
use bianque_package::Standing;
use bianque_vision::{Device, Encoder, Loaded, Permission, Purpose, load_on};

use super::{plan::Shelf, scope};
use crate::{
    arguments::UseArguments,
    models::{Models, TaskPlace},
    task_package::TaskPackage,
    terminal::Terminal,
};

/// A task with its encoder, loaded once for all slides.
pub(crate) struct LoadedTask {
    pub(crate) task: Task,
    pub(crate) encoder: Arc<dyn Encoder>,
    /// What the task is for and was measured on, with the digest of that statement.
    pub(crate) card: Option<(Card, Digest)>,
    /// Whose it is.
    pub(crate) package: TaskPackage,
    /// What its results are for.
    pub(crate) purpose: Purpose,
}

impl LoadedTask {
    /// Loads a task by its name; says on the terminal what is to be known of licence and device.
    pub(crate) fn load(
        models: &Models,
        name: &str,
        used: &UseArguments,
        terminal: &Terminal,
    ) -> anyhow::Result<Self> {
        let mut shelf = Shelf::on(used.device);
        let loaded = Self::load_from(models, &models.task(name)?, &mut shelf)?;
        let (loaded, note) = loaded.with_purpose(used.purpose.into())?;
        note.iter().chain(shelf.notes()).for_each(|note| terminal.note(note));
        Ok(loaded)
    }

    /// The same with encoders that other tasks may have loaded before.
    pub(super) fn load_from(
        models: &Models,
        place: &TaskPlace,
        shelf: &mut Shelf,
    ) -> anyhow::Result<Self> {
        let package = TaskPackage::of(place, models)?;
        let task = Task::load(&place.folder)?;
        let card = Card::load(&place.folder, &task)?;
        // A path inside a package could point anywhere: what came from elsewhere names its encoder
        // by digest alone.
        let folder = if package.digest.is_some() {
            let found = models.encoder_of(&task.encoder);
            found.with_context(|| format!("the task {} cannot run", task.name))?
        } else {
            task.encoder_path(&place.folder)
        };
        let encoder = shelf.encoder(&folder)?;
        task.check_encoder(encoder.as_ref())?;
        Ok(Self { task, encoder, card, package, purpose: Purpose::Research })
    }

    /// What a slide is held against.
    pub(super) fn stated(&self) -> scope::Stated<'_> {
        scope::Stated { task: &self.task, card: self.card.as_ref(), purpose: self.purpose }
    }

    /// The same for a purpose that the encoder's licence allows; gives a note where nobody stated
    /// whether it does.
    pub(super) fn with_purpose(
        mut self,
        purpose: Purpose,
    ) -> anyhow::Result<(Self, Option<String>)> {
        refuse_unknown_signer(&self.task, &self.package.standing, purpose)?;
        let note = licence_note(self.encoder.as_ref(), purpose)?;
        self.purpose = purpose;
        Ok((self, note))
    }
}

/// Refuses a task of an unknown signer where a patient's care depends on it.
pub(super) fn refuse_unknown_signer(
    task: &dyn TaskStatement,
    standing: &Standing,
    purpose: Purpose,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        purpose != Purpose::Clinical || standing.is_trusted(),
        "a clinical run may not use the task {}: it is {standing}. Install it from a package that \
         somebody signed whom this site trusts (`bianque task install`, `bianque key trust`)",
        task.name()
    );
    Ok(())
}

/// Refuses an encoder whose features a task of slides does not know.
pub(super) fn check_encoder_of_slides(
    task: &SlideTask,
    wanted: &EncoderPart,
    encoder: &dyn Encoder,
) -> anyhow::Result<()> {
    let recipe = encoder.recipe();
    let same = encoder.producer().digest == Some(wanted.encoder.digest)
        && wanted.encoder.takes_recipe(recipe)
        && recipe.input.size == wanted.size
        && (recipe.input.mpp - wanted.mpp).abs() < 1e-9;
    anyhow::ensure!(
        same,
        "the task {} was trained on features of {} {} ({}), tiles of {} px at {} um/px; the encoder \
         here is another. Install that one (`bianque model add FILE --recipe {}`), or train the \
         task again on features of this one",
        task.name,
        wanted.encoder.name,
        wanted.encoder.version,
        wanted.encoder.digest,
        wanted.size,
        wanted.mpp,
        wanted.encoder.name
    );
    Ok(())
}

/// What a person should know of an encoder's licence.
///
/// # Errors
/// When the licence does not allow the purpose.
pub(super) fn licence_note(
    encoder: &dyn Encoder,
    purpose: Purpose,
) -> anyhow::Result<Option<String>> {
    let recipe = encoder.recipe();
    let (name, digest) = (&recipe.name, encoder.producer().digest);
    let digest = digest.map(|digest| format!(", {}", digest.short())).unwrap_or_default();
    match (recipe.permits(purpose), purpose) {
        (Permission::Allowed, _) => Ok(None),
        (Permission::NotStated(why), Purpose::Research) => {
            Ok(Some(format!("the encoder {name}{digest}: {why}")))
        }
        (Permission::Forbidden(why) | Permission::NotStated(why), _) => anyhow::bail!(
            "a {} run may not use the encoder {name}{digest}: {why}. Use another encoder \
             (`bianque model list`), or state in its recipe what your agreement allows",
            purpose.name()
        ),
    }
}

/// Loads an encoder from its folder or recipe file.
pub(crate) fn load_encoder(path: &Path, device: Device) -> anyhow::Result<Loaded> {
    let recipe = if path.is_dir() { path.join("recipe.json") } else { path.to_owned() };
    load_on(&recipe, None, device).with_context(|| format!("the encoder {}", recipe.display()))
}

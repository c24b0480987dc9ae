//! `bianque task`: tasks as signed packages.

mod arguments;
mod card;
mod content;
mod install;
mod list;
mod pack;
mod verify;

use anyhow::Context;
use bianque_lesion::TaskStatement;
use bianque_package::{PackageReader, TrustStore};

pub(crate) use self::arguments::TaskCommand;
use super::Outcome;
use crate::{interrupt, models::Models, terminal::Terminal};

pub(crate) fn run(
    command: &TaskCommand,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    interrupt::flag()?;
    match command {
        TaskCommand::List => list::run(models, terminal),
        TaskCommand::Card(arguments) => card::run(arguments, models, terminal),
        TaskCommand::Verify(arguments) => verify::run(arguments, models, terminal),
        TaskCommand::Install(arguments) => install::run(arguments, models, terminal),
        TaskCommand::Pack(arguments) => pack::run(arguments, terminal),
    }
}

/// Opens a package; its manifest and signature are read.
fn open(
    file: &std::path::Path,
) -> anyhow::Result<PackageReader<std::io::BufReader<std::fs::File>>> {
    let opened =
        std::fs::File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    PackageReader::open(std::io::BufReader::new(opened)).with_context(|| file.display().to_string())
}

/// The keys that this site trusts.
fn trusted(models: &Models) -> anyhow::Result<TrustStore> {
    let folder = models.data().trusted_keys()?;
    TrustStore::read(&folder).context("the trusted keys")
}

/// Whether the task's encoders are there; else which are needed and how to add them.
fn missing_encoder(models: &Models, task: &dyn TaskStatement) -> Option<String> {
    let all = task.encoders().into_iter();
    let missing: Vec<String> = all
        .filter_map(|encoder| models.encoder_of(encoder).err())
        .map(|error| error.to_string())
        .collect();
    (!missing.is_empty()).then(|| missing.join("; "))
}

//! One module a verb.

mod account;
mod audit;
mod check;
mod coverage;
mod demo;
mod encode_tiles;
mod evaluate_lesions;
mod evaluate_slides;
mod evaluate_tiles;
mod info;
mod key;
mod model;
mod region;
mod run;
mod serve;
mod slides;
mod task;
mod thumbnail;
mod tiles;
mod train;

pub(crate) use self::{
    account::AccountCommand,
    audit::AuditCommand,
    coverage::CoverageArguments,
    key::KeyCommand,
    model::ModelCommand,
    serve::{LogArguments, SignOnArguments},
    task::TaskCommand,
};

use std::process::ExitCode;

use anyhow::Context;
use bianque_slide::{OpenOptions, Slide};

use crate::{
    arguments::{Arguments, Command, EvaluateCommand},
    data_folder::DataFolder,
    models::Models,
    terminal::Terminal,
};

/// How a command ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All was done.
    Done,
    /// Something that the user can see failed; the rest was done.
    Failed,
    /// Ctrl-C.
    Interrupted,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Failed => Self::from(1),
            Outcome::Interrupted => Self::from(130),
        }
    }
}

/// Runs what was asked for.
pub(crate) fn dispatch(arguments: Arguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let data = DataFolder::locate(arguments.data.clone());
    let models = || Models::locate(arguments.models.clone(), data.clone());
    match arguments.command {
        Command::Info(arguments) => info::run(&arguments, terminal),
        Command::Region(arguments) => region::run(&arguments, terminal),
        Command::Thumbnail(arguments) => thumbnail::run(&arguments, terminal),
        Command::Tiles(arguments) => tiles::run(&arguments, terminal),
        Command::Check(arguments) => check::run(&arguments, terminal),
        Command::Run(arguments) => run::run(&arguments, &models()?, terminal),
        Command::Model(command) => model::run(&command, &models()?, terminal),
        Command::Task(command) => task::run(&command, &models()?, terminal),
        Command::Key(command) => key::run(&command, &data, terminal),
        Command::Coverage(arguments) => coverage::run(&arguments, &models()?, terminal),
        Command::Train(command) => train::run(&command, &models()?, terminal),
        Command::Evaluate(EvaluateCommand::Tiles(arguments)) => {
            evaluate_tiles::run(&arguments, &models()?, terminal)
        }
        Command::Evaluate(EvaluateCommand::Lesions(arguments)) => {
            evaluate_lesions::run(&arguments, terminal)
        }
        Command::Evaluate(EvaluateCommand::Slides(arguments)) => {
            evaluate_slides::run(&arguments, &models()?, terminal)
        }
        Command::Account(command) => account::run(&command, terminal),
        Command::Audit(command) => audit::run(&command, terminal),
        Command::Serve(arguments) => serve::run(&arguments, &models()?, &data, terminal),
        Command::Demo(arguments) => demo::run(&arguments, &models()?, terminal),
    }
}

fn open_slide(path: &std::path::Path, mpp: Option<f64>) -> anyhow::Result<Box<dyn Slide>> {
    let options = OpenOptions { mpp, ..OpenOptions::default() };
    bianque_slide::open(path, &options).context("the slide does not open")
}

/// A file is there whole or not at all.
pub(crate) fn write_file(path: &std::path::Path, bytes: &[u8]) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    let writing = || format!("cannot write {}", path.display());
    std::fs::write(&part, bytes).with_context(writing)?;
    std::fs::rename(&part, path).with_context(writing)
}

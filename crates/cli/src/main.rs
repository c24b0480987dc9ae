//! The one binary, `bianque`: command line, reports, exit codes.

mod arguments;
mod commands;
mod data_folder;
mod interrupt;
mod models;
mod picture;
mod report;
mod task_package;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::{arguments::Arguments, terminal::Terminal};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let terminal = Terminal::new(arguments.json, arguments.quiet);
    match commands::dispatch(arguments, &terminal) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            terminal.error(&error);
            if interrupt::requested() {
                commands::Outcome::Interrupted.into()
            } else {
                commands::Outcome::Failed.into()
            }
        }
    }
}

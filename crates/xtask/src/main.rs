//! Development tasks: `cargo xtask demo|test|ci|web|neon|bench`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to a developer")]

mod bench;
mod bench_run;
mod demo;
mod neon;
mod process;
mod python;
mod test;
mod tools;
mod web;

use clap::{Parser, Subcommand};

/// Development tasks of Bianque.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build, make a sample slide, run the colon task on it, print where the report lies.
    Demo {
        /// Folder for the slide and the report.
        #[arg(long, default_value = "demo")]
        out: std::path::PathBuf,
    },
    /// Everything: format, lints, tests with foreign judges, documentation.
    Test,
    /// What the build server runs: installs what is missing, then `test`.
    Ci,
    /// Build the web app; do it before the program is built.
    Web,
    /// Run the unit tests of the vector kernels for aarch64, emulated where this machine is none.
    Neon,
    /// Measure against peers, side by side in one run.
    Bench(bench::Arguments),
}

fn main() -> anyhow::Result<()> {
    std::env::set_current_dir(tools::workspace_root()?)?;
    match Arguments::parse().task {
        Task::Demo { out } => demo::run(&out),
        Task::Test => test::run_everything(),
        Task::Ci => test::ci(),
        Task::Web => web::build(),
        Task::Neon => neon::test(),
        Task::Bench(arguments) => bench::run(&arguments),
    }
}

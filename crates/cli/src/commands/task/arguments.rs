//! What the user typed after `bianque task`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is done with tasks.
#[derive(Subcommand)]
#[command(after_help = "Examples:
  bianque task list
  bianque task verify colon-1.0.0.task.tar
  bianque task install colon-1.0.0.task.tar
  bianque task card colon
  bianque task pack my-tasks/colon --key laboratory.key

A task is a head with its labels, thresholds, calibration and card. Hospitals hand it on as one
signed file. A package that nobody signed, or whose signer this site does not trust
(`bianque key trust`), is installed and marked, and refused for a clinical run.")]
pub(crate) enum TaskCommand {
    /// Tasks that are installed or shipped, whose they are, and whether their encoder is there.
    #[command(after_help = "Examples:
  bianque task list
  bianque task list --json")]
    List,
    /// All that a task's card states: use, training, scanners, metrics by site, limits.
    Card(CardArguments),
    /// Whether a package is whole, its content sound, and its signer trusted.
    Verify(FileArguments),
    /// Verify a package and install it; the version before stays and can be used by its digest.
    Install(FileArguments),
    /// Make a package of a task's folder, and sign it.
    Pack(PackArguments),
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque task card colon
  bianque task card colon@3f2a --json
  bianque task card my-tasks/colon")]
pub(crate) struct CardArguments {
    /// A task by its name, by NAME@DIGEST, or by its folder.
    pub(crate) name: String,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque task verify colon-1.0.0.task.tar --json
  bianque task install colon-1.0.0.task.tar

verify: exit code 0 when the package is whole and sound and its signer is trusted, 1 otherwise.
install: 0 when it was installed, whoever signed it; 1 when it was refused, and nothing was changed.")]
pub(crate) struct FileArguments {
    /// The package.
    pub(crate) file: PathBuf,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("signing").args(["key", "unsigned"]).required(true))]
#[command(after_help = "Examples:
  bianque key new laboratory.key
  bianque task pack my-tasks/colon --key laboratory.key
  bianque task pack grade-run/task --key laboratory.key     heads of slides, from `train slide`
  bianque task pack my-tasks/colon --key laboratory.key --out outbox/colon.tar

Packs task.json, the head or heads, card.json and, where there are such, CARD.md and LICENSE.md. The
same files and the same key give the same bytes. The encoder stays outside: the package names it by
the digests of its weights and recipe.")]
pub(crate) struct PackArguments {
    /// The task's folder.
    pub(crate) folder: PathBuf,
    /// The secret key to sign with.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Do not sign: nobody can use it for a clinical run.
    #[arg(long)]
    pub(crate) unsigned: bool,
    /// The file to write [default: NAME-VERSION.task.tar].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

//! `bianque audit`: whether the chain of what was done holds, and the chain as a file.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::{Path, PathBuf},
};

use anyhow::Context;
use bianque_record::{
    Actor, Record, Settings,
    audit::{Head, Report, verify_lines, verify_record},
    database::Location,
    objects::ObjectPlace,
};
use clap::{ArgGroup, Args, Subcommand};
use serde::Serialize;

use super::Outcome;
use crate::terminal::Terminal;

/// What is done with the audit.
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Say whether the chain is whole; name the first entry that was changed, moved or is missing.
    Verify(VerifyArguments),
    /// Write the chain as JSON lines, and print its head, which is to be kept elsewhere.
    Export(ExportArguments),
}

#[derive(Args)]
#[command(group = ArgGroup::new("chain").required(true).args(["database", "export"]))]
#[command(after_help = "Examples:
  bianque audit verify --database record.db
  bianque audit verify --database record.db --heads kept.jsonl    also shows a cut or rewritten end
  bianque audit verify --database 'postgresql:///bianque?host=/run/postgresql'
  bianque audit verify --export audit.jsonl                       needs no database
  bianque audit verify --export audit.jsonl --json

Exit code 0 when the chain is whole, 1 when it is not or cannot be read. Without --heads a chain that
somebody has shortened or made anew as a whole can look whole: keep heads apart from the database.")]
pub(crate) struct VerifyArguments {
    /// The record: a SQLite file or a PostgreSQL URL. Nothing in it is changed.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) database: Option<Location>,
    /// The folder `objects` beside the record, or the bucket in its place: what is in it is held
    /// against its digests too.
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX", requires = "database")]
    pub(crate) objects: Option<ObjectPlace>,
    /// An export of the chain.
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
    /// Heads that were kept: lines that `bianque audit export` has printed.
    #[arg(long, value_name = "FILE")]
    pub(crate) heads: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque audit export --database record.db --out audit.jsonl
  bianque audit export --database record.db --out audit.jsonl --json >> kept.jsonl

The export is itself an entry of the chain: its last.")]
pub(crate) struct ExportArguments {
    /// The record: a SQLite file or a PostgreSQL URL.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) database: Location,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// The document of `bianque audit verify --json`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    report: &'a Report,
}

pub(super) fn run(command: &AuditCommand, terminal: &Terminal) -> anyhow::Result<Outcome> {
    match command {
        AuditCommand::Verify(arguments) => verify(arguments, terminal),
        AuditCommand::Export(arguments) => export(arguments, terminal),
    }
}

fn verify(arguments: &VerifyArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let heads = arguments.heads.as_deref().map_or_else(|| Ok(Vec::new()), read_heads)?;
    let report = match (&arguments.database, &arguments.export) {
        (Some(location), _) => {
            let objects = arguments.objects.as_ref().map(ObjectPlace::open_to_read).transpose()?;
            verify_record(location.connect_to_read()?.as_mut(), &heads, objects.as_deref())?
        }
        (None, Some(path)) => {
            let reading = || format!("cannot read {}", path.display());
            let file = BufReader::new(File::open(path).with_context(reading)?);
            verify_lines(file, &heads).with_context(reading)?
        }
        (None, None) => anyhow::bail!("name a --database or an --export"),
    };
    let text = match &report.fault {
        None => format!(
            "whole: {} entries, the last with {}{}",
            report.entries,
            report.head.hash,
            if heads.is_empty() { "; held against no kept head" } else { "" }
        ),
        Some(fault) => format!("NOT WHOLE: {fault}; the {} before it hold", report.entries),
    };
    terminal.result(&Document { schema: "bianque.audit-verify/1", report: &report }, &text)?;
    Ok(if report.whole { Outcome::Done } else { Outcome::Failed })
}

fn read_heads(path: &Path) -> anyhow::Result<Vec<Head>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let heads = Head::read_lines(&text).with_context(|| format!("{}", path.display()))?;
    if heads.is_empty() {
        anyhow::bail!("{} has no head", path.display());
    }
    Ok(heads)
}

fn export(arguments: &ExportArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    // A record that is not there must not be made by looking for it.
    drop(arguments.database.connect_to_read()?);
    let record = Record::open(&arguments.database, Settings::default())?;
    let writing = || format!("cannot write {}", arguments.out.display());
    let part = arguments.out.with_extension("part");
    let file = BufWriter::new(File::create(&part).with_context(writing)?);
    let written = record.export_audit(&Actor::console(), file);
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    let head = written?;
    std::fs::rename(&part, &arguments.out).with_context(writing)?;
    terminal.line(&head, &head.line())?;
    Ok(Outcome::Done)
}

//! `bianque task verify`.

use std::fmt::Write;

use bianque_lesion::EvidenceLevel;
use bianque_package::{Kind, Manifest, PackageError, Requirement, Standing, unpack};
use serde::Serialize;

use super::{arguments::FileArguments, content::Content, open, trusted};
use crate::{commands::Outcome, interrupt, models::Models, terminal::Terminal};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: String,
    kind: Kind,
    name: &'a str,
    version: &'a str,
    licence: &'a str,
    digest: String,
    entries: usize,
    bytes: u64,
    requires: &'a [Requirement],
    signature: &'a Standing,
    /// Whether a run for patients may use it, as far as the package goes.
    trusted: bool,
    /// Absent where the package is no task's.
    evidence: Option<EvidenceLevel>,
}

pub(super) fn run(
    arguments: &FileArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let package = open(&arguments.file)?;
    let standing = trusted(models)?.standing(package.signature());
    let manifest = package.manifest().clone();
    let evidence = if manifest.kind == Kind::Task {
        Some(look_inside(package, &manifest)?)
    } else {
        package.check(&interrupt::requested)?;
        None
    };
    let document = Document {
        schema: "bianque.package-verified/1",
        file: arguments.file.display().to_string(),
        kind: manifest.kind,
        name: manifest.name.as_str(),
        version: &manifest.version,
        licence: &manifest.licence,
        digest: manifest.digest().to_string(),
        entries: manifest.entries.len(),
        bytes: manifest.total_bytes(),
        requires: &manifest.requires,
        trusted: standing.is_trusted(),
        signature: &standing,
        evidence,
    };
    terminal.result(&document, &text(&document)?)?;
    Ok(if document.trusted { Outcome::Done } else { Outcome::Failed })
}

/// Unpacks a task beside everything else, reads it as a run would, and throws it away.
fn look_inside(
    package: bianque_package::PackageReader<impl std::io::Read>,
    manifest: &Manifest,
) -> anyhow::Result<EvidenceLevel> {
    let scratch = std::env::temp_dir().join(format!("bianque-verify-{}", std::process::id()));
    let (part, folder) = (scratch.join("part"), scratch.join("task"));
    let mut evidence = EvidenceLevel::None;
    let read = unpack(package, &part, &folder, &interrupt::requested, |folder| {
        let content = Content::read(folder)?;
        content.fits(manifest)?;
        evidence = content.card.evidence();
        Ok::<_, anyhow::Error>(())
    });
    if let Err(error) = std::fs::remove_dir_all(&scratch)
        && error.kind() != std::io::ErrorKind::NotFound
        && read.is_ok()
    {
        return Err(PackageError::Io { path: scratch, source: error }.into());
    }
    read.map(|()| evidence)
}

fn text(document: &Document<'_>) -> Result<String, std::fmt::Error> {
    let mut text = format!("{}\n", document.file);
    writeln!(text, "  {:<14} {} {}", document.kind.name(), document.name, document.version)?;
    writeln!(text, "  digest         {}", document.digest)?;
    writeln!(text, "  content        {} files, {} bytes: whole", document.entries, document.bytes)?;
    writeln!(text, "  licence        {}", document.licence)?;
    for needed in document.requires {
        writeln!(text, "  needs          {} {}, {}", needed.name, needed.version, needed.digest)?;
    }
    if let Some(evidence) = document.evidence {
        writeln!(text, "  evidence       {}", evidence.name())?;
    }
    writeln!(text, "  signature      {}", document.signature)?;
    match document.signature {
        Standing::Trusted { .. } => {}
        Standing::UnknownSigner { .. } => writeln!(
            text,
            "  Refused for clinical runs. If you know whose key this is, and compared its short name \
             with them\n  by another way: bianque key trust THEIR.pub --name THEM"
        )?,
        Standing::Unsigned => {
            writeln!(text, "  Refused for clinical runs: nobody vouches for it.")?
        }
    }
    Ok(text)
}

//! `bianque task pack`.

use std::path::PathBuf;

use anyhow::Context;
use bianque_lesion::EvidenceLevel;
use bianque_package::{SecretKey, pack_folder};
use serde::Serialize;

use super::{arguments::PackArguments, content::Content};
use crate::{commands::Outcome, terminal::Terminal};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    file: String,
    name: String,
    version: String,
    digest: String,
    licence: String,
    bytes: u64,
    entries: usize,
    evidence: EvidenceLevel,
    /// Short name of the key that signed.
    key: Option<String>,
}

pub(super) fn run(arguments: &PackArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let content = Content::read(&arguments.folder)?;
    let key = arguments.key.as_deref().map(SecretKey::read).transpose()?;
    let task = content.statement();
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}-{}.task.tar", task.name(), task.version())));
    let names = content.files(&arguments.folder)?;
    let describe = |entries| content.manifest(entries);
    let manifest = pack_folder(&arguments.folder, &names, describe, key.as_ref(), &out)?;
    let bytes = std::fs::metadata(&out).with_context(|| out.display().to_string())?.len();
    let document = Document {
        schema: "bianque.task-packed/1",
        file: out.display().to_string(),
        name: task.name().to_owned(),
        version: task.version().to_owned(),
        digest: manifest.digest().to_string(),
        licence: task.licence().to_owned(),
        bytes,
        entries: manifest.entries.len(),
        evidence: content.card.evidence(),
        key: key.as_ref().map(|key| key.public().id().to_string()),
    };
    let signed = match &document.key {
        Some(key) => format!("by key {key}; who takes it needs the .pub file of that key"),
        None => "by nobody: it is refused for clinical runs".to_owned(),
    };
    let text = format!(
        "wrote {} ({bytes} bytes, {} files)\n  task           {} {}\n  digest         {}\n  licence        \
         {}\n  evidence       {}\n  signed         {signed}",
        document.file,
        document.entries,
        task.name(),
        task.version(),
        document.digest,
        task.licence(),
        document.evidence.name()
    );
    terminal.result(&document, &text)?;
    Ok(Outcome::Done)
}

//! `bianque task install`.

use bianque_lesion::EvidenceLevel;
use bianque_package::{Standing, unpack};
use serde::Serialize;

use super::{
    arguments::FileArguments,
    content::{Content, is_task},
    missing_encoder, open, trusted,
};
use crate::{
    commands::{Outcome, write_file},
    interrupt,
    models::{Models, short_digest},
    terminal::Terminal,
};

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    name: String,
    version: String,
    folder: String,
    digest: String,
    signature: Standing,
    licence: String,
    evidence: EvidenceLevel,
    /// The digest that was in use before, if another was.
    before: Option<String>,
    /// What is to be done before the task can run; absent where nothing is.
    missing_encoder: Option<String>,
}

pub(super) fn run(
    arguments: &FileArguments,
    models: &Models,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    let package = open(&arguments.file)?;
    let manifest = package.manifest().clone();
    is_task(&manifest)?;
    let standing = trusted(models)?.standing(package.signature());
    let digest = manifest.digest();
    let above = models.data().tasks()?.join(manifest.name.as_str());
    let folder = above.join(short_digest(digest));
    let hidden =
        |what| above.join(format!(".{}.{}.{what}", short_digest(digest), std::process::id()));
    let place = if folder.exists() { hidden("new") } else { folder.clone() };
    unpack(package, &hidden("part"), &place, &interrupt::requested, |folder| {
        Content::read(folder)?.fits(&manifest)
    })?;
    if place != folder {
        // What was there may have been changed since it was installed: the package replaces it.
        let old = hidden("old");
        std::fs::rename(&folder, &old)?;
        std::fs::rename(&place, &folder)?;
        std::fs::remove_dir_all(&old)?;
    }
    let before =
        models.current(manifest.name.as_str()).filter(|before| *before != short_digest(digest));
    write_file(&above.join("current"), format!("{}\n", short_digest(digest)).as_bytes())?;
    let content = Content::read(&folder)?;
    let document = Document {
        schema: "bianque.task-installed/1",
        name: manifest.name.to_string(),
        version: manifest.version.clone(),
        folder: folder.display().to_string(),
        digest: digest.to_string(),
        signature: standing,
        licence: manifest.licence.clone(),
        evidence: content.card.evidence(),
        before,
        missing_encoder: missing_encoder(models, content.statement()),
    };
    terminal.result(&document, &text(&document))?;
    Ok(Outcome::Done)
}

fn text(document: &Document) -> String {
    let mut text = format!(
        "{} {} is installed in {}\n  digest         {}\n  signature      {}\n  licence        {}\n  \
         evidence       {}",
        document.name,
        document.version,
        document.folder,
        document.digest,
        document.signature,
        document.licence,
        document.evidence.name()
    );
    if !document.signature.is_trusted() {
        text.push_str("\n  clinical run   refused: its signer is not trusted here");
    }
    if let Some(before) = &document.before {
        text.push_str(&format!(
            "\n  before         {0}@{before}, still there: --task {0}@{before}",
            document.name
        ));
    }
    if let Some(missing) = &document.missing_encoder {
        text.push_str(&format!("\n  not yet usable {missing}"));
    }
    text
}

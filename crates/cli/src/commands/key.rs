//! `bianque key`: keys to sign packages with, and whom this site trusts.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use bianque_package::{PublicKey, SecretKey, TrustStore};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Outcome, write_file};
use crate::{data_folder::DataFolder, terminal::Terminal};

/// What is done with keys.
#[derive(Subcommand)]
#[command(after_help = "Examples:
  bianque key new laboratory.key                 and laboratory.pub, which others get
  bianque key show laboratory.pub                its short name, to compare on the telephone
  bianque key trust ruijin.pub --name ruijin     packages signed by it may be used for clinical runs
  bianque key show                               whom this site trusts

Keys are Ed25519, in the PEM files that OpenSSL reads. A secret key is not encrypted: keep it where
only its owner can read it. To trust somebody no more, remove NAME.pub from the folder that
`bianque key show` prints.")]
pub(crate) enum KeyCommand {
    /// Make a secret key and its public key.
    New(NewArguments),
    /// A key's short name; without a file, whom this site trusts.
    Show(ShowArguments),
    /// Trust packages that a key signed.
    Trust(TrustArguments),
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque key new laboratory.key                 and laboratory.pub beside it")]
pub(crate) struct NewArguments {
    /// The secret key's file, such as laboratory.key; an existing one is never replaced.
    pub(crate) file: PathBuf,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque key show laboratory.pub                its short name, to compare on the telephone
  bianque key show                               whom this site trusts, and in which folder")]
pub(crate) struct ShowArguments {
    /// A public key, or a secret one.
    pub(crate) file: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque key trust ruijin.pub --name ruijin")]
pub(crate) struct TrustArguments {
    /// The public key.
    pub(crate) file: PathBuf,
    /// Under what name this site knows the signer.
    #[arg(long)]
    pub(crate) name: String,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    file: Option<String>,
    /// First 16 hexadecimal digits of the public key's BLAKE3 digest.
    key: String,
    public: String,
    /// This site's name for it, where it trusts it.
    trusted_as: Option<String>,
}

#[derive(Serialize)]
struct Trusted {
    schema: &'static str,
    folder: String,
    keys: Vec<Document>,
}

pub(crate) fn run(
    command: &KeyCommand,
    data: &DataFolder,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    match command {
        KeyCommand::New(arguments) => new(&arguments.file, data, terminal),
        KeyCommand::Show(ShowArguments { file: Some(file) }) => {
            let key = read(file)?;
            let document = document(Some(file), &key, data)?;
            terminal.result(&document, &text(&document))?;
            Ok(Outcome::Done)
        }
        KeyCommand::Show(ShowArguments { file: None }) => show_trusted(data, terminal),
        KeyCommand::Trust(arguments) => {
            let key = PublicKey::read(&arguments.file)?;
            let path = TrustStore::add(&data.trusted_keys()?, &arguments.name, &key)?;
            let document = document(Some(&path), &key, data)?;
            let said = format!("{}\nPackages that it signed are trusted here.", text(&document));
            terminal.result(&document, &said)?;
            Ok(Outcome::Done)
        }
    }
}

fn new(file: &Path, data: &DataFolder, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let public = file.with_extension("pub");
    anyhow::ensure!(public != file, "{} would be its own public key: name it .key", file.display());
    anyhow::ensure!(!public.exists(), "{} is there already", public.display());
    let key = SecretKey::generate()?;
    key.write_new(file)?;
    write_file(&public, key.public().to_pem().as_bytes())?;
    let document = document(Some(&public), &key.public(), data)?;
    let said = format!(
        "{}\nThe secret key is {}: keep it to yourself. Others get {} and compare the short name with \
         you.",
        text(&document),
        file.display(),
        public.display()
    );
    terminal.result(&document, &said)?;
    Ok(Outcome::Done)
}

/// A public key, also from its secret one.
fn read(file: &Path) -> anyhow::Result<PublicKey> {
    match PublicKey::read(file) {
        Ok(key) => Ok(key),
        Err(error) => SecretKey::read(file).map(|key| key.public()).map_err(|_| error.into()),
    }
}

fn document(file: Option<&Path>, key: &PublicKey, data: &DataFolder) -> anyhow::Result<Document> {
    let store = TrustStore::read(&data.trusted_keys()?).context("the trusted keys")?;
    let trusted_as = store.keys().find(|(_, known)| *known == key).map(|(name, _)| name.to_owned());
    Ok(Document {
        schema: "bianque.key/1",
        file: file.map(|file| file.display().to_string()),
        key: key.id().to_string(),
        public: key.to_string(),
        trusted_as,
    })
}

fn text(document: &Document) -> String {
    let trusted = match &document.trusted_as {
        Some(name) => format!("as {name}"),
        None => "no".to_owned(),
    };
    let file = document.file.as_deref().unwrap_or("");
    format!("{file}\n  short name     {}\n  trusted        {trusted}", document.key)
}

fn show_trusted(data: &DataFolder, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let folder = data.trusted_keys()?;
    let store = TrustStore::read(&folder).context("the trusted keys")?;
    let keys: Vec<Document> =
        store.keys().map(|(_, key)| document(None, key, data)).collect::<Result<_, _>>()?;
    let mut said = format!("{}\n", folder.display());
    for key in &keys {
        writeln!(said, "  {:<24} {}", key.trusted_as.as_deref().unwrap_or(""), key.key)?;
    }
    if keys.is_empty() {
        writeln!(said, "  nobody: no package may be used for a clinical run")?;
    }
    let document =
        Trusted { schema: "bianque.trusted-keys/1", folder: folder.display().to_string(), keys };
    terminal.result(&document, &said)?;
    Ok(Outcome::Done)
}

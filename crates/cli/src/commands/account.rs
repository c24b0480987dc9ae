//! `bianque account`: who has an account, and a way back in for whoever lost the password.

use std::fmt::Write;

use anyhow::Context;
use bianque_record::{
    Actor, Record, Settings,
    database::Location,
    people::{Account, LinkPurpose},
};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Outcome;
use crate::terminal::Terminal;

/// What is done with accounts, from the machine's own command line.
#[derive(Subcommand)]
#[command(after_help = "Examples:
  bianque account list --database site/record.db
  bianque account link ruth --database site/record.db
  bianque account link ruth --database site/record.db --address https://slides.example

For whoever runs the machine, when nobody can log in who could do it in the browser. Works while the
server runs. Both are entries of the audit, by 'console'.")]
pub(crate) enum AccountCommand {
    /// List accounts with their roles.
    List(ListArguments),
    /// Make an address at which the owner of an account sets a new password.
    Link(LinkArguments),
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque account list --database site/record.db
  bianque account list --database 'postgresql:///bianque?host=/run/postgresql' --json")]
pub(crate) struct ListArguments {
    /// The record: a SQLite file or a PostgreSQL URL.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) database: Location,
}

#[derive(Args)]
#[command(after_help = "Examples:
  bianque account link ruth --database site/record.db --address https://slides.example")]
pub(crate) struct LinkArguments {
    /// The account's login name.
    pub(crate) login: String,
    /// The record: a SQLite file or a PostgreSQL URL.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) database: Location,
    /// The address at which people reach the server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) address: String,
}

#[derive(Serialize)]
struct ListDocument<'a> {
    schema: &'static str,
    accounts: &'a [Account],
}

#[derive(Serialize)]
struct LinkDocument<'a> {
    schema: &'static str,
    login: &'a str,
    link: &'a str,
    expires: String,
}

pub(super) fn run(command: &AccountCommand, terminal: &Terminal) -> anyhow::Result<Outcome> {
    match command {
        AccountCommand::List(arguments) => list(arguments, terminal),
        AccountCommand::Link(arguments) => link(arguments, terminal),
    }
}

fn list(arguments: &ListArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let accounts = people(&open(&arguments.database)?)?;
    let mut text = String::new();
    for account in &accounts {
        let roles: Vec<&str> = account.roles.iter().map(|role| role.name()).collect();
        let closed = if account.active { "" } else { "  (closed)" };
        writeln!(text, "{:<24} {}{closed}", account.login, roles.join(", "))?;
    }
    if accounts.is_empty() {
        text.push_str("no account yet: the server's first start prints the address that makes one");
    }
    let document = ListDocument { schema: "bianque.accounts/1", accounts: &accounts };
    terminal.result(&document, &text)?;
    Ok(Outcome::Done)
}

fn link(arguments: &LinkArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let record = open(&arguments.database)?;
    let login = &arguments.login;
    let accounts = people(&record)?;
    let account = accounts.iter().find(|account| account.login.as_str() == login);
    let account = account.with_context(|| {
        format!("no account is called '{login}': `bianque account list` shows those there are")
    })?;
    anyhow::ensure!(
        account.active,
        "the account '{login}' is closed: an administrator opens it again on the page People"
    );
    let made = record.issue_link(&Actor::console(), LinkPurpose::Password(account.id))?;
    let address = arguments.address.trim_end_matches('/');
    let link = format!("{address}/#/password?token={}", made.token.reveal());
    let expires = made.expires.to_string();
    let document = LinkDocument { schema: "bianque.account-link/1", login, link: &link, expires };
    let text = format!(
        "{link}\n\nWhoever opens this address sets the password of '{login}'. It works once, until {}; \
         earlier ones no longer do.",
        document.expires
    );
    terminal.result(&document, &text)?;
    Ok(Outcome::Done)
}

/// A record that is there: one that is not must not be made by looking for it.
fn open(location: &Location) -> anyhow::Result<Record> {
    drop(location.connect_to_read()?);
    Ok(Record::open(location, Settings::default())?)
}

/// The accounts that are people's or programs', not the machine's own.
fn people(record: &Record) -> anyhow::Result<Vec<Account>> {
    let mut accounts = record.accounts(&Actor::console())?;
    accounts.retain(|account| account.id != Actor::console().user());
    Ok(accounts)
}

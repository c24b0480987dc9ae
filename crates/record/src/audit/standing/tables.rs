//! How each state is stored: its key and what of it entries speak of.

use bianque_core::Digest;
use serde_json::Value as Json;

use super::Found;
use crate::{
    RecordError, Result,
    database::{Database, Row},
    proposals::{BulkPoints, ProposalContent},
};

/// A table whose rows follow from entries.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
    pub(super) read: fn(&Row) -> Result<(String, Found)>,
    /// Whether older programs wrote rows without an entry.
    pub(super) may_be_unknown: bool,
}

const fn table(
    name: &'static str,
    sql: &'static str,
    read: fn(&Row) -> Result<(String, Found)>,
) -> Table {
    Table { name, sql, read, may_be_unknown: false }
}

pub(super) const TABLES: [Table; 17] = [
    table("proposal", "SELECT id FROM proposal ORDER BY id", key),
    table("decision", "SELECT id FROM decision ORDER BY id", key),
    table(
        "proposal_state",
        "SELECT proposal, laboratory_case, state, standing, headline, bad_slide \
         FROM proposal_state ORDER BY proposal",
        |row| {
            let shown = shown(row.text(4)?, row.integer(5)? == 1);
            let mut found = columns(row, &["case", "state", "standing"])?;
            found.1.push(("shown", Some(shown)));
            Ok(found)
        },
    ),
    table(
        "laboratory_case",
        "SELECT id, number, pseudonym, status, reading, urgency_rank, assigned, requested_by \
         FROM laboratory_case ORDER BY id",
        |row| {
            columns(
                row,
                &["number", "patient", "status", "reading", "urgency", "assigned", "requested by"],
            )
        },
    ),
    table("slide", "SELECT id, laboratory_case, digest FROM slide ORDER BY id", |row| {
        columns(row, &["case", "digest"])
    }),
    table(
        "consent",
        "SELECT ordinal, pseudonym, purpose, granted, until, at, recorded_by FROM consent \
         ORDER BY ordinal",
        |row| columns(row, &["patient", "purpose", "granted", "until", "at", "recorded by"]),
    ),
    table("account", "SELECT id, active, password FROM account ORDER BY id", |row| {
        let password = row.optional_text(2)?.map(|hash| Digest::of(hash.as_bytes()));
        let mut found = columns(row, &["active"])?;
        found.1.push(("password", password.map(|digest| digest.to_string())));
        Ok(found)
    }),
    table("account_role", "SELECT account, role FROM account_role ORDER BY account, role", pair),
    table(
        "service_token",
        "SELECT id, account, role, expires, CASE WHEN revoked IS NULL THEN 0 ELSE 1 END, token \
         FROM service_token ORDER BY id",
        |row| {
            let mut found = columns(row, &["account", "role", "expires", "revoked"])?;
            found.1.push(("token", Some(Digest::of(row.text(5)?.as_bytes()).to_string())));
            Ok(found)
        },
    ),
    table(
        "recognised_person",
        "SELECT issuer, subject, account FROM recognised_person ORDER BY issuer, subject",
        |row| {
            let key = person(row.text(0)?, row.text(1)?);
            Ok((key, vec![("account", Some(row.text(2)?.to_owned()))]))
        },
    ),
    table(
        "case_version",
        "SELECT laboratory_case, version, digest, signed_by, at FROM case_version \
         ORDER BY laboratory_case, version",
        |row| {
            let key = format!("{}/{}", row.text(0)?, row.integer(1)?);
            let at = Some(row.integer(4)?.to_string());
            Ok((
                key,
                vec![
                    ("digest", Some(row.text(2)?.to_owned())),
                    ("signed by", Some(row.text(3)?.to_owned())),
                    ("at", at),
                ],
            ))
        },
    ),
    table(
        "unaided_reading",
        "SELECT laboratory_case, account, digest FROM unaided_reading \
         ORDER BY laboratory_case, account",
        |row| {
            let key = format!("{}/{}", row.text(0)?, row.text(1)?);
            Ok((key, vec![("digest", Some(row.text(2)?.to_owned()))]))
        },
    ),
    table(
        "stored_instance",
        "SELECT uid, object, stored_by, at FROM stored_instance ORDER BY uid",
        |row| columns(row, &["object", "stored by", "at"]),
    ),
    table(
        "discrepancy",
        "SELECT id, proposal, CASE WHEN closed IS NULL THEN 0 ELSE 1 END FROM discrepancy \
         ORDER BY id",
        |row| columns(row, &["proposal", "closed"]),
    ),
    table(
        "reveal",
        "SELECT laboratory_case, account FROM reveal ORDER BY laboratory_case, account",
        pair,
    ),
    table("site_setting", "SELECT name, value FROM site_setting ORDER BY name", |row| {
        columns(row, &["value"])
    }),
    Table {
        name: "examination",
        sql: "SELECT slide, producer, outputs FROM examination WHERE state = 'done' \
              ORDER BY slide, producer",
        read: |row| {
            let digest = Digest::of(row.text(2)?.as_bytes()).to_string();
            let key = format!("{} {}", row.text(0)?, row.text(1)?);
            Ok((key, vec![("outputs", Some(digest))]))
        },
        may_be_unknown: true,
    },
];

fn key(row: &Row) -> Result<(String, Found)> {
    Ok((row.text(0)?.to_owned(), Vec::new()))
}

fn pair(row: &Row) -> Result<(String, Found)> {
    Ok((format!("{} {}", row.text(0)?, row.text(1)?), Vec::new()))
}

/// The first column is the key, the others have these names.
fn columns(row: &Row, names: &[&'static str]) -> Result<(String, Found)> {
    let text = |column| -> Result<Option<String>> {
        row.optional_text(column)
            .map(|text| text.map(str::to_owned))
            .or_else(|_| Ok(row.optional_integer(column)?.map(|number| number.to_string())))
    };
    let key = text(0)?.ok_or_else(|| RecordError::damaged("row", "?", "it has no key"))?;
    let found: Result<Found> =
        (1..).zip(names).map(|(column, name)| Ok((*name, text(column)?))).collect();
    Ok((key, found?))
}

/// What a list shows of a proposal, as its entries bind it.
pub(crate) fn shown(headline: &str, bad_slide: bool) -> String {
    Digest::of(format!("{bad_slide} {headline}").as_bytes()).to_string()
}

/// A person of an identity provider, as the entry of the first login names him.
pub(crate) fn person(issuer: &str, subject: &str) -> String {
    Digest::of(format!("{} {issuer} {subject}", issuer.len()).as_bytes()).to_string()
}

/// A case whose place in the worklist does not follow from its proposals.
pub(super) fn miscounted_case(database: &mut dyn Database) -> Result<Option<String>> {
    let sql = "SELECT c.id FROM laboratory_case c WHERE \
        c.undecided <> (SELECT count(*) FROM proposal_state s WHERE s.laboratory_case = c.id \
            AND s.state IN ('proposed', 'deferred', 'read-once', 'disputed')) \
        OR c.quality_rank <> (CASE WHEN EXISTS (SELECT 1 FROM proposal_state s \
            WHERE s.laboratory_case = c.id AND s.bad_slide = 1) THEN 0 ELSE 1 END) \
        ORDER BY c.id LIMIT 1";
    let rows = database.query(sql, &[])?;
    let what = |row: &Row| {
        Ok(format!(
            "laboratory_case '{}': its count of undecided proposals, or its rank, does not follow \
             from them",
            row.text(0)?
        ))
    };
    rows.first().map(what).transpose()
}

/// Objects that rows name.
pub(super) fn objects(database: &mut dyn Database) -> Result<Vec<Digest>> {
    let mut all = Vec::new();
    for sql in [
        "SELECT object FROM stored_instance ORDER BY uid",
        "SELECT weights FROM refitted_head ORDER BY id",
    ] {
        for row in database.query(sql, &[])? {
            all.extend(row.text(0)?.parse::<Digest>().ok());
        }
    }
    let sql = "SELECT content FROM proposal WHERE kind = ?1 ORDER BY id";
    for row in database.query(sql, &[BulkPoints::KIND.into()])? {
        let points: Option<BulkPoints> = serde_json::from_str(row.text(0)?).ok();
        all.extend(points.map(|points| points.object));
    }
    for row in database.query("SELECT outputs FROM examination WHERE state = 'done'", &[])? {
        let outputs: Json = serde_json::from_str(row.text(0)?).unwrap_or_default();
        named(&outputs, &mut all);
    }
    Ok(all)
}

/// Every digest that stands in a value.
fn named(value: &Json, all: &mut Vec<Digest>) {
    match value {
        Json::String(text) => all.extend(text.parse::<Digest>().ok()),
        Json::Array(values) => values.iter().for_each(|value| named(value, all)),
        Json::Object(values) => values.values().for_each(|value| named(value, all)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

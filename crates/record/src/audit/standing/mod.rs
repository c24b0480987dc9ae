//! States that live beside the chain (where a proposal stands, a case's status, roles, consent):
//! going along the chain makes them anew, and what is stored must be the same.

mod learn;
mod tables;

use std::collections::HashMap;

use bianque_core::Digest;

use self::tables::{TABLES, Table};
pub(crate) use self::tables::{person, shown};
use super::Fault;
use crate::{Result, database::Database};

/// Rows that are held in memory at once.
const PAGE: i64 = 2000;

/// A row as the chain says it must be.
#[derive(Debug)]
struct Expected {
    /// The last entry that speaks of it.
    sequence: u64,
    /// Columns that entries speak of, by name; absent where the database holds nothing.
    fields: Vec<(&'static str, Option<String>)>,
}

impl Expected {
    fn new(sequence: u64) -> Self {
        Self { sequence, fields: Vec::new() }
    }

    fn set(&mut self, name: &'static str, value: Option<String>) {
        self.fields.retain(|(known, _)| *known != name);
        self.fields.push((name, value));
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| *known == name)?.1.as_deref()
    }
}

/// Rows by their keys.
type Rows = HashMap<String, Expected>;

/// What the chain says of all that lives beside it.
#[derive(Debug, Default)]
pub(super) struct Standing {
    tables: HashMap<&'static str, Rows>,
    /// Proposals of each case.
    of_case: HashMap<String, Vec<String>>,
    /// Proposals of each slide.
    of_slide: HashMap<String, Vec<String>>,
    consents: u64,
    /// Whether an older program bound people to accounts without saying whom.
    old_bindings: bool,
    /// Objects that entries or what they testify to name.
    objects: Vec<Digest>,
}

impl Standing {
    /// The first thing that is stored otherwise than the chain says.
    pub(super) fn judge(&self, database: &mut dyn Database) -> Result<Option<Fault>> {
        for table in &TABLES {
            if let Some(what) = self.judge_table(database, table)? {
                return Ok(Some(Fault::State { what }));
            }
        }
        let what = tables::miscounted_case(database)?;
        Ok(what.map(|what| Fault::State { what }))
    }

    fn judge_table(&self, database: &mut dyn Database, table: &Table) -> Result<Option<String>> {
        let empty = Rows::new();
        let expected = self.tables.get(table.name).unwrap_or(&empty);
        let may_be_unknown =
            table.may_be_unknown || (table.name == "recognised_person" && self.old_bindings);
        let (mut seen, mut offset) = (0, 0);
        loop {
            let sql = format!("{} LIMIT ?1 OFFSET ?2", table.sql);
            let rows = database.query(&sql, &[PAGE.into(), offset.into()])?;
            for row in &rows {
                let (key, found) = (table.read)(row)?;
                match expected.get(&key) {
                    Some(expected) => {
                        seen += 1;
                        if let Some(what) = difference(table.name, &key, expected, &found) {
                            return Ok(Some(what));
                        }
                    }
                    None if may_be_unknown => {}
                    None => return Ok(Some(format!("no entry speaks of {} '{key}'", table.name))),
                }
            }
            offset += PAGE;
            if (rows.len() as i64) < PAGE {
                break;
            }
        }
        if seen == expected.len() {
            return Ok(None);
        }
        gone(database, table, expected)
    }

    /// Every object that the record names, each once.
    pub(super) fn objects(&self, database: &mut dyn Database) -> Result<Vec<Digest>> {
        let mut all = self.objects.clone();
        all.extend(tables::objects(database)?);
        all.sort_unstable_by_key(Digest::to_string);
        all.dedup();
        Ok(all)
    }
}

type Found = Vec<(&'static str, Option<String>)>;

fn difference(table: &str, key: &str, expected: &Expected, found: &Found) -> Option<String> {
    expected.fields.iter().find_map(|(name, value)| {
        let (_, stored) = found.iter().find(|(known, _)| known == name)?;
        (stored != value).then(|| {
            format!("{table} '{key}': {name} is not what entry {} says", expected.sequence)
        })
    })
}

/// Names a row that is not there.
fn gone(database: &mut dyn Database, table: &Table, expected: &Rows) -> Result<Option<String>> {
    let rows = database
        .query(&format!("{} LIMIT ?1 OFFSET ?2", table.sql), &[i64::MAX.into(), 0_i64.into()])?;
    let mut there = std::collections::HashSet::new();
    for row in &rows {
        there.insert((table.read)(row)?.0);
    }
    let lost = expected.iter().filter(|(key, _)| !there.contains(*key));
    let first = lost.min_by_key(|(_, expected)| expected.sequence);
    Ok(first.map(|(key, expected)| {
        format!("{} '{key}' is gone; entry {} speaks of it", table.name, expected.sequence)
    }))
}

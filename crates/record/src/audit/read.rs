//! Reading the chain from a database.

use std::io::{self, Write};

use super::{
    AuditQuery, Entry, Event, Fault, Head, Object, Report, Verifier, deeds::verify_deed,
    export_lines, standing::Standing,
};
use bianque_core::Digest;

use crate::{
    Record, RecordError, Result,
    database::{Database, Row},
    migration,
    objects::ObjectStore,
    people::{Action, Actor},
    store::Audited,
};
use serde_json::json;

/// Entries that are held in memory at once.
const PAGE: i64 = 2000;

const COLUMNS: &str = "SELECT sequence, at, actor, role, event, outcome, object_kind, object, \
                       detail, previous, hash FROM audit_entry";

/// Verifies the chain of a database, that decisions and signed cases are what their entries testify
/// to, and that the states beside it follow from it. Changes nothing.
///
/// # Errors
/// When the database cannot be read or is no record of this version. What is wrong with the chain
/// is in the report.
pub fn verify_database(database: &mut dyn Database, kept: &[Head]) -> Result<Report> {
    verify_record(database, kept, None)
}

/// As [`verify_database`]; also that every object that the record names is there and is what it was.
///
/// # Errors
/// As [`verify_database`].
pub fn verify_record(
    database: &mut dyn Database,
    kept: &[Head],
    objects: Option<&dyn ObjectStore>,
) -> Result<Report> {
    let found = migration::checked_version(database)?;
    if found != migration::newest_version() {
        let what = format!("it has version {found}: open it once with this program, then verify");
        return Err(RecordError::Database { doing: "read", what });
    }
    database.begin_reading()?;
    let report = verify_inside(database, kept, objects);
    database.batch("ROLLBACK")?;
    report
}

fn verify_inside(
    database: &mut dyn Database,
    kept: &[Head],
    objects: Option<&dyn ObjectStore>,
) -> Result<Report> {
    let (mut verifier, mut standing) = (Verifier::new(kept), Standing::default());
    let mut after = i64::MIN;
    while verifier.holds() {
        let rows = page(database, after)?;
        let Some(last) = rows.last() else { break };
        after = last.integer(0)?;
        for row in &rows {
            match entry_of(row) {
                Ok(entry) => {
                    verifier.take(&entry);
                    standing.take(&entry);
                    if verifier.holds()
                        && let Some(what) = verify_deed(database, &entry)?
                    {
                        verifier.blame(Fault::Deed { sequence: entry.sequence, what });
                    }
                }
                Err(error) => verifier.take_unreadable(error),
            }
        }
    }
    let sql = "SELECT sequence, hash FROM audit_head WHERE the_only_one = 1";
    let head = database.query(sql, &[])?.first().map(|row| {
        Ok::<_, RecordError>(Head::new(
            u64::try_from(row.integer(0)?).unwrap_or(u64::MAX),
            row.text(1)?.to_owned(),
        ))
    });
    // A head that is gone must not look like a chain that needs none.
    let head = head.transpose()?.unwrap_or_else(|| Head::new(u64::MAX, String::new()));
    let mut report = verifier.finish(Some(&head));
    if report.whole {
        report.blame(standing.judge(database)?);
    }
    if let Some(store) = objects.filter(|_| report.whole) {
        report.blame(changed_object(&standing.objects(database)?, store)?);
    }
    Ok(report)
}

/// The first object that is not what its name says.
fn changed_object(objects: &[Digest], store: &dyn ObjectStore) -> Result<Option<Fault>> {
    for digest in objects {
        match store.check(*digest) {
            Ok(()) => {}
            Err(error @ (RecordError::NotFound { .. } | RecordError::Damaged { .. })) => {
                return Ok(Some(Fault::Object { what: error.to_string() }));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn page(database: &mut dyn Database, after: i64) -> Result<Vec<Row>> {
    let sql = format!("{COLUMNS} WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
    database.query(&sql, &[after.into(), PAGE.into()])
}

fn entry_of(row: &Row) -> Result<Entry> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(Entry {
        sequence: u64::try_from(row.integer(0)?)
            .map_err(|_| RecordError::damaged("audit entry", "?", "its number is negative"))?,
        at: row.integer(1)?,
        actor: text(2)?,
        role: text(3)?,
        event: text(4)?,
        outcome: text(5)?,
        object_kind: text(6)?,
        object: text(7)?,
        detail: text(8)?,
        previous: text(9)?,
        hash: text(10)?,
    })
}

impl Record {
    /// Entries, the newest first.
    ///
    /// # Errors
    /// When the actor may not.
    pub fn audit_entries(&self, actor: &Actor, query: &AuditQuery) -> Result<Vec<Entry>> {
        self.deed(actor, Action::ReadAudit, Event::AuditRead, |unit| {
            let (condition, values) = query.condition();
            let sql = format!("{COLUMNS} WHERE {condition}");
            let entries: Result<Vec<_>> = unit.query(&sql, &values)?.iter().map(entry_of).collect();
            Ok(Audited::new(entries?, Object::new("audit", "entries"), json!({})))
        })
    }

    /// Writes the whole chain as JSON lines, the entry of this export as its last; gives its head,
    /// which is to be kept apart.
    ///
    /// # Errors
    /// When the actor may not, or the file cannot be written.
    pub fn export_audit(&self, actor: &Actor, out: impl Write) -> Result<Head> {
        self.deed(actor, Action::ReadAudit, Event::AuditRead, |_| {
            Ok(Audited::new((), Object::new("audit", "export"), json!({})))
        })?;
        self.reading(|unit| {
            let mut after = i64::MIN;
            let mut rows = Vec::new().into_iter();
            let entries = std::iter::from_fn(|| {
                if rows.len() == 0 {
                    let sql = format!("{COLUMNS} WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
                    match unit.query(&sql, &[after.into(), PAGE.into()]) {
                        Ok(found) => rows = found.into_iter(),
                        Err(error) => return Some(Err(error)),
                    }
                }
                let row = rows.next()?;
                let entry = row.integer(0).and_then(|sequence| {
                    after = sequence;
                    entry_of(&row)
                });
                Some(entry)
            });
            export_lines(entries, out)
        })
    }

    /// The end of the chain, to be kept apart from the database: in a file of another machine, on
    /// paper, in a mail.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn audit_head(&self) -> Result<Head> {
        self.reading(|unit| {
            let sql = "SELECT sequence, hash FROM audit_head WHERE the_only_one = 1";
            let row = unit.one(sql, &[])?;
            let row = row.ok_or_else(|| RecordError::damaged("audit head", 1, "it is gone"))?;
            Ok(Head::new(u64::try_from(row.integer(0)?).unwrap_or(0), row.text(1)?.to_owned()))
        })
    }
}

impl From<io::Error> for RecordError {
    fn from(source: io::Error) -> Self {
        Self::File { doing: "write", path: "the audit's export".into(), source }
    }
}

//! Numbered steps that make the schema. Each runs in one transaction with the row that says so, and
//! is never changed after a release: its digest is kept beside its number.

use bianque_core::Digest;

use crate::{
    RecordError, Result,
    audit::open_chain,
    database::{Database, Dialect},
    identity::Moment,
    store::Unit,
};

/// A step: statements for both databases, in SQLite's words, then those that only one has.
struct Migration {
    shared: &'static str,
    sqlite: &'static str,
    postgresql: &'static str,
}

macro_rules! migration {
    ($name:literal) => {
        Migration {
            shared: include_str!(concat!("../migrations/", $name, ".sql")),
            sqlite: include_str!(concat!("../migrations/", $name, ".sqlite.sql")),
            postgresql: include_str!(concat!("../migrations/", $name, ".postgresql.sql")),
        }
    };
}

/// The steps; the first has number 1.
const MIGRATIONS: [Migration; 10] = [
    migration!("0001_people_and_audit"),
    migration!("0002_cases"),
    migration!("0003_proposals_and_decisions"),
    migration!("0004_reading"),
    migration!("0005_improvement"),
    migration!("0006_single_sign_on"),
    migration!("0007_stored_instances"),
    migration!("0008_login_sources"),
    migration!("0009_cases_of_several_slides"),
    migration!("0010_unaided_readings"),
];

impl Migration {
    fn statements(&self, dialect: Dialect) -> String {
        match dialect {
            Dialect::Sqlite => format!("{}\n{}", self.shared, self.sqlite),
            Dialect::Postgresql => format!("{}\n{}", in_postgresql(self.shared), self.postgresql),
        }
    }
}

/// SQLite's `INTEGER` has 64 bits and its texts compare by bytes; strict tables are what PostgreSQL
/// has anyway.
fn in_postgresql(sql: &str) -> String {
    sql.replace(" INTEGER", " BIGINT")
        .replace(" REAL", " DOUBLE PRECISION")
        .replace(" TEXT", " TEXT COLLATE \"C\"")
        .replace(") STRICT;", ");")
}

/// The newest version that this program knows.
#[must_use]
pub fn newest_version() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Runs the steps that the database has not seen, each in one transaction.
pub(crate) fn bring_up_to_date(database: &mut dyn Database, now: Moment) -> Result<()> {
    migrate_to(database, now, newest_version())
}

/// As [`bring_up_to_date`], up to a version.
fn migrate_to(database: &mut dyn Database, now: Moment, last: u32) -> Result<()> {
    // Most often there is nothing to do, and then nothing is locked.
    if has_version_table(database)? && checked_version(database)? >= last {
        return Ok(());
    }
    for (version, migration) in (1..=last).zip(&MIGRATIONS) {
        database.begin_writing()?;
        let done = step(database, now, version, migration).and_then(|()| database.batch("COMMIT"));
        if done.is_err() {
            // The first error is the one to tell; a broken connection rolls back by itself.
            let _ = database.batch("ROLLBACK");
        }
        done?;
    }
    Ok(())
}

/// One step, unless another program took it meanwhile.
fn step(
    database: &mut dyn Database,
    now: Moment,
    version: u32,
    migration: &Migration,
) -> Result<()> {
    database.batch(&in_dialect(
        database.dialect(),
        "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, \
         digest TEXT NOT NULL, at INTEGER NOT NULL) STRICT;",
    ))?;
    if checked_version(database)? >= version {
        return Ok(());
    }
    let statements = migration.statements(database.dialect());
    database.batch(&statements)?;
    database.execute(
        "INSERT INTO schema_version (version, digest, at) VALUES (?1, ?2, ?3)",
        &[version.into(), Digest::of(statements.as_bytes()).to_string().into(), now.into()],
    )?;
    if version == 1 {
        open_chain(&mut Unit::new(database, now))?;
    }
    Ok(())
}

fn in_dialect(dialect: Dialect, sql: &str) -> String {
    match dialect {
        Dialect::Sqlite => sql.to_owned(),
        Dialect::Postgresql => in_postgresql(sql),
    }
}

fn has_version_table(database: &mut dyn Database) -> Result<bool> {
    let sql = match database.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_schema WHERE name = 'schema_version'",
        Dialect::Postgresql => "SELECT to_regclass('schema_version')::text",
    };
    let rows = database.query(sql, &[])?;
    Ok(rows.first().map(|row| row.optional_text(0)).transpose()?.flatten().is_some())
}

/// The database's version, once every step that it has seen is known to be ours.
pub(crate) fn checked_version(database: &mut dyn Database) -> Result<u32> {
    let rows =
        database.query("SELECT version, digest FROM schema_version ORDER BY version", &[])?;
    let found = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let last = rows.last().map(|row| row.integer(0)).transpose()?.unwrap_or(0);
    if last > i64::from(newest_version()) {
        let found = u32::try_from(last).unwrap_or(u32::MAX);
        return Err(RecordError::Newer { found, known: newest_version() });
    }
    for ((version, migration), row) in (1..).zip(&MIGRATIONS).zip(&rows) {
        let statements = migration.statements(database.dialect());
        let expected = Digest::of(statements.as_bytes()).to_string();
        if row.integer(0)? != i64::from(version) || row.text(1)? != expected {
            let what = format!("the database was made with {}", row.text(1)?);
            return Err(RecordError::ForeignMigration { version, what });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::SqliteDatabase;

    const NOW: Moment = Moment::from_microseconds(1);

    fn database(folder: &tempfile::TempDir) -> SqliteDatabase {
        SqliteDatabase::open(&folder.path().join("record.db")).unwrap()
    }

    #[test]
    fn an_older_database_is_brought_up_to_date_and_a_second_time_is_no_work() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = database(&folder);
        migrate_to(&mut database, NOW, 1).unwrap();
        assert_eq!(checked_version(&mut database).unwrap(), 1);
        bring_up_to_date(&mut database, NOW).unwrap();
        bring_up_to_date(&mut database, NOW).unwrap();
        assert_eq!(checked_version(&mut database).unwrap(), newest_version());
    }

    #[test]
    fn a_newer_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = database(&folder);
        bring_up_to_date(&mut database, NOW).unwrap();
        database.batch("INSERT INTO schema_version VALUES (99, 'x', 1)").unwrap();
        let error = bring_up_to_date(&mut database, NOW).unwrap_err();
        assert!(matches!(error, RecordError::Newer { found: 99, .. }), "{error}");
    }

    #[test]
    fn a_database_of_other_statements_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = database(&folder);
        bring_up_to_date(&mut database, NOW).unwrap();
        database.batch("UPDATE schema_version SET digest = 'x' WHERE version = 2").unwrap();
        let error = bring_up_to_date(&mut database, NOW).unwrap_err();
        assert!(matches!(error, RecordError::ForeignMigration { version: 2, .. }), "{error}");
    }
}

//! SQLite: one file, write-ahead log, every commit on the disk before it counts.

use std::{path::Path, time::Duration};

use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    ffi::{SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE},
    params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::{Database, Dialect, IS_THERE, NAMES_NOTHING, Row, Value};
use crate::{RecordError, Result};

/// How long a statement waits for another program's transaction.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a SQLite file.
pub struct SqliteDatabase {
    connection: Connection,
}

impl SqliteDatabase {
    /// Opens a file, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened or is no SQLite database.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Self::with_flags(path, flags)?;
        // FULL: a decision that was acknowledged survives a power cut.
        opened
            .connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
            .map_err(|error| opening(path, &error))?;
        Ok(opened)
    }

    /// Opens a file that is there; nothing can be changed.
    ///
    /// # Errors
    /// As [`SqliteDatabase::open`].
    pub fn open_to_read(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self::with_flags(path, flags)
    }

    fn with_flags(path: &Path, flags: OpenFlags) -> Result<Self> {
        let set_up = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(PATIENCE)?;
            connection.set_prepared_statement_cache_capacity(128);
            connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;")?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        };
        let connection = set_up().map_err(|error| opening(path, &error))?;
        Ok(Self { connection })
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl Database for SqliteDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.execute(params_from_iter(values))
        };
        Ok(run().map_err(|error| sorted("written", &error))? as u64)
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let columns = statement.column_count();
            let mut rows = statement.query(params_from_iter(values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let cells = (0..columns).map(|column| Ok(value_of(row.get_ref(column)?)));
                found.push(Row(cells.collect::<rusqlite::Result<_>>()?));
            }
            Ok(found)
        };
        run().map_err(|error| sorted("read", &error))
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(|error| sorted("written", &error))
    }

    fn begin_writing(&mut self) -> Result<()> {
        self.batch("BEGIN IMMEDIATE")
    }

    fn begin_reading(&mut self) -> Result<()> {
        self.batch("BEGIN DEFERRED")
    }
}

/// Bytes that are no text become text that no parser accepts: a damaged row is then reported as one.
fn value_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Value::Text(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

fn opening(path: &Path, error: &rusqlite::Error) -> RecordError {
    let what = format!("{}: {error}", path.display());
    RecordError::Database { doing: "opened", what }
}

/// What a rule of the tables refuses, in words: the database's own name tables and columns.
fn contradicted(error: &rusqlite::Error, what: &str) -> RecordError {
    match error.sqlite_error().map(|error| error.extended_code) {
        Some(SQLITE_CONSTRAINT_FOREIGNKEY) => RecordError::Conflict(NAMES_NOTHING.to_owned()),
        Some(SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY) => {
            RecordError::Conflict(IS_THERE.to_owned())
        }
        _ => RecordError::Conflict(format!("what is recorded already stands against it ({what})")),
    }
}

fn sorted(doing: &'static str, error: &rusqlite::Error) -> RecordError {
    let what = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => RecordError::Busy(what),
        Some(ErrorCode::DiskFull) => RecordError::Full(what),
        Some(ErrorCode::ConstraintViolation) => contradicted(error, &what),
        _ => RecordError::Database { doing, what },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_row_is_told_in_words_and_names_no_table() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = SqliteDatabase::open(&folder.path().join("record.db")).unwrap();
        let tables = "CREATE TABLE glass (id INTEGER PRIMARY KEY);
                      CREATE TABLE scan (glass INTEGER NOT NULL REFERENCES glass (id));
                      INSERT INTO glass VALUES (1);";
        database.batch(tables).unwrap();
        for (sql, told) in [
            ("INSERT INTO scan VALUES (2)", NAMES_NOTHING),
            ("INSERT INTO glass VALUES (1)", IS_THERE),
        ] {
            let error = database.execute(sql, &[]).unwrap_err();
            assert!(matches!(&error, RecordError::Conflict(what) if what == told), "{error}");
            let error = error.to_string();
            assert!(!error.contains("constraint") && !error.contains("glass"), "{error}");
        }
    }
}

//! Two databases behind one trait: SQL text and values in, rows of values out.
//!
//! Statements are written once, in the words of SQLite, with placeholders `?1`, `?2`, …; the
//! PostgreSQL side translates them. No async: whoever serves requests calls from a thread that may
//! block.

mod location;
#[cfg(feature = "postgresql")]
mod postgresql;
mod sqlite;

pub use location::Location;
#[cfg(feature = "postgresql")]
pub use postgresql::PostgresqlDatabase;
pub use sqlite::SqliteDatabase;

use crate::{RecordError, Result};

/// Said where a row would refer to one that is not there.
const NAMES_NOTHING: &str = "it names an account, case, slide or finding that is not recorded";
/// Said where a row is there already.
const IS_THERE: &str = "the same is recorded already";

/// What a database column holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number; also truth values, as 0 and 1.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row, in the order of the statement's columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    fn at(&self, column: usize) -> &Value {
        self.0.get(column).unwrap_or(&Value::Null)
    }

    /// A column's text.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] when it holds something else.
    pub fn text(&self, column: usize) -> Result<&str> {
        match self.at(column) {
            Value::Text(text) => Ok(text),
            other => Err(wrong_type(column, "text", other)),
        }
    }

    /// A column's text, or nothing.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] when it holds something else.
    pub fn optional_text(&self, column: usize) -> Result<Option<&str>> {
        if *self.at(column) == Value::Null { Ok(None) } else { self.text(column).map(Some) }
    }

    /// A column's whole number.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] when it holds something else.
    pub fn integer(&self, column: usize) -> Result<i64> {
        match self.at(column) {
            Value::Integer(number) => Ok(*number),
            other => Err(wrong_type(column, "a whole number", other)),
        }
    }

    /// A column's whole number, or nothing.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] when it holds something else.
    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>> {
        if *self.at(column) == Value::Null { Ok(None) } else { self.integer(column).map(Some) }
    }

    /// A column's number, or nothing.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] when it holds something else.
    pub fn optional_real(&self, column: usize) -> Result<Option<f64>> {
        match self.at(column) {
            Value::Null => Ok(None),
            Value::Real(number) => Ok(Some(*number)),
            other => Err(wrong_type(column, "a number", other)),
        }
    }

    /// A column's text, parsed.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] when it does not parse.
    pub fn parsed<T>(&self, column: usize) -> Result<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.text(column)?;
        text.parse().map_err(|error| RecordError::damaged("value", text, error))
    }
}

fn wrong_type(column: usize, expected: &str, found: &Value) -> RecordError {
    let found = match found {
        Value::Null => "nothing",
        Value::Integer(_) => "a whole number",
        Value::Real(_) => "a number",
        Value::Text(_) => "text",
    };
    RecordError::damaged("column", column, format!("expected {expected}, found {found}"))
}

/// Which database speaks.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A file.
    Sqlite,
    /// A server.
    Postgresql,
}

/// One connection to a database.
pub trait Database: Send {
    /// Which database speaks.
    fn dialect(&self) -> Dialect;

    /// Runs a statement; gives the number of rows that it changed.
    ///
    /// # Errors
    /// [`RecordError::Busy`], [`RecordError::Full`] or [`RecordError::Database`].
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64>;

    /// Runs a query.
    ///
    /// # Errors
    /// As [`Database::execute`].
    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>>;

    /// Runs statements without values: schema changes, `BEGIN`, `COMMIT`.
    ///
    /// # Errors
    /// As [`Database::execute`].
    fn batch(&mut self, sql: &str) -> Result<()>;

    /// Begins a transaction that will write. Only one runs at a time, over all programs: the audit
    /// chain is a line.
    ///
    /// # Errors
    /// As [`Database::execute`].
    fn begin_writing(&mut self) -> Result<()>;

    /// Begins a transaction that sees one state of the database and writes nothing.
    ///
    /// # Errors
    /// As [`Database::execute`].
    fn begin_reading(&mut self) -> Result<()>;
}

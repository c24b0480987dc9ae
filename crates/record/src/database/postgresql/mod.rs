//! PostgreSQL, by the blocking client of the tokio-postgres authors: same protocol code, no async
//! here.

mod encryption;

use std::collections::HashMap;

use bytes::BytesMut;
use postgres::{
    Client, NoTls, Statement,
    error::SqlState,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use super::{Database, Dialect, IS_THERE, NAMES_NOTHING, Row, Value};
use crate::{RecordError, Result};

/// The advisory lock that a writing transaction holds: "bianque" in ASCII.
const WRITER: i64 = 0x62_69_61_6e_71_75_65;

/// A connection to a PostgreSQL server.
pub struct PostgresqlDatabase {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl PostgresqlDatabase {
    /// Connects to a server: on this machine as it is, on another one by TLS.
    ///
    /// # Errors
    /// When the URL is malformed, the server is another machine whose certificate no authority
    /// vouches for, or when it refuses.
    pub fn connect(url: &str) -> Result<Self> {
        let address = encryption::read(url)?;
        let connected = match address.encryption()? {
            Some(encryption) => address.config.connect(encryption),
            None => address.config.connect(NoTls),
        };
        let mut client = connected.map_err(|error| opening(&error))?;
        client
            .batch_execute("SET synchronous_commit = on; SET lock_timeout = '10s'")
            .map_err(|error| opening(&error))?;
        Ok(Self { client, statements: HashMap::new() })
    }

    fn prepare(&mut self, sql: &str) -> std::result::Result<Statement, postgres::Error> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let statement = self.client.prepare(&translated(sql))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// `?1` is `$1` here. No statement of this crate has a question mark in a literal.
fn translated(sql: &str) -> String {
    sql.replace('?', "$")
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) if *ty == Type::INT4 => {
                i32::try_from(*number)?.to_sql_checked(ty, out)
            }
            Self::Integer(number) => number.to_sql_checked(ty, out),
            Self::Real(number) => number.to_sql_checked(ty, out),
            Self::Text(text) => text.as_str().to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn row_of(row: &postgres::Row) -> std::result::Result<Row, postgres::Error> {
    let cell = |index: usize, ty: &Type| -> std::result::Result<Value, postgres::Error> {
        Ok(match *ty {
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.into(),
            Type::INT4 => row.try_get::<_, Option<i32>>(index)?.map(i64::from).into(),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(index)?.into(),
            _ => row.try_get::<_, Option<String>>(index)?.into(),
        })
    };
    let cells = row.columns().iter().enumerate().map(|(index, column)| cell(index, column.type_()));
    Ok(Row(cells.collect::<std::result::Result<_, _>>()?))
}

impl Database for PostgresqlDatabase {
    fn dialect(&self) -> Dialect {
        Dialect::Postgresql
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        let statement = self.prepare(sql).map_err(|error| sorted("written", &error))?;
        self.client
            .execute(&statement, &parameters(values))
            .map_err(|error| sorted("written", &error))
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql).map_err(|error| sorted("read", &error))?;
        let rows = self
            .client
            .query(&statement, &parameters(values))
            .map_err(|error| sorted("read", &error))?;
        let rows: std::result::Result<_, _> = rows.iter().map(row_of).collect();
        rows.map_err(|error| sorted("read", &error))
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).map_err(|error| sorted("written", &error))
    }

    fn begin_writing(&mut self) -> Result<()> {
        self.batch("BEGIN")?;
        let locked = self.batch(&format!("SELECT pg_advisory_xact_lock({WRITER})"));
        if locked.is_err() {
            self.batch("ROLLBACK")?;
        }
        locked
    }

    fn begin_reading(&mut self) -> Result<()> {
        self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }
}

fn opening(error: &postgres::Error) -> RecordError {
    RecordError::Database { doing: "opened", what: said(error) }
}

/// The client's own text leaves out what the server said, or why no connection came about.
fn said(error: &postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    let why = std::error::Error::source(error);
    why.map_or_else(|| error.to_string(), |why| format!("{error}: {why}"))
}

fn sorted(doing: &'static str, error: &postgres::Error) -> RecordError {
    let what = said(error);
    match error.code() {
        Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => RecordError::Busy(what),
        Some(code) if *code == SqlState::T_R_DEADLOCK_DETECTED => RecordError::Busy(what),
        Some(code) if *code == SqlState::DISK_FULL => RecordError::Full(what),
        Some(code) if *code == SqlState::FOREIGN_KEY_VIOLATION => {
            RecordError::Conflict(NAMES_NOTHING.to_owned())
        }
        Some(code) if *code == SqlState::UNIQUE_VIOLATION => {
            RecordError::Conflict(IS_THERE.to_owned())
        }
        Some(code) if code.code().starts_with("23") => {
            RecordError::Conflict(format!("what is recorded already stands against it ({what})"))
        }
        _ => RecordError::Database { doing, what },
    }
}

//! Where the record lies.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{Database, SqliteDatabase};
use crate::{RecordError, Result};

/// A SQLite file, or a PostgreSQL server's URL.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file that is made when it is not there.
    Sqlite(PathBuf),
    /// `postgresql://user@/name?host=/folder/of/the/socket`, or any other form of libpq's URLs.
    Postgresql(String),
}

impl Location {
    /// Opens a connection. The schema is not looked at.
    ///
    /// # Errors
    /// When the file or server cannot be reached, or when this program was built without
    /// PostgreSQL.
    pub fn connect(&self) -> Result<Box<dyn Database>> {
        match self {
            Self::Sqlite(path) => Ok(Box::new(SqliteDatabase::open(path)?)),
            Self::Postgresql(url) => connect_postgresql(url),
        }
    }

    /// Opens a connection that can change nothing and makes no file.
    ///
    /// # Errors
    /// As [`Location::connect`]; also when the file is not there.
    pub fn connect_to_read(&self) -> Result<Box<dyn Database>> {
        match self {
            Self::Sqlite(path) => Ok(Box::new(SqliteDatabase::open_to_read(path)?)),
            Self::Postgresql(url) => connect_postgresql(url),
        }
    }
}

#[cfg(feature = "postgresql")]
fn connect_postgresql(url: &str) -> Result<Box<dyn Database>> {
    Ok(Box::new(super::PostgresqlDatabase::connect(url)?))
}

#[cfg(not(feature = "postgresql"))]
fn connect_postgresql(_: &str) -> Result<Box<dyn Database>> {
    Err(RecordError::Database {
        doing: "opened",
        what: "this program was built without PostgreSQL: build it with the feature `postgresql`, \
               or name a file"
            .to_owned(),
    })
}

impl FromStr for Location {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with("postgresql://") || text.starts_with("postgres://") {
            return Ok(Self::Postgresql(text.to_owned()));
        }
        match text.split_once("://") {
            Some((scheme, _)) => Err(RecordError::invalid(
                "database",
                format!("'{scheme}://' is not known: give a file or postgresql://…"),
            )),
            None if text.is_empty() => Err(RecordError::invalid("database", "no file is named")),
            None => Ok(Self::Sqlite(Path::new(text).to_owned())),
        }
    }
}

impl fmt::Display for Location {
    /// Without the user, the password and the options of a URL: this goes into messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgresql(url) => {
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                let shown = rest.split('?').next().unwrap_or("");
                write!(f, "postgresql://{}", shown.rsplit('@').next().unwrap_or(""))
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_server_and_anything_else_a_file() {
        assert!(matches!("day.db".parse().unwrap(), Location::Sqlite(_)));
        assert!(matches!("postgresql:///x".parse().unwrap(), Location::Postgresql(_)));
        assert!("mysql://x/y".parse::<Location>().is_err());
        assert!("".parse::<Location>().is_err());
    }

    #[test]
    fn a_password_is_not_shown() {
        let location: Location = "postgresql://u:secret@h/name?password=secret".parse().unwrap();
        assert_eq!(location.to_string(), "postgresql://h/name");
        assert_eq!(format!("{location:?}"), "postgresql://h/name");
    }
}

//! A record as an older program left it: the schema of that time, with the rows of that time.

use std::fs;

use bianque_core::Digest;
use bianque_record::database::{Database, Dialect, Location, Row, Value};
use bianque_testkit::surroundings;

/// The first migrations' statements. Put together here anew, since databases keep their digests:
/// whoever changes how the program does it makes every database a foreign one.
fn migrations(count: u32, dialect: Dialect) -> Vec<String> {
    let folder = surroundings::crate_folder().join("migrations");
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut names: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".sqlite.sql").map(str::to_owned)).collect();
    names.sort();
    let read = |name: &str, ending: &str| {
        fs::read_to_string(folder.join(format!("{name}{ending}"))).unwrap()
    };
    let statements = |name: &String| match dialect {
        Dialect::Sqlite => format!("{}\n{}", read(name, ".sql"), read(name, ".sqlite.sql")),
        Dialect::Postgresql => {
            format!("{}\n{}", in_postgresql(&read(name, ".sql")), read(name, ".postgresql.sql"))
        }
    };
    names.iter().take(count as usize).map(statements).collect()
}

fn in_postgresql(sql: &str) -> String {
    let types = sql.replace(" INTEGER", " BIGINT").replace(" REAL", " DOUBLE PRECISION");
    types.replace(" TEXT", " TEXT COLLATE \"C\"").replace(") STRICT;", ");")
}

/// A table of an older schema.
pub struct Table {
    pub name: String,
    pub columns: Vec<String>,
}

impl Table {
    /// Its rows, in an order that a later column does not change.
    pub fn rows(&self, database: &mut dyn Database) -> Vec<Row> {
        let columns = self.columns.join(", ");
        let sql = format!("SELECT {columns} FROM {} ORDER BY 1, 2", self.name);
        database.query(&sql, &[]).unwrap()
    }

    fn put(&self, database: &mut dyn Database, rows: Vec<Row>) {
        let places: Vec<String> = (1..=self.columns.len()).map(|at| format!("?{at}")).collect();
        // The first migration puts rows of its own.
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING",
            self.name,
            self.columns.join(", "),
            places.join(", ")
        );
        for row in rows {
            database.execute(&sql, &row.0).unwrap();
        }
    }
}

/// Tables that the migrations make, each behind those that it refers to.
fn tables(database: &mut dyn Database, migrations: &[String]) -> Vec<Table> {
    let columns = match database.dialect() {
        Dialect::Sqlite => "SELECT name FROM pragma_table_info(?1) ORDER BY cid",
        Dialect::Postgresql => {
            "SELECT column_name::text FROM information_schema.columns \
             WHERE table_name::text = ?1 ORDER BY ordinal_position"
        }
    };
    let made = migrations.iter().flat_map(|text| text.lines());
    let names = made.filter_map(|line| line.strip_prefix("CREATE TABLE ")?.strip_suffix(" ("));
    names
        .map(|name| {
            let rows = database.query(columns, &[name.into()]).unwrap();
            let columns = rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect();
            Table { name: name.to_owned(), columns }
        })
        .collect()
}

/// Makes a record of an older version with what another one holds; gives the older tables.
pub fn make(from: &Location, to: &Location, version: u32) -> Vec<Table> {
    let (mut from, mut older) = (from.connect().unwrap(), to.connect().unwrap());
    let (from, older) = (from.as_mut(), older.as_mut());
    let migrations = migrations(version, older.dialect());
    assert_eq!(migrations.len(), version as usize);
    older.begin_writing().unwrap();
    let versions = "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, \
                    digest TEXT NOT NULL, at INTEGER NOT NULL) STRICT;";
    match older.dialect() {
        Dialect::Sqlite => older.batch(versions).unwrap(),
        Dialect::Postgresql => older.batch(&in_postgresql(versions)).unwrap(),
    }
    for (number, statements) in (1_u32..).zip(&migrations) {
        older.batch(statements).unwrap();
        let digest = Digest::of(statements.as_bytes()).to_string();
        let values = [number.into(), digest.into(), Value::Integer(1)];
        older.execute("INSERT INTO schema_version VALUES (?1, ?2, ?3)", &values).unwrap();
    }
    let tables = tables(older, &migrations);
    for table in &tables {
        let rows = table.rows(from);
        table.put(older, rows);
    }
    older.batch("COMMIT").unwrap();
    tables
}

/// How many migrations a database has seen.
pub fn version(location: &Location) -> u32 {
    let mut database = location.connect().unwrap();
    let rows = database.query("SELECT max(version) FROM schema_version", &[]).unwrap();
    u32::try_from(rows[0].integer(0).unwrap()).unwrap()
}

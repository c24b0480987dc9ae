//! A program that is killed in the midst of its work.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bianque_record::{
    Result,
    database::{Database, Dialect, Location, Row, Value},
};

/// A connection that kills the program at the nth step: before it or, by odd numbers, behind it.
struct Deadly {
    database: Box<dyn Database>,
    left: Arc<AtomicU64>,
}

impl Deadly {
    fn around<T>(&mut self, work: impl FnOnce(&mut dyn Database) -> T) -> T {
        self.count();
        let done = work(self.database.as_mut());
        self.count();
        done
    }

    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            // As kill -9: no destructor, no flush.
            std::process::abort();
        }
    }
}

impl Database for Deadly {
    fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        self.around(|database| database.execute(sql, values))
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        self.around(|database| database.query(sql, values))
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.around(|database| database.batch(sql))
    }

    fn begin_writing(&mut self) -> Result<()> {
        self.around(|database| database.begin_writing())
    }

    fn begin_reading(&mut self) -> Result<()> {
        self.around(|database| database.begin_reading())
    }
}

/// Starts this test program again, to do one job in its test `the_other_program` and be killed at a
/// step.
pub fn child(job: &str, location: &Location, what: &str, step: u64) -> Command {
    let place = match location {
        Location::Sqlite(path) => path.display().to_string(),
        Location::Postgresql(url) => url.clone(),
    };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_other_program", "--nocapture", "--test-threads=1"]);
    command.env("RECORD_JOB", job).env("RECORD_PLACE", place);
    command.env("RECORD_WHAT", what).env("RECORD_STEP", step.to_string());
    command
}

/// What a started program is to do.
pub struct Job {
    pub name: String,
    pub what: String,
    location: Location,
    left: Arc<AtomicU64>,
}

impl Job {
    /// Nothing unless [`child`] has started this program.
    pub fn given() -> Option<Self> {
        let name = std::env::var("RECORD_JOB").ok()?;
        let variable = |name: &str| std::env::var(name).unwrap();
        Some(Self {
            name,
            what: variable("RECORD_WHAT"),
            location: variable("RECORD_PLACE").parse().unwrap(),
            left: Arc::new(AtomicU64::new(variable("RECORD_STEP").parse().unwrap())),
        })
    }

    /// A connection that kills this program at the step.
    pub fn connect(&self) -> Result<Box<dyn Database>> {
        let (database, left) = (self.location.connect()?, Arc::clone(&self.left));
        Ok(Box::new(Deadly { database, left }))
    }
}

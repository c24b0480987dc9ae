//! A record that an older program filled is brought up to date, whenever that is killed: every row
//! is there, the chain is whole, and work goes on.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use bianque_core::Digest;
use bianque_record::{
    Actor, Record, Role, Settings,
    audit::verify_database,
    cases::{Purpose, Reading},
    database::{Location, Row},
    identity::ProposalId,
    newest_version,
    proposals::NewInstance,
    release::Undecided,
    site::ExaminationState,
};
use serde_json::json;
use support::{
    deadly::{Job, child},
    ground::{Ground, accept, correct, defer, refuse, sign},
    older::{Table, make, version},
};

/// The oldest schema with cases, proposals, decisions and their audit.
const OLDEST: u32 = 3;
/// The last schema before cases and slides got new columns.
const BEFORE_NEW_COLUMNS: u32 = 8;

/// Does nothing unless a test below has started it.
#[test]
fn the_other_program() {
    let Some(job) = Job::given() else { return };
    drop(Record::over(Box::new(move || job.connect()), Settings::default()).unwrap());
}

/// Lets happen in a record what an older program knew; gives a proposal that waits.
fn fill(ground: &Ground, version: u32) -> ProposalId {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let one = ground.adenoma(case, slide);
    let (two, bad) =
        (ground.adenoma(case, slide), ground.propose(case, slide, &Ground::bad_slide(slide)));
    let taken = record.decide(&ground.pathologist, one, &accept()).unwrap();
    record.amend(&ground.pathologist, taken, &refuse()).unwrap();
    let drawn = Ground::region(slide, "carcinoma", 5.0);
    record.decide(&ground.pathologist, two, &correct(&drawn)).unwrap();
    record.decide(&ground.pathologist, bad, &refuse()).unwrap();
    record.sign_out(&ground.pathologist, case, &sign(Undecided::LeaveOut)).unwrap();
    ground.adenoma(case, slide);

    let (twice, other) = ground.case(Reading::Double);
    let disputed = ground.adenoma(twice, other);
    record.decide(&ground.pathologist, disputed, &accept()).unwrap();
    record.decide(&ground.second_reader, disputed, &refuse()).unwrap();
    record.adjudicate(&ground.third, disputed, &accept()).unwrap();

    let patient = "P-0001".parse().unwrap();
    let until = Some(ground.now());
    record.record_consent(&ground.technician, &patient, Purpose::Training, true, until).unwrap();
    if version >= 4 {
        record.reveal(&ground.pathologist, twice).unwrap();
        let name = "site".parse().unwrap();
        record.set_setting(&ground.administrator, &name, &json!({ "read_first": true })).unwrap();
        let (program, head) = (Actor::console_program(), "head 1".parse().unwrap());
        let outputs = json!({ "map": 1 });
        record.note_examination(&program, other, &head, ExaminationState::Done, &outputs).unwrap();
    }
    if version >= 7 {
        let stored = NewInstance {
            uid: "1.2.3".parse().unwrap(),
            series: "1.2".parse().unwrap(),
            class: "1.2.840".parse().unwrap(),
            case: twice,
            slide: other,
            object: Digest::of(b"stored"),
        };
        record.store_instance(&ground.program, &stored, &[]).unwrap();
    }
    let waiting = ground.adenoma(twice, other);
    record.decide(&ground.pathologist, waiting, &defer()).unwrap();
    waiting
}

/// What an older record held, and who goes on with it.
struct Before {
    tables: Vec<Table>,
    rows: Vec<Vec<Row>>,
    reader: Actor,
    waiting: ProposalId,
}

impl Before {
    /// Fills a record, and makes at `older` what a program of that version would have left of it.
    fn make(newest: Location, older: &Location, version: u32) -> Self {
        let ground = Ground::new(newest);
        let waiting = fill(&ground, version);
        let tables = make(&ground.location, older, version);
        let mut database = ground.location.connect().unwrap();
        let rows: Vec<_> = tables.iter().map(|table| table.rows(database.as_mut())).collect();
        for filled in ["laboratory_case", "evidence", "decision", "case_version", "audit_entry"] {
            let at = tables.iter().position(|table| table.name == filled).unwrap();
            assert!(!rows[at].is_empty(), "nothing in {filled}");
        }
        Self { tables, rows, reader: ground.pathologist, waiting }
    }

    /// Brings a copy up to date and goes on with it.
    fn assert_kept(&self, location: &Location, step: u64) {
        let record = Record::open(location, Settings::default()).unwrap();
        assert_eq!(version(location), newest_version(), "step {step}");
        let mut database = location.connect().unwrap();
        for (table, rows) in self.tables.iter().zip(&self.rows) {
            let found = table.rows(database.as_mut());
            assert_eq!(&found, rows, "{} at step {step}", table.name);
        }
        let whole = || {
            let mut database = location.connect().unwrap();
            let report = verify_database(database.as_mut(), &[]).unwrap();
            assert!(report.whole, "step {step}: {report:?}");
            report.entries
        };
        let entries = whole();
        let reader = record.actor(self.reader.user(), Role::Pathologist).unwrap();
        record.decide(&reader, self.waiting, &accept()).unwrap();
        assert_eq!(whole(), entries + 1, "step {step}");
    }

    /// Kills the program at one step after another while it brings a copy up to date.
    fn assert_kept_whenever_killed(
        &self,
        from: u32,
        stride: usize,
        mut copy: impl FnMut() -> Location,
        mut remove: impl FnMut(&Location),
    ) {
        let mut reached = BTreeSet::new();
        for step in (0..).step_by(stride) {
            let location = copy();
            let output = child("open", &location, "", step).output().unwrap();
            let done = output.status.success();
            // A program that a signal ends has no code: anything else is a fault of its own.
            assert!(done || output.status.code().is_none(), "step {step}: {output:?}");
            reached.insert(version(&location));
            self.assert_kept(&location, step);
            remove(&location);
            if done {
                break;
            }
        }
        let all: BTreeSet<u32> = (from..=newest_version()).collect();
        assert_eq!(reached, all, "killed between all migrations");
    }
}

/// Files of older records in a folder.
fn file(folder: &Path, name: &str) -> (PathBuf, Location) {
    let path = folder.join(name);
    (path.clone(), Location::Sqlite(path))
}

#[test]
fn a_record_of_every_older_schema_is_brought_up_to_date() {
    for version in OLDEST..newest_version() {
        let folder = tempfile::tempdir().unwrap();
        let ((_, newest), (_, older)) =
            (file(folder.path(), "newest.db"), file(folder.path(), "older.db"));
        let before = Before::make(newest, &older, version);
        assert_eq!(support::older::version(&older), version);
        before.assert_kept(&older, 0);
    }
}

#[test]
fn an_upgrade_that_is_killed_keeps_every_row_on_sqlite() {
    for from in [OLDEST, BEFORE_NEW_COLUMNS] {
        let folder = tempfile::tempdir().unwrap();
        let ((_, newest), (filled, older)) =
            (file(folder.path(), "newest.db"), file(folder.path(), "older.db"));
        let before = Before::make(newest, &older, from);
        let mut number = 0;
        let copy = || {
            number += 1;
            let (path, location) = file(folder.path(), &format!("{number}.db"));
            std::fs::copy(&filled, path).unwrap();
            location
        };
        before.assert_kept_whenever_killed(from, 1, copy, |_| {});
    }
}

#[cfg(feature = "postgresql")]
#[test]
fn an_upgrade_that_is_killed_keeps_every_row_on_postgresql() {
    let Some(cluster) = support::cluster::Cluster::start() else { return };
    let older = cluster.database();
    let before = Before::make(cluster.database(), &older, OLDEST);
    // A copy of a database takes its time: both ends of every third step.
    let remove = |location: &Location| cluster.remove(location);
    before.assert_kept_whenever_killed(OLDEST, 3, || cluster.copy(&older), remove);
}

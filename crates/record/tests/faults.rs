//! A program that is killed, a full disk, two programs at once: nothing confirmed is lost, nothing
//! is half there, the chain is whole.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bianque_record::{
    Actor, Record, RecordError, Result, Role, Settings,
    audit::verify_database,
    cases::Reading,
    database::{Database, Dialect, Location, Row, SqliteDatabase, Value},
    identity::{CaseId, ProposalId, SlideId},
};
use support::{
    deadly::{Job, child},
    ground::{Ground, accept},
};

/// Does nothing unless a test below has started it.
#[test]
fn the_other_program() {
    let Some(job) = Job::given() else { return };
    let (name, what) = (job.name.clone(), job.what.clone());
    let record = Record::over(Box::new(move || job.connect()), Settings::default()).unwrap();
    let parts: Vec<&str> = what.split(' ').collect();
    match name.as_str() {
        "open" => {}
        "decide" => {
            let actor = record.actor(parts[0].parse().unwrap(), Role::Pathologist).unwrap();
            for proposal in &parts[1..] {
                let decision = record.decide(&actor, proposal.parse().unwrap(), &accept()).unwrap();
                println!("\nacknowledged {decision}");
            }
        }
        "propose" => {
            let (case, slide): (CaseId, SlideId) =
                (parts[0].parse().unwrap(), parts[1].parse().unwrap());
            let region = Ground::region(slide, "adenoma", 0.0);
            let content = bianque_record::proposals::Content::of(&region).unwrap();
            let new = Ground::proposal(case, slide, content);
            for _ in 0..25 {
                record.propose(&Actor::console_program(), &new).unwrap();
            }
        }
        other => panic!("{other}"),
    }
}

fn whole(location: &Location) {
    let mut database = location.connect().unwrap();
    let report = verify_database(database.as_mut(), &[]).unwrap();
    assert!(report.whole, "{report:?}");
    let rows = database.query("PRAGMA integrity_check", &[]).unwrap();
    assert_eq!(rows[0].text(0).unwrap(), "ok");
    assert!(database.query("PRAGMA foreign_key_check", &[]).unwrap().is_empty());
}

fn acknowledged(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.strip_prefix("acknowledged ")).map(str::to_owned).collect()
}

#[test]
fn a_migration_that_is_killed_is_taken_up_again() {
    let mut step = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let location = Location::Sqlite(path);
        let output = child("open", &location, "", step).output().unwrap();
        drop(Record::open(&location, Settings::default()).unwrap());
        whole(&location);
        if output.status.success() {
            break;
        }
        step += 1;
    }
    assert!(step > 30, "killed at {step} steps");
}

#[test]
fn a_decision_that_is_killed_is_whole_or_not_there() {
    let (mut step, mut half_done) = (0, 0);
    loop {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let ground = Ground::new(Location::Sqlite(path));
        let (case, slide) = ground.case(Reading::Single);
        let proposals: Vec<ProposalId> = (0..2).map(|_| ground.adenoma(case, slide)).collect();
        let what = format!("{} {} {}", ground.pathologist.user(), proposals[0], proposals[1]);
        let output = child("decide", &ground.location, &what, step).output().unwrap();

        let again = ground.opened_again();
        let kept: Vec<String> = proposals
            .iter()
            .flat_map(|proposal| again.decisions(&ground.pathologist, *proposal).unwrap())
            .map(|decision| decision.id.to_string())
            .collect();
        let acknowledged = acknowledged(&output);
        assert!(acknowledged.iter().all(|id| kept.contains(id)), "lost at step {step}");
        let states = again.proposals(&ground.pathologist, case).unwrap();
        let settled = states.iter().filter(|proposal| !proposal.state.is_undecided()).count();
        assert_eq!(settled, kept.len(), "half there at step {step}");
        let undecided = again.case(&ground.pathologist, case).unwrap().case.undecided;
        assert_eq!(undecided as usize, 2 - kept.len());
        whole(&ground.location);
        half_done += usize::from(kept.len() == 1);
        if output.status.success() {
            assert_eq!(acknowledged.len(), 2);
            break;
        }
        // Both ends of every step up to the first commit, then every third.
        step += if kept.is_empty() { 1 } else { 3 };
    }
    assert!(step > 40 && half_done > 5, "{step} {half_done}");
}

#[test]
fn a_full_disk_stops_decisions_and_harms_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let ground = Ground::new(Location::Sqlite(path.clone()));
    let (case, slide) = ground.case(Reading::Single);
    let proposals: Vec<ProposalId> = (0..40).map(|_| ground.adenoma(case, slide)).collect();
    let full = move || -> Result<Box<dyn Database>> {
        let mut database = SqliteDatabase::open(&path)?;
        let pages = database.query("PRAGMA page_count", &[])?[0].integer(0)?;
        // A pragma that answers with a row: a query, not a statement.
        database.query(&format!("PRAGMA max_page_count = {}", pages + 3), &[])?;
        Ok(Box::new(database))
    };
    let record = Record::over(Box::new(full), Settings::default()).unwrap();
    let decided = |record: &Record| {
        let tries = proposals.iter().map(|id| record.decide(&ground.pathologist, *id, &accept()));
        let mut done = 0;
        for result in tries {
            match result {
                Ok(_) => done += 1,
                Err(RecordError::Full(_)) => return (done, true),
                Err(RecordError::Conflict(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        (done, false)
    };
    let (before, stopped) = decided(&record);
    assert!(stopped, "{before}");
    drop(record);
    whole(&ground.location);
    let undecided = || ground.record.case(&ground.pathologist, case).unwrap().case.undecided;
    assert_eq!(undecided(), 40 - before);
    let (after, stopped) = decided(&ground.opened_again());
    assert!(!stopped && before + after == 40, "{before} {after}");
    assert_eq!(undecided(), 0);
    whole(&ground.location);
}

#[test]
fn two_programs_at_once_make_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let ground = Ground::new(Location::Sqlite(path));
    let (case, slide) = ground.case(Reading::Single);
    let what = format!("{case} {slide}");
    let propose = |_| child("propose", &ground.location, &what, u64::MAX).spawn().unwrap();
    let children: Vec<_> = (0..2).map(propose).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(ground.record.case(&ground.pathologist, case).unwrap().case.undecided, 50);
    whole(&ground.location);
}

/// A connection whose nth statement that writes fails, as on a full disk.
struct Failing {
    database: SqliteDatabase,
    left: Arc<AtomicU64>,
}

impl Database for Failing {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(RecordError::Full("it is full".to_owned()));
        }
        self.database.execute(sql, values)
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        self.database.query(sql, values)
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.database.batch(sql)
    }

    fn begin_writing(&mut self) -> Result<()> {
        self.database.begin_writing()
    }

    fn begin_reading(&mut self) -> Result<()> {
        self.database.begin_reading()
    }
}

#[test]
fn an_instance_whose_storing_fails_at_any_step_is_not_there_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let ground = Ground::new(Location::Sqlite(path.clone()));
    let (case, slide) = ground.case(Reading::Single);
    let proposal = |x: f64| {
        let region = Ground::region(slide, "adenoma", x);
        let content = bianque_record::proposals::Content::of(&region).unwrap();
        Ground::proposal(case, slide, content)
    };
    let proposals = [proposal(0.0), proposal(5.0), proposal(9.0)];
    let new = bianque_record::proposals::NewInstance {
        uid: "1.2.3".parse().unwrap(),
        series: "1.2".parse().unwrap(),
        class: "1.2.840".parse().unwrap(),
        case,
        slide,
        object: bianque_core::Digest::of(b"stored"),
    };
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        let mut database = ground.location.connect().unwrap();
        database.query(&sql, &[]).unwrap()[0].integer(0).unwrap()
    };
    let (mut failed, left) = (0, Arc::new(AtomicU64::new(0)));
    loop {
        let (path, counter) = (path.clone(), Arc::clone(&left));
        left.store(u64::MAX, Ordering::Relaxed);
        let connect = move || -> Result<Box<dyn Database>> {
            let database = SqliteDatabase::open(&path)?;
            Ok(Box::new(Failing { database, left: Arc::clone(&counter) }))
        };
        let record = Record::over(Box::new(connect), Settings::default()).unwrap();
        left.store(failed, Ordering::Relaxed);
        match record.store_instance(&ground.program, &new, &proposals) {
            Ok(()) => break,
            Err(error) => assert!(matches!(error, RecordError::Full(_)), "{error}"),
        }
        assert_eq!((count("proposal"), count("stored_instance")), (0, 0), "step {failed}");
        whole(&ground.location);
        failed += 1;
    }
    assert!(failed > 20, "{failed} steps were tried");
    assert_eq!((count("proposal"), count("stored_instance")), (3, 1));
    ground.record.store_instance(&ground.program, &new, &proposals).unwrap();
    assert_eq!(count("proposal"), 3, "again, counted once");
    let other = bianque_record::proposals::NewInstance {
        object: bianque_core::Digest::of(b"other"),
        ..new
    };
    let refused = ground.record.store_instance(&ground.program, &other, &proposals);
    assert!(matches!(refused, Err(RecordError::Conflict(_))), "{refused:?}");
    whole(&ground.location);
}

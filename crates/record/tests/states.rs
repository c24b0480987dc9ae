//! A state beside the chain that somebody changes by hand is found and named.
#![allow(clippy::unwrap_used)]

mod support;

use bianque_core::{Digest, PixelRect};
use bianque_record::{
    Actor, Role,
    audit::{Fault, verify_database, verify_record},
    cases::{Purpose, Reading, Urgency},
    database::{Database, Location},
    identity::{CaseId, SlideId},
    objects::{ObjectFolder, ObjectStore},
    people::NewServiceToken,
    proposals::{BulkPoints, NewInstance},
    release::Undecided,
    site::ExaminationState,
};
use serde_json::json;
use support::ground::{Ground, accept, correct, refuse, sign};

/// A record in which everything has happened that leaves a state.
fn lived(folder: &tempfile::TempDir) -> (Ground, CaseId, SlideId) {
    let ground = Ground::new(Location::Sqlite(folder.path().join("record.db")));
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let objects = ObjectFolder::open(folder.path().join("objects")).unwrap();
    let points = BulkPoints {
        slide,
        label: "nuclei".parse().unwrap(),
        classes: vec!["tumour".parse().unwrap()],
        object: objects.put(&mut &b"points"[..]).unwrap(),
        count: 1,
        bounds: PixelRect::new(0, 0, 5, 5),
    };
    let (one, two) = (ground.adenoma(case, slide), ground.adenoma(case, slide));
    let bad = ground.propose(case, slide, &Ground::bad_slide(slide));
    ground.propose(case, slide, &points);
    record.decide(&ground.pathologist, one, &accept()).unwrap();
    let mended = Ground::region(slide, "carcinoma", 5.0);
    record.decide(&ground.pathologist, two, &correct(&mended)).unwrap();
    record.decide(&ground.pathologist, bad, &refuse()).unwrap();
    let reader = Some(ground.pathologist.user());
    record.assign(&ground.technician, case, Urgency::Urgent, reader).unwrap();
    record.reveal(&ground.pathologist, case).unwrap();
    record.sign_out(&ground.pathologist, case, &sign(Undecided::LeaveOut)).unwrap();
    ground.adenoma(case, slide);
    let patient = "P-0001".parse().unwrap();
    let until = Some(ground.now());
    for granted in [true, false] {
        let who = &ground.technician;
        record.record_consent(who, &patient, Purpose::Research, granted, until).unwrap();
    }
    let new = NewServiceToken {
        user: ground.program.user(),
        role: Role::Program,
        label: "viewer".parse().unwrap(),
        expires: None,
    };
    record.issue_service_token(&ground.administrator, &new).unwrap();
    record.set_roles(&ground.administrator, ground.third.user(), &[Role::Technician]).unwrap();
    record.set_active(&ground.administrator, ground.researcher.user(), false).unwrap();
    let name = "site".parse().unwrap();
    record.set_setting(&ground.administrator, &name, &json!({ "read_first": true })).unwrap();
    let heatmap = objects.put(&mut &b"heatmap"[..]).unwrap();
    let outputs = json!({ "heatmap": { "object": heatmap } });
    let producer = "head 1".parse().unwrap();
    let program = Actor::console_program();
    let done = ExaminationState::Done;
    record.note_examination(&program, slide, &producer, done, &outputs).unwrap();
    let stored = NewInstance {
        uid: "1.2.3".parse().unwrap(),
        series: "1.2".parse().unwrap(),
        class: "1.2.840".parse().unwrap(),
        case,
        slide,
        object: objects.put(&mut &b"stored"[..]).unwrap(),
    };
    record.store_instance(&ground.program, &stored, &[]).unwrap();
    (ground, case, slide)
}

fn fault(database: &mut dyn Database) -> Option<Fault> {
    verify_database(database, &[]).unwrap().fault
}

/// A connection past the triggers that keep rows as they were written.
fn unlocked(ground: &Ground) -> Box<dyn Database> {
    let mut database = ground.location.connect().unwrap();
    let rows =
        database.query("SELECT name FROM sqlite_schema WHERE type = 'trigger'", &[]).unwrap();
    for row in rows {
        database.batch(&format!("DROP TRIGGER {}", row.text(0).unwrap())).unwrap();
    }
    database.batch("PRAGMA foreign_keys = OFF").unwrap();
    database
}

#[test]
fn every_state_that_is_changed_by_hand_is_found_and_named() {
    let mut missed = Vec::new();
    for (change, named) in [
        ("UPDATE proposal_state SET state = 'accepted' WHERE state = 'refused'", "state is not"),
        ("UPDATE proposal_state SET state = 'released' WHERE state = 'proposed'", "state is not"),
        ("UPDATE proposal_state SET standing = NULL WHERE state = 'released'", "standing is not"),
        ("UPDATE proposal_state SET headline = 'normal' WHERE headline = 'carcinoma'", "shown is"),
        ("UPDATE proposal_state SET bad_slide = 1 - bad_slide", "shown is not"),
        ("DELETE FROM proposal_state WHERE state = 'refused'", "is gone"),
        ("UPDATE laboratory_case SET status = 'open'", "status is not"),
        ("UPDATE laboratory_case SET pseudonym = 'P-0666'", "patient is not"),
        ("UPDATE laboratory_case SET reading = 'double'", "reading is not"),
        ("UPDATE laboratory_case SET urgency_rank = 3", "urgency is not"),
        ("UPDATE laboratory_case SET assigned = NULL", "assigned is not"),
        ("UPDATE laboratory_case SET undecided = 0", "count of undecided"),
        ("UPDATE laboratory_case SET quality_rank = 1 - quality_rank", "rank"),
        ("UPDATE slide SET digest = 'blake3:00'", "digest is not"),
        ("UPDATE consent SET granted = 1", "granted is not"),
        ("UPDATE consent SET until = NULL", "until is not"),
        ("DELETE FROM consent WHERE ordinal = 2", "consent '2' is gone"),
        (
            "INSERT INTO consent SELECT 3, pseudonym, purpose, 1, NULL, at, recorded_by \
             FROM consent WHERE ordinal = 1",
            "no entry speaks of consent '3'",
        ),
        ("UPDATE account SET active = 1", "active is not"),
        ("UPDATE account SET password = 'x' WHERE login = 'first'", "password is not"),
        (
            "INSERT INTO account_role SELECT id, 'administrator' FROM account WHERE login = 'third'",
            "no entry speaks of account_role",
        ),
        ("DELETE FROM account_role WHERE role = 'technician'", "is gone"),
        ("UPDATE service_token SET role = 'administrator'", "role is not"),
        ("UPDATE service_token SET token = 'mine'", "token is not"),
        ("UPDATE service_token SET revoked = 1", "revoked is not"),
        ("UPDATE case_version SET signed_by = '0'", "signed by is not"),
        ("UPDATE case_version SET content = content || ' '", "has another content"),
        ("DELETE FROM case_version", "is gone"),
        ("UPDATE discrepancy SET closed = 1", "closed is not"),
        ("DELETE FROM reveal", "reveal"),
        ("UPDATE site_setting SET value = '{\"read_first\":false}'", "value is not"),
        ("UPDATE examination SET outputs = '{}'", "outputs is not"),
        ("UPDATE stored_instance SET object = 'blake3:00'", "object is not"),
        ("DELETE FROM stored_instance", "stored_instance '1.2.3' is gone"),
        (
            "INSERT INTO decision SELECT 'f' || substr(id, 2), proposal, 'adjudication', verdict, \
             reader, role, reason, replaced, content, difference, amends, viewed, milliseconds, \
             aided, at, digest FROM decision LIMIT 1",
            "no entry speaks of decision",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (ground, ..) = lived(&folder);
        let mut database = unlocked(&ground);
        assert_eq!(fault(database.as_mut()), None, "it is whole before");
        database.batch(change).unwrap();
        let found = fault(database.as_mut()).map(|fault| fault.to_string()).unwrap_or_default();
        if !found.contains(named) {
            missed.push(format!("{change}: {found}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn an_object_that_is_changed_or_gone_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (ground, ..) = lived(&folder);
    let objects = ObjectFolder::open(folder.path().join("objects")).unwrap();
    let verify = || {
        let mut database = ground.location.connect().unwrap();
        let report = verify_record(database.as_mut(), &[], Some(&objects)).unwrap();
        report.fault.map(|fault| fault.to_string()).unwrap_or_default()
    };
    assert_eq!(verify(), "");
    for content in ["points", "heatmap", "stored"] {
        let digest = Digest::of(content.as_bytes());
        let path = objects.path(digest);
        std::fs::write(&path, "changed").unwrap();
        let found = verify();
        assert!(found.contains(&digest.to_string()) && found.contains("another digest"), "{found}");
        std::fs::remove_file(&path).unwrap();
        let found = verify();
        assert!(found.contains(&digest.to_string()) && found.contains("there is no"), "{found}");
        objects.put(&mut content.as_bytes()).unwrap();
        assert_eq!(verify(), "");
    }
}

#[test]
fn a_later_deed_of_the_program_itself_keeps_the_record_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (ground, case, slide) = lived(&folder);
    let record = &ground.record;
    let why = "a late proposal".parse().unwrap();
    record.reopen(&ground.pathologist, case, &why).unwrap();
    record.read_twice(&ground.technician, ground.case(Reading::Single).0).unwrap();
    record.set_active(&ground.administrator, ground.program.user(), false).unwrap();
    ground
        .record
        .propose(
            &Actor::console_program(),
            &Ground::proposal(
                case,
                slide,
                bianque_record::proposals::Content::of(&Ground::bad_slide(slide)).unwrap(),
            ),
        )
        .unwrap();
    let mut database = ground.location.connect().unwrap();
    assert_eq!(fault(database.as_mut()), None);
}

/// Beside the chain a record of a busy year is verified while somebody waits.
#[test]
fn a_hundred_thousand_entries_are_verified_in_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let (ground, ..) = lived(&folder);
    let mut database = unlocked(&ground);
    database.begin_writing().unwrap();
    let head = database.query("SELECT sequence, hash FROM audit_head", &[]).unwrap();
    let (mut sequence, mut previous) =
        (head[0].integer(0).unwrap() as u64, head[0].text(1).unwrap().to_owned());
    for _ in 0..100_000 {
        sequence += 1;
        let mut entry = bianque_record::audit::Entry {
            sequence,
            at: 1_700_000_000_000_000,
            actor: ground.pathologist.user().to_string(),
            role: "pathologist".into(),
            event: "case.read".into(),
            outcome: "done".into(),
            object_kind: "case".into(),
            object: "1".into(),
            detail: "{}".into(),
            previous,
            hash: String::new(),
        };
        entry.hash = entry.computed_hash();
        previous = entry.hash.clone();
        let values = [
            i64::try_from(entry.sequence).unwrap().into(),
            entry.at.into(),
            entry.actor.into(),
            entry.role.into(),
            entry.event.into(),
            entry.outcome.into(),
            entry.object_kind.into(),
            entry.object.into(),
            entry.detail.into(),
            entry.previous.into(),
            entry.hash.into(),
        ];
        let sql = "INSERT INTO audit_entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        database.execute(sql, &values).unwrap();
    }
    let sql = "UPDATE audit_head SET sequence = ?1, hash = ?2";
    database.execute(sql, &[i64::try_from(sequence).unwrap().into(), previous.into()]).unwrap();
    database.batch("COMMIT").unwrap();
    let start = std::time::Instant::now();
    assert_eq!(fault(database.as_mut()), None);
    let took = start.elapsed();
    println!("verified {sequence} entries in {took:?}");
    assert!(took < std::time::Duration::from_secs(20), "{took:?}");
}

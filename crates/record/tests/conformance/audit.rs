//! The chain.

use bianque_record::{
    audit::{AuditQuery, Fault, verify_database, verify_lines},
    cases::Reading,
    database::Database,
    identity::Moment,
    release::Undecided,
};

use crate::support::ground::{Ground, accept, decision, sign};

fn connect(ground: &Ground) -> Box<dyn Database> {
    ground.location.connect().unwrap()
}

fn verify(ground: &Ground) -> bianque_record::audit::Report {
    verify_database(connect(ground).as_mut(), &[]).unwrap()
}

/// Some history: a case that is signed.
fn history(ground: &Ground) {
    let (case, slide) = ground.case(Reading::Single);
    let proposal = ground.adenoma(case, slide);
    ground.record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    ground.record.sign_out(&ground.pathologist, case, &sign(Undecided::Refuse)).unwrap();
}

pub fn chain_holds(ground: &Ground) {
    history(ground);
    let report = verify(ground);
    assert!(report.whole, "{report:?}");
    let query = AuditQuery { limit: 500, ..AuditQuery::default() };
    let entries = ground.record.audit_entries(&ground.administrator, &query).unwrap();
    // The reading of the entries is one more than they show.
    assert_eq!(entries.len() as u64, report.entries);
    let events: Vec<&str> = entries.iter().rev().map(|e| e.event.as_str()).collect();
    assert_eq!(events[0], "chain.opened");
    let tail = &events[events.len() - 7..];
    assert_eq!(
        tail,
        [
            "case.added",
            "material.added",
            "material.added",
            "material.added",
            "proposal.added",
            "decision.made",
            "case.signed"
        ]
    );
    let own = AuditQuery { actor: Some(ground.program.user()), limit: 9, ..AuditQuery::default() };
    assert_eq!(ground.record.audit_entries(&ground.administrator, &own).unwrap().len(), 1);
    let head = ground.record.audit_head().unwrap();
    assert!(head.sequence > report.entries);
    assert!(verify_database(connect(ground).as_mut(), std::slice::from_ref(&head)).unwrap().whole);
    assert_eq!(ground.opened_again().audit_head().unwrap(), head);
}

pub fn asked_for(ground: &Ground) {
    history(ground);
    history(ground);
    let all = |query: AuditQuery| {
        let query = AuditQuery { limit: 500, ..query };
        ground.record.audit_entries(&ground.administrator, &query).unwrap()
    };
    let entries = all(AuditQuery::default());
    let names = ground.record.audit_names(&ground.administrator, &entries).unwrap();
    assert_eq!(names.len(), entries.len());
    let (entry, number) = entries
        .iter()
        .zip(&names)
        .find_map(|(entry, name)| {
            Some((entry, name.clone()?)).filter(|_| entry.event == "case.signed")
        })
        .unwrap();
    // By the number, by the id, by its end: the same case, and no other.
    let by = |about: &str| all(AuditQuery { about: Some(about.into()), ..AuditQuery::default() });
    assert!(by(&number).iter().any(|one| one.sequence == entry.sequence));
    assert!(by(&entry.object).iter().all(|one| one.object == entry.object));
    let end = &entry.object[entry.object.len() - 8..];
    assert_eq!(by(end).len(), by(&entry.object).len());
    for hostile in ["%", "_", "' OR 1=1 --", "!"] {
        assert!(by(hostile).is_empty(), "{hostile}");
    }
    let signed = AuditQuery { event: Some("case.signed".into()), ..AuditQuery::default() };
    assert_eq!(all(signed).len(), 2);
    let late = Moment::from_microseconds(i64::MAX);
    assert!(all(AuditQuery { since: Some(late), ..AuditQuery::default() }).is_empty());
    let early = Moment::from_microseconds(0);
    assert!(all(AuditQuery { until: Some(early), ..AuditQuery::default() }).is_empty());
    assert!(ground.record.audit_names(&ground.pathologist, &entries).is_err());
}

pub fn append_only(ground: &Ground) {
    history(ground);
    let mut database = connect(ground);
    for table in ["audit_entry", "proposal", "evidence", "decision", "case_version"] {
        let column = if table == "evidence" { "body" } else { "at" };
        let value = if table == "evidence" { "'x'" } else { "1" };
        for sql in
            [format!("UPDATE {table} SET {column} = {value}"), format!("DELETE FROM {table}")]
        {
            assert!(database.execute(&sql, &[]).is_err(), "{sql}");
        }
    }
    let gap = "INSERT INTO audit_entry SELECT sequence + 100, at, actor, role, event, outcome, \
               object_kind, object, detail, previous, hash FROM audit_entry WHERE sequence = 1";
    assert!(database.execute(gap, &[]).is_err());
    assert!(verify(ground).whole);
}

pub fn export(ground: &Ground) {
    history(ground);
    let mut lines = Vec::new();
    let head = ground.record.export_audit(&ground.administrator, &mut lines).unwrap();
    let report = verify_lines(lines.as_slice(), std::slice::from_ref(&head)).unwrap();
    assert!(report.whole, "{report:?}");
    assert_eq!(report.head, head);
    // What is appended later does not contradict a head that was kept earlier.
    history(ground);
    assert!(verify_database(connect(ground).as_mut(), &[head]).unwrap().whole);
}

/// Somebody with full power over the database, who knows of triggers but not of digests.
fn tamper(ground: &Ground, table: &str, sql: &str) {
    let mut database = connect(ground);
    let drop = match database.dialect() {
        bianque_record::database::Dialect::Sqlite => format!("DROP TRIGGER {table}_no_update"),
        bianque_record::database::Dialect::Postgresql => {
            format!("DROP TRIGGER {table}_no_change ON {table}")
        }
    };
    database.batch(&drop).unwrap();
    assert!(database.execute(sql, &[]).unwrap() > 0, "{sql}");
}

pub fn deeds(ground: &Ground) {
    history(ground);
    let sql = "UPDATE decision SET milliseconds = milliseconds + 1";
    tamper(ground, "decision", sql);
    let report = verify(ground);
    assert!(matches!(report.fault, Some(Fault::Deed { .. })), "{report:?}");
    let undo = "UPDATE decision SET milliseconds = milliseconds - 1";
    connect(ground).execute(undo, &[]).unwrap();
    assert!(verify(ground).whole);
    tamper(ground, "proposal", "UPDATE proposal SET confidence = 0.9");
    assert!(matches!(verify(ground).fault, Some(Fault::Deed { .. })));
    connect(ground).execute("UPDATE proposal SET confidence = 0.1 + 0.2", &[]).unwrap();
    tamper(ground, "case_version", "UPDATE case_version SET content = content || ' '");
    assert!(matches!(verify(ground).fault, Some(Fault::Deed { .. })));
}

pub fn threads(ground: &Ground) {
    let (case, slide) = ground.case(Reading::Single);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    ground.adenoma(case, slide);
                }
            });
        }
    });
    let report = verify(ground);
    assert!(report.whole, "{report:?}");
    assert_eq!(ground.record.case(&ground.pathologist, case).unwrap().case.undecided, 40);
}

pub fn hostile_texts(ground: &Ground) {
    let (case, slide) = ground.case(Reading::Single);
    for text in
        ["'); DROP TABLE decision; --", "<script>alert(1)</script>", "?1 $1 %s \\", "\u{202e}"]
    {
        let proposal = ground.adenoma(case, slide);
        let judgement = bianque_record::decisions::Judgement::Refuse(text.parse().unwrap());
        ground.record.decide(&ground.pathologist, proposal, &decision(judgement)).unwrap();
        let kept = ground.record.decisions(&ground.pathologist, proposal).unwrap().remove(0);
        assert_eq!(kept.reason.unwrap().as_str(), text);
        let name = ground.record.log_in(text, text, bianque_record::Role::Pathologist);
        assert!(name.is_err());
    }
    assert!(verify(ground).whole);
}

//! Whatever is changed in a chain is found, and the first bad entry is named.
#![allow(clippy::unwrap_used)]

mod support;

use bianque_record::{
    audit::{Entry, Fault, Head, Report, export_lines, verify_database, verify_lines},
    cases::Reading,
    database::{Database, Location, Value},
    release::Undecided,
};
use proptest::{prelude::*, sample::Index};
use support::ground::{Ground, accept, sign};

/// Fields that tempt a careless encoding: empty, long, with what separates other things.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z.\\-]{1,12}",
        Just("{\"a\":\"\\n\"}".to_owned()),
        "\\PC{0,6}",
        Just("bianque audit 1\n".to_owned()),
    ]
}

fn history() -> impl Strategy<Value = Vec<Entry>> {
    let fields = proptest::array::uniform7(field());
    let entry = (any::<i64>(), fields).prop_map(|(at, [a, b, c, d, e, f, g])| Entry {
        sequence: 0,
        at,
        actor: a,
        role: b,
        event: c,
        outcome: d,
        object_kind: e,
        object: f,
        detail: g,
        previous: String::new(),
        hash: String::new(),
    });
    proptest::collection::vec(entry, 1..12).prop_map(|mut entries| {
        let mut previous = Entry::before_the_first();
        for (number, entry) in (1..).zip(&mut entries) {
            entry.sequence = number;
            entry.previous = previous;
            entry.hash = entry.computed_hash();
            previous = entry.hash.clone();
        }
        entries
    })
}

fn exported(entries: &[Entry]) -> (Vec<u8>, Head) {
    let mut lines = Vec::new();
    let entries = entries.iter().cloned().map(Ok::<_, std::io::Error>);
    let head = export_lines(entries, &mut lines).unwrap();
    (lines, head)
}

fn verified(lines: &[u8], kept: &[Head]) -> Report {
    verify_lines(lines, kept).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_of_an_export_is_found(
        entries in history(), at in any::<Index>(), flip in 1_u8..,
    ) {
        let (mut lines, head) = exported(&entries);
        prop_assert!(verified(&lines, std::slice::from_ref(&head)).whole);
        let at = at.index(lines.len());
        let line = lines[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        lines[at] ^= flip;
        let report = verified(&lines, &[]);
        prop_assert!(!report.whole, "{:?}", String::from_utf8_lossy(&lines));
        prop_assert!(report.entries <= line.min(entries.len() as u64), "nothing behind it counts");
    }

    #[test]
    fn any_deleted_swapped_repeated_or_missing_line_is_found(
        entries in history(), first in any::<Index>(), second in any::<Index>(), kind in 0..4,
    ) {
        let (lines, _) = exported(&entries);
        let mut lines: Vec<&[u8]> = lines.split_inclusive(|byte| *byte == b'\n').collect();
        let (first, second) = (first.index(lines.len()), second.index(lines.len()));
        match kind {
            0 => drop(lines.remove(first)),
            1 if first == second => return Ok(()),
            1 => lines.swap(first, second),
            2 => lines.insert(second, lines[first]),
            _ => lines.truncate(first),
        }
        prop_assert!(!verified(&lines.concat(), &[]).whole);
    }

    /// A thief who knows all of this program can make a shorter or other chain that is whole in
    /// itself. A head that was kept elsewhere shows it.
    #[test]
    fn a_chain_that_was_made_anew_is_found_by_a_kept_head(
        entries in history(), other in history(), at in any::<Index>(),
    ) {
        let (_, head) = exported(&entries);
        let (shorter, _) = exported(&entries[..at.index(entries.len())]);
        prop_assert!(verified(&shorter, &[]).whole);
        let cut = Fault::Tail { expected: head.sequence, found: at.index(entries.len()) as u64 };
        prop_assert_eq!(verified(&shorter, std::slice::from_ref(&head)).fault, Some(cut));
        prop_assume!(other != entries);
        let (other, _) = exported(&other);
        prop_assert!(!verified(&other, &[head]).whole);
    }
}

/// A real record whose triggers somebody has dropped.
fn unlocked(folder: &tempfile::TempDir) -> (Ground, Box<dyn Database>) {
    let ground = Ground::new(Location::Sqlite(folder.path().join("record.db")));
    let (case, slide) = ground.case(Reading::Single);
    let proposal = ground.adenoma(case, slide);
    ground.record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    ground.record.sign_out(&ground.pathologist, case, &sign(Undecided::Refuse)).unwrap();
    let mut database = ground.location.connect().unwrap();
    for trigger in ["no_update", "no_delete", "follows"] {
        database.batch(&format!("DROP TRIGGER audit_entry_{trigger}")).unwrap();
    }
    (ground, database)
}

fn fault(database: &mut dyn Database, kept: &[Head]) -> Option<Fault> {
    verify_database(database, kept).unwrap().fault
}

#[test]
fn every_changed_field_of_a_stored_entry_is_found_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (ground, mut database) = unlocked(&folder);
    let database = database.as_mut();
    let last = ground.record.audit_head().unwrap().sequence;
    let columns = [
        "at",
        "actor",
        "role",
        "event",
        "outcome",
        "object_kind",
        "object",
        "detail",
        "previous",
        "hash",
    ];
    for sequence in 1..=last {
        for column in columns {
            let at = i64::try_from(sequence).unwrap();
            let sql = format!("SELECT {column} FROM audit_entry WHERE sequence = ?1");
            let old = database.query(&sql, &[at.into()]).unwrap()[0].0[0].clone();
            let new = match &old {
                Value::Integer(number) => Value::Integer(number ^ 1),
                Value::Text(text) => {
                    let mut letters: Vec<char> = text.chars().collect();
                    let middle = letters.len() / 2;
                    letters[middle] = if letters[middle] == '0' { '1' } else { '0' };
                    Value::Text(letters.into_iter().collect())
                }
                other => panic!("{other:?}"),
            };
            let set = format!("UPDATE audit_entry SET {column} = ?2 WHERE sequence = ?1");
            database.execute(&set, &[at.into(), new]).unwrap();
            let found = fault(database, &[]);
            assert_eq!(found, Some(Fault::Content { sequence }), "{column}");
            database.execute(&set, &[at.into(), old]).unwrap();
        }
    }
    assert_eq!(fault(database, &[]), None, "all is as it was");
}

#[test]
fn a_stored_chain_that_is_cut_has_a_gap_or_is_out_of_order_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (ground, mut database) = unlocked(&folder);
    let database = database.as_mut();
    let kept = ground.record.audit_head().unwrap();
    let last = kept.sequence;
    let mut attempt = |change: &str| {
        database.batch(&format!("SAVEPOINT attempt; {change}")).unwrap();
        // The verification begins a transaction of its own, which SQLite does not nest.
        database.batch("RELEASE attempt").unwrap();
        (fault(database, &[]), fault(database, std::slice::from_ref(&kept)))
    };
    let swap = "UPDATE audit_entry SET sequence = -1 WHERE sequence = 4; \
                UPDATE audit_entry SET sequence = 4 WHERE sequence = 5; \
                UPDATE audit_entry SET sequence = 5 WHERE sequence = -1;";
    assert_eq!(attempt(swap).0, Some(Fault::Content { sequence: 4 }), "swapped");
    assert_eq!(attempt(swap).0, None, "swapped back");
    let tail = format!("DELETE FROM audit_entry WHERE sequence = {last};");
    let cut = Some(Fault::Tail { expected: last, found: last - 1 });
    assert_eq!(attempt(&tail), (cut.clone(), cut.clone()), "the tail is cut");
    let head = "UPDATE audit_head SET sequence = sequence - 1, hash = (SELECT hash FROM \
                audit_entry ORDER BY sequence DESC LIMIT 1)";
    let (alone, against_kept) = attempt(head);
    assert_eq!(against_kept, cut, "the head is made to fit: a kept one shows");
    assert!(matches!(alone, Some(Fault::State { .. })), "what was signed shows: {alone:?}");
    let gap = "DELETE FROM audit_entry WHERE sequence = 3;";
    assert_eq!(attempt(gap).0, Some(Fault::Order { expected: 3, found: 4 }));
    assert!(attempt("DELETE FROM audit_entry;").0.is_some());
    assert!(attempt("DELETE FROM audit_head;").0.is_some(), "without a head nothing holds");
}

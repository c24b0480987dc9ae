//! Cases of several slides.

use bianque_core::Digest;
use bianque_record::{
    RecordError,
    audit::{AuditQuery, verify_database},
    cases::{NewCase, Piece, Reading, SlidePlace, WorklistQuery},
    identity::{CaseId, SlideId},
    release::Undecided,
};

use crate::support::ground::{Ground, accept, defer, sign};

fn place(label: &str) -> SlidePlace {
    SlidePlace {
        specimen: "B".parse().unwrap(),
        organ: "rectum".parse().unwrap(),
        block: "B1".parse().unwrap(),
        label: label.parse().unwrap(),
        stain: "HE".parse().unwrap(),
    }
}

fn piece(slide: SlideId, label: &str) -> (Piece, SlidePlace) {
    (Piece::Registered(slide), place(label))
}

fn on_worklist(ground: &Ground) -> Vec<CaseId> {
    let page = ground.record.worklist(&ground.technician, &WorklistQuery::default()).unwrap();
    page.items.iter().map(|item| item.case.id).collect()
}

fn whole(ground: &Ground) -> bool {
    verify_database(ground.location.connect().unwrap().as_mut(), &[]).unwrap().whole
}

fn conflict<T: std::fmt::Debug>(result: Result<T, RecordError>, words: &str) {
    match result {
        Err(RecordError::Conflict(what)) => assert!(what.contains(words), "{what}"),
        other => panic!("{other:?}"),
    }
}

pub fn put_together(ground: &Ground) {
    let record = &ground.record;
    let (one, first) = ground.case(Reading::Single);
    let (two, second) = ground.case(Reading::Single);
    let proposal = ground.adenoma(one, first);
    record.reveal(&ground.pathologist, one).unwrap();
    let file = Piece::File { digest: Digest::of(b"third"), path: "c.svs".parse().unwrap() };
    let pieces = [piece(first, "B1-1"), piece(second, "B1-2"), (file, place("B1-3"))];
    assert!(
        record.put_together(&ground.pathologist, &ground.new_case(Reading::Single), &[]).is_err()
    );
    let new = ground.new_case(Reading::Single);
    let case = record.put_together(&ground.technician, &new, &pieces).unwrap();

    let material = record.case(&ground.pathologist, case).unwrap();
    assert_eq!((material.specimens.len(), material.blocks.len()), (1, 1));
    let labels: Vec<&str> = material.slides.iter().map(|slide| slide.label.as_str()).collect();
    assert_eq!(labels, ["B1-1", "B1-2", "B1-3"]);
    assert_eq!((material.case.undecided, material.case.is_emptied), (1, false));
    assert_eq!(on_worklist(ground), [case], "emptied cases wait for nobody");
    assert!(record.case(&ground.pathologist, one).unwrap().case.is_emptied);

    let found = record.findings(&ground.pathologist, case).unwrap();
    assert_eq!((found[0].proposal.proposal.id, found[0].proposal.proposal.case), (proposal, case));
    assert!(record.is_revealed(&ground.pathologist, case).unwrap());
    assert!(whole(ground), "what was put is still what its entry testifies to");
    record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    record.sign_out(&ground.pathologist, case, &sign(Undecided::Refuse)).unwrap();
    conflict(record.sign_out(&ground.pathologist, two, &sign(Undecided::LeaveOut)), "other cases");
    assert!(whole(ground));
    let query = AuditQuery { limit: 500, ..AuditQuery::default() };
    let entries = record.audit_entries(&ground.administrator, &query).unwrap();
    let moved = entries.iter().filter(|entry| entry.event == "slide.moved");
    let from: Vec<&str> = moved.map(|entry| entry.object.as_str()).collect();
    assert_eq!(from, [two.to_string(), one.to_string()]);
}

pub fn refused(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let (other, free) = ground.case(Reading::Single);
    let proposal = ground.adenoma(case, slide);
    record.decide(&ground.pathologist, proposal, &defer()).unwrap();
    let new = |ground: &Ground| ground.new_case(Reading::Single);
    let both = [piece(free, "B1-1"), piece(slide, "B1-2")];
    conflict(record.put_together(&ground.technician, &new(ground), &both), "has decided");
    assert_eq!(on_worklist(ground), [case, other], "all of it or nothing");
    let twice = [piece(free, "B1-1"), (piece(free, "B1-1").0, place("B1-2"))];
    record.put_together(&ground.technician, &new(ground), &twice).unwrap();
    let (_, another) = ground.case(Reading::Single);
    let same = [piece(another, "A1-1")];
    conflict(record.put_in(&ground.technician, case, &same), "has a slide");
    let organ =
        SlidePlace { organ: "skin".parse().unwrap(), specimen: "A".parse().unwrap(), ..place("x") };
    let wrong = [(Piece::Registered(another), organ)];
    conflict(record.put_in(&ground.technician, case, &wrong), "another organ");
    for who in [&ground.second_reader, &ground.clinician, &ground.administrator] {
        let tried = record.put_in(who, case, &[piece(another, "B1-1")]);
        assert!(matches!(tried, Err(RecordError::Forbidden { .. })), "{tried:?}");
    }
    let taken = NewCase { number: "S26-00001".parse().unwrap(), ..new(ground) };
    conflict(record.put_together(&ground.technician, &taken, &[piece(another, "B1-1")]), "taken");
    record.sign_out(&ground.pathologist, case, &sign(Undecided::LeaveOut)).unwrap();
    conflict(record.put_in(&ground.technician, case, &[piece(another, "B1-1")]), "signed");
    conflict(
        record.put_together(&ground.technician, &new(ground), &[piece(slide, "B1-1")]),
        "signed",
    );
}

pub fn taken_out(ground: &Ground) {
    let record = &ground.record;
    let alone = ground.new_case(Reading::Single);
    let (_, other) = ground.case(Reading::Single);
    let file = Piece::File { digest: Digest::of(b"one"), path: "a.svs".parse().unwrap() };
    let own = record.put_together(&ground.program, &alone, &[(file, place("A1-1"))]).unwrap();
    let placed = record.slides_of_digest(&ground.program, Digest::of(b"one")).unwrap();
    assert!(!placed[0].by_hand, "a program has put it there");
    let slide = placed[0].slide;
    let page = record.unattached(&ground.technician, None, 1).unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(record.unattached(&ground.technician, page.next, 1).unwrap().items[0].0.id, own);

    let new = ground.new_case(Reading::Single);
    let pieces = [piece(slide, "B1-1"), piece(other, "B1-2")];
    let case = record.put_together(&ground.technician, &new, &pieces).unwrap();
    assert!(record.unattached(&ground.technician, None, 100).unwrap().items.is_empty());
    assert!(record.take_out(&ground.technician, own, slide, &alone).is_err(), "it is not there");
    assert_eq!(record.take_out(&ground.technician, case, slide, &alone).unwrap(), own);
    let material = record.case(&ground.technician, own).unwrap();
    assert_eq!((material.slides.len(), material.case.is_emptied), (1, false));
    assert!(record.slides_of_digest(&ground.program, Digest::of(b"one")).unwrap()[0].by_hand);
    conflict(record.take_out(&ground.technician, own, slide, &alone), "of its own");
    conflict(record.take_out(&ground.technician, case, other, &alone), "taken");
    conflict(record.take_out(&ground.technician, case, other, &new), "of its own");
    assert!(whole(ground));
}

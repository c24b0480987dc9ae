//! Decisions as lessons, refitted heads, and which head is in use.

use bianque_core::Digest;
use bianque_record::{
    RecordError,
    audit::verify_database,
    cases::{Purpose, Reading},
    identity::{DecisionId, HeadId, Label, Reason},
    improvement::{Agreement, KindCount, LeftOut, LessonsFrom, Measured, NewHead, Said},
};

use crate::support::ground::{Ground, accept, correct, defer, refuse};

fn task() -> Label {
    "colon".parse().unwrap()
}

fn measured(before: f64, after: f64) -> Measured {
    let agreement = |balanced| Agreement { agrees: 3, of: 4, balanced, log_loss: 0.25 };
    Measured {
        before: agreement(before),
        after: agreement(after),
        mended: 1,
        spoilt: 0,
        kinds: vec![KindCount { kind: "adenoma".to_owned(), learned: 1, held_out: 1 }],
        pull: 0.1,
        learned_cases: 1,
        held_out_cases: 1,
        learned_tiles: 40,
        left_out: LeftOut { no_tile: 1, ..LeftOut::default() },
        slides: 2,
        tiles: 300,
        changed_tiles: 7,
    }
}

fn head(learned: DecisionId, held_out: DecisionId, weights: &[u8], after: f64) -> NewHead {
    NewHead {
        task: task(),
        weights: Digest::of(weights),
        pulled_to: Digest::of(b"own"),
        compared_with: Digest::of(b"own"),
        measured: measured(0.5, after),
        learned: vec![learned],
        held_out: vec![held_out],
    }
}

pub fn lessons(ground: &Ground) {
    let record = &ground.record;
    let reader = &ground.pathologist;
    let (case, slide) = ground.case(Reading::Single);
    let [accepted, corrected, refused, put_off, _open] =
        [(); 5].map(|()| ground.adenoma(case, slide));
    let first = record.decide(reader, accepted, &accept()).unwrap();
    let carcinoma = Ground::region(slide, "carcinoma", 9.0);
    let second = record.decide(reader, corrected, &correct(&carcinoma)).unwrap();
    let third = record.decide(reader, refused, &refuse()).unwrap();
    record.decide(reader, put_off, &defer()).unwrap();
    // One of two readers has spoken: nothing is settled.
    let (double, its_slide) = ground.case(Reading::Double);
    record.decide(reader, ground.adenoma(double, its_slide), &accept()).unwrap();

    let all = record.lessons(reader, LessonsFrom::EveryPatient).unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|lesson| (lesson.decision, lesson.said, lesson.region.label.to_string()))
        .collect();
    let expected = [
        (third, Said::IsNot, "adenoma".to_owned()),
        (second, Said::Is, "carcinoma".to_owned()),
        (first, Said::Is, "adenoma".to_owned()),
    ];
    assert_eq!(told, expected);
    assert_eq!((all[1].case, &all[1].region), (case, &carcinoma));

    // What is amended teaches what stands now.
    record.amend(reader, first, &refuse()).unwrap();
    let amended = record.lessons(reader, LessonsFrom::EveryPatient).unwrap();
    assert_eq!((amended[0].said, amended.len()), (Said::IsNot, 3));

    // Nothing is learned from a patient who has not agreed, or has taken it back.
    assert!(record.lessons(reader, LessonsFrom::ConsentingPatients).unwrap().is_empty());
    let patient = record.case(reader, case).unwrap().case.patient;
    let agree = |granted| {
        record.record_consent(reader, &patient, Purpose::Training, granted, None).unwrap();
        record.lessons(reader, LessonsFrom::ConsentingPatients).unwrap().len()
    };
    assert_eq!((agree(true), agree(false)), (3, 0));
    for other in [&ground.technician, &ground.administrator, &ground.second_reader, &ground.program]
    {
        let refused = record.lessons(other, LessonsFrom::EveryPatient);
        assert!(matches!(refused, Err(RecordError::Forbidden { .. })), "{other:?}");
    }
}

pub fn heads(ground: &Ground) {
    let record = &ground.record;
    let reader = &ground.pathologist;
    let (case, slide) = ground.case(Reading::Single);
    let decide = || record.decide(reader, ground.adenoma(case, slide), &accept()).unwrap();
    let (learned, held_out) = (decide(), decide());
    let better = head(learned, held_out, b"better", 0.75);
    let worse = head(learned, held_out, b"worse", 0.25);
    let nowhere: DecisionId = "0".repeat(32).parse().unwrap();
    let refused = record.keep_head(reader, &head(learned, nowhere, b"x", 0.5));
    assert!(matches!(refused, Err(RecordError::NotFound { .. })), "{refused:?}");
    let nothing = NewHead { held_out: Vec::new(), ..better.clone() };
    assert!(record.keep_head(reader, &nothing).is_err());
    assert!(record.keep_head(reader, &head(learned, held_out, b"x", f64::NAN)).is_err());
    for other in [&ground.administrator, &ground.technician, &ground.program] {
        assert!(record.keep_head(other, &better).is_err(), "{other:?}");
    }
    let (better_id, worse_id) =
        (record.keep_head(reader, &better).unwrap(), record.keep_head(reader, &worse).unwrap());
    let kept = record.heads(&ground.administrator, &task()).unwrap();
    assert_eq!([kept[0].id, kept[1].id], [worse_id, better_id], "the newest first");
    assert_eq!((&kept[1].measured, kept[1].weights), (&better.measured, better.weights));
    assert_eq!((&kept[1].learned, &kept[1].held_out), (&better.learned, &better.held_out));
    assert_eq!(kept[1].asked_by, reader.user());
    assert_eq!(record.head(reader, better_id).unwrap(), kept[1]);
    assert!(record.heads(&ground.technician, &task()).is_err());
    assert!(record.heads(reader, &"lung".parse().unwrap()).unwrap().is_empty());

    let activate = |actor, head: Option<HeadId>, why: Option<&str>| {
        let why: Option<Reason> = why.map(|why| why.parse().unwrap());
        record.activate_head(actor, &task(), head, why.as_ref())
    };
    let in_use = || record.active_head(&task()).unwrap().map(|head| head.id);
    assert_eq!(in_use(), None, "nothing is activated by itself");
    let conflict = |result: Result<(), RecordError>| {
        assert!(matches!(result, Err(RecordError::Conflict(_))), "{result:?}");
    };
    conflict(activate(reader, None, Some("it is in use already")));
    conflict(activate(reader, Some(worse_id), None));
    for other in [&ground.technician, &ground.second_reader, &ground.program] {
        assert!(matches!(
            activate(other, Some(better_id), None),
            Err(RecordError::Forbidden { .. })
        ));
    }
    activate(&ground.administrator, Some(better_id), None).unwrap();
    assert_eq!(in_use(), Some(better_id));
    conflict(activate(reader, Some(better_id), None));
    activate(reader, Some(worse_id), Some("it sees the serrated ones")).unwrap();
    // It was compared with the task's own head, and another is in use now.
    conflict(activate(reader, Some(better_id), None));
    conflict(activate(reader, None, None));
    activate(reader, None, Some("back to what was validated")).unwrap();
    assert_eq!(in_use(), None);
    let elsewhere = record.activate_head(reader, &"lung".parse().unwrap(), Some(better_id), None);
    conflict(elsewhere);
    let all = record.activations(reader, &task()).unwrap();
    let heads: Vec<_> = all.iter().map(|activation| activation.head).collect();
    assert_eq!(heads, [None, Some(worse_id), Some(better_id)]);
    assert_eq!(all[1].reason.as_ref().unwrap().as_str(), "it sees the serrated ones");

    // What is kept cannot be changed, and the audit knows every deed.
    let mut database = ground.location.connect().unwrap();
    for sql in [
        "UPDATE refitted_head SET weights = 'x'",
        "DELETE FROM refitted_head_decision",
        "UPDATE head_activation SET head = NULL",
    ] {
        assert!(database.batch(sql).is_err(), "{sql}");
        // A failed statement may leave a transaction open.
        let _ = database.batch("ROLLBACK");
    }
    assert!(verify_database(database.as_mut(), &[]).unwrap().whole);
}

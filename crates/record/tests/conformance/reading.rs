//! What happens while people read, and what belongs to the site.

use std::time::Duration;

use bianque_core::{Digest, Magnification, PixelRect};
use bianque_record::{
    RecordError, Role,
    audit::verify_database,
    cases::{LoneSlide, NewSlide, Reading, WorklistQuery},
    decisions::{Manner, NewDecision, Verdict},
    identity::{Label, Reason, RequestKey},
    proposals::{Content, State},
    reading::{CaseReading, OwnRegion, SlideView},
    site::ExaminationState,
};
use serde_json::json;

use crate::support::ground::{Ground, accept, correct, refuse};

fn key(text: &str) -> Option<RequestKey> {
    Some(text.parse().unwrap())
}

pub fn sent_twice(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let content = Content::of(&Ground::region(slide, "adenoma", 0.0)).unwrap();
    let new = Ground::proposal(case, slide, content);
    let request = key("request-1");
    let put = || record.propose_once(&ground.program, &new, request.as_ref()).unwrap();
    let proposal = put();
    assert_eq!(put(), proposal);
    assert_eq!(record.proposals(&ground.pathologist, case).unwrap().len(), 1);
    let decision = NewDecision { request: key("request-2"), ..accept() };
    let first = record.decide(&ground.pathologist, proposal, &decision).unwrap();
    assert_eq!(record.decide(&ground.pathologist, proposal, &decision).unwrap(), first);
    assert_eq!(record.decisions(&ground.pathologist, proposal).unwrap().len(), 1);
    // A key is one person's: another's request of the same name is another request.
    let other = record.decide(&ground.third, proposal, &decision);
    assert!(matches!(other, Err(RecordError::Transition { .. })), "{other:?}");
    let amended = NewDecision { request: key("request-3"), ..refuse() };
    let second = record.amend(&ground.pathologist, first, &amended).unwrap();
    assert_eq!(record.amend(&ground.pathologist, first, &amended).unwrap(), second);
    // What was refused is not remembered: it may be tried again.
    let wrong = NewDecision { request: key("request-4"), ..accept() };
    assert!(record.decide(&ground.pathologist, proposal, &wrong).is_err());
    let why = NewDecision { request: key("request-4"), ..accept() };
    assert!(record.amend(&ground.pathologist, second, &why).is_ok());
    for bad in ["short", "with space", "ключ-ключ"] {
        assert!(bad.parse::<RequestKey>().is_err(), "{bad}");
    }
}

pub fn seen_findings(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Double);
    let proposal = ground.adenoma(case, slide);
    let corrected = correct(&Ground::region(slide, "carcinoma", 9.0));
    record.decide(&ground.pathologist, proposal, &corrected).unwrap();
    let own = &record.findings(&ground.pathologist, case).unwrap()[0];
    assert_eq!(own.corrected.as_ref().unwrap()["label"], "carcinoma");
    assert_eq!(own.own.as_ref().unwrap().verdict, Verdict::Correct);
    let blind = record.finding(&ground.second_reader, proposal).unwrap();
    assert_eq!((blind.proposal.state, blind.read_once), (State::Proposed, true));
    assert!(blind.corrected.is_none() && blind.own.is_none() && blind.stands.is_none());
    record.decide(&ground.second_reader, proposal, &corrected).unwrap();
    let both = record.finding(&ground.third, proposal).unwrap();
    assert_eq!(both.stands.unwrap().manner, Manner::Reading);
    assert_eq!(both.corrected.unwrap()["label"], "carcinoma");
    let decision = own.own.as_ref().unwrap().id;
    assert_eq!(record.proposal_of(&ground.third, decision).unwrap(), proposal);
    assert!(record.proposal_of(&ground.clinician, decision).is_err());

    let effort = record.effort(&ground.pathologist).unwrap();
    let milliseconds: u64 = effort.iter().map(|effort| effort.milliseconds).sum();
    assert_eq!((effort.len(), milliseconds), (2, 4600));
}

pub fn revealed_and_viewed(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let (reader, other) = (&ground.pathologist, &ground.third);
    assert!(!record.is_revealed(reader, case).unwrap());
    record.reveal(reader, case).unwrap();
    record.reveal(reader, case).unwrap();
    assert!(record.is_revealed(reader, case).unwrap());
    assert!(!record.is_revealed(other, case).unwrap());
    let refused = record.reveal(&ground.technician, case);
    assert!(matches!(refused, Err(RecordError::Forbidden { .. })));

    let view = SlideView {
        region: PixelRect::new(-7, 0, 300, 200),
        magnification: Magnification::new(2.5).unwrap(),
        milliseconds: 800,
    };
    record.keep_views(reader, case, slide, &[view.clone(), view.clone()]).unwrap();
    assert_eq!(record.views(reader, case, slide).unwrap(), [view.clone(), view.clone()]);
    assert_eq!(record.views(other, case, slide).unwrap(), []);
    let (elsewhere, _) = ground.case(Reading::Single);
    assert!(record.keep_views(reader, elsewhere, slide, std::slice::from_ref(&view)).is_err());
    assert!(
        record.keep_views(&ground.clinician, case, slide, std::slice::from_ref(&view)).is_err()
    );
    assert!(record.keep_views(reader, case, slide, &vec![view; 501]).is_err());
}

pub fn unaided(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let machine = ground.adenoma(case, slide);
    let reader = &ground.pathologist;
    let region = Content::of(&Ground::region(slide, "carcinoma", 5.0)).unwrap();
    let drawn = record.propose(reader, &Ground::proposal(case, slide, region)).unwrap();
    let alone = NewDecision { aided: false, ..accept() };
    let decision = record.decide(reader, drawn, &alone).unwrap();
    let words: Reason = "Carcinoma.".parse().unwrap();
    let commit = |who, spent| record.commit_reading(who, case, &words, Duration::from_secs(spent));
    assert!(matches!(commit(&ground.technician, 1), Err(RecordError::Forbidden { .. })));
    assert!(!record.has_committed_reading(reader, case).unwrap());
    let fixed = commit(reader, 20).unwrap();
    assert_eq!(fixed.regions, [OwnRegion { proposal: drawn, decision }]);
    assert!(record.has_committed_reading(reader, case).unwrap());
    assert!(!record.has_committed_reading(&ground.third, case).unwrap());
    assert!(matches!(commit(reader, 1), Err(RecordError::Conflict(_))), "it is fixed once");
    record.reveal(reader, case).unwrap();
    record.reveal(&ground.third, case).unwrap();
    assert!(matches!(commit(&ground.third, 1), Err(RecordError::Conflict(_))), "it was shown");
    record.decide(reader, machine, &accept()).unwrap();

    let (aided, slide) = ground.case(Reading::Single);
    let proposal = ground.adenoma(aided, slide);
    record.decide(&ground.third, proposal, &accept()).unwrap();
    let readings = record.case_readings(reader).unwrap();
    let of = |who: &bianque_record::Actor, aided, milliseconds, taken_over| CaseReading {
        reader: who.user(),
        aided,
        milliseconds,
        regions: 1,
        taken_over,
    };
    let expected = [of(reader, false, 22_300, 1), of(&ground.third, true, 2300, 0)];
    assert_eq!(readings, expected);

    let mut database = ground.location.connect().unwrap();
    assert!(database.batch("UPDATE unaided_reading SET milliseconds = 1").is_err());
    assert!(verify_database(database.as_mut(), &[]).unwrap().whole);
}

pub fn the_site(ground: &Ground) {
    let record = &ground.record;
    let name: Label = "reading".parse().unwrap();
    record.set_setting(&ground.administrator, &name, &json!({ "read_first": true })).unwrap();
    record.set_setting(&ground.administrator, &name, &json!({ "read_first": false })).unwrap();
    assert_eq!(record.settings_of_site().unwrap()["reading"]["read_first"], false);
    assert!(record.set_setting(&ground.pathologist, &name, &json!(1)).is_err());

    let staff = record.staff(&ground.pathologist).unwrap();
    let first = staff.iter().find(|member| member.login == "first").unwrap();
    assert_eq!((first.id, &first.roles), (ground.pathologist.user(), &vec![Role::Pathologist]));
    assert_eq!(record.who_is(&ground.clinician).unwrap().login, "clinician");
    assert!(record.staff(&ground.clinician).is_err());
    assert!(record.account_named("nobody").is_err());

    let digest = Digest::of(b"a file");
    let lone = LoneSlide {
        case: ground.new_case(Reading::Single),
        specimen: "A".parse().unwrap(),
        organ: "not stated".parse().unwrap(),
        block: "A1".parse().unwrap(),
        slide: NewSlide {
            label: "A1-1".parse().unwrap(),
            stain: "HE".parse().unwrap(),
            digest,
            path: "b.svs".parse().unwrap(),
        },
    };
    let (case, slide) = record.register_lone_slide(&ground.program, &lone).unwrap();
    assert!(record.register_lone_slide(&ground.program, &lone).is_err(), "the number is taken");
    let placed = record.slides_of_digest(&ground.program, digest).unwrap();
    assert_eq!((placed.len(), placed[0].case, placed[0].slide), (1, case, slide));
    record.open_slide(&ground.pathologist, digest).unwrap();
    assert!(record.open_slide(&ground.second_reader, digest).is_err(), "it is read once");
    assert!(record.open_slide(&ground.clinician, digest).is_err());
    assert_eq!(record.slides_of_case(&ground.pathologist, case).unwrap()[0].id, slide);
    assert_eq!(record.slide_of_case(&ground.pathologist, case, slide).unwrap().digest, digest);
    let page = record.worklist(&ground.pathologist, &WorklistQuery::default()).unwrap();
    assert_eq!(page.items[0].slides[0].id, slide);

    let producer: Label = "colon 1".parse().unwrap();
    assert!(record.examination(slide, &producer).unwrap().is_none());
    for (state, outputs) in
        [(ExaminationState::Running, json!({})), (ExaminationState::Done, json!({ "crop": 1 }))]
    {
        record.note_examination(&ground.program, slide, &producer, state, &outputs).unwrap();
        let found = record.examination(slide, &producer).unwrap().unwrap();
        assert_eq!((found.state, found.outputs), (state, outputs));
    }
    ground.wait(Duration::from_secs(1));
    let newer: Label = "colon 2".parse().unwrap();
    let none = json!({});
    record
        .note_examination(&ground.program, slide, &newer, ExaminationState::Failed, &none)
        .unwrap();
    let newest = record.examinations(&ground.pathologist, case).unwrap();
    assert_eq!((newest.len(), newest[0].state), (1, ExaminationState::Failed));
}

//! Proposals of any kind.

use bianque_core::Digest;
use bianque_record::{
    RecordError,
    cases::{Purpose, Reading},
    identity::CaseId,
    proposals::{
        Content, LesionRegion, NewProposal, ProposalContent, QualityVerdict, QueueQuery, State,
    },
};

use crate::support::ground::{Ground, Statement, accept, refuse};

pub fn three_kinds(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let region = ground.adenoma(case, slide);
    let verdict = ground.propose(case, slide, &Ground::bad_slide(slide));
    let statement = ground.propose(case, slide, &Statement { text: "An adenoma is…".into() });

    let queue = record.queue(&ground.pathologist, &QueueQuery::default()).unwrap();
    let kinds: Vec<_> = queue.iter().map(|item| (item.kind.as_str(), item.proposal)).collect();
    assert_eq!(
        kinds,
        [("lesion-region", region), ("quality-verdict", verdict), ("statement", statement)]
    );
    assert_eq!(queue[1].headline, "rescan: focus");
    let after = QueueQuery { after: Some(region), limit: 1, ..QueueQuery::default() };
    assert_eq!(record.queue(&ground.pathologist, &after).unwrap()[0].proposal, verdict);
    let kind = QueueQuery { kind: Some(Statement::KIND.into()), ..QueueQuery::default() };
    assert_eq!(record.queue(&ground.pathologist, &kind).unwrap().len(), 1);

    // Each kind is decided by whom it concerns, through the same call.
    record.decide(&ground.pathologist, region, &accept()).unwrap();
    record.decide(&ground.technician, verdict, &refuse()).unwrap();
    record.decide(&ground.clinician, statement, &accept()).unwrap();
    assert!(record.queue(&ground.pathologist, &QueueQuery::default()).unwrap().is_empty());
    let states: Vec<State> =
        record.proposals(&ground.pathologist, case).unwrap().iter().map(|p| p.state).collect();
    assert_eq!(states, [State::Accepted, State::Refused, State::Accepted]);
}

pub fn foreign_slide(ground: &Ground) {
    let (case, _) = ground.case(Reading::Single);
    let (_, other) = ground.case(Reading::Single);
    let content = Content::of(&Ground::region(other, "adenoma", 0.0)).unwrap();
    let mut new = Ground::proposal(case, other, content);
    let propose = |new: &NewProposal| ground.record.propose(&ground.program, new);
    assert!(matches!(propose(&new), Err(RecordError::NotFound { .. })));
    new.slide = None;
    assert!(matches!(propose(&new), Err(RecordError::NotFound { .. })), "in the evidence");
    new.evidence.clear();
    new.case = CaseId::fresh(ground.now()).unwrap();
    assert!(matches!(propose(&new), Err(RecordError::NotFound { .. })));
    new.producer.name = "x".repeat(201);
    assert!(matches!(propose(&new), Err(RecordError::Invalid { .. })));
}

pub fn comes_back(ground: &Ground) {
    let (case, slide) = ground.case(Reading::Single);
    let region = Ground::region(slide, "腺瘤", 0.1);
    let new = Ground::proposal(case, slide, Content::of(&region).unwrap());
    let id = ground.record.propose(&ground.program, &new).unwrap();
    let found = ground.record.proposals(&ground.pathologist, case).unwrap().remove(0);
    assert_eq!((found.proposal.id, found.state), (id, State::Proposed));
    assert_eq!(found.proposal.content::<LesionRegion>().unwrap(), region);
    let point = Ground::point(slide, "adenoma", 12.25);
    let put = Ground::proposal(case, slide, Content::of(&point).unwrap());
    let point_id = ground.record.propose(&ground.program, &put).unwrap();
    let all = ground.record.proposals(&ground.pathologist, case).unwrap();
    let kept = all.iter().find(|kept| kept.proposal.id == point_id).unwrap();
    assert_eq!(kept.proposal.content::<LesionRegion>().unwrap(), point, "a point stays a point");
    assert!(found.proposal.content::<QualityVerdict>().is_err(), "another kind");
    assert_eq!(found.proposal.evidence, new.evidence);
    assert_eq!(found.proposal.producer, new.producer);
    assert_eq!(found.proposal.confidence, new.confidence);
    assert_eq!(found.proposal.consent_tags, [Purpose::Training]);
    assert_eq!(found.proposal.proposed_by, ground.program.user());
    let material = ground.record.case(&ground.pathologist, case).unwrap();
    assert_eq!(material.case.undecided, 2);
    assert_eq!(material.slides[0].digest, Digest::of(case.to_string().as_bytes()));
    assert_eq!((material.specimens.len(), material.blocks.len()), (1, 1));
}

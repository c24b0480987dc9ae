//! What people decide.

use bianque_record::{
    RecordError,
    cases::Reading,
    decisions::{Manner, NewDecision, Verdict, apply},
    identity::ProposalId,
    proposals::{Content, LesionRegion, ProposalContent, State},
};

use crate::support::ground::{Ground, accept, correct, defer, refuse, viewed};

fn state(ground: &Ground, proposal: ProposalId) -> State {
    let queues = State::ALL.iter().copied();
    let found = queues.filter(|state| {
        let query = bianque_record::proposals::QueueQuery { state: *state, ..Default::default() };
        let queue = ground.record.queue(&ground.program, &query).unwrap();
        queue.iter().any(|item| item.proposal == proposal)
    });
    let found: Vec<State> = found.collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

fn conflicts<T: std::fmt::Debug>(result: bianque_record::Result<T>) -> bool {
    matches!(result, Err(RecordError::Conflict(_)))
}

pub fn single_reading(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let proposal = ground.adenoma(case, slide);
    record.decide(&ground.pathologist, proposal, &defer()).unwrap();
    assert_eq!(state(ground, proposal), State::Deferred);
    let seen = NewDecision { viewed: vec![viewed(slide)], ..accept() };
    record.decide(&ground.pathologist, proposal, &seen).unwrap();
    assert_eq!(state(ground, proposal), State::Accepted);
    assert!(conflicts(record.decide(&ground.pathologist, proposal, &refuse())), "decided");
    let other = record.decide(&ground.third, proposal, &refuse());
    assert!(matches!(other, Err(RecordError::Transition { .. })), "{other:?}");
    let second = record.decide(&ground.second_reader, proposal, &refuse());
    assert!(matches!(second, Err(RecordError::Forbidden { .. })), "read once only");

    let decisions = record.decisions(&ground.pathologist, proposal).unwrap();
    assert_eq!(decisions.len(), 2);
    assert_eq!(decisions[0].reason.as_ref().unwrap().as_str(), "deeper levels ordered");
    assert_eq!(decisions[1].viewed, seen.viewed);
    assert_eq!(decisions[1].milliseconds, 2300);
    assert_eq!(decisions[1].role, ground.pathologist.role());
    assert_eq!(decisions[1].manner, Manner::Reading);

    let (_, elsewhere) = ground.case(Reading::Single);
    let another = ground.adenoma(case, slide);
    let strange = NewDecision { viewed: vec![viewed(elsewhere)], ..accept() };
    let strange = record.decide(&ground.pathologist, another, &strange);
    assert!(matches!(strange, Err(RecordError::NotFound { .. })), "another case's slide");
}

pub fn correction(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let proposal = ground.adenoma(case, slide);
    let wrong_kind =
        record.decide(&ground.pathologist, proposal, &correct(&Ground::bad_slide(slide)));
    assert!(matches!(wrong_kind, Err(RecordError::Invalid { .. })));
    let drawn = Ground::region(slide, "adenocarcinoma", 10.0);
    record.decide(&ground.pathologist, proposal, &correct(&drawn)).unwrap();
    assert_eq!(state(ground, proposal), State::Corrected);

    let kept = record.decisions(&ground.pathologist, proposal).unwrap().remove(0);
    let (old, new) = (kept.replaced.unwrap(), kept.content.unwrap());
    let proposed = record.proposals(&ground.pathologist, case).unwrap().remove(0).proposal;
    assert_eq!(old, proposed.content, "the proposal stays as it was");
    assert_eq!(new, serde_json::to_value(&drawn).unwrap());
    let difference = kept.difference.unwrap();
    assert_eq!(apply(&old, &difference), Some(new));
    let places: Vec<&str> = difference.iter().map(|change| change.at.as_str()).collect();
    assert!(places.contains(&"/label") && places.len() == 5, "{places:?}");
}

pub fn amendment(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let proposal = ground.adenoma(case, slide);
    let first = record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    let silent = NewDecision { reason: None, ..accept() };
    assert!(record.amend(&ground.pathologist, first, &silent).is_err(), "why?");
    let deferred = record.amend(&ground.pathologist, first, &defer());
    assert!(matches!(deferred, Err(RecordError::Transition { .. })), "{deferred:?}");
    let second = record.amend(&ground.third, first, &refuse()).unwrap();
    assert_eq!(state(ground, proposal), State::Refused);
    assert!(conflicts(record.amend(&ground.pathologist, first, &accept())), "stands no more");
    record.amend(&ground.pathologist, second, &accept()).unwrap();
    let decisions = record.decisions(&ground.pathologist, proposal).unwrap();
    let chain: Vec<_> = decisions.iter().map(|d| (d.manner, d.verdict, d.amends)).collect();
    assert_eq!(
        chain,
        [
            (Manner::Reading, Verdict::Accept, None),
            (Manner::Amendment, Verdict::Refuse, Some(first)),
            (Manner::Amendment, Verdict::Accept, Some(second)),
        ]
    );
}

pub fn blind(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Double);
    let proposal = ground.adenoma(case, slide);
    record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    assert_eq!(state(ground, proposal), State::ReadOnce);
    let seen = |actor| {
        let decisions = record.decisions(actor, proposal).unwrap().len();
        (decisions, record.proposals(actor, case).unwrap()[0].state)
    };
    assert_eq!(seen(&ground.second_reader), (0, State::Proposed), "as if nobody had read it");
    assert_eq!(seen(&ground.pathologist), (1, State::ReadOnce));
    record.decide(&ground.second_reader, proposal, &defer()).unwrap();
    assert_eq!(seen(&ground.second_reader), (1, State::Proposed), "only the own deferral");
    record.decide(&ground.second_reader, proposal, &accept()).unwrap();
    assert_eq!(seen(&ground.second_reader), (3, State::Accepted));
    assert!(conflicts(record.read_twice(&ground.technician, case)), "somebody has decided");
}

pub fn dispute(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    record.read_twice(&ground.technician, case).unwrap();
    let proposal = ground.adenoma(case, slide);
    let early = record.adjudicate(&ground.third, proposal, &accept());
    assert!(matches!(early, Err(RecordError::Transition { .. })), "nothing is disputed");
    record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    let drawn = Ground::region(slide, "adenoma", 50.0);
    record.decide(&ground.second_reader, proposal, &correct(&drawn)).unwrap();
    assert_eq!(state(ground, proposal), State::Disputed);
    let own = record.adjudicate(&ground.pathologist, proposal, &accept());
    assert!(matches!(own, Err(RecordError::Forbidden { .. })), "a reader is no third");
    let settled = record.adjudicate(&ground.third, proposal, &correct(&drawn)).unwrap();
    assert_eq!(state(ground, proposal), State::Corrected);
    assert_eq!(record.decisions(&ground.pathologist, proposal).unwrap().len(), 3, "all are kept");
    let again = record.amend(&ground.second_reader, settled, &accept());
    assert!(matches!(again, Err(RecordError::Forbidden { .. })), "needs an adjudicator");
}

pub fn settled_by_a_third(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Double);
    let proposal = ground.adenoma(case, slide);
    let first = record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    record.decide(&ground.second_reader, proposal, &refuse()).unwrap();
    assert!(conflicts(record.amend(&ground.pathologist, first, &refuse())), "it is disputed");
    let settled = record.adjudicate(&ground.third, proposal, &refuse()).unwrap();
    for (reader, old) in [(&ground.pathologist, settled), (&ground.pathologist, first)] {
        let own = record.amend(reader, old, &accept());
        assert!(matches!(own, Err(RecordError::Forbidden { .. })), "a reader is no third: {own:?}");
    }
    assert_eq!(state(ground, proposal), State::Refused);
    let again = record.amend(&ground.third, settled, &accept()).unwrap();
    assert_eq!(state(ground, proposal), State::Accepted);
    let own = record.amend(&ground.second_reader, again, &refuse());
    assert!(matches!(own, Err(RecordError::Forbidden { .. })), "{own:?}");
}

pub fn one_of_two_who_agreed(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Double);
    let proposal = ground.adenoma(case, slide);
    let first = record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    let second = record.decide(&ground.second_reader, proposal, &accept()).unwrap();
    let others = record.amend(&ground.pathologist, second, &refuse());
    assert!(matches!(others, Err(RecordError::Forbidden { .. })), "{others:?}");
    assert_eq!(state(ground, proposal), State::Accepted);
    let seen = record.finding(&ground.pathologist, proposal).unwrap();
    assert_eq!(seen.proposal.standing, Some(second));
    let same = record.amend(&ground.pathologist, first, &accept()).unwrap();
    assert_eq!(state(ground, proposal), State::Accepted, "both still agree");
    assert!(conflicts(record.amend(&ground.pathologist, first, &refuse())), "amended already");
    record.amend(&ground.pathologist, same, &refuse()).unwrap();
    assert_eq!(state(ground, proposal), State::Disputed, "one alone does not overturn both");
    assert_eq!(record.finding(&ground.third, proposal).unwrap().proposal.standing, None);
    let settle = |actor| record.adjudicate(actor, proposal, &refuse());
    assert!(matches!(settle(&ground.second_reader), Err(RecordError::Forbidden { .. })));
    settle(&ground.third).unwrap();
    assert_eq!(state(ground, proposal), State::Refused);
}

pub fn agreement_is_of_the_content(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Double);
    let region = |label| Ground::region(slide, label, 0.0);
    let (carcinoma, artefact) = (region("adenocarcinoma"), region("artefact"));
    let pairs = [
        (correct(&carcinoma), correct(&artefact)),
        (correct(&artefact), correct(&carcinoma)),
        (correct(&carcinoma), correct(&carcinoma)),
    ];
    for (first, second) in &pairs {
        let proposal = ground.adenoma(case, slide);
        record.decide(&ground.pathologist, proposal, first).unwrap();
        record.decide(&ground.second_reader, proposal, second).unwrap();
    }
    let found = record.agreement(&ground.third, LesionRegion::KIND, Some(case)).unwrap();
    let kappa = found[0].kappa.unwrap();
    assert!((kappa.observed - 1.0 / 3.0).abs() < 1e-12, "{kappa:?}");
    assert!(kappa.kappa.unwrap() < 0.0, "{kappa:?}");
    let readings = &found[0].readings;
    let agree: Vec<_> = readings.iter().map(|pair| pair.agree).collect();
    assert_eq!(agree, [false, false, true]);
    let mut labels = [readings[0].first_label.as_str(), readings[0].second_label.as_str()];
    labels.sort_unstable();
    assert_eq!(labels, ["adenocarcinoma", "artefact"]);
}

pub fn agreement(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Double);
    let drawn = Ground::region(slide, "adenoma", 50.0);
    let pairs: [(NewDecision, NewDecision); 4] = [
        (accept(), accept()),
        (refuse(), refuse()),
        (accept(), refuse()),
        (accept(), correct(&drawn)),
    ];
    for (first, second) in &pairs {
        let proposal = ground.adenoma(case, slide);
        record.decide(&ground.pathologist, proposal, first).unwrap();
        record.decide(&ground.second_reader, proposal, second).unwrap();
    }
    let found = record.agreement(&ground.third, LesionRegion::KIND, Some(case)).unwrap();
    assert_eq!(found.len(), 1);
    let kappa = found[0].kappa.unwrap();
    assert_eq!((kappa.pairs, kappa.observed), (4, 0.75), "the label is kept, the outline not");
    // By chance: adenoma 3/4 * 2/4 and refused 1/4 * 2/4.
    assert!((kappa.expected - 0.5).abs() < 1e-12);
    let agree: Vec<_> = found[0].readings.iter().map(|pair| pair.agree).collect();
    assert_eq!(agree, [true, true, false, false]);
    let overlaps: Vec<_> = found[0].readings.iter().map(|pair| pair.overlap).collect();
    assert!((overlaps[0].unwrap().iou - 1.0).abs() < 1e-9);
    assert_eq!((overlaps[1], overlaps[2]), (None, None));
    assert!((overlaps[3].unwrap().iou - 1.0 / 3.0).abs() < 1e-9);
    assert!(record.agreement(&ground.third, "statement", None).unwrap().is_empty());
}

pub fn agreement_about_points(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Double);
    let content = Content::of(&Ground::point(slide, "adenoma", 10.0)).unwrap();
    let moved = Ground::point(slide, "adenoma", 13.0);
    let outlined = Ground::region(slide, "adenoma", 0.0);
    for second in [accept(), correct(&moved), correct(&outlined), refuse()] {
        let new = Ground::proposal(case, slide, content.clone());
        let proposal = record.propose(&ground.program, &new).unwrap();
        record.decide(&ground.pathologist, proposal, &accept()).unwrap();
        record.decide(&ground.second_reader, proposal, &second).unwrap();
    }
    let found = record.agreement(&ground.third, LesionRegion::KIND, Some(case)).unwrap();
    let readings = &found[0].readings;
    assert!(readings.iter().all(|pair| pair.overlap.is_none()), "a point covers nothing");
    let apart: Vec<_> =
        readings.iter().map(|pair| pair.distance.map(|apart| (apart.x, apart.y))).collect();
    assert_eq!(apart, [Some((0.0, 0.0)), Some((3.0, 0.0)), None, None]);
}

//! The worklist.

use bianque_record::{
    cases::{NewCase, Reading, Status, Urgency, WorklistQuery},
    identity::CaseId,
    proposals::{QualityVerdict, SlideVerdict},
    release::Undecided,
};

use crate::support::ground::{Ground, accept, correct, refuse, sign};

fn shown(ground: &Ground, query: &WorklistQuery) -> Vec<CaseId> {
    let page = ground.record.worklist(&ground.pathologist, query).unwrap();
    page.items.iter().map(|item| item.case.id).collect()
}

pub fn order(ground: &Ground) {
    let record = &ground.record;
    let (old, _) = ground.case(Reading::Single);
    let (bad, slide) = ground.case(Reading::Single);
    let (urgent, _) = ground.case(Reading::Single);
    record.assign(&ground.technician, urgent, Urgency::Urgent, None).unwrap();
    let proposal = ground.propose(bad, slide, &Ground::bad_slide(slide));
    let all = WorklistQuery::default();
    assert_eq!(shown(ground, &all), [bad, urgent, old]);
    let page = record.worklist(&ground.pathologist, &all).unwrap();
    assert_eq!(page.items[0].bad_slide.as_deref(), Some("rescan: focus"));
    assert_eq!((page.items[0].case.undecided, page.next), (1, None));

    // A person who says that the slide is good takes the case from the top.
    let decision = record.decide(&ground.technician, proposal, &refuse()).unwrap();
    assert_eq!(shown(ground, &all), [urgent, old, bad]);
    record.amend(&ground.technician, decision, &accept()).unwrap();
    assert_eq!(shown(ground, &all), [bad, urgent, old]);
    let good = QualityVerdict { slide, verdict: SlideVerdict::Pass, reasons: Vec::new() };
    let standing = record.proposals(&ground.technician, bad).unwrap()[0].standing.unwrap();
    record.amend(&ground.technician, standing, &correct(&good)).unwrap();
    assert_eq!(shown(ground, &all), [urgent, old, bad]);

    record.sign_out(&ground.pathologist, old, &sign(Undecided::Refuse)).unwrap();
    assert_eq!(shown(ground, &all), [urgent, bad]);
    let signed = WorklistQuery { status: Status::Signed, ..all };
    assert_eq!(shown(ground, &signed), [old]);
}

pub fn pages(ground: &Ground) {
    let record = &ground.record;
    for number in 0..23_usize {
        let new = NewCase {
            urgency: Urgency::ALL[number % 4],
            ..ground.new_case(if number % 5 == 0 { Reading::Double } else { Reading::Single })
        };
        let case = record.add_case(&ground.technician, &new).unwrap();
        if number % 3 == 0 {
            let reader = Some(ground.third.user());
            record.assign(&ground.technician, case, new.urgency, reader).unwrap();
        }
    }
    let all = shown(ground, &WorklistQuery { limit: 100, ..WorklistQuery::default() });
    assert_eq!(all.len(), 23);
    let filters = [
        WorklistQuery::default(),
        WorklistQuery { urgency: Some(Urgency::Low), ..WorklistQuery::default() },
        WorklistQuery { assigned: Some(ground.third.user()), ..WorklistQuery::default() },
    ];
    for (filter, count) in filters.into_iter().zip([23, 5, 8]) {
        let mut query = WorklistQuery { limit: 4, ..filter };
        let mut found = Vec::new();
        loop {
            let page = record.worklist(&ground.pathologist, &query).unwrap();
            assert!(page.items.len() <= 4);
            found.extend(page.items.iter().map(|item| item.case.id));
            let Some(next) = page.next else { break };
            query.after = Some(next.to_string().parse().unwrap());
        }
        assert_eq!(found.len(), count);
        let in_order: Vec<_> = all.iter().copied().filter(|id| found.contains(id)).collect();
        assert_eq!(found, in_order);
    }
    let number = record.case(&ground.pathologist, all[3]).unwrap().case.number.to_string();
    let named = |text: &str| {
        let named = Some(text.parse().unwrap());
        shown(ground, &WorklistQuery { named, limit: 100, ..WorklistQuery::default() })
    };
    assert_eq!(named(&number.to_uppercase()), [all[3]]);
    assert_eq!(named(&number.to_lowercase()[1..]), [all[3]]);
    assert!(named("%").is_empty() && named("_").is_empty(), "a sign is no pattern");
    let bad = WorklistQuery { only_bad_slides: true, ..WorklistQuery::default() };
    assert!(shown(ground, &bad).is_empty());
    let second = record.worklist(&ground.second_reader, &WorklistQuery::default()).unwrap();
    assert_eq!(second.items.len(), 5, "a second reader sees what is read twice");
}

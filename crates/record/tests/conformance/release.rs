//! What is signed and what leaves.

use std::time::Duration;

use bianque_record::{
    RecordError,
    cases::{Purpose, Reading, Status},
    proposals::State,
    release::{CaseVersion, DiscrepancyQuery, Unconfirmed, Undecided},
};

use crate::support::ground::{Ground, accept, correct, refuse, sign};

pub fn sign_out(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let accepted = ground.adenoma(case, slide);
    let corrected = ground.adenoma(case, slide);
    let refused = ground.adenoma(case, slide);
    let open = ground.adenoma(case, slide);
    let drawn = Ground::region(slide, "adenocarcinoma", 3.0);
    record.decide(&ground.pathologist, accepted, &accept()).unwrap();
    record.decide(&ground.pathologist, corrected, &correct(&drawn)).unwrap();
    record.decide(&ground.pathologist, refused, &refuse()).unwrap();
    assert!(record.released(&ground.pathologist, case, None).is_err(), "nothing is signed");
    let early = record.sign_out(&ground.pathologist, case, &sign(Undecided::Refuse));
    assert!(matches!(early, Err(RecordError::Conflict(_))), "{early:?}");
    let signed = record.sign_out(&ground.pathologist, case, &sign(Undecided::LeaveOut)).unwrap();
    assert_eq!(signed.version, 1);

    let released = record.released(&ground.pathologist, case, None).unwrap();
    assert_eq!(released.digest(), signed.digest);
    let version: &CaseVersion = released.content();
    assert_eq!(
        bianque_core::Digest::of(version.canonical_text().unwrap().as_bytes()),
        signed.digest
    );
    let found: Vec<_> = version.findings.iter().map(|f| (f.proposal, f.corrected)).collect();
    assert_eq!(found, [(accepted, false), (corrected, true)]);
    assert_eq!(version.findings[1].content, serde_json::to_value(&drawn).unwrap());
    assert_eq!(version.findings[1].confirmations[0].reader, ground.pathologist.user());
    assert_eq!((&version.refused[..], &version.undecided[..]), (&[refused][..], &[open][..]));
    let states: Vec<State> =
        record.proposals(&ground.pathologist, case).unwrap().iter().map(|p| p.state).collect();
    assert_eq!(states, [State::Released, State::Released, State::Refused, State::Proposed]);

    let again = record.sign_out(&ground.pathologist, case, &sign(Undecided::LeaveOut));
    assert!(matches!(again, Err(RecordError::Conflict(_))));
    let late = record.decide(&ground.pathologist, open, &accept());
    assert!(matches!(late, Err(RecordError::Conflict(_))), "the case is signed");

    let (double, slide) = ground.case(Reading::Double);
    let half = ground.adenoma(double, slide);
    record.decide(&ground.pathologist, half, &accept()).unwrap();
    let half = record.sign_out(&ground.pathologist, double, &sign(Undecided::LeaveOut));
    assert!(matches!(half, Err(RecordError::Conflict(_))), "one of two has read");
}

pub fn late_proposal(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let first = ground.adenoma(case, slide);
    record.decide(&ground.pathologist, first, &accept()).unwrap();
    let signed = record.sign_out(&ground.pathologist, case, &sign(Undecided::Refuse)).unwrap();
    let late = ground.adenoma(case, slide);
    let after = record.released(&ground.pathologist, case, None).unwrap();
    assert_eq!((after.digest(), after.content().findings.len()), (signed.digest, 1));
    let found = record.discrepancies(&ground.pathologist, &DiscrepancyQuery::default()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].proposal, found[0].version), (late, 1));
    assert_eq!(found[0].number, record.case(&ground.pathologist, case).unwrap().case.number);
    let second = record.discrepancies(&ground.second_reader, &DiscrepancyQuery::default()).unwrap();
    assert!(second.is_empty(), "a second reader is not told of a case that is read once");
    let proposals = record.proposals(&ground.pathologist, case).unwrap();
    assert!(proposals.iter().any(|p| p.proposal.id == late && p.proposal.late));
    let reason = "looked again: no change".parse().unwrap();
    record.close_discrepancy(&ground.pathologist, found[0].id, &reason).unwrap();
    assert!(record.close_discrepancy(&ground.pathologist, found[0].id, &reason).is_err());
    let query = DiscrepancyQuery { case: Some(case), closed_too: true, after: None };
    let closed = record.discrepancies(&ground.pathologist, &query).unwrap().remove(0).closed;
    assert_eq!(closed.unwrap().2, reason);
    let open = record.discrepancies(&ground.pathologist, &DiscrepancyQuery::default()).unwrap();
    assert!(open.is_empty());
}

pub fn amended_version(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let proposal = ground.adenoma(case, slide);
    let decision = record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    let first = record.sign_out(&ground.pathologist, case, &sign(Undecided::Refuse)).unwrap();
    let early = record.amend(&ground.pathologist, decision, &refuse());
    assert!(matches!(early, Err(RecordError::Conflict(_))), "signed");
    record.reopen(&ground.pathologist, case, &"new stain".parse().unwrap()).unwrap();
    record.amend(&ground.pathologist, decision, &refuse()).unwrap();
    let still = record.released(&ground.clinician, case, None).unwrap();
    assert_eq!(still.digest(), first.digest, "until another version is signed");
    let second = record.sign_out(&ground.pathologist, case, &sign(Undecided::Refuse)).unwrap();
    assert_eq!(second.version, 2);
    let now = record.released(&ground.clinician, case, None).unwrap();
    assert!(now.content().findings.is_empty());
    assert_eq!(now.content().amends, Some(first.digest));
    let old = record.released(&ground.clinician, case, Some(1)).unwrap();
    assert_eq!((old.digest(), old.content().findings.len()), (first.digest, 1));
    assert!(record.released(&ground.clinician, case, Some(3)).is_err());
    let status = record.case(&ground.pathologist, case).unwrap().case.status;
    assert_eq!(status, Status::Signed);
}

pub fn exports(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let patient = record.case(&ground.pathologist, case).unwrap().case.patient;
    let proposal = ground.adenoma(case, slide);
    let nothing = record.export_released(&ground.pathologist, case, Purpose::Care);
    assert!(matches!(nothing, Err(RecordError::NotFound { .. })), "nothing is signed");
    let copy = record.export_unconfirmed(&ground.pathologist, case, Purpose::Care).unwrap();
    let json = serde_json::to_value(&copy).unwrap();
    assert_eq!(json["status"], "unconfirmed");
    assert_eq!(json["notice"], Unconfirmed::<()>::MARK);
    assert_eq!(json["content"]["proposals"][0]["state"], "proposed");

    let training = || record.export_unconfirmed(&ground.pathologist, case, Purpose::Training);
    assert!(matches!(training(), Err(RecordError::NoConsent { .. })), "nobody asked the patient");
    let until = Some(ground.now().after(Duration::from_secs(600)));
    let consent = |granted, until| {
        let (who, purpose) = (&ground.technician, Purpose::Training);
        record.record_consent(who, &patient, purpose, granted, until).unwrap();
    };
    consent(true, until);
    assert_eq!(training().unwrap().content().proposals.len(), 1, "tagged for it");
    ground.wait(Duration::from_secs(600));
    assert!(matches!(training(), Err(RecordError::NoConsent { .. })), "it has run out");
    consent(true, None);
    consent(false, None);
    assert!(matches!(training(), Err(RecordError::NoConsent { .. })), "taken back");
    assert_eq!(record.consents(&ground.technician, &patient).unwrap().len(), 3);

    record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    record.sign_out(&ground.pathologist, case, &sign(Undecided::Refuse)).unwrap();
    let released = record.export_released(&ground.pathologist, case, Purpose::Care).unwrap();
    let json = serde_json::to_value(&released).unwrap();
    assert_eq!(json["status"], "released");
    assert_eq!(json["digest"], released.digest().to_string());
    assert_eq!(json["content"]["findings"].as_array().unwrap().len(), 1);
}

pub fn who_sees_what(ground: &Ground) {
    let record = &ground.record;
    let (case, slide) = ground.case(Reading::Single);
    let proposal = ground.adenoma(case, slide);
    record.decide(&ground.pathologist, proposal, &accept()).unwrap();
    record.sign_out(&ground.pathologist, case, &sign(Undecided::Refuse)).unwrap();
    record.released(&ground.clinician, case, None).unwrap();
    let foreign =
        bianque_record::cases::NewCase { requested_by: None, ..ground.new_case(Reading::Single) };
    let foreign = record.add_case(&ground.technician, &foreign).unwrap();
    let other = record.released(&ground.clinician, foreign, None);
    assert!(matches!(other, Err(RecordError::Forbidden { .. })), "{other:?}");

    let patient = record.case(&ground.pathologist, case).unwrap().case.patient;
    let read = || record.case(&ground.researcher, case);
    assert!(matches!(read(), Err(RecordError::NoConsent { .. })));
    record.record_consent(&ground.clinician, &patient, Purpose::Research, true, None).unwrap();
    read().unwrap();
    let left = record.export_released(&ground.researcher, case, Purpose::Research).unwrap();
    let inside = record.released(&ground.researcher, case, None).unwrap();
    for told in [&left, &inside] {
        let told = serde_json::to_value(told).unwrap();
        assert_eq!(told["withheld"], serde_json::json!(["number"]), "{told}");
        assert_eq!(told["content"].get("number"), None, "a researcher knows the pseudonym alone");
    }
    let seen = |who| record.released_cases(who, None, 100).unwrap().items;
    assert_eq!(seen(&ground.clinician).len(), 1, "the other is not signed, nor his");
    assert_eq!((seen(&ground.researcher)[0].case, seen(&ground.researcher)[0].version), (case, 1));
    assert!(record.released_cases(&ground.administrator, None, 1).is_err());
    let wrong = record.set_requester(&ground.technician, case, Some(ground.third.user()));
    assert!(matches!(wrong, Err(RecordError::Invalid { .. })), "{wrong:?}");
    record.set_requester(&ground.technician, case, None).unwrap();
    assert!(seen(&ground.clinician).is_empty());
    assert!(record.patient_of(&ground.clinician, case).is_err());
    record.set_requester(&ground.technician, case, Some(ground.clinician.user())).unwrap();
    assert_eq!(record.patient_of(&ground.clinician, case).unwrap(), patient);
    let exchange = record.export_released(&ground.researcher, case, Purpose::Exchange);
    assert!(matches!(exchange, Err(RecordError::NoConsent { .. })), "another purpose");
    let soon = Some(ground.now());
    record.record_consent(&ground.technician, &patient, Purpose::Research, true, soon).unwrap();
    assert!(seen(&ground.researcher).is_empty(), "it has run out");
    record.record_consent(&ground.clinician, &patient, Purpose::Research, true, None).unwrap();
    record.record_consent(&ground.clinician, &patient, Purpose::Research, false, None).unwrap();
    assert!(seen(&ground.researcher).is_empty(), "it was taken back");
    record.record_consent(&ground.clinician, &patient, Purpose::Research, true, None).unwrap();
    read().unwrap();
    record.reopen(&ground.pathologist, case, &"once more".parse().unwrap()).unwrap();
    let open = [
        read().map(drop),
        record.findings(&ground.researcher, case).map(drop),
        record.released(&ground.researcher, case, None).map(drop),
        record.export_unconfirmed(&ground.researcher, case, Purpose::Research).map(drop),
    ];
    for told in open {
        assert!(matches!(told, Err(RecordError::Forbidden { .. })), "it is open: {told:?}");
    }
    assert!(seen(&ground.researcher).is_empty(), "it is open again");
}

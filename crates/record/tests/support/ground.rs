//! A record with people, cases and slides to try things on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use bianque_core::{Digest, Level0, Magnification, PixelRect, Point, Polygon, Producer};
use bianque_record::{
    Actor, Record, Role, Settings,
    cases::{NewCase, NewSlide, Purpose, Reading, Urgency},
    database::Location,
    decisions::{Judgement, NewDecision, Viewed},
    identity::{CaseId, Moment, ProposalId, SlideId},
    people::{NewAccount, Password, PasswordCost},
    proposals::{
        Content, Evidence, Field, LesionRegion, LesionShape, ModelConfidence, NewProposal,
        ProposalContent, QualityReason, QualityVerdict, SlideVerdict,
    },
    release::{SignOut, Undecided},
};
use serde::{Deserialize, Serialize};

pub const PASSWORD: &str = "correct horse";

/// A kind that only tests have: tables, queue and release know nothing of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    pub text: String,
}

impl ProposalContent for Statement {
    const KIND: &'static str = "statement";
    const VERSION: u32 = 1;
    const FIELD: Field = Field::Advice;

    fn headline(&self) -> String {
        self.text.clone()
    }
}

pub struct Ground {
    pub location: Location,
    pub record: Record,
    pub pathologist: Actor,
    pub second_reader: Actor,
    pub third: Actor,
    pub technician: Actor,
    pub clinician: Actor,
    pub researcher: Actor,
    pub administrator: Actor,
    pub program: Actor,
    time: Arc<AtomicI64>,
    cases: AtomicU32,
}

impl Ground {
    pub fn new(location: Location) -> Self {
        // Every look at the clock is a second later: nothing happens twice at once.
        let time = Arc::new(AtomicI64::new(1_700_000_000_000_000));
        let record = Record::open(&location, settings(&time)).unwrap();
        let add = |name: &str, role| {
            let account = NewAccount {
                login: name.parse().unwrap(),
                password: Some(Password::new(PASSWORD).unwrap()),
                roles: vec![role],
            };
            let id = record.add_account(&Actor::console(), &account).unwrap();
            record.actor(id, role).unwrap()
        };
        Self {
            pathologist: add("first", Role::Pathologist),
            second_reader: add("second", Role::SecondReader),
            third: add("third", Role::Pathologist),
            technician: add("technician", Role::Technician),
            clinician: add("clinician", Role::Clinician),
            researcher: add("researcher", Role::Researcher),
            administrator: add("administrator", Role::Administrator),
            program: add("program", Role::Program),
            location,
            record,
            time,
            cases: AtomicU32::new(1),
        }
    }

    /// Another program's view of the same database.
    pub fn opened_again(&self) -> Record {
        Record::open(&self.location, settings(&self.time)).unwrap()
    }

    pub fn now(&self) -> Moment {
        Moment::from_microseconds(self.time.load(Ordering::Relaxed))
    }

    pub fn wait(&self, duration: Duration) {
        let microseconds = i64::try_from(duration.as_micros()).unwrap();
        self.time.fetch_add(microseconds, Ordering::Relaxed);
    }

    pub fn new_case(&self, reading: Reading) -> NewCase {
        let number = self.cases.fetch_add(1, Ordering::Relaxed);
        NewCase {
            number: format!("S26-{number:05}").parse().unwrap(),
            patient: format!("P-{number:04}").parse().unwrap(),
            urgency: Urgency::Routine,
            reading,
            requested_by: Some(self.clinician.user()),
        }
    }

    /// A case with one slide.
    pub fn case(&self, reading: Reading) -> (CaseId, SlideId) {
        let (record, who) = (&self.record, &self.technician);
        let case = record.add_case(who, &self.new_case(reading)).unwrap();
        let (label, organ) = ("A".parse().unwrap(), "colon".parse().unwrap());
        let specimen = record.add_specimen(who, case, &label, &organ).unwrap();
        let block = record.add_block(who, specimen, &label).unwrap();
        let slide = NewSlide {
            label: "A1-1".parse().unwrap(),
            stain: "HE".parse().unwrap(),
            digest: Digest::of(case.to_string().as_bytes()),
            path: "2026/a.svs".parse().unwrap(),
        };
        (case, record.add_slide(who, block, &slide).unwrap())
    }

    pub fn region(slide: SlideId, label: &str, x: f64) -> LesionRegion {
        let at = |dx: f64, dy: f64| Point::<Level0>::new(x + dx, dy);
        LesionRegion {
            slide,
            label: label.parse().unwrap(),
            shape: LesionShape::Outline(vec![Polygon::simple(vec![
                at(0.0, 0.0),
                at(100.0, 0.0),
                at(100.0, 100.5),
                at(0.0, 100.5),
            ])]),
        }
    }

    pub fn point(slide: SlideId, label: &str, x: f64) -> LesionRegion {
        let shape = LesionShape::Point(Point::new(x, 40.5));
        LesionRegion { shape, ..Self::region(slide, label, 0.0) }
    }

    pub fn bad_slide(slide: SlideId) -> QualityVerdict {
        let reason = QualityReason { fault: "focus".parse().unwrap(), region: None };
        QualityVerdict { slide, verdict: SlideVerdict::Rescan, reasons: vec![reason] }
    }

    pub fn proposal(case: CaseId, slide: SlideId, content: Content) -> NewProposal {
        NewProposal {
            case,
            slide: Some(slide),
            content,
            evidence: vec![
                Evidence::SlideRegion { slide, region: PixelRect::new(-5, 0, 100, 100) },
                Evidence::ReportLine { report: Digest::of(b"report"), line: 3 },
                Evidence::Passage { source: Digest::of(b"guideline"), start: 10, end: 40 },
            ],
            producer: Producer {
                name: "colon".into(),
                version: "1.0.0".into(),
                digest: Some(Digest::of(b"weights")),
                licence: None,
            },
            confidence: Some(ModelConfidence::new(0.1 + 0.2).unwrap()),
            purpose: Purpose::Care,
            consent_tags: vec![Purpose::Training],
        }
    }

    pub fn propose(
        &self,
        case: CaseId,
        slide: SlideId,
        content: &impl ProposalContent,
    ) -> ProposalId {
        let new = Self::proposal(case, slide, Content::of(content).unwrap());
        self.record.propose(&self.program, &new).unwrap()
    }

    pub fn adenoma(&self, case: CaseId, slide: SlideId) -> ProposalId {
        self.propose(case, slide, &Self::region(slide, "adenoma", 0.0))
    }
}

fn settings(time: &Arc<AtomicI64>) -> Settings {
    let time = Arc::clone(time);
    Settings {
        password_cost: PasswordCost { memory: 64, passes: 1 },
        clock: Arc::new(move || {
            Moment::from_microseconds(time.fetch_add(1_000_000, Ordering::Relaxed))
        }),
        ..Settings::default()
    }
}

pub fn decision(judgement: Judgement) -> NewDecision {
    NewDecision {
        request: None,
        judgement,
        reason: Some("seen".parse().unwrap()),
        viewed: Vec::new(),
        spent: Duration::from_millis(2300),
        aided: true,
    }
}

pub fn accept() -> NewDecision {
    decision(Judgement::Accept)
}

pub fn refuse() -> NewDecision {
    decision(Judgement::Refuse("regenerative".parse().unwrap()))
}

pub fn defer() -> NewDecision {
    decision(Judgement::Defer("deeper levels ordered".parse().unwrap()))
}

pub fn correct(content: &impl ProposalContent) -> NewDecision {
    decision(Judgement::Correct(Content::of(content).unwrap()))
}

pub fn viewed(slide: SlideId) -> Viewed {
    let magnification = Magnification::new(20.0).unwrap();
    Viewed { slide, region: PixelRect::new(0, 0, 2000, 1000), magnification }
}

pub fn sign(undecided: Undecided) -> SignOut {
    SignOut { conclusion: "Tubular adenoma.".parse().unwrap(), undecided }
}

//! `/api/v1/cases/{case}/slides/{slide}/annotations`: points by the million, in binary.
//!
//! The form, little endian: the bytes `BNA1`; the number of points (`u32`); of each point x and y
//! (`f32`, level-0 pixels); of each point its class (`u8`).

use axum::{
    Json,
    body::Bytes,
    extract::{self, Path, Query},
    http::header,
    response::{IntoResponse, Response},
};
use bianque_core::{Digest, Level0, PixelRect, Producer};
use bianque_record::{
    Record, Role,
    cases::Purpose,
    identity::{CaseId, Label, ProposalId, RequestKey, SlideId},
    proposals::{BulkPoints, Content, NewProposal, ProposalContent},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    State,
    bodies::{Rectangle, parsed, text},
    findings::is_by_hand,
    withheld::Standing,
};
use crate::{
    access::{Caller, Known},
    answer::Refusal,
    events::Event,
};

const MAGIC: &[u8] = b"BNA1";
/// What the body is.
pub(crate) const FORM: &str = "Little endian: the bytes BNA1; the number of points (u32); of each \
                               point x and y (f32, level-0 pixels); of each point its class (u8).";
/// Bytes before the first point.
const HEAD: usize = 8;
/// Bytes of a point: two coordinates and a class.
const POINT: usize = 9;
/// The longest body: the most points that a set may have.
pub(crate) const LARGEST: usize = HEAD + POINT * BulkPoints::MOST as usize;

/// Sets of points of a slide.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Sets {
    sets: Vec<SetLine>,
}

/// A set of points: a finding like any other.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SetLine {
    id: String,
    kind: &'static str,
    label: String,
    classes: Vec<String>,
    count: u64,
    bounds: Rectangle,
    state: String,
}

/// What a body of points is.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct NewSet {
    /// Names the request: sent again, it counts once.
    key: String,
    label: String,
    /// Names of the classes, in order, separated by commas.
    classes: String,
    /// What found the points: for a program's token, which must name it. Nobody else may: a person's
    /// points are recorded as a file that this login put in.
    producer: Option<String>,
    /// The producer's version.
    version: Option<String>,
    /// The digest of the producer's weights or rules, `blake3:` and 64 digits, where it has some.
    digest: Option<String>,
}

/// How the producer of a person's file is called, before the login.
const PUT_IN: &str = "file put in by";

/// Whether a producer's name says that a person here is behind it.
pub(crate) fn names_a_person(name: &str) -> bool {
    let start = name.trim().get(..PUT_IN.len());
    is_by_hand(name) || start.is_some_and(|start| start.eq_ignore_ascii_case(PUT_IN))
}

impl NewSet {
    /// The program that a program's token names.
    fn program(&self) -> Result<Producer, Refusal> {
        let (Some(name), Some(version)) = (&self.producer, &self.version) else {
            let what = "a program names itself in `producer` and `version`";
            return Err(Refusal::Request(what.to_owned()));
        };
        if names_a_person(name) {
            let what = "the producer's name says that a person drew it";
            return Err(Refusal::Request(what.to_owned()));
        }
        let digest = self.digest.as_deref().map(str::parse::<Digest>).transpose();
        let digest = digest.map_err(|error| Refusal::Request(error.to_string()))?;
        Ok(Producer { name: name.clone(), version: version.clone(), digest, licence: None })
    }

    /// What is recorded of a person's file: who put it in, and which file it was.
    fn file_of(&self, login: &str, file: &[u8]) -> Result<Producer, Refusal> {
        if self.producer.is_some() || self.version.is_some() || self.digest.is_some() {
            let what = "only a program's token may name a producer: leave `producer`, `version` and `digest` out";
            return Err(Refusal::Forbidden(what.to_owned()));
        }
        Ok(Producer {
            name: format!("{PUT_IN} {login}"),
            version: "not stated".to_owned(),
            digest: Some(Digest::of(file)),
            licence: None,
        })
    }
}

/// Every set that the reader may see.
pub(crate) async fn list(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide)): Path<(String, String)>,
) -> Result<Json<Sets>, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let sets = state.record(move |record| sets(record, &caller, case)).await?;
    let sets = sets.into_iter().filter(|(_, points, _)| points.slide == slide);
    let line = |(id, points, state): (ProposalId, BulkPoints, String)| SetLine {
        id: text(id),
        kind: "points",
        label: text(&points.label),
        classes: points.classes.iter().map(text).collect(),
        count: points.count,
        bounds: points.bounds.into(),
        state,
    };
    Ok(Json(Sets { sets: sets.map(line).collect() }))
}

type Found = (ProposalId, BulkPoints, String);

/// What the reader may see of a case's sets: nothing until it is revealed.
fn sets(record: &Record, caller: &Caller, case: CaseId) -> bianque_record::Result<Vec<Found>> {
    let actor = caller.actor;
    if !Standing::of(record, &actor, case)?.revealed {
        record.slides_of_case(&actor, case)?;
        return Ok(Vec::new());
    }
    let findings = record.findings(&actor, case)?;
    let kept = findings.iter().filter(|f| f.proposal.proposal.kind == BulkPoints::KIND);
    kept.map(|finding| {
        let proposal = &finding.proposal.proposal;
        Ok((proposal.id, proposal.content()?, text(finding.proposal.state)))
    })
    .collect()
}

/// A set's points.
pub(crate) async fn points(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide, set)): Path<(String, String, String)>,
) -> Result<Response, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let id: ProposalId = parsed(&set)?;
    let place = state.clone();
    let bytes = state
        .record(move |record| {
            let sets = sets(record, &caller, case)?;
            let found =
                sets.iter().find(|(known, points, _)| *known == id && points.slide == slide);
            let longest = LARGEST as u64;
            found.map(|(_, points, _)| place.objects.get(points.object, longest)).transpose()
        })
        .await?;
    let bytes = bytes.ok_or(Refusal::NotFound("set of points"))?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "private, max-age=300"),
    ];
    Ok((headers, bytes).into_response())
}

/// Puts a set of points: a proposal, whoever sends it.
pub(crate) async fn put(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((case, slide)): Path<(String, String)>,
    Query(new): Query<NewSet>,
    body: Bytes,
) -> Result<Json<serde_json::Value>, Refusal> {
    let (case, slide): (CaseId, SlideId) = (parsed(&case)?, parsed(&slide)?);
    let (key, label): (RequestKey, Label) = (parsed(&new.key)?, parsed(&new.label)?);
    let classes: Vec<Label> = new.classes.split(',').map(parsed).collect::<Result<_, _>>()?;
    let (count, bounds) = check(&body, classes.len())?;
    let (actor, place) = (caller.actor, state.clone());
    // A person may have the role too, and logs in: only a token is a program's.
    let is_program = caller.known == Known::Program && actor.role() == Role::Program;
    let producer = if is_program {
        new.program()?
    } else {
        let member = state.record(move |record| record.who_is(&actor)).await?;
        new.file_of(&member.login, &body)?
    };
    let id = state
        .record(move |record| {
            record.slide_of_case(&actor, case, slide)?;
            let object = place.objects.put(&mut body.as_ref())?;
            let points = BulkPoints { slide, label, classes, object, count, bounds };
            let proposal = NewProposal {
                case,
                slide: Some(slide),
                content: Content::of(&points)?,
                evidence: Vec::new(),
                producer,
                confidence: None,
                purpose: Purpose::Care,
                consent_tags: Vec::new(),
            };
            record.propose_once(&actor, &proposal, Some(&key))
        })
        .await?;
    state.events.tell(Event::Case { case });
    Ok(Json(serde_json::json!({ "id": id })))
}

/// How many points there are and where; refuses what is not of the form.
fn check(body: &[u8], classes: usize) -> Result<(u64, PixelRect<Level0>), Refusal> {
    let wrong = |what: &str| Refusal::Request(format!("the points: {what}"));
    let head = body.get(..HEAD).filter(|head| head.starts_with(MAGIC));
    let head = head.ok_or_else(|| wrong("they do not begin with BNA1 and a number"))?;
    let count = head.get(4..).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes);
    let length = HEAD as u64 + POINT as u64 * u64::from(count);
    if body.len() as u64 != length {
        return Err(wrong("their number and the body's length differ"));
    }
    let split = HEAD + 8 * count as usize;
    let (places, kinds) = (&body[HEAD..split], &body[split..]);
    if kinds.iter().any(|kind| usize::from(*kind) >= classes) {
        return Err(wrong("a class is not in the list"));
    }
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for point in places.as_chunks::<4>().0.as_chunks::<2>().0 {
        for (axis, bytes) in point.iter().enumerate() {
            let value = f32::from_le_bytes(*bytes);
            if !value.is_finite() || value.abs() > 1e7 {
                return Err(wrong("a coordinate is no number, or far outside any slide"));
            }
            low[axis] = low[axis].min(value);
            high[axis] = high[axis].max(value);
        }
    }
    if count == 0 {
        return Err(wrong("there are none"));
    }
    let side = |axis: usize| (high[axis].ceil() - low[axis].floor()).max(1.0) as u32;
    let corner = |axis: usize| low[axis].floor() as i64;
    Ok((u64::from(count), PixelRect::new(corner(0), corner(1), side(0), side(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(count: u32, points: &[(f32, f32, u8)]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(count.to_le_bytes());
        for (x, y, _) in points {
            bytes.extend(x.to_le_bytes());
            bytes.extend(y.to_le_bytes());
        }
        bytes.extend(points.iter().map(|point| point.2));
        bytes
    }

    fn new(producer: Option<&str>, digest: Option<&str>) -> NewSet {
        NewSet {
            key: "a-key-of-a-test".to_owned(),
            label: "nuclei".to_owned(),
            classes: "a".to_owned(),
            producer: producer.map(str::to_owned),
            version: producer.map(|_| "1".to_owned()),
            digest: digest.map(str::to_owned),
        }
    }

    #[test]
    fn a_program_says_who_it_is_and_that_it_is_no_person() {
        let digest = Digest::of(b"weights");
        let said = new(Some("nuclei finder"), Some(&digest.to_string())).program().unwrap();
        assert_eq!((said.name.as_str(), said.digest), ("nuclei finder", Some(digest)));
        for bad in [
            new(None, None),
            new(Some("Drawn by a person"), None),
            new(Some(" File put in by anna"), None),
            new(Some("x"), Some("sha256:00")),
        ] {
            assert!(bad.program().is_err(), "{:?}", bad.producer);
        }
    }

    #[test]
    fn a_person_s_file_passes_for_no_program() {
        for named in [new(Some("nuclei finder"), None), new(None, Some("x"))] {
            assert!(matches!(named.file_of("anna", b"x"), Err(Refusal::Forbidden(_))));
        }
        let file = new(None, None).file_of("anna", b"x").unwrap();
        assert_eq!(
            (file.name.as_str(), file.digest),
            ("file put in by anna", Some(Digest::of(b"x")))
        );
        assert!(names_a_person(&file.name));
    }

    #[test]
    fn only_what_is_of_the_form_is_taken() {
        let (count, bounds) = check(&body(2, &[(1.5, 2.0, 0), (9.0, -4.5, 1)]), 2).unwrap();
        assert_eq!((count, bounds), (2, PixelRect::new(1, -5, 8, 7)));
        for wrong in [
            Vec::new(),
            b"BNA1".to_vec(),
            body(0, &[]),
            body(3, &[(0.0, 0.0, 0)]),
            body(u32::MAX, &[(0.0, 0.0, 0)]),
            body(1, &[(f32::NAN, 0.0, 0)]),
            body(1, &[(1e9, 0.0, 0)]),
            body(1, &[(0.0, 0.0, 2)]),
        ] {
            assert!(check(&wrong, 2).is_err());
        }
    }
}
